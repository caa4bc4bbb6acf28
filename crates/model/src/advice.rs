//! Facts that advisories state about a vulnerability.

use crate::Severity;
use serde::{Deserialize, Serialize};

/// What the vendor says about a fix; the words are Trivy's, which took them from Red Hat and VEX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixStatus {
    /// The source does not say.
    #[default]
    Unknown,
    /// Affected, no fix yet.
    Affected,
    /// A fixed version exists.
    Fixed,
    /// The vendor is still looking.
    UnderInvestigation,
    /// The vendor will not fix it.
    WillNotFix,
    /// The fix is put off.
    FixDeferred,
    /// The package or release gets no more fixes.
    EndOfLife,
}

impl FixStatus {
    /// The word in reports and in `--ignore-status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
            Self::WillNotFix => "will_not_fix",
            Self::FixDeferred => "fix_deferred",
            Self::EndOfLife => "end_of_life",
        }
    }

    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Affected,
        Self::Fixed,
        Self::UnderInvestigation,
        Self::WillNotFix,
        Self::FixDeferred,
        Self::EndOfLife,
    ];
}

/// CVSS base vectors and scores by one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cvss {
    /// CVSS 2.0 vector, for example `AV:N/AC:L/Au:N/C:N/I:N/A:P`.
    pub v2_vector: Option<String>,
    /// CVSS 3.0 or 3.1 vector with its prefix.
    pub v3_vector: Option<String>,
    /// CVSS 4.0 vector with its prefix.
    pub v40_vector: Option<String>,
    /// Base score of the 2.0 vector, 0.0 to 10.0.
    pub v2_score: Option<f64>,
    /// Base score of the 3.x vector, 0.0 to 10.0.
    pub v3_score: Option<f64>,
    /// Score of the 4.0 vector, 0.0 to 10.0.
    pub v40_score: Option<f64>,
}

impl Cvss {
    /// The score of the newest CVSS version given.
    pub fn best_score(&self) -> Option<f64> {
        self.v40_score.or(self.v3_score).or(self.v2_score)
    }

    /// The severity of the best score.
    pub fn severity(&self) -> Severity {
        self.best_score().map_or(Severity::Unknown, Severity::from_cvss_score)
    }
}

/// FIRST's estimate that a vulnerability is exploited within 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epss {
    /// Probability, 0 to 1.
    pub score: f64,
    /// Share of all CVEs with this score or a lower one, 0 to 1.
    pub percentile: f64,
}

/// An entry of CISA's catalogue of known exploited vulnerabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownExploited {
    /// `YYYY-MM-DD`.
    pub date_added: String,
    /// Whether ransomware campaigns are known to use it.
    pub ransomware: bool,
}

/// The source that a finding rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// Short name: `debian`, `alpine`, `ghsa`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Where it is published.
    pub url: String,
}
