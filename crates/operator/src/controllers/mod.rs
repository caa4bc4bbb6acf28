//! The controllers: what is held is judged again whenever something changes, and let go or told why not.

mod alert_channels;
mod approvals;
mod caches;
mod earlier;
mod hold_timeout;
mod image_scans;
mod pods;
mod statuses;
mod workloads;

pub(crate) use alert_channels::ClusterSecrets;
pub(crate) use approvals::{ACCEPTED, approval_name};
pub(crate) use caches::fill;
pub(crate) use earlier::{Running, remember_what_runs};

use crate::alerts::{self, Alerts};
use crate::lately::Lately;
use crate::resources::{ImageScan, ImageScanSpec};
use crate::scans::{Scans, Wanted};
use crate::shared::Shared;
use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::controller::Action;
use kube::{Client, ResourceExt};
use seaworthy_gate::{ImageStanding, Standing, State};
use serde_json::{Value, json};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long changes are gathered before everything that is held is looked at again.
const GATHER: Duration = Duration::from_millis(50);
/// What is held is looked at again after this time also when nothing seems to have changed.
const AGAIN: Duration = Duration::from_secs(60);

/// What was said once: of which object, of which template, for which reason.
type Told = (String, String, &'static str);

/// What all controllers need.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) shared: Arc<Shared>,
    pub(crate) scans: Arc<Scans>,
    pub(crate) alerts: Arc<Alerts>,
    /// What is kept from running, for the figures of policies.
    waiting: Arc<statuses::Waiting>,
    /// Object, template and word of the Events that were sent, so that each is sent once.
    told: Arc<Mutex<Lately<Told, ()>>>,
    /// Namespaces and images that have an ImageScan.
    recorded: Arc<Mutex<Lately<(String, String), ()>>>,
}

impl Context {
    pub(crate) fn new(client: Client, shared: Arc<Shared>, scans: Arc<Scans>, alerts: Arc<Alerts>) -> Self {
        Self {
            client,
            shared,
            scans,
            alerts,
            waiting: Arc::default(),
            told: Arc::default(),
            recorded: Arc::default(),
        }
    }

    /// Sends an Event once for an object and template.
    async fn tell(&self, about: &ObjectReference, template: &str, reason: &'static str, note: &str) {
        let key = (about.uid.clone().unwrap_or_default(), template.to_owned(), reason);
        if !is_new(&self.told, key) {
            return;
        }
        // Named after what it says, so that it is said once, also by several of us and after a restart.
        let mark = seaworthy_gate::template_id(&json!([about.uid, template, reason]));
        let name = format!("{}.{mark}", about.name.as_deref().unwrap_or_default());
        let event = Event {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: about.namespace.clone(),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(Timestamp::now())),
            type_: Some(
                if reason == "RolloutReleased" {
                    "Normal"
                } else {
                    "Warning"
                }
                .to_owned(),
            ),
            reason: Some(reason.to_owned()),
            note: Some(note.to_owned()),
            action: Some("Scanning".to_owned()),
            regarding: Some(about.clone()),
            reporting_controller: Some("seaworthy.dev/gate".to_owned()),
            reporting_instance: Some(crate::options::NAME.to_owned()),
            ..Event::default()
        };
        let events: Api<Event> = Api::namespaced(self.client.clone(), about.namespace.as_deref().unwrap_or_default());
        match events.create(&PostParams::default(), &event).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => tracing::warn!("cannot send the Event {reason}: {error}"),
        }
    }

    /// Starts the scans that a standing waits for, and makes an ImageScan for each.
    async fn scan(&self, namespace: &str, owner: &str, template: &str, standing: &Standing) {
        if owner.is_empty() {
            return;
        }
        for (image, standing) in &standing.images {
            let waits = matches!(
                standing,
                ImageStanding::Held {
                    state: State::Created,
                    ..
                }
            );
            if image.image.is_empty() {
                continue;
            }
            // Before the scan, so that whoever watches it sees it begin.
            self.record(namespace, seaworthy_policy::image_name::unpinned(&image.image))
                .await;
            if waits {
                self.scans.start(Wanted {
                    namespace: namespace.to_owned(),
                    image: image.image.clone(),
                    owner: Some((owner.to_owned(), template.to_owned())),
                    once: false,
                });
            }
        }
    }

    async fn record(&self, namespace: &str, image: &str) {
        let key = (namespace.to_owned(), image.to_owned());
        if !is_new(&self.recorded, key.clone()) {
            return;
        }
        let scans: Api<ImageScan> = Api::namespaced(self.client.clone(), namespace);
        let scan = ImageScan::new(
            &object_name(image),
            ImageScanSpec {
                image: image.to_owned(),
            },
        );
        match scans.create(&PostParams::default(), &scan).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => {
                tracing::warn!(namespace, image, "cannot make an ImageScan: {error}");
                self.recorded
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&key);
            }
        }
    }

    /// What keeps the images of a standing from running: its word and its line, a failed scan's before "not yet".
    fn hold(&self, namespace: &str, standing: &Standing) -> Option<(State, String)> {
        let (state, line) = standing.hold()?;
        if state != State::Created {
            return Some((state, line.to_owned()));
        }
        let failed = standing
            .images
            .iter()
            .find_map(|(image, _)| self.shared.failure(namespace, &image.image));
        match failed {
            Some(failure) => Some((State::Blocked, failure.message)),
            None => Some((state, line.to_owned())),
        }
    }

    /// Notes what is to be told of a workload now; sending is not waited for.
    fn observe(&self, subject: &alerts::Subject<'_>, standing: &Standing) {
        let namespace = &subject.workload.namespace;
        let held = self.hold(namespace, standing).map(|(state, _)| state);
        // Of a StatefulSet its pods are held, not itself.
        if subject.held || held.is_none() {
            let alerts::Workload { namespace, kind, name } = subject.workload.clone();
            self.waiting.note((kind, namespace, name), subject.labels, held);
        }
        let observation = {
            let memory = self.shared.memory();
            let failure = |image: &str| self.shared.failure(namespace, image);
            alerts::observation(&memory, subject, standing, failure, crate::shared::now())
        };
        self.alerts.observe(observation);
    }

    async fn patch(&self, resource: &ApiResource, object: &DynamicObject, patches: Vec<Value>) -> Result<bool, Error> {
        if patches.is_empty() {
            return Ok(false);
        }
        let namespace = object.namespace().unwrap_or_default();
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &namespace, resource);
        let patch = serde_json::from_value(Value::Array(patches))?;
        let parameters = PatchParams {
            field_manager: Some(crate::options::NAME.to_owned()),
            ..PatchParams::default()
        };
        match api
            .patch(&object.name_any(), &parameters, &Patch::<Value>::Json(patch))
            .await
        {
            Ok(_) => Ok(true),
            // It was changed or is gone: its next event brings it back here.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => {
                tracing::debug!(name = object.name_any(), "not patched: {}", status.message);
                Ok(false)
            }
            Err(error) => Err(Error::Cluster {
                source: Box::new(error),
            }),
        }
    }
}

/// Whether this was not among them; now it is.
fn is_new<K: Eq + Hash>(seen: &Mutex<Lately<K, ()>>, key: K) -> bool {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.entry(key, || ()).1
}

/// Why a reconciliation is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the cluster does not answer")]
    Cluster { source: Box<kube::Error> },
    #[error("an object cannot be read")]
    Object(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Runs every controller until the process ends.
pub(crate) async fn run(context: Context) {
    tokio::join!(
        workloads::run(context.clone()),
        pods::run(context.clone()),
        approvals::run(context.clone()),
        image_scans::run(context.clone()),
        statuses::run(context.clone()),
        alert_channels::run(context.client.clone(), Arc::clone(&context.alerts)),
        alerts::forget_the_gone(
            context.client.clone(),
            Arc::clone(&context.shared),
            Arc::clone(&context.alerts)
        ),
        context.alerts.run()
    );
}

/// Word of changes, gathered.
fn changes(shared: &Shared) -> impl Stream<Item = ()> + Send + 'static {
    stream::unfold(shared.changes(), |mut changes| async move {
        changes.changed().await.ok()?;
        tokio::time::sleep(GATHER).await;
        changes.mark_unchanged();
        Some(((), changes))
    })
    .boxed()
}

fn try_again<K>(_: Arc<K>, error: &Error, _: Arc<Context>) -> Action {
    tracing::warn!(
        "{error}: {:?}",
        std::error::Error::source(error).map(ToString::to_string)
    );
    Action::requeue(Duration::from_secs(2))
}

fn reference(kind: &str, version: &str, object: &DynamicObject) -> ObjectReference {
    ObjectReference {
        api_version: Some(version.to_owned()),
        kind: Some(kind.to_owned()),
        name: object.metadata.name.clone(),
        namespace: object.metadata.namespace.clone(),
        uid: object.metadata.uid.clone(),
        ..ObjectReference::default()
    }
}

/// A name for an object about an image: readable, valid, and another one for every reference.
pub(crate) fn object_name(image: &str) -> String {
    let mut readable: String = image
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|character| match character.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '-',
        })
        .take(60)
        .collect();
    while readable.ends_with('-') {
        readable.pop();
    }
    let mark: String = seaworthy_gate::template_id(&json!(image)).chars().take(6).collect();
    format!("{}-{mark}", readable.trim_start_matches('-'))
        .trim_start_matches('-')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::object_name;

    #[test]
    fn names_of_objects_are_valid_and_tell_images_apart() {
        assert!(object_name("myapp:v1").starts_with("myapp-v1-"));
        assert_ne!(object_name("a/myapp:v1"), object_name("b/myapp:v1"));
        for image in ["", "///", "A_b@sha256:00", &"x".repeat(500)] {
            let name = object_name(image);
            assert!(
                name.len() < 70 && !name.starts_with('-') && !name.ends_with('-'),
                "{name}"
            );
        }
    }
}
