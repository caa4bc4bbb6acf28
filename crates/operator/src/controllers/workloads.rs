//! Deployments, Jobs, StatefulSets, DaemonSets: held ones are judged, and let go for the template that was judged.

use super::hold_timeout::{Held, SHORTLY, created, is_new};
use super::{AGAIN, Context, Error, changes, reference, try_again};
use crate::alerts::{Subject, workload_of_template};
use crate::shared::{Shared, now};
use futures_util::StreamExt;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::{Controller, controller::Action, watcher};
use kube::{Api, ResourceExt};
use seaworthy_gate::{
    Glass, Hold, Kind, NotReleased, REQUESTED_BY, STATE, Standing, State, asked_by, broken_template, describe,
    glass_is_broken, hold_by_controller, images, owner_of_workload, release, stand, template_id,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a workload says that is about to be let go.
const PASSED: &str = "every image is approved; it is let go now";
/// After which it is let go, if nothing else looks at it before.
const SOON: Duration = Duration::from_millis(100);

/// Where the pods of a workload are described.
const STEPS: [&str; 3] = ["spec", "template", "spec"];

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
        // Its CronJob will be known in a moment, or is gone.
        return Ok(Action::requeue(if is_new(object) { SHORTLY } else { AGAIN }));
    }
    let template = template_id(value.pointer("/spec/template").unwrap_or(&Value::Null));
    let broken = glass_is_broken(&value, &namespace, &owner, &template, &context.shared.memory());
    note_glass(&context.shared, &namespace, &owner, &value);
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
        // It came while we were away: it runs, and is looked at now. What it starts from here on is judged.
        let is_unseen = matches!(standing.hold(), Some((State::Created, _))) && runs(kind, &value);
        if is_unseen {
            context.scans.pull_secrets.note(&namespace, &value, &STEPS);
            context.scan(&namespace, &owner, &template, &standing).await;
        }
        context
            .shared
            .keep_admissions(standing.admissions(&namespace, &owner))
            .await?;
        return Ok(Action::await_change());
    }
    let about = reference(kind.name(), &resource.api_version, object);
    context.scans.pull_secrets.note(&namespace, &value, &STEPS);
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
            let held = Held {
                about,
                workload: &subject.workload,
                labels: object.labels(),
                template: &template,
                created: created(object),
            };
            Ok(Action::requeue(context.watch_hold(&held, &standing).await))
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

/// Remembers for the pods of a workload of which template its glass is broken, and that it no longer is.
fn note_glass(shared: &Shared, namespace: &str, owner: &str, object: &Value) {
    let uid = object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let key = broken_template(object).map(|template| (namespace.to_owned(), owner.to_owned(), template.to_owned()));
    let is_known = shared.memory().glass_broken_by(uid) == key.as_ref();
    if !is_known {
        shared.change(|memory| memory.break_glass(uid, key));
    }
}

/// Whether a workload has pods, or makes some: neither a Job that is over nor one that is scaled to nothing.
fn runs(kind: Kind, object: &Value) -> bool {
    let count = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    match kind {
        Kind::Job => count("/status/active").unwrap_or(0) > 0,
        Kind::DaemonSet => count("/status/currentNumberScheduled").unwrap_or(0) > 0,
        Kind::Deployment | Kind::StatefulSet => count("/spec/replicas").unwrap_or(1) > 0,
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
    let used = images(value, &STEPS).unwrap_or_default();
    let memory = context.shared.memory();
    let named = object.annotations().get(REQUESTED_BY).map(String::as_str);
    let asked_by = asked_by(value, owner, template, named.unwrap_or_default(), &memory);
    let judged = seaworthy_gate::Subject {
        namespace,
        labels: &labels,
        owner,
        template,
        glass: if broken { Glass::Broken } else { Glass::Whole },
        asked_by: &asked_by,
        latest: false,
    };
    stand(&memory, &judged, used, now())
}
