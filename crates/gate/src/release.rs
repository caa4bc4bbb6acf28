//! What the controllers write under our own name: a hold lifted for the template that was judged, states and reasons.
//!
//! Every patch tests the version of the object that was looked at, so that whatever happens in between wins.

use crate::annotations::{self, HOLD, REASON, STATE, State};
use crate::hold::{Hold, Kind};
use crate::json_patch::{annotate, pointer, remove, test};
use crate::pod::{gates, is_ours, pins};
use crate::standing::Standing;
use crate::workload::template_of;
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a hold is not lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReleased {
    /// Nothing of ours holds it.
    NotHeld,
    /// It has another template than the one that is held; it must be judged again.
    OtherTemplate,
    /// The images of its volumes cannot be changed any more: it has to be made again.
    MustBeMadeAgain,
}

/// Lifts the hold of a workload, gives the user's own value back, and says that it is deployed.
///
/// # Errors
/// When there is nothing to lift, or the template is another one.
pub fn release(kind: Kind, object: &Value) -> Result<Vec<Value>, NotReleased> {
    let hold = Hold::of(object).ok_or(NotReleased::NotHeld)?;
    if hold.template != template_of(object) {
        return Err(NotReleased::OtherTemplate);
    }
    let mut patches = at_version(object);
    let text = annotations::get(object, HOLD).unwrap_or_default();
    patches.push(test(
        &pointer(&["metadata", "annotations", HOLD]),
        Value::String(text.to_owned()),
    ));
    // Where the user has changed the field while we were away, the user's value is what stands there.
    if kind.holds(object) {
        patches.extend(kind.restore(object, hold.own.as_ref()));
    }
    patches.extend(annotate(object, &described(State::Deployed, None, true)));
    Ok(patches)
}

/// Lifts the gate of a pod and pins its images, in one patch.
///
/// # Errors
/// When there is no gate, or an image volume would need another reference.
pub fn release_pod(pod: &Value, standing: &Standing) -> Result<Vec<Value>, NotReleased> {
    let index = gates(pod)
        .and_then(|gates| gates.iter().position(is_ours))
        .ok_or(NotReleased::NotHeld)?;
    let volume = standing
        .digests()
        .any(|(image, _)| image.is_volume && seaworthy_policy::image_name::digest(&image.image).is_none());
    if volume {
        return Err(NotReleased::MustBeMadeAgain);
    }
    let gate = format!("/spec/schedulingGates/{index}");
    let mut patches = at_version(pod);
    patches.push(test(&format!("{gate}/name"), Value::String(crate::GATE.to_owned())));
    patches.extend(pins(standing));
    patches.push(remove(&gate));
    patches.extend(annotate(pod, &described(State::Deployed, None, true)));
    Ok(patches)
}

/// Says the state and the reason of an object; nothing where it says them already.
pub fn describe(object: &Value, state: State, line: Option<&str>) -> Vec<Value> {
    let changes = annotate(object, &described(state, line, false));
    match changes.is_empty() {
        true => changes,
        false => at_version(object).into_iter().chain(changes).collect(),
    }
}

fn described(state: State, line: Option<&str>, lifted: bool) -> BTreeMap<String, Option<String>> {
    let mut wanted = BTreeMap::from([
        (STATE.to_owned(), Some(state.name().to_owned())),
        (REASON.to_owned(), line.map(str::to_owned)),
    ]);
    if lifted {
        wanted.insert(HOLD.to_owned(), None);
    }
    wanted
}

/// The test that an object is still the one that was looked at.
pub(crate) fn at_version(object: &Value) -> Vec<Value> {
    object
        .pointer("/metadata/resourceVersion")
        .map(|version| test("/metadata/resourceVersion", version.clone()))
        .into_iter()
        .collect()
}
