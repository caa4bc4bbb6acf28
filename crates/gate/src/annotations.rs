//! The annotations that workloads carry, and the words in them.

use serde_json::Value;

/// Everything below it is ours, but for [`BREAK_GLASS`].
pub const PREFIX: &str = "seaworthy.dev/";
/// The state of the workload, for people.
pub const STATE: &str = "seaworthy.dev/state";
/// The one line that says why.
pub const REASON: &str = "seaworthy.dev/reason";
/// What a hold replaced, and for which template.
pub const HOLD: &str = "seaworthy.dev/hold";
/// Who asked for the template that waits, as the API server knew them: somebody else has to approve it.
pub const REQUESTED_BY: &str = "seaworthy.dev/requested-by";
/// A reason to run without a verdict, set by people.
pub const BREAK_GLASS: &str = "seaworthy.dev/break-glass";
/// The one template that a break-glass is good for.
pub const BREAK_GLASS_TEMPLATE: &str = "seaworthy.dev/break-glass-template";

/// Where a workload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing is known yet.
    Created,
    /// A person has to approve it.
    PendingApproval,
    /// Something speaks against it.
    Blocked,
    /// Nothing holds it.
    Deployed,
}

impl State {
    /// The words in the annotation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::PendingApproval => "Pending approval",
            Self::Blocked => "Blocked",
            Self::Deployed => "Deployed",
        }
    }
}

/// One annotation of an object.
pub(crate) fn get<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// The annotations of an object that only we may write.
pub(crate) fn ours(object: &Value) -> impl Iterator<Item = (&String, &str)> {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"))
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.starts_with(PREFIX) && *key != BREAK_GLASS)
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
}

/// The labels of an object.
pub(crate) fn labels(object: &Value) -> std::collections::BTreeMap<String, String> {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get("labels"))
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}
