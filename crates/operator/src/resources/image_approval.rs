//! `ImageApproval`: somebody who may says that an image may run where a policy requires approval.
//!
//! An object and not a field, so that the API server itself checks who writes it: the verb `approve`, and that
//! `approvedBy` is the name under which the request came. It cannot be changed afterwards.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is approved, by whom and why.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "seaworthy.dev",
    version = "v1alpha1",
    kind = "ImageApproval",
    plural = "imageapprovals",
    namespaced,
    status = "ImageApprovalStatus",
    shortname = "iappr",
    category = "imagesecurity",
    doc = "Somebody's word that an image may run in this namespace, where a policy requires approval.",
    printcolumn(
        name = "Image",
        type_ = "string",
        json_path = ".spec.image",
        description = "The image as written."
    ),
    printcolumn(
        name = "By",
        type_ = "string",
        json_path = ".spec.approvedBy",
        description = "Who approved it."
    ),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Accepted\")].status",
        description = "Whether the approval counts."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".spec.reason",
        description = "Why it was approved."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Digest",
        type_ = "string",
        json_path = ".spec.digest",
        priority = 1,
        description = "The digest that is approved."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self == oldSelf", "an approval cannot be changed; make another one"))]
pub struct ImageApprovalSpec {
    /// The image as written, for people.
    #[schemars(length(min = 1, max = 1024))]
    pub image: String,
    /// The digest that is approved; a tag that moves takes no approval with it.
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
    /// Why it is approved.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// The user name of whoever approves, as the API server knows it; another name is refused.
    #[schemars(length(min = 1, max = 512))]
    pub approved_by: String,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageApprovalStatus {
    /// `Accepted`, by the API conventions: false where somebody approved what is their own.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
