//! Figures for Prometheus, with bounded labels.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
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
    advisory_data: Gauge,
    advisory_data_refused: Counter,
    rematched: Family<RematchLabels, Counter>,
    store_lost: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RematchLabels {
    result: &'static str,
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
        let advisory_data = Gauge::default();
        registry.register(
            "advisory_data_newest_fact_timestamp_seconds",
            "The newest fact in the advisory data, in seconds since 1970",
            advisory_data.clone(),
        );
        let advisory_data_refused = Counter::default();
        registry.register(
            "advisory_data_refused",
            "Files of advisory data that could not be used",
            advisory_data_refused.clone(),
        );
        let rematched = Family::<RematchLabels, Counter>::default();
        registry.register(
            "rematched_images",
            "Images that were matched again with other advisory data, by result",
            rematched.clone(),
        );
        let store_lost = Gauge::default();
        registry.register(
            "store_lost",
            "Whether the store was empty although this cluster was governed before",
            store_lost.clone(),
        );
        Self {
            registry,
            requests,
            duration,
            answered: AtomicU64::new(0),
            notifications,
            advisory_data,
            advisory_data_refused,
            rematched,
            store_lost,
        }
    }

    /// The newest fact in the advisory data, in seconds since 1970.
    pub(crate) fn advisory_data(&self, newest: i64) {
        self.advisory_data.set(newest);
    }

    /// A file of advisory data could not be used.
    pub(crate) fn advisory_data_refused(&self) {
        self.advisory_data_refused.inc();
    }

    /// So many images were matched again, of which so many have another verdict and so many none any more.
    pub(crate) fn rematched(&self, images: usize, changed: usize, forgotten: usize) {
        let same = images.saturating_sub(changed).saturating_sub(forgotten);
        for (result, count) in [("changed", changed), ("forgotten", forgotten), ("same", same)] {
            self.rematched
                .get_or_create(&RematchLabels { result })
                .inc_by(count as u64);
        }
    }

    /// The store was empty although this cluster was governed before.
    pub(crate) fn store_is_lost(&self) {
        self.store_lost.set(1);
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
