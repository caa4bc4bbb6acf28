//! What is kept of a scan to judge an image by: the facts that rules ask for, of each finding, and nothing else.
//!
//! Small enough to be held in memory for every image of a cluster, and complete enough that a changed policy, a new
//! exception or the passing of time needs no second look at the report.

use crate::{Effect, FixStatus, Problem, ScanReport, Severity};
use serde::{Deserialize, Serialize};

/// One finding, reduced to what rules, exceptions and the line for people need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssessedFinding {
    /// The best known id.
    pub id: String,
    /// The other ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendor_ids: Vec<String>,
    /// The package's name.
    pub package: String,
    /// The installed version.
    pub installed: String,
    /// The smallest fixed version, empty without a fix.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fixed: String,
    /// How bad it is.
    pub severity: Severity,
    /// The highest CVSS score that any source gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<f64>,
    /// FIRST's probability, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// Whether CISA lists it as exploited.
    #[serde(default)]
    pub known_exploited: bool,
    /// When it was published, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// What is known of one image after a scan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// When it was scanned, in seconds since 1970.
    pub scanned_at: i64,
    /// Why the image counts as not read whole, where it does: the first such problem.
    pub incomplete: Option<String>,
    /// The findings that count, the worst first.
    pub findings: Vec<AssessedFinding>,
}

impl Assessment {
    /// Reduces a report.
    pub fn of(report: &ScanReport, scanned_at: i64) -> Self {
        let mut findings: Vec<AssessedFinding> = report
            .decision
            .findings
            .iter()
            .filter(|finding| finding.suppression.is_none())
            .map(|finding| {
                let matched = &finding.matched;
                let package = report.inventory.packages.get(matched.package);
                AssessedFinding {
                    id: matched.id.clone(),
                    vendor_ids: matched.vendor_ids.clone(),
                    package: package.map(|package| package.name.clone()).unwrap_or_default(),
                    installed: package.map(|package| package.version.clone()).unwrap_or_default(),
                    fixed: match matched.status {
                        FixStatus::Fixed => matched.fixed_version.clone(),
                        _ => String::new(),
                    },
                    severity: matched.severity,
                    cvss: matched
                        .cvss
                        .values()
                        .filter_map(|cvss| cvss.best_score())
                        .max_by(f64::total_cmp),
                    epss: matched.epss.map(|epss| epss.score),
                    known_exploited: matched.known_exploited.is_some(),
                    published: matched.published.clone(),
                }
            })
            .collect();
        findings.sort_by(|a, b| {
            (b.severity, b.known_exploited, !b.fixed.is_empty())
                .cmp(&(a.severity, a.known_exploited, !a.fixed.is_empty()))
                .then_with(|| b.cvss.unwrap_or(0.0).total_cmp(&a.cvss.unwrap_or(0.0)))
                .then_with(|| (&a.id, &a.package).cmp(&(&b.id, &b.package)))
        });
        Self {
            scanned_at,
            incomplete: report
                .inventory
                .problems
                .iter()
                .find(|problem| problem.effect == Effect::Incomplete)
                .map(place_and_what),
            findings,
        }
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// `3 critical, 5 medium`, the worst first and without zeros; nothing when there are no findings.
    pub fn counts(&self) -> Option<String> {
        let counts: Vec<String> = Severity::ALL
            .into_iter()
            .rev()
            .map(|severity| (severity, self.count(severity)))
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {}", severity.name().to_ascii_lowercase()))
            .collect();
        (!counts.is_empty()).then(|| counts.join(", "))
    }
}

fn place_and_what(problem: &Problem) -> String {
    use crate::Subject;
    match &problem.subject {
        Subject::Path(path) | Subject::PathInLayer { path, .. } => format!("{path}: {}", problem.what),
        Subject::Digest(digest) => format!("{digest}: {}", problem.what),
        Subject::Artifact => problem.what.clone(),
    }
}
