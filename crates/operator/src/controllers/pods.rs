//! Gated pods: each is judged by itself, pinned and let go in one patch.

use super::hold_timeout::{Held, created};
use super::{AGAIN, Context, Error, changes, reference, try_again};
use crate::alerts::{Subject, workload_of_pod};
use crate::shared::now;
use futures_util::StreamExt;
use kube::api::DeleteParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::{Controller, controller::Action, watcher};
use kube::{Api, ResourceExt};
use seaworthy_gate::{GATE, Glass, NotReleased, State, describe, owner_of_pod, pod_images, release_pod, stand};
use serde_json::Value;
use std::sync::Arc;

pub(super) async fn run(context: Context) {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "Pod"), "pods");
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let triggers = changes(&context.shared);
    // Only pods that no node has: those that run are none of this controller's business.
    let unbound = watcher::Config::default().fields("spec.nodeName=");
    Controller::new_with(api, unbound, resource.clone())
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
    let gates = value.pointer("/spec/schedulingGates").and_then(Value::as_array);
    let is_gated = gates.is_some_and(|gates| gates.iter().any(|gate| gate.get("name") == Some(&Value::from(GATE))));
    if !is_gated || object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let (owner, standing) = {
        let memory = context.shared.memory();
        let owner = owner_of_pod(&value, &memory);
        let used = pod_images(&value).unwrap_or_default();
        let judged = seaworthy_gate::Subject {
            namespace: &namespace,
            labels: &owner.labels,
            owner: &owner.top,
            template: &owner.template,
            // In a namespace that is not governed any more nothing of ours stays.
            glass: match memory.governs(&namespace) {
                true => owner.glass(&memory, &namespace),
                false => Glass::Broken,
            },
            asked_by: &owner.asked_by,
            latest: false,
        };
        let standing = stand(&memory, &judged, used, now());
        (owner, standing)
    };
    if owner.top.is_empty() {
        // Its ReplicaSet or Job will be known in a moment.
        return Ok(Action::requeue(std::time::Duration::from_millis(200)));
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
            let deleted = api.delete(&object.name_any(), &DeleteParams::default()).await;
            if let Err(error) = deleted {
                return Err(Error::Cluster {
                    source: Box::new(error),
                });
            }
        }
        Err(_) => {}
    }
    Ok(Action::await_change())
}
