//! `ImageScan`: a request to scan one image, and its result in short.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "seaworthy.dev",
    version = "v1alpha1",
    kind = "ImageScan",
    plural = "imagescans",
    namespaced,
    status = "ImageScanStatus",
    shortname = "iscan",
    category = "imagesecurity",
    doc = "A request to scan one image for known vulnerabilities, and its result in short.",
    printcolumn(
        name = "Image",
        type_ = "string",
        json_path = ".spec.image",
        description = "The image as written."
    ),
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.state",
        description = "Where the scan and its verdict stand."
    ),
    printcolumn(
        name = "Critical",
        type_ = "integer",
        json_path = ".status.findings.critical",
        description = "Findings of critical severity."
    ),
    printcolumn(
        name = "High",
        type_ = "integer",
        json_path = ".status.findings.high",
        description = "Findings of high severity."
    ),
    printcolumn(
        name = "Medium",
        type_ = "integer",
        json_path = ".status.findings.medium",
        description = "Findings of medium severity."
    ),
    printcolumn(
        name = "Fixable",
        type_ = "integer",
        json_path = ".status.fixable",
        description = "Findings with a fix."
    ),
    printcolumn(
        name = "Scanned",
        type_ = "date",
        json_path = ".status.scannedAt",
        description = "When the image was scanned last."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.reason",
        priority = 1,
        description = "The one line that says why."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self == oldSelf", "the spec of an ImageScan cannot be changed; make another one"))]
pub struct ImageScanSpec {
    /// The image to scan, as a pod would name it, for example `myapp:v1`.
    #[schemars(length(min = 1, max = 1024))]
    pub image: String,
}

/// Where a scan and its verdict stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ImageState {
    /// Nothing has happened yet.
    #[default]
    NotScanned,
    /// The image is being read.
    Scanning,
    /// Vulnerabilities were found that the policies of the namespace do not let pass.
    VulnerabilitiesFound,
    /// Nothing was found, and the image is not approved yet.
    NoVulnerabilities,
    /// The policies of the namespace let the image run.
    Approved,
    /// The image could not be read, or not as a whole.
    Failed,
}

/// What the scan found and what the policies make of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageScanStatus {
    /// Where the scan and its verdict stand.
    pub state: ImageState,
    /// The digest that the image's name was resolved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The counts in words, for example `3 critical, 5 medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The one line that says why the image does not run, or how a scan failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Findings by severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<SeverityCounts>,
    /// Findings with a fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixable: Option<u32>,
    /// The worst findings, ten at most.
    #[schemars(length(max = 10))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<FindingSummary>,
    /// Whether there are more findings than `top` lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    /// When the image was scanned last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanned_at: Option<Time>,
    /// The advisory data that the findings are from. When they change, the image is matched again without being pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisory_data: Option<AdvisoryDataStatus>,
    /// Since when the image has no verdict, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Time>,
    /// `Scanned` and `Approved`, by the API conventions; `UpdateRequired` where what runs has to be updated until a day;
    /// `Stalled` where a verdict takes longer than the policies wait.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The generation of the object that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// Which advisory data findings are from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdvisoryDataStatus {
    /// What tells these data from others.
    pub version: String,
    /// The date of the newest fact in them.
    pub newest_fact: Time,
}

/// Findings by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SeverityCounts {
    /// Findings of critical severity.
    pub critical: u32,
    /// Findings of high severity.
    pub high: u32,
    /// Findings of medium severity.
    pub medium: u32,
    /// Findings of low severity.
    pub low: u32,
    /// Findings of unknown severity.
    pub unknown: u32,
}

/// One of the worst findings, with what rules ask of it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingSummary {
    /// The vulnerability's id.
    pub id: String,
    /// How bad it is.
    pub severity: String,
    /// The package that has it.
    pub package: String,
    /// The installed version.
    pub installed: String,
    /// The version that fixes it, absent without a fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// The highest CVSS score that any source gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<f64>,
    /// The probability that it is exploited (EPSS), 0.0 to 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// Whether it is known to be exploited (CISA's catalogue).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_exploited: Option<bool>,
    /// When it was published, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}
