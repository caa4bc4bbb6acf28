//! `ScanPolicy`: which findings keep which images from running.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a policy says.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "seaworthy.dev",
    version = "v1alpha1",
    kind = "ScanPolicy",
    plural = "scanpolicies",
    status = "ScanPolicyStatus",
    shortname = "spol",
    category = "imagesecurity",
    doc = "Which findings keep which images from running, and what happens to those.",
    printcolumn(
        name = "Action",
        type_ = "string",
        json_path = ".spec.action",
        description = "What violations lead to."
    ),
    printcolumn(
        name = "Held",
        type_ = "integer",
        json_path = ".status.held",
        description = "Workloads that wait."
    ),
    printcolumn(
        name = "Blocked",
        type_ = "integer",
        json_path = ".status.blocked",
        description = "Workloads that something speaks against."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the policy is in force."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanPolicySpec {
    /// What happens to an image that violates the policy: it does not run (`enforce`), it runs with a warning (`warn`), or it
    /// is only noted (`audit`).
    pub action: PolicyAction,
    /// The namespaces that the policy is for, by their labels; absent or empty means every governed namespace. A policy
    /// whose selector matches replaces those without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// The workloads that the policy is for, by their labels. Such a policy adds to the others and never replaces them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_selector: Option<LabelSelector>,
    /// What violates the policy: a finding that meets every field of one rule.
    #[schemars(length(max = 64))]
    pub rules: Vec<PolicyRule>,
    /// How old a scan may be before it counts as none, for example `168h`.
    #[schemars(regex(pattern = r"^([0-9]+[smhd])+$"), length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_max_age: Option<String>,
    /// Whether images that pass run by themselves (`automatic`) or after a person has approved them (`required`).
    pub approval: ApprovalMode,
    /// After how long a hold without a verdict alerts somebody, for example `30m`.
    #[schemars(regex(pattern = r"^([0-9]+[smhd])+$"), length(max = 32))]
    pub hold_timeout: String,
    /// What happens to an image that could not be read whole.
    pub on_incomplete: IncompletePolicy,
    /// What happens in these namespaces while the gate itself is away. `Ignore` counts only where every policy that holds in
    /// a namespace, for whichever workloads, says so.
    pub failure_policy: GateFailurePolicy,
    /// The names of the AlertChannels that are told.
    #[schemars(length(max = 32))]
    pub alerts: Vec<String>,
}

impl Default for ScanPolicySpec {
    fn default() -> Self {
        Self {
            action: PolicyAction::Enforce,
            namespace_selector: None,
            workload_selector: None,
            rules: Vec::new(),
            scan_max_age: None,
            approval: ApprovalMode::Automatic,
            hold_timeout: "30m".to_owned(),
            on_incomplete: IncompletePolicy::Hold,
            failure_policy: GateFailurePolicy::Fail,
            alerts: Vec::new(),
        }
    }
}

/// What violations lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyAction {
    /// The image does not run.
    #[default]
    Enforce,
    /// The image runs, and whoever starts it is warned.
    Warn,
    /// The image runs, and the violation is noted.
    Audit,
}

/// Whether a person has to approve what passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalMode {
    /// What passes runs by itself.
    #[default]
    Automatic,
    /// What passes runs after a person has approved it.
    Required,
}

/// What happens to an image that could not be read whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncompletePolicy {
    /// It counts as failed and does not run.
    #[default]
    Hold,
    /// It is judged by what could be read.
    Allow,
}

/// What happens while the gate itself is away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum GateFailurePolicy {
    /// New workloads are refused.
    #[default]
    Fail,
    /// New workloads run unseen, and are looked at later.
    Ignore,
}

/// A finding that meets every field of this rule violates the policy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.cvss) || (self.cvss >= 0.0 && self.cvss <= 10.0)", "cvss is between 0.0 and 10.0"))]
#[x_kube(validation = ("!has(self.epss) || (self.epss >= 0.0 && self.epss <= 1.0)", "epss is between 0.0 and 1.0"))]
pub struct PolicyRule {
    /// The rule's name, for people.
    #[schemars(length(max = 63))]
    #[serde(default)]
    pub name: String,
    /// Findings at least this severe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<RuleSeverity>,
    /// Only findings with a fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixable: Option<bool>,
    /// Findings with at least this CVSS score, 0.0 to 10.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<f64>,
    /// Findings with at least this probability of being exploited (EPSS), 0.0 to 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// Only findings that are known to be exploited (CISA's catalogue).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_exploited: Option<bool>,
    /// Only findings published longer ago than this, for example `168h`: a grace period.
    #[schemars(regex(pattern = r"^([0-9]+[smhd])+$"), length(max = 32))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than: Option<String>,
    /// Only findings in packages with one of these names; `*` matches any text.
    #[schemars(length(max = 64))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

/// Severities in rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RuleSeverity {
    /// No source gives a severity.
    Unknown,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

/// How a policy fares.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanPolicyStatus {
    /// Workloads that wait for a verdict or an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<u32>,
    /// Workloads that something speaks against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<u32>,
    /// `Ready`, by the API conventions.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The generation of the object that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

impl ScanPolicySpec {
    /// The policy as the rules understand it.
    pub fn to_policy(&self, name: &str) -> seaworthy_policy::ScanPolicy {
        use seaworthy_policy::{Action, duration};
        seaworthy_policy::ScanPolicy {
            name: name.to_owned(),
            action: match self.action {
                PolicyAction::Enforce => Action::Enforce,
                PolicyAction::Warn => Action::Warn,
                PolicyAction::Audit => Action::Audit,
            },
            namespaces: self.namespace_selector.as_ref().map(selector),
            // An empty selector selects everything, as does none.
            workloads: self
                .workload_selector
                .as_ref()
                .map(selector)
                .filter(|selector| !selector.is_empty()),
            rules: self.rules.iter().map(PolicyRule::to_rule).collect(),
            scan_max_age: self.scan_max_age.as_deref().and_then(duration::parse),
            approval_required: self.approval == ApprovalMode::Required,
            allow_incomplete: self.on_incomplete == IncompletePolicy::Allow,
            hold_timeout: duration::parse(&self.hold_timeout),
            alerts: self.alerts.clone(),
            open_while_away: self.failure_policy == GateFailurePolicy::Ignore,
        }
    }
}

impl PolicyRule {
    fn to_rule(&self) -> seaworthy_policy::FindingRule {
        use seaworthy_model::Severity;
        seaworthy_policy::FindingRule {
            name: self.name.clone(),
            severity: self.severity.map(|severity| match severity {
                RuleSeverity::Unknown => Severity::Unknown,
                RuleSeverity::Low => Severity::Low,
                RuleSeverity::Medium => Severity::Medium,
                RuleSeverity::High => Severity::High,
                RuleSeverity::Critical => Severity::Critical,
            }),
            fixable: self.fixable == Some(true),
            cvss: self.cvss,
            epss: self.epss,
            known_exploited: self.known_exploited == Some(true),
            older_than: self.older_than.as_deref().and_then(seaworthy_policy::duration::parse),
            packages: self.packages.clone(),
        }
    }
}

fn selector(given: &LabelSelector) -> seaworthy_policy::selector::Selector {
    use seaworthy_policy::selector::{Operator, Requirement, Selector};
    let labels = given.match_labels.iter().flatten().map(|(key, value)| Requirement {
        key: key.clone(),
        operator: Operator::In,
        values: vec![value.clone()],
    });
    let expressions = given.match_expressions.iter().flatten().map(|expression| Requirement {
        key: expression.key.clone(),
        // The API server knows no fifth operator; one that we do not know selects nothing.
        operator: match expression.operator.as_str() {
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            _ => Operator::In,
        },
        values: expression.values.clone().unwrap_or_default(),
    });
    Selector {
        requirements: labels.chain(expressions).collect(),
    }
}
