//! Deployments, Jobs, StatefulSets and DaemonSets: held by their own field, the user's value kept in an annotation.

use crate::annotations::{self, BREAK_GLASS, BREAK_GLASS_TEMPLATE, HOLD, REASON, REQUESTED_BY, STATE, State};
use crate::answer::{Answer, Scan};
use crate::hold::{self, Hold, Kind};
use crate::images::images;
use crate::json_patch::annotate;
use crate::memory::Memory;
use crate::owner::{asked_by, owner_of_workload};
use crate::release::at_version;
use crate::review::Request;
use crate::standing::{Glass, Standing, Subject, stand};
use crate::template::template_id;
use seaworthy_model::limits;
use serde_json::Value;
use std::collections::BTreeMap;

/// A Job that Kueue starts and stops is never ours to start; its pods are held by their gates.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";

/// Whether somebody broke the glass for exactly the template that the object has.
pub fn break_glass_holds(object: &Value) -> bool {
    broken_template(object) == Some(template_of(object).as_str())
}

/// The template for which somebody broke the glass of an object, which may have another one by now: what runs of that one
/// goes on for as long as the reason stands there.
pub fn broken_template(object: &Value) -> Option<&str> {
    annotations::get(object, BREAK_GLASS).filter(|reason| !reason.trim().is_empty())?;
    annotations::get(object, BREAK_GLASS_TEMPLATE)
}

/// The identity of an object's pod template, which a CronJob has in its Job's.
pub(crate) fn template_of(object: &Value) -> String {
    let template = object
        .pointer("/spec/template")
        .or_else(|| object.pointer("/spec/jobTemplate/spec/template"));
    template_id(template.unwrap_or(&Value::Null))
}

/// Whether the glass is broken for a workload: by what stands on it, or on the CronJob that owns it.
pub fn glass_is_broken(object: &Value, namespace: &str, owner: &str, template: &str, memory: &Memory) -> bool {
    break_glass_holds(object) || by_its_owner(object, namespace, owner, template, memory)
}

fn by_its_owner(object: &Value, namespace: &str, owner: &str, template: &str, memory: &Memory) -> bool {
    let own = object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let key = (namespace.to_owned(), owner.to_owned(), template.to_owned());
    !owner.is_empty() && owner != own && memory.broken_above.contains(&key)
}

/// Answers for a CronJob, which is not held, as its Jobs are. What people say on it is put right.
pub(crate) fn ask_cron_job(request: &Request, memory: &Memory) -> Answer {
    let template = template_of(&request.object);
    let stamp = break_glass_stamp(request, &template);
    let mut wanted = ours_as_before(&request.object, request.old());
    let template_changed = request.old().is_none_or(|old| template_of(old) != template);
    if template_changed && (memory.requires_approvals() || request.old().is_some_and(has_requester)) {
        wanted.insert(REQUESTED_BY.to_owned(), Some(request.user_info.username.clone()));
    }
    let mut answer = Answer::allow(&request.uid, "allowed");
    answer.essential = stamp.as_deref() != annotations::get(&request.object, BREAK_GLASS_TEMPLATE);
    wanted.insert(BREAK_GLASS_TEMPLATE.to_owned(), stamp);
    answer.patches = annotate(&request.object, &wanted);
    answer
}

fn has_requester(object: &Value) -> bool {
    annotations::get(object, REQUESTED_BY).is_some()
}

/// Our annotations as they were before, whatever the request says of them; none on a new object.
pub(crate) fn ours_as_before(object: &Value, old: Option<&Value>) -> BTreeMap<String, Option<String>> {
    let mut wanted: BTreeMap<String, Option<String>> =
        annotations::ours(object).map(|(key, _)| (key.clone(), None)).collect();
    for (key, value) in old.into_iter().flat_map(annotations::ours) {
        wanted.insert(key.clone(), Some(value.to_owned()));
    }
    wanted
}

/// Answers for a workload.
pub(crate) fn ask(request: &Request, kind: Kind, memory: &Memory, now: i64) -> Answer {
    let object = &request.object;
    let used = match images(object, &["spec", "template", "spec"]) {
        Ok(used) => used,
        Err(why) => return Answer::deny(&request.uid, 400, format!("cannot tell the images: {why}")),
    };
    let template = template_of(object);
    let held_before = request.old().and_then(Hold::of).is_some();
    let template_changed = request.old().is_none_or(|old| template_of(old) != template);
    let stamp = break_glass_stamp(request, &template);
    let labels = annotations::labels(object);
    let owner = owner_of_workload(object, memory);
    let named = match request.old() {
        Some(old) if !template_changed => annotations::get(old, REQUESTED_BY).unwrap_or_default(),
        _ => &request.user_info.username,
    };
    let asked_by = asked_by(object, &owner, &template, named, memory);
    let subject = Subject {
        namespace: &request.namespace,
        labels: &labels,
        owner: &owner,
        template: &template,
        glass: match stamp.as_deref() == Some(template.as_str())
            || by_its_owner(object, &request.namespace, &owner, &template, memory)
        {
            true => Glass::Broken,
            false => Glass::Whole,
        },
        asked_by: &asked_by,
        latest: false,
    };
    let judged = (template_changed || held_before).then(|| stand(memory, &subject, used, now));
    let standing = judged.as_ref();
    let hold = standing.and_then(Standing::hold);
    let must_hold = (hold.is_some() || held_before) && is_held_by_itself(request, kind, held_before);

    let mut wanted = ours_as_before(object, request.old());
    wanted.insert(BREAK_GLASS_TEMPLATE.to_owned(), stamp);
    let mut patches = Vec::new();
    if must_hold {
        let (text, patch) = held(object, request.old(), kind, template);
        wanted.insert(HOLD.to_owned(), Some(text));
        patches.extend(patch);
    } else {
        wanted.insert(HOLD.to_owned(), None);
    }
    // Once it is known who asked, it must not stay when somebody else asks for another template.
    let matters = hold.is_some() || memory.requires_approvals() || request.old().is_some_and(has_requester);
    if template_changed && matters && !request.user_info.username.is_empty() {
        wanted.insert(REQUESTED_BY.to_owned(), Some(request.user_info.username.clone()));
    }
    if let Some((state, line)) = hold {
        wanted.insert(STATE.to_owned(), Some(state.name().to_owned()));
        wanted.insert(REASON.to_owned(), Some(line.to_owned()));
    } else if request.old().is_none() {
        wanted.insert(STATE.to_owned(), None);
        wanted.insert(REASON.to_owned(), None);
    }
    let essential = !patches.is_empty()
        || [HOLD, BREAK_GLASS_TEMPLATE].iter().any(|key| {
            wanted
                .get(*key)
                .is_some_and(|value| value.as_deref() != annotations::get(object, key))
        });
    patches.extend(annotate(object, &wanted));

    let mut answer = Answer::allow(&request.uid, if hold.is_some() { "held" } else { "allowed" });
    answer.patches = patches;
    answer.essential = essential;
    if let Some(standing) = standing {
        warn(&mut answer, standing, must_hold);
        if !request.is_dry_run() {
            answer.scans = scans(&request.namespace, standing);
        }
    }
    answer
}

/// The patches by which a controller holds a workload that runs with an unjudged template, and nothing where it is held
/// already or cannot be held by itself.
pub fn hold_by_controller(kind: Kind, object: &Value, state: State, line: &str) -> Vec<Value> {
    let template = template_of(object);
    if Hold::of(object).is_some_and(|hold| hold.template == template) && kind.holds(object) {
        return Vec::new();
    }
    let (text, patch) = held(object, Some(object), kind, template);
    let wanted = BTreeMap::from([
        (HOLD.to_owned(), Some(text)),
        (STATE.to_owned(), Some(state.name().to_owned())),
        (REASON.to_owned(), Some(line.to_owned())),
    ]);
    let patches = patch.into_iter().chain(annotate(object, &wanted));
    at_version(object).into_iter().chain(patches).collect()
}

/// Whether the kind's own field holds this request, or its pods alone do.
fn is_held_by_itself(request: &Request, kind: Kind, held_before: bool) -> bool {
    let queued = kind == Kind::Job && annotations::labels(&request.object).contains_key(QUEUE);
    held_before || (!queued && (kind.is_held_at_creation() || request.old().is_some()))
}

/// The annotation's text and the patch of the field.
///
/// What holds already stays as it is, so that asking twice changes nothing. Else the value that comes in is the user's
/// own, but where it is the holding value of an object that we hold: then it was read from us and is written back.
fn held(object: &Value, old: Option<&Value>, kind: Kind, template: String) -> (String, Option<Value>) {
    let incoming = hold::value(kind, object).cloned();
    let holds = kind.holds(object);
    let present = Hold::of(object);
    let before = old.and_then(Hold::of);
    let own = match (holds, present, before) {
        (true, Some(present), _) if present.template == template => present.own,
        (true, _, Some(before)) => before.own,
        _ => incoming,
    };
    let hold = Hold { template, own };
    (hold.text(), (!holds).then(|| kind.hold()))
}

/// The template that a break-glass is good for: the one with which its reason came, and no later one.
fn break_glass_stamp(request: &Request, template: &str) -> Option<String> {
    let reason = annotations::get(&request.object, BREAK_GLASS).filter(|reason| !reason.trim().is_empty())?;
    match request.old() {
        Some(old) if annotations::get(old, BREAK_GLASS) == Some(reason) => {
            annotations::get(old, BREAK_GLASS_TEMPLATE).map(str::to_owned)
        }
        _ => Some(template.to_owned()),
    }
}

/// Tells whoever asks what is held and what is only frowned upon.
pub(crate) fn warn(answer: &mut Answer, standing: &Standing, held: bool) {
    if let Some((_, line)) = standing.hold() {
        let word = if held { "held: " } else { "its pods are held: " };
        answer.warnings.push(seaworthy_policy::cut(format!("{word}{line}")));
    }
    for line in standing.warnings() {
        answer.warnings.push(line.to_owned());
        if answer.decision == "allowed" {
            answer.decision = "warned";
        }
    }
}

/// What of these images is to be scanned.
pub(crate) fn scans(namespace: &str, standing: &Standing) -> Vec<Scan> {
    let mut scans: Vec<Scan> = standing
        .images
        .iter()
        .map(|(image, _)| Scan {
            namespace: namespace.to_owned(),
            image: image.image.clone(),
        })
        .filter(|scan| !scan.image.is_empty())
        .collect();
    scans.sort();
    scans.dedup();
    scans.truncate(limits::SCANS_OF_REQUEST);
    scans
}
