//! What people write about images in a cluster: policies, their rules, exceptions; and which policies hold for what.
//!
//! A policy whose namespace selector matches replaces those without one. A policy with a workload selector never
//! replaces another, so that it can only make things stricter. Where none holds, the one of an installation does: what is
//! to run unseen is said by a policy, never by the lack of one.

use crate::selector::Selector;
use seaworthy_model::Severity;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What happens to an image that violates a policy, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is noted.
    Audit,
    /// Whoever asks is warned, and it runs.
    Warn,
    /// It does not run.
    Enforce,
}

impl Action {
    /// The word in a policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// Which findings violate: those that meet every field that is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingRule {
    /// The rule's name, for people.
    pub name: String,
    /// At least this severe.
    pub severity: Option<Severity>,
    /// Only findings with a fix.
    pub fixable: bool,
    /// A CVSS score of at least this.
    pub cvss: Option<f64>,
    /// An exploit probability of at least this.
    pub epss: Option<f64>,
    /// Only what is known to be exploited.
    pub known_exploited: bool,
    /// Published for longer than this many seconds.
    pub older_than: Option<i64>,
    /// Globs of package names, any of which; none means every package.
    pub packages: Vec<String>,
}

/// One policy.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanPolicy {
    /// The object's name.
    pub name: String,
    /// What violations lead to.
    pub action: Action,
    /// The namespaces it is for; `None` and the empty selector mean every one.
    pub namespaces: Option<Selector>,
    /// The workloads it is for.
    pub workloads: Option<Selector>,
    /// What violates it.
    pub rules: Vec<FindingRule>,
    /// How old a scan may be, in seconds.
    pub scan_max_age: Option<i64>,
    /// Whether a person has to approve also what passes.
    pub approval_required: bool,
    /// Whether an image that could not be read whole passes.
    pub allow_incomplete: bool,
    /// After how many seconds of holding without a verdict somebody is told.
    pub hold_timeout: Option<i64>,
    /// Names of the channels that are told.
    pub alerts: Vec<String>,
    /// Whether new workloads run unseen while the gate itself is away.
    pub open_while_away: bool,
}

impl ScanPolicy {
    /// The policy that an installation starts with: CRITICAL findings are held, the rest passes.
    pub fn default_of_installation() -> Self {
        Self {
            name: "default".to_owned(),
            action: Action::Enforce,
            namespaces: None,
            workloads: None,
            rules: vec![FindingRule {
                name: "no-criticals".to_owned(),
                severity: Some(Severity::Critical),
                ..FindingRule::default()
            }],
            scan_max_age: None,
            approval_required: false,
            allow_incomplete: false,
            hold_timeout: Some(1800),
            alerts: Vec::new(),
            open_while_away: false,
        }
    }

    fn selects_namespaces(&self) -> bool {
        self.namespaces.as_ref().is_some_and(|selector| !selector.is_empty())
    }
}

/// When an exception ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Never by itself.
    Never,
    /// At this second since 1970.
    At(i64),
    /// For each finding, when a fix exists.
    WhenFixed,
    /// At a time that cannot be read: it counts as over.
    Unreadable,
}

/// Findings that somebody accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The object's name.
    pub name: String,
    /// Ids of vulnerabilities, any of which.
    pub vulnerabilities: Vec<String>,
    /// Globs of image references, any of which; none means every image.
    pub images: Vec<String>,
    /// Globs of package names, any of which; none means every package.
    pub packages: Vec<String>,
    /// When it ends.
    pub expiry: Expiry,
}

static OF_INSTALLATION: LazyLock<ScanPolicy> = LazyLock::new(ScanPolicy::default_of_installation);

/// The policies that hold for a workload with these labels in a namespace with those; never none. One for some workloads
/// only makes it stricter: where none is for all of them, the policy of an installation is.
pub fn effective<'a>(
    policies: &'a [ScanPolicy],
    namespace_labels: &BTreeMap<String, String>,
    workload_labels: &BTreeMap<String, String>,
) -> Vec<&'a ScanPolicy> {
    let mut holding = holding(policies, namespace_labels, |selector| selector.matches(workload_labels));
    if !holding.iter().any(|policy| policy.workloads.is_none()) {
        holding.push(&OF_INSTALLATION);
    }
    holding
}

/// Whether new workloads of a namespace with these labels run unseen while the gate is away: only where every policy that
/// may hold for one of them says so.
pub fn open_while_away(policies: &[ScanPolicy], namespace_labels: &BTreeMap<String, String>) -> bool {
    let holding = holding(policies, namespace_labels, |_| true);
    holding.iter().any(|policy| policy.workloads.is_none()) && holding.iter().all(|policy| policy.open_while_away)
}

/// The policies that hold in a namespace with these labels, of those for some workloads only the ones that `is_for` takes.
fn holding<'a>(
    policies: &'a [ScanPolicy],
    namespace_labels: &BTreeMap<String, String>,
    is_for: impl Fn(&Selector) -> bool,
) -> Vec<&'a ScanPolicy> {
    let names_it = |policy: &ScanPolicy| {
        policy
            .namespaces
            .as_ref()
            .is_some_and(|selector| selector.matches(namespace_labels))
    };
    let chosen = policies
        .iter()
        .any(|policy| policy.workloads.is_none() && policy.selects_namespaces() && names_it(policy));
    policies
        .iter()
        .filter(|policy| match &policy.workloads {
            Some(selector) => (!policy.selects_namespaces() || names_it(policy)) && is_for(selector),
            None if chosen => policy.selects_namespaces() && names_it(policy),
            None => !policy.selects_namespaces(),
        })
        .collect()
}
