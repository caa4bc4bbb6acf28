//! ImageApprovals: accepted, unless somebody approved what they asked for themselves, and kept in the store.
//!
//! That the writer may approve at all, and wrote their own name, the API server has checked (`install/approvals.rs`). A
//! decision is made once. What is accepted stays so when the object is deleted: the store remembers who and why. It does not
//! say that it counts for a workload: whether somebody else asked for that is looked at whenever one is judged, also for
//! what is made later.

use super::{Context, Error, object_name, try_again};
use crate::client::list_all;
use crate::resources::{ImageApproval, ImageApprovalStatus};
use futures_util::StreamExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::{Controller, controller::Action, watcher};
use kube::{Api, ResourceExt};
use seaworthy_gate::{ImageUse, Memory, REQUESTED_BY, STATE, State, images};
use seaworthy_policy::image_name;
use serde_json::json;
use std::sync::Arc;

/// The condition.
pub(crate) const ACCEPTED: &str = "Accepted";

pub(super) async fn run(context: Context) {
    let api: Api<ImageApproval> = Api::all(context.client.clone());
    Controller::new(api, watcher::Config::default())
        .run(reconcile, try_again, Arc::new(context))
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn reconcile(approval: Arc<ImageApproval>, context: Arc<Context>) -> Result<Action, Error> {
    let namespace = approval.namespace().unwrap_or_default();
    let spec = &approval.spec;
    let decided = approval.status.iter().flat_map(|status| &status.conditions);
    let decided = decided
        .filter(|condition| condition.type_ == ACCEPTED)
        .map(|condition| condition.status == "True")
        .next();
    let key = (namespace.clone(), spec.digest.clone());
    match decided {
        Some(false) => return Ok(Action::await_change()),
        // Accepted before; the store may be another one now.
        Some(true) if is_known(&context.shared.memory(), &key, &spec.approved_by) => return Ok(Action::await_change()),
        _ => {}
    }
    let own = match decided {
        None => own_request(&context, &namespace, &approval).await?,
        Some(_) => None,
    };
    let (status, reason, message) = match &own {
        Some(workload) => (
            "False",
            "OwnRequest",
            format!(
                "{} asked for {workload}, so somebody else has to approve it",
                spec.approved_by
            ),
        ),
        None => {
            let by = spec.approved_by.clone();
            let stored =
                context
                    .shared
                    .store
                    .keep_approval(namespace.clone(), spec.digest.clone(), by, spec.reason.clone());
            stored.await?;
            context.shared.change(|memory| {
                memory
                    .approvals
                    .entry(key)
                    .or_default()
                    .insert(spec.approved_by.clone());
            });
            ("True", "Approved", format!("approved by {}", spec.approved_by))
        }
    };
    if decided.is_none() {
        let status = ImageApprovalStatus {
            conditions: vec![Condition {
                type_: ACCEPTED.to_owned(),
                status: status.to_owned(),
                reason: reason.to_owned(),
                message,
                last_transition_time: Time(Timestamp::now()),
                observed_generation: approval.metadata.generation,
            }],
        };
        let api: Api<ImageApproval> = Api::namespaced(context.client.clone(), &namespace);
        let patch = Patch::Merge(json!({"status": status}));
        match api
            .patch_status(&approval.name_any(), &PatchParams::default(), &patch)
            .await
        {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => {
                return Err(Error::Cluster {
                    source: Box::new(error),
                });
            }
        }
    }
    Ok(Action::await_change())
}

fn is_known(memory: &Memory, key: &(String, String), by: &str) -> bool {
    memory
        .approvals
        .get(key)
        .is_some_and(|approvers| approvers.contains(by))
}

/// What people ask for: group, kind, plural, and where the pod specification lies.
const KINDS: [(&str, &str, &str, &[&str]); 6] = [
    (
        "batch",
        "CronJob",
        "cronjobs",
        &["spec", "jobTemplate", "spec", "template", "spec"],
    ),
    ("apps", "Deployment", "deployments", &["spec", "template", "spec"]),
    ("apps", "StatefulSet", "statefulsets", &["spec", "template", "spec"]),
    ("apps", "DaemonSet", "daemonsets", &["spec", "template", "spec"]),
    ("batch", "Job", "jobs", &["spec", "template", "spec"]),
    ("", "Pod", "pods", &["spec"]),
];

/// Something that waits with this image and that whoever approves asked for, if there is any.
async fn own_request(context: &Context, namespace: &str, approval: &ImageApproval) -> Result<Option<String>, Error> {
    for (group, kind, plural, steps) in KINDS {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
        let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), namespace, &resource);
        let objects = list_all(&api).await.map_err(|error| Error::Cluster {
            source: Box::new(error),
        })?;
        for object in objects {
            let annotations = object.annotations();
            let is_own = annotations.get(REQUESTED_BY) == Some(&approval.spec.approved_by);
            // A CronJob has no state of its own: its Jobs wait.
            let waits = kind == "CronJob"
                || annotations
                    .get(STATE)
                    .is_some_and(|state| state != State::Deployed.name());
            if !is_own || !waits {
                continue;
            }
            let used = images(&serde_json::to_value(&object)?, steps).unwrap_or_default();
            if uses(&context.shared.memory(), namespace, &used, approval) {
                return Ok(Some(format!("{}/{}", kind.to_lowercase(), object.name_any())));
            }
        }
    }
    Ok(None)
}

/// Whether one of these is the image that is approved, by its digest or by a name that means it.
fn uses(memory: &Memory, namespace: &str, used: &[ImageUse], approval: &ImageApproval) -> bool {
    let approved = image_name::normalise(image_name::unpinned(&approval.spec.image));
    used.iter().any(|used| {
        let named = image_name::normalise(image_name::unpinned(&used.image));
        let meant = memory.latest.get(&(namespace.to_owned(), named.clone()));
        named == approved
            || image_name::digest(&used.image) == Some(approval.spec.digest.as_str())
            || meant.is_some_and(|(digest, _)| *digest == approval.spec.digest)
    })
}

/// The name of an approval: another one for every image, digest and person.
pub(crate) fn approval_name(image: &str, digest: &str, by: &str) -> String {
    let mark = seaworthy_gate::template_id(&json!([digest, by]));
    let mark: String = mark.chars().take(8).collect();
    format!("{}-{mark}", object_name(image))
}
