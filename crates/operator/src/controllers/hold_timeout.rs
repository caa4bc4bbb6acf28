//! What has no verdict for longer than its policies wait: said once as an Event on what waits, and in the condition
//! `Stalled` of the ImageScan, with how long and what to do.
//!
//! Since when an image waits stands in the status of its ImageScan, so that a restart begins nothing anew.

use super::{AGAIN, Context};
use crate::alerts::{Workload, after_failure, overdue};
use crate::resources::ImageScanStatus;
use crate::shared::now;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::DynamicObject;
use seaworthy_gate::{ImageStanding, Standing, State};
use seaworthy_policy::{effective, image_name};
use std::collections::BTreeMap;
use std::time::Duration;

/// The condition and the reason of the Event.
pub(super) const HOLD_TIMEOUT: &str = "HoldTimeout";

/// What waits.
pub(super) struct Held<'a> {
    pub(super) about: ObjectReference,
    pub(super) workload: &'a Workload,
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) template: &'a str,
    /// When it was made, in seconds since 1970.
    pub(super) created: i64,
}

/// When an object was made, in seconds since 1970.
pub(super) fn created(object: &DynamicObject) -> i64 {
    let time = object.metadata.creation_timestamp.as_ref();
    time.map_or(0, |time| time.0.as_second())
}

/// When to look again for an owner that is not known while the object is new.
pub(super) const SHORTLY: Duration = Duration::from_millis(200);
/// How long an owner may take to be known, in seconds: its object was made before what it owns.
const ACQUAINTANCE: i64 = 5;

/// Whether an object was made so lately that its owner may not be known yet.
pub(super) fn is_new(object: &DynamicObject) -> bool {
    now().saturating_sub(created(object)) < ACQUAINTANCE
}

impl Context {
    /// Tells, once, that an image waits for its verdict for too long. Says when to look again.
    pub(super) async fn watch_hold(&self, held: &Held<'_>, standing: &Standing) -> Duration {
        let namespace = &held.workload.namespace;
        let Some(timeout) = self.hold_timeout(namespace, held.labels) else {
            return AGAIN;
        };
        let mut again = AGAIN;
        for (image, standing) in &standing.images {
            let waits = matches!(
                standing,
                ImageStanding::Held {
                    state: State::Created,
                    ..
                }
            );
            if !waits || image.image.is_empty() {
                continue;
            }
            // The image may have waited for others before.
            let since = self
                .shared
                .waiting_since(namespace, &image.image, now())
                .max(held.created);
            match left(since, timeout) {
                Some(left) => again = again.min(left),
                None => {
                    let line = self.line(held.workload, &image.image, timeout);
                    self.tell(&held.about, held.template, HOLD_TIMEOUT, &line).await;
                }
            }
        }
        again
    }

    /// Notes in the status of an ImageScan since when there is no verdict, and whether that is too long, for which it gives
    /// the line for people. Says when to look again.
    pub(super) fn watch_wait(
        &self,
        namespace: &str,
        image: &str,
        present: &ImageScanStatus,
        status: &mut ImageScanStatus,
    ) -> (Option<String>, Duration) {
        if status.findings.is_some() {
            self.shared.waits_no_more(namespace, image);
            return (None, AGAIN);
        }
        let noted = present.waiting_since.as_ref().map(|time| time.0.as_second());
        let since = self.shared.waiting_since(namespace, image, noted.unwrap_or_else(now));
        status.waiting_since = Timestamp::from_second(since).ok().map(Time);
        let Some(timeout) = self.hold_timeout(namespace, &BTreeMap::new()) else {
            return (None, AGAIN);
        };
        match left(since, timeout) {
            Some(left) => (None, left),
            None => {
                let nobody = Workload {
                    namespace: namespace.to_owned(),
                    kind: String::new(),
                    name: String::new(),
                };
                (Some(self.line(&nobody, image, timeout)), AGAIN)
            }
        }
    }

    /// The time that the most impatient policy waits.
    fn hold_timeout(&self, namespace: &str, labels: &BTreeMap<String, String>) -> Option<i64> {
        let memory = self.shared.memory();
        let policies = effective(&memory.policies, &memory.namespace_labels(namespace), labels);
        policies.iter().filter_map(|policy| policy.hold_timeout).min()
    }

    fn line(&self, workload: &Workload, image: &str, timeout: i64) -> String {
        let failure = self.shared.failure(&workload.namespace, image);
        let (reason, why) = match &failure {
            Some(failure) => (failure.reason, failure.message.as_str()),
            None => ("", "its scan has not ended"),
        };
        let written = image_name::unpinned(image);
        let command = after_failure(reason, workload, written);
        overdue(written, timeout, Some(&command), why)
    }
}

/// How long it may wait; nothing when its time is over.
fn left(since: i64, timeout: i64) -> Option<Duration> {
    let left = since.saturating_add(timeout).saturating_sub(now());
    u64::try_from(left)
        .ok()
        .filter(|left| *left > 0)
        .map(Duration::from_secs)
}
