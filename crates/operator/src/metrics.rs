//! Figures for Prometheus, with bounded labels.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use seaworthy_gate::Phase;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// All figures.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<AdmissionLabels, Counter>,
    duration: Histogram,
    answered: AtomicU64,
    notifications: Family<NotificationLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotificationLabels {
    r#type: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AdmissionLabels {
    phase: &'static str,
    decision: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("seaworthy");
        let requests = Family::<AdmissionLabels, Counter>::default();
        registry.register("admission_requests", "Admission reviews by answer", requests.clone());
        let duration = Histogram::new([0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.1]);
        registry.register(
            "admission_duration_seconds",
            "Time to answer an admission review",
            duration.clone(),
        );
        let notifications = Family::<NotificationLabels, Counter>::default();
        registry.register(
            "notifications",
            "Messages to alert channels by type and result",
            notifications.clone(),
        );
        Self {
            registry,
            requests,
            duration,
            answered: AtomicU64::new(0),
            notifications,
        }
    }

    pub(crate) fn notification(&self, r#type: &'static str, result: &'static str) {
        self.notifications
            .get_or_create(&NotificationLabels { r#type, result })
            .inc();
    }

    pub(crate) fn admission(&self, phase: Phase, decision: &'static str, elapsed: Duration) {
        let phase = match phase {
            Phase::Mutating => "mutating",
            Phase::Validating => "validating",
        };
        self.requests.get_or_create(&AdmissionLabels { phase, decision }).inc();
        self.duration.observe(elapsed.as_secs_f64());
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// How many reviews were answered.
    pub(crate) fn admissions(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// All figures in the text format of OpenMetrics.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
