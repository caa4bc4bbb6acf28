//! Pods: every one is judged by itself. Held by a scheduling gate, let in pinned, or refused where neither is possible.

use crate::annotations::{self, BREAK_GLASS_TEMPLATE, REASON, REQUESTED_BY, STATE, State};
use crate::answer::Answer;
use crate::hold::GATE;
use crate::images::{ImageUse, pod_images};
use crate::json_patch::{add, annotate, replace};
use crate::memory::Memory;
use crate::owner::{PodOwner, known, owner_of_pod};
use crate::review::Request;
use crate::standing::{Glass, Standing, Subject, stand};
use crate::workload::{ours_as_before, scans, warn};
use seaworthy_policy::image_name;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Answers for a pod or its ephemeral containers.
pub(crate) fn ask(request: &Request, memory: &Memory, now: i64) -> Answer {
    let pod = &request.object;
    if is_mirror(request) {
        return Answer::allow(&request.uid, "allowed");
    }
    let used = match pod_images(pod) {
        Ok(used) => used,
        Err(why) => return Answer::deny(&request.uid, 400, format!("cannot tell the images: {why}")),
    };
    match request.old() {
        None => create(request, used, memory, now),
        Some(old) => update(request, old, used, memory, now),
    }
}

fn create(request: &Request, used: Vec<ImageUse>, memory: &Memory, now: i64) -> Answer {
    let pod = &request.object;
    let mut owner = owner_of_pod(pod, memory);
    if !owner.is_controlled {
        owner.asked_by = known([&request.user_info.username]);
    }
    let is_bound = pod
        .pointer("/spec/nodeName")
        .and_then(Value::as_str)
        .is_some_and(|name| !name.is_empty());
    let volume = !owner.is_controlled && used.iter().any(|image| image.is_volume);
    let can_wait = !is_bound && !volume;
    let glass = owner.glass(memory, &request.namespace);
    let standing = stand(memory, &subject(request, &owner, glass, !can_wait), used, now);
    let is_gated = has_gate(pod);
    let mut answer = Answer::allow(&request.uid, "allowed");
    let mut wanted = annotations_as_before(pod, None);
    let hold = standing.hold().map(|(state, line)| (state, line.to_owned()));
    match &hold {
        Some((_, line)) if !can_wait => return cannot_wait(request, &standing, line),
        None if is_gated => {
            // Somebody's own gate of our name, or ours with a verdict that came in between: the controller lifts it.
            wanted.insert(STATE.to_owned(), Some(State::Created.name().to_owned()));
        }
        None => {
            answer.patches = pins(&standing);
        }
        Some((state, line)) => {
            if !is_gated {
                answer.patches.push(gate(pod));
            }
            wanted.insert(STATE.to_owned(), Some(state.name().to_owned()));
            wanted.insert(REASON.to_owned(), Some(line.clone()));
            // A controller asks for its pods in the name of whoever asked for the workload.
            if !owner.is_controlled && !request.user_info.username.is_empty() {
                wanted.insert(REQUESTED_BY.to_owned(), Some(request.user_info.username.clone()));
            }
            answer.decision = "held";
        }
    }
    answer.essential = !answer.patches.is_empty();
    answer.patches.extend(annotate(pod, &wanted));
    // A pod of a controller has nobody who reads warnings.
    if !owner.is_controlled {
        warn(&mut answer, &standing, true);
    }
    if !request.is_dry_run() && hold.is_some() {
        answer.scans = scans(&request.namespace, &standing);
    }
    answer
}

fn update(request: &Request, old: &Value, used: Vec<ImageUse>, memory: &Memory, now: i64) -> Answer {
    let pod = &request.object;
    let (was_gated, is_gated) = (has_gate(old), has_gate(pod));
    if was_gated && !is_gated {
        let line = annotations::get(old, REASON).unwrap_or("its images are not approved");
        return Answer::deny(
            &request.uid,
            403,
            format!("only Seaworthy lifts the gate {GATE}, when the images are approved: {line}"),
        );
    }
    let mut answer = Answer::allow(&request.uid, "allowed");
    answer.patches = annotate(pod, &annotations_as_before(pod, Some(old)));
    // What waits is judged when it is let go. Only a debugging container must be right at once: it cannot be pinned later.
    if is_gated && request.sub_resource != "ephemeralcontainers" {
        return answer;
    }
    let before = match pod_images(old) {
        Ok(before) => before,
        Err(why) => return Answer::deny(&request.uid, 400, format!("cannot tell the images before: {why}")),
    };
    let changed: Vec<ImageUse> = used
        .into_iter()
        .filter(|image| {
            !before
                .iter()
                .any(|known| known.container == image.container && known.image == image.image)
        })
        .collect();
    if changed.is_empty() {
        return answer;
    }
    let mut owner = owner_of_pod(old, memory);
    owner.asked_by = known([&request.user_info.username]);
    // The glass was broken for what the template says, and this is something else.
    let standing = stand(memory, &subject(request, &owner, Glass::Whole, true), changed, now);
    if let Some((_, line)) = standing.hold() {
        return cannot_wait(request, &standing, line);
    }
    let pins = pins(&standing);
    answer.essential = !pins.is_empty();
    answer.patches.extend(pins);
    warn(&mut answer, &standing, false);
    answer
}

/// Refuses what cannot be held, and starts the scan that lets it in next time.
fn cannot_wait(request: &Request, standing: &Standing, line: &str) -> Answer {
    let unknown = standing.hold().is_some_and(|(state, _)| state == State::Created);
    let message = match unknown {
        true => format!("{line}; this cannot wait for a scan: scan started, try again"),
        false => line.to_owned(),
    };
    let mut answer = Answer::deny(&request.uid, 403, message);
    if !request.is_dry_run() {
        answer.scans = scans(&request.namespace, standing);
    }
    answer
}

fn subject<'a>(request: &'a Request, owner: &'a PodOwner, glass: Glass<'a>, latest: bool) -> Subject<'a> {
    Subject {
        namespace: &request.namespace,
        labels: &owner.labels,
        owner: &owner.top,
        template: &owner.template,
        glass,
        asked_by: &owner.asked_by,
        latest,
    }
}

/// The patches that make a pod run exactly the digests that were judged.
pub(crate) fn pins(standing: &Standing) -> Vec<Value> {
    standing
        .digests()
        .filter(|(image, _)| image_name::digest(&image.image).is_none())
        .map(|(image, digest)| replace(&image.pointer, Value::String(image_name::pin(&image.image, digest))))
        .collect()
}

/// Our annotations as they were before; what the glass of its owner is broken for is nothing that a pod says.
fn annotations_as_before(pod: &Value, old: Option<&Value>) -> BTreeMap<String, Option<String>> {
    let mut wanted = ours_as_before(pod, old);
    wanted.entry(BREAK_GLASS_TEMPLATE.to_owned()).or_insert(None);
    wanted
}

fn has_gate(pod: &Value) -> bool {
    gates(pod).is_some_and(|gates| gates.iter().any(is_ours))
}

pub(crate) fn gates(pod: &Value) -> Option<&Vec<Value>> {
    pod.pointer("/spec/schedulingGates")?.as_array()
}

pub(crate) fn is_ours(gate: &Value) -> bool {
    gate.get("name").and_then(Value::as_str) == Some(GATE)
}

fn gate(pod: &Value) -> Value {
    let gate = json!({"name": GATE});
    match gates(pod) {
        Some(_) => add("/spec/schedulingGates/-", gate),
        None => add("/spec/schedulingGates", json!([gate])),
    }
}

/// A node's own picture of a static pod, which runs whatever we say. Only the node itself may make one.
fn is_mirror(request: &Request) -> bool {
    let node = text(&request.object, "/spec/nodeName");
    annotations::get(&request.object, "kubernetes.io/config.mirror").is_some()
        && !node.is_empty()
        && request.user_info.username == format!("system:node:{node}")
        && request.user_info.groups.iter().any(|group| group == "system:nodes")
}

fn text(object: &Value, pointer: &str) -> String {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
