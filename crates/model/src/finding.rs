//! Matches, what policy makes of them, and the decision.

use crate::{Cvss, DataSource, Epss, FixStatus, KnownExploited, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// By which name an advisory found the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// The advisory names the installed package.
    Direct,
    /// The advisory names the source package (or origin) that it was built from.
    Source,
    /// The advisory is about a product of that name. Nothing but the name and what the program says of its version links
    /// them: a guess.
    Product,
}

/// How sure a match is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Confidence {
    /// The versions were compared by the rules of their scheme.
    Exact,
    /// They could not be; the reason says why. The finding is reported all the same.
    Uncertain(String),
}

/// One vulnerability that an advisory states for one installed package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Index of the package in [`crate::Inventory::packages`].
    pub package: usize,
    /// The best known id: a CVE wherever the record names one.
    pub id: String,
    /// The other ids of the same vulnerability or of the advisories that fix it (DSA, RHSA, GHSA, …), sorted.
    pub vendor_ids: Vec<String>,
    /// What the vendor says about a fix.
    pub status: FixStatus,
    /// The smallest fixed version above the installed one in its branch; empty without a fix.
    pub fixed_version: String,
    /// The range that held, for people: `>= 1.2.0, < 1.2.9`.
    pub range: String,
    /// By which name the package was found.
    pub kind: MatchKind,
    /// How sure the match is.
    pub confidence: Confidence,
    /// The severity shown and gated on.
    pub severity: Severity,
    /// The source of `severity`: `debian`, `nvd`, `ghsa`, …; empty when unknown.
    pub severity_source: String,
    /// The severity by every source that states one; what many findings of one id have in common is shared.
    #[serde(with = "shared")]
    pub vendor_severity: Arc<BTreeMap<String, Severity>>,
    /// CVSS vectors by every source that gives them.
    #[serde(with = "shared")]
    pub cvss: Arc<BTreeMap<String, Cvss>>,
    /// Numbers of the weaknesses behind it in the Common Weakness Enumeration, sorted: 79 is CWE-79.
    #[serde(with = "shared")]
    pub cwes: Arc<Vec<u32>>,
    /// FIRST's exploit prediction.
    pub epss: Option<Epss>,
    /// CISA's known exploited entry.
    pub known_exploited: Option<KnownExploited>,
    /// When the vulnerability was published, RFC 3339.
    pub published: Option<String>,
    /// When the record was last changed, RFC 3339.
    pub modified: Option<String>,
    /// The advisory source that the match rests on.
    #[serde(with = "shared")]
    pub source: Arc<DataSource>,
}

/// Shared values are written as what they are.
mod shared {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// Why a match is not shown and does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// `ignored`, `not_affected`, … as `--show-suppressed` prints it.
    pub status: String,
    /// The reason given by whoever suppressed it.
    pub statement: String,
    /// The rule, file or document that did.
    pub source: String,
}

/// A match after policy: shown and counted, or suppressed with a reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The match.
    pub matched: Match,
    /// Why it does not count, if it does not.
    pub suppression: Option<Suppression>,
}

/// Whether what was scanned passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing that the policy forbids was found.
    Pass,
    /// The policy forbids what was found.
    Fail,
}

/// What policy makes of all matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The matches that are left after the filters, and the suppressed ones, in report order.
    pub findings: Vec<Finding>,
    /// Whether it passes.
    pub verdict: Verdict,
    /// Why it fails, one line each; empty when it passes.
    pub reasons: Vec<String>,
}
