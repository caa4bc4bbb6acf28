//! `ScanException`: findings that somebody accepted, with a reason and an end.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is accepted.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "seaworthy.dev",
    version = "v1alpha1",
    kind = "ScanException",
    plural = "scanexceptions",
    namespaced,
    status = "ScanExceptionStatus",
    shortname = "sexc",
    category = "imagesecurity",
    doc = "Findings that somebody accepted in this namespace, with a reason and an end.",
    printcolumn(
        name = "Ids",
        type_ = "string",
        json_path = ".spec.vulnerabilities",
        description = "The vulnerabilities that are accepted."
    ),
    printcolumn(
        name = "Expires",
        type_ = "string",
        json_path = ".spec.expires.date",
        description = "When the exception ends."
    ),
    printcolumn(
        name = "Active",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Active\")].status",
        description = "Whether it counts now."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".spec.reason",
        description = "Why it was accepted."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct ScanExceptionSpec {
    /// The ids of the vulnerabilities: CVEs, or the ids of advisories.
    #[schemars(length(min = 1, max = 256))]
    pub vulnerabilities: Vec<String>,
    /// The images, as written or spelled out with registry and tag; `*` matches any text. Absent means every image.
    #[schemars(length(max = 256))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// The names of the packages; `*` matches any text. Absent means every package.
    #[schemars(length(max = 256))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// Why this is accepted, and where that was decided.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// When the exception ends; it stops counting by itself.
    pub expires: ExceptionExpiry,
}

/// When an exception ends.
#[derive(Clone, Debug, Default, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.date) != has(self.whenFixed)", "give either date or whenFixed"))]
pub struct ExceptionExpiry {
    /// The time at which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Time>,
    /// It ends for each finding when a fix exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_fixed: Option<bool>,
}

/// How an exception fares.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanExceptionStatus {
    /// Who made it, taken from the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// `Active`, by the API conventions.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The generation of the object that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

impl ScanExceptionSpec {
    /// The exception as the rules understand it.
    pub fn to_exception(&self, name: &str) -> seaworthy_policy::Exception {
        use seaworthy_policy::Expiry;
        seaworthy_policy::Exception {
            name: name.to_owned(),
            vulnerabilities: self.vulnerabilities.clone(),
            images: self.images.clone(),
            packages: self.packages.clone(),
            expiry: match (&self.expires.date, self.expires.when_fixed) {
                (Some(Time(date)), _) => Expiry::At(date.as_second()),
                (None, Some(true)) => Expiry::WhenFixed,
                // The schema asks for one of the two; what slips past it does not count.
                (None, _) => Expiry::Unreadable,
            },
        }
    }
}
