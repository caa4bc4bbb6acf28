//! Deployments, Jobs, StatefulSets, DaemonSets: held ones are judged, and let go for the template that was judged.

use super::{AGAIN, Context, Error, changes, reference, try_again};
use crate::alerts::{Subject, workload_of_template};
use crate::shared::now;
use futures_util::StreamExt;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::{Controller, controller::Action, watcher};
use kube::{Api, ResourceExt};
use seaworthy_gate::{
    Hold, Kind, NotReleased, STATE, Standing, State, break_glass_holds, describe, hold_by_controller, images,
    owner_of_workload, release, stand, template_id,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a workload says that is about to be let go.
const PASSED: &str = "every image is approved; it is let go now";
/// After which it is let go, if nothing else looks at it before.
const SOON: Duration = Duration::from_millis(100);

pub(super) async fn run(context: Context) {
    let [deployments, jobs, stateful_sets, daemon_sets] = Kind::ALL.map(|kind| of(kind, context.clone()));
    tokio::join!(deployments, jobs, stateful_sets, daemon_sets);
}

async fn of(kind: Kind, context: Context) {
    let group = if kind == Kind::Job { "batch" } else { "apps" };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind.name()), kind.resource());
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let triggers = changes(&context.shared);
    Controller::new_with(api, watcher::Config::default(), resource.clone())
        .reconcile_all_on(triggers)
        .run(
            move |object, context| {
                let resource = resource.clone();
                async move { reconcile(kind, &resource, &object, &context).await }
            },
            try_again,
            Arc::new(context),
        )
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn reconcile(
    kind: Kind,
    resource: &ApiResource,
    object: &DynamicObject,
    context: &Context,
) -> Result<Action, Error> {
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    if !context.shared.memory().governs(&namespace) || object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let value = serde_json::to_value(object)?;
    let owner = owner_of_workload(&value, &context.shared.memory());
    if owner.is_empty() {
        // Its CronJob will be known in a moment.
        return Ok(Action::requeue(Duration::from_millis(200)));
    }
    let template = template_id(value.pointer("/spec/template").unwrap_or(&Value::Null));
    let broken = break_glass_holds(&value);
    if broken {
        let key = (namespace.clone(), owner.clone(), template.clone());
        if !context.shared.memory().broken_glass.contains(&key) {
            context.shared.change(|memory| {
                memory.broken_glass.insert(key);
            });
        }
    }
    let hold = Hold::of(&value);
    let is_described = value
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(STATE))
        .is_some_and(|state| state != State::Deployed.name());
    let standing = judge(context, &namespace, object, &owner, &template, broken, &value);
    let held = hold.is_some() || is_described;
    let subject = Subject {
        workload: workload_of_template(kind.name(), &namespace, &object.name_any(), object.owner_references()),
        labels: object.labels(),
        owner: &owner,
        template: &template,
        held,
    };
    // What runs is told of too: a vulnerability that becomes known later stops nothing.
    context.observe(&subject, &standing);
    if !held {
        return Ok(Action::await_change());
    }
    let about = reference(kind.name(), &resource.api_version, object);
    let steps = ["spec", "template", "spec"];
    context.scans.pull_secrets.note(&namespace, &value, &steps);
    context.scan(&namespace, &owner, &template, &standing).await;
    match context.hold(&namespace, &standing) {
        Some((state, line)) => {
            let stale = hold.as_ref().is_some_and(|hold| hold.template != template);
            let patches = match stale {
                // It was changed while the webhook was away.
                true => hold_by_controller(kind, &value, state, &line),
                false => describe(&value, state, Some(&line)),
            };
            context.patch(resource, object, patches).await?;
            match state {
                State::Blocked => context.tell(&about, &template, "ImageBlocked", &line).await,
                State::PendingApproval => context.tell(&about, &template, "ApprovalRequired", &line).await,
                State::Created | State::Deployed => context.tell(&about, &template, "RolloutHeld", &line).await,
            }
            Ok(Action::requeue(AGAIN))
        }
        None => {
            // Said before it is let go, so that whoever watches sees why it moves.
            let waiting = describe(&value, State::PendingApproval, Some(PASSED));
            if hold.as_ref().is_some_and(|hold| hold.template == template) && !waiting.is_empty() {
                context.patch(resource, object, waiting).await?;
                return Ok(Action::requeue(SOON));
            }
            let patches = match release(kind, &value) {
                Ok(patches) => patches,
                Err(NotReleased::OtherTemplate) => hold_by_controller(kind, &value, State::Created, "judged again"),
                Err(_) => describe(&value, State::Deployed, None),
            };
            let admissions = standing.admissions(&namespace, &owner);
            if context.patch(resource, object, patches).await? {
                context.shared.keep_admissions(admissions).await?;
                let note = match hold {
                    Some(_) => "every image is approved: the hold is lifted",
                    None => "every image is approved",
                };
                context.tell(&about, &template, "RolloutReleased", note).await;
            }
            Ok(Action::await_change())
        }
    }
}

fn judge(
    context: &Context,
    namespace: &str,
    object: &DynamicObject,
    owner: &str,
    template: &str,
    broken: bool,
    value: &Value,
) -> Standing {
    let labels: BTreeMap<String, String> = object.metadata.labels.clone().unwrap_or_default();
    // What the API server has stored has the right shape.
    let used = images(value, &["spec", "template", "spec"]).unwrap_or_default();
    let memory = context.shared.memory();
    stand(&memory, namespace, &labels, owner, template, broken, used, now())
}
