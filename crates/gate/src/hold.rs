//! How each kind is held: by which field, what it held before, and the annotation that remembers it.

use crate::annotations::{self, HOLD};
use crate::json_patch::{add, pointer, remove};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The scheduling gate of held pods.
pub const GATE: &str = "seaworthy.dev/scan";

/// A partition above every ordinal: no pod gets the new template, whatever the number of replicas.
const PARTITION: i64 = i32::MAX as i64;

/// A kind of workload that can be held by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// By `paused`.
    Deployment,
    /// By `suspend`.
    Job,
    /// By a partition, updates only: at creation its pods are held.
    StatefulSet,
    /// By `OnDelete`, updates only: at creation its pods are held.
    DaemonSet,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Deployment, Self::Job, Self::StatefulSet, Self::DaemonSet];

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::Job => "Job",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    /// The name in addresses.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::Job => "jobs",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }

    /// Whether a new object of this kind is held by itself, and not only by its pods.
    pub(crate) const fn is_held_at_creation(self) -> bool {
        matches!(self, Self::Deployment | Self::Job)
    }

    /// The field that holds it.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Deployment => "paused",
            Self::Job => "suspend",
            Self::StatefulSet | Self::DaemonSet => "updateStrategy",
        }
    }

    /// The value that holds it.
    fn holding(self) -> Value {
        match self {
            Self::Deployment | Self::Job => json!(true),
            Self::StatefulSet => json!({"type": "RollingUpdate", "rollingUpdate": {"partition": PARTITION}}),
            Self::DaemonSet => json!({"type": "OnDelete"}),
        }
    }

    /// Whether an object's field holds it now. The API server adds defaults to strategies, which do not matter.
    pub(crate) fn holds(self, object: &Value) -> bool {
        let Some(field) = value(self, object) else { return false };
        match self {
            Self::Deployment | Self::Job => *field == Value::Bool(true),
            Self::StatefulSet => {
                field.get("type").and_then(Value::as_str) == Some("RollingUpdate")
                    && field.pointer("/rollingUpdate/partition").and_then(Value::as_i64) == Some(PARTITION)
            }
            Self::DaemonSet => field.get("type").and_then(Value::as_str) == Some("OnDelete"),
        }
    }

    /// The patch that holds an object.
    pub(crate) fn hold(self) -> Value {
        add(&self.pointer(), self.holding())
    }

    /// The patch that gives an object its own value back.
    pub(crate) fn restore(self, object: &Value, own: Option<&Value>) -> Option<Value> {
        match (own, value(self, object)) {
            (Some(own), _) => Some(add(&self.pointer(), own.clone())),
            (None, Some(_)) => Some(remove(&self.pointer())),
            (None, None) => None,
        }
    }

    pub(crate) fn pointer(self) -> String {
        pointer(&["spec", self.field()])
    }
}

/// The field of an object that would hold it.
pub(crate) fn value(kind: Kind, object: &Value) -> Option<&Value> {
    object.get("spec")?.get(kind.field()).filter(|value| !value.is_null())
}

/// What the annotation of a held workload says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The identity of the template that is held.
    pub template: String,
    /// What the user had in the field, absent where it had nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Value>,
}

impl Hold {
    /// Reads the annotation of an object. What cannot be read is no hold of ours.
    pub fn of(object: &Value) -> Option<Self> {
        serde_json::from_str(annotations::get(object, HOLD)?).ok()
    }

    /// The text of the annotation.
    pub fn text(&self) -> String {
        // A struct of text and JSON always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}
