//! The parts of an AdmissionReview (`admission.k8s.io/v1`) that the answer depends on.

use serde::Deserialize;
use serde_json::Value;

/// What the API server sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Review {
    pub(crate) request: Option<Request>,
}

/// The request inside a review.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Repeated in the answer.
    pub uid: String,
    /// The kind of `object`.
    pub kind: GroupKind,
    /// `ephemeralcontainers` for that part of a pod.
    #[serde(default)]
    pub sub_resource: String,
    /// The object's name, empty where the API server will make one.
    #[serde(default)]
    pub name: String,
    /// The object's namespace.
    #[serde(default)]
    pub namespace: String,
    /// `CREATE` or `UPDATE`.
    pub operation: String,
    /// Who asks.
    #[serde(default)]
    pub user_info: User,
    /// The object as it would become.
    #[serde(default)]
    pub object: Value,
    /// The object as it was.
    #[serde(default)]
    pub old_object: Value,
    /// Whether nothing will come of it.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

/// A group and a kind.
#[derive(Debug, Deserialize)]
pub struct GroupKind {
    /// `apps`, `batch`, or nothing.
    #[serde(default)]
    pub group: String,
    /// `Deployment`.
    pub kind: String,
}

/// Who asks.
#[derive(Debug, Default, Deserialize)]
pub struct User {
    /// `system:serviceaccount:NAMESPACE:NAME` or a person's name.
    #[serde(default)]
    pub username: String,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl Request {
    /// The object as it was, where it was.
    pub(crate) fn old(&self) -> Option<&Value> {
        (!self.old_object.is_null()).then_some(&self.old_object)
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run == Some(true)
    }
}
