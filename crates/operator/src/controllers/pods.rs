//! Gated pods: each is judged by itself, pinned and let go in one patch. What was let in without a gate is remembered.

use super::hold_timeout::{Held, SHORTLY, created, is_new};
use super::{AGAIN, Context, Error, changes, reference, try_again};
use crate::alerts::{Subject, workload_of_pod};
use crate::shared::now;
use futures_util::StreamExt;
use kube::api::{DeleteParams, Preconditions};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::Event;
use kube::runtime::{Controller, WatchStreamExt, controller::Action, watcher};
use kube::{Api, ResourceExt};
use seaworthy_gate::{
    GATE, Glass, NotReleased, PodOwner, Standing, State, describe, owner_of_pod, pod_images, release_pod, stand,
};
use serde_json::Value;
use std::sync::Arc;

pub(super) async fn run(context: Context) {
    tokio::join!(release_gated(context.clone()), remember_admitted(context));
}

/// Only pods that no node has: those that run are none of these controllers' business.
fn unbound() -> watcher::Config {
    watcher::Config::default().fields("spec.nodeName=")
}

/// Remembers what the webhook let in at once: of pods that are there, as anybody may send it a review of one that is not.
async fn remember_admitted(context: Context) {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "Pod"), "pods");
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let mut events = watcher::watcher(api, unbound()).default_backoff().boxed();
    // Each pod passes here while no node has it yet, however short that is.
    while let Some(event) = events.next().await {
        let pod = match event {
            Ok(Event::Apply(pod) | Event::InitApply(pod)) => pod,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!("the watch of pods broke off and is taken up again: {error}");
                continue;
            }
        };
        if let Err(error) = remember(&context, &pod).await {
            tracing::error!("what was let in is not remembered: {error}");
        }
    }
}

async fn remember(context: &Context, pod: &DynamicObject) -> Result<(), Error> {
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let value = serde_json::to_value(pod)?;
    if is_gated(&value) || !context.shared.memory().governs(&namespace) {
        return Ok(());
    }
    let (owner, standing) = judge(context, &namespace, &value);
    if !owner.is_controlled {
        return Ok(());
    }
    let admissions = standing.admissions(&namespace, &owner.top);
    Ok(context.shared.keep_admissions(admissions).await?)
}

fn is_gated(pod: &Value) -> bool {
    let gates = pod.pointer("/spec/schedulingGates").and_then(Value::as_array);
    gates.is_some_and(|gates| gates.iter().any(|gate| gate.get("name") == Some(&Value::from(GATE))))
}

fn judge(context: &Context, namespace: &str, pod: &Value) -> (PodOwner, Standing) {
    let memory = context.shared.memory();
    let owner = owner_of_pod(pod, &memory);
    let used = pod_images(pod).unwrap_or_default();
    let judged = seaworthy_gate::Subject {
        namespace,
        labels: &owner.labels,
        owner: &owner.top,
        template: &owner.template,
        // In a namespace that is not governed any more nothing of ours stays.
        glass: match memory.governs(namespace) {
            true => owner.glass(&memory, namespace),
            false => Glass::Broken,
        },
        asked_by: &owner.asked_by,
        latest: false,
    };
    let standing = stand(&memory, &judged, used, now());
    (owner, standing)
}

async fn release_gated(context: Context) {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "Pod"), "pods");
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let triggers = changes(&context.shared);
    Controller::new_with(api, unbound(), resource.clone())
        .reconcile_all_on(triggers)
        .run(
            move |object, context| {
                let resource = resource.clone();
                async move { reconcile(&resource, &object, &context).await }
            },
            try_again,
            Arc::new(context),
        )
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn reconcile(resource: &ApiResource, object: &DynamicObject, context: &Context) -> Result<Action, Error> {
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    let value = serde_json::to_value(object)?;
    if !is_gated(&value) || object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let (owner, standing) = judge(context, &namespace, &value);
    if owner.top.is_empty() {
        // Its ReplicaSet or Job will be known in a moment.
        if is_new(object) {
            return Ok(Action::requeue(SHORTLY));
        }
        let patches = describe(&value, State::Created, Some(&unknown_owner(object)));
        context.patch(resource, object, patches).await?;
        return Ok(Action::requeue(AGAIN));
    }
    context.scans.pull_secrets.note(&namespace, &value, &["spec"]);
    context.scan(&namespace, &owner.top, &owner.template, &standing).await;
    let workload = workload_of_pod(&context.shared.memory(), &value);
    if let Some(workload) = workload {
        let subject = Subject {
            workload,
            labels: &owner.labels,
            owner: &owner.top,
            template: &owner.template,
            held: true,
        };
        context.observe(&subject, &standing);
    }
    if let Some((state, line)) = context.hold(&namespace, &standing) {
        context
            .patch(resource, object, describe(&value, state, Some(&line)))
            .await?;
        if state == State::Blocked && !owner.is_controlled {
            let about = reference("Pod", "v1", object);
            context.tell(&about, &owner.template, "ImageBlocked", &line).await;
        }
        let workload = workload_of_pod(&context.shared.memory(), &value);
        let again = match workload {
            Some(workload) => {
                let held = Held {
                    about: reference("Pod", "v1", object),
                    workload: &workload,
                    labels: &owner.labels,
                    template: &owner.template,
                    created: created(object),
                };
                context.watch_hold(&held, &standing).await
            }
            None => AGAIN,
        };
        return Ok(Action::requeue(again));
    }
    let admissions = standing.admissions(&namespace, &owner.top);
    match release_pod(&value, &standing) {
        Ok(patches) => {
            // Before the pod can start, so that it can always start again.
            context.shared.keep_admissions(admissions).await?;
            context.patch(resource, object, patches).await?;
        }
        Err(NotReleased::MustBeMadeAgain) if owner.is_controlled => {
            context.shared.keep_admissions(admissions).await?;
            let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, resource);
            // This one, and none that has come in its place.
            let this = Preconditions {
                uid: object.metadata.uid.clone(),
                ..Preconditions::default()
            };
            let parameters = DeleteParams::default().preconditions(this);
            match api.delete(&object.name_any(), &parameters).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => {
                    return Err(Error::Cluster {
                        source: Box::new(error),
                    });
                }
            }
        }
        Err(_) => {}
    }
    Ok(Action::await_change())
}

/// Why a pod waits whose owner nobody knows.
fn unknown_owner(pod: &DynamicObject) -> String {
    let mut owners = pod.owner_references().iter();
    let owner = owners.find(|owner| owner.controller == Some(true));
    let named = owner.map_or_else(String::new, |owner| format!(" {} {}", owner.kind, owner.name));
    let line =
        format!("its owner{named} is not known, or not with the revision that the pod names; it waits until it is");
    seaworthy_policy::cut(line)
}

#[cfg(test)]
mod tests {
    use super::unknown_owner;
    use kube::core::DynamicObject;
    use serde_json::json;

    #[test]
    fn a_pod_of_an_unknown_owner_says_whose_it_claims_to_be() {
        let pod: DynamicObject = serde_json::from_value(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {
            "name": "p", "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "d", "controller": true}]}}))
        .unwrap();
        assert!(unknown_owner(&pod).starts_with("its owner DaemonSet agent is not known"));
    }
}
