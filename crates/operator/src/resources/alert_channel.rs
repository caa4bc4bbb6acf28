//! `AlertChannel`: where messages about images and workloads go.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RuleSeverity;

/// Where messages go.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "seaworthy.dev",
    version = "v1alpha1",
    kind = "AlertChannel",
    plural = "alertchannels",
    status = "AlertChannelStatus",
    shortname = "alertch",
    category = "imagesecurity",
    doc = "Where messages about blocked images, failed scans and resolved findings go.",
    printcolumn(
        name = "Type",
        type_ = "string",
        json_path = ".spec.type",
        description = "The kind of receiver."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether messages can be sent."
    ),
    printcolumn(
        name = "LastSent",
        type_ = "date",
        json_path = ".status.lastSent",
        description = "When the last message was sent."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.url) != has(self.urlFrom)", "give either url or urlFrom"))]
#[x_kube(validation = ("self.type != 'email' || has(self.email)", "a channel of type email needs email with from and to"))]
pub struct AlertChannelSpec {
    /// The kind of receiver.
    #[serde(rename = "type")]
    pub channel_type: ChannelType,
    /// The address of the receiver: `https://…`, for e-mail `smtps://…` or `smtp://…`, which goes over to TLS.
    #[schemars(length(max = 2048))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The Secret that holds the address, where it is not for everybody's eyes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_from: Option<SecretKey>,
    /// Only messages whose worst finding is at least this severe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<RuleSeverity>,
    /// Only messages about workloads of these namespaces; `*` matches any text. Absent or empty means every namespace.
    #[schemars(length(max = 256), inner(length(max = 253)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Sender and recipients, for a channel of type `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailSpec>,
    /// Certificates in PEM that are trusted beside the system's, for a receiver with an authority of its own.
    #[schemars(length(max = 65536))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
}

/// Sender and recipients of mails.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailSpec {
    /// The sender, for example `Seaworthy <seaworthy@example.com>`.
    #[schemars(length(min = 3, max = 320))]
    pub from: String,
    /// The recipients.
    #[schemars(length(min = 1, max = 64), inner(length(min = 3, max = 320)))]
    pub to: Vec<String>,
}

/// Kinds of receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelType {
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow webhook of Microsoft Teams.
    Teams,
    /// CloudEvents in structured JSON, one a POST.
    Webhook,
    /// The v2 API of an Alertmanager.
    Alertmanager,
    /// Mail by SMTP.
    Email,
}

/// One key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The namespace of the Secret.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// The name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// How a channel fares.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertChannelStatus {
    /// When the last message was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sent: Option<Time>,
    /// The last trial, which the annotation `seaworthy.dev/alert-test` asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_test: Option<AlertTest>,
    /// `Ready`, by the API conventions.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The generation of the object that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// How a trial of a channel went.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertTest {
    /// The value of the annotation `seaworthy.dev/alert-test` that asked for it.
    #[schemars(length(max = 128))]
    pub nonce: String,
    /// Whether the message arrived.
    pub succeeded: bool,
    /// Why it did not arrive, where it did not.
    #[schemars(length(max = 1024))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was tried.
    pub at: Time,
}
