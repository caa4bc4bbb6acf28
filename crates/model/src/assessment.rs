//! What is kept of a scan to judge an image by: the facts that rules ask for, of each finding, and nothing else.
//!
//! Small enough to be held in memory for every image of a cluster, and complete enough that a changed policy, a new
//! exception or the passing of time needs no second look at the report.

use crate::{Effect, FixStatus, Match, Package, Problem, ScanReport, Severity, limits};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// One finding, reduced to what rules, exceptions and the line for people need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

impl AssessedFinding {
    /// What rules and people need of a match in this package.
    pub fn of(matched: &Match, package: Option<&Package>) -> Self {
        Self {
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
    }

    /// The order of findings: the worst first, and the same order whatever order they came in.
    pub fn worst_first(&self, other: &Self) -> Ordering {
        let badness = |finding: &Self| (finding.severity, finding.known_exploited, !finding.fixed.is_empty());
        badness(other)
            .cmp(&badness(self))
            .then_with(|| other.cvss.unwrap_or(0.0).total_cmp(&self.cvss.unwrap_or(0.0)))
            .then_with(|| (&self.id, &self.package).cmp(&(&other.id, &other.package)))
            .then_with(|| (&self.installed, &self.fixed).cmp(&(&other.installed, &other.fixed)))
            .then_with(|| self.vendor_ids.cmp(&other.vendor_ids))
    }
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
    /// Of an image for several platforms: those that were asked for, `os/architecture`. Empty for an image that has one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub platforms: BTreeSet<String>,
    /// Ids that became known after the scan, when the advisory data changed, and when that was, in seconds since 1970.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub later: BTreeMap<String, i64>,
}

impl Assessment {
    /// Reduces a report.
    pub fn of(report: &ScanReport, scanned_at: i64) -> Self {
        let findings = report
            .decision
            .findings
            .iter()
            .filter(|finding| finding.suppression.is_none())
            .map(|finding| {
                let matched = &finding.matched;
                AssessedFinding::of(matched, report.inventory.packages.get(matched.package))
            })
            .collect();
        Self::new(&report.inventory.problems, findings, scanned_at)
    }

    /// What the problems and the findings of one image amount to.
    pub fn new(problems: &[Problem], findings: Vec<AssessedFinding>, scanned_at: i64) -> Self {
        let mut assessment = Self {
            scanned_at,
            incomplete: problems
                .iter()
                .filter(|problem| problem.effect == Effect::Incomplete)
                .min()
                .map(place_and_what),
            findings,
            ..Self::default()
        };
        assessment.settle();
        assessment
    }

    /// Puts the worst findings first, each once, and keeps as many as may be kept.
    fn settle(&mut self) {
        self.findings.sort_by(|a, b| a.worst_first(b));
        self.findings.dedup();
        if self.findings.len() > limits::ASSESSED_FINDINGS {
            self.findings.truncate(limits::ASSESSED_FINDINGS);
            self.findings.shrink_to_fit();
            let what = format!(
                "it has more than {} findings; the rest was not kept",
                limits::ASSESSED_FINDINGS
            );
            self.incomplete.get_or_insert(what);
        }
    }

    /// Remembers since when the ids are known that were not found in the same image before.
    pub fn follow(&mut self, before: &Self, now: i64) {
        let known: BTreeSet<&str> = before.findings.iter().map(|finding| finding.id.as_str()).collect();
        for AssessedFinding { id, .. } in &self.findings {
            let since = match (before.later.get(id), known.contains(id.as_str())) {
                (Some(since), _) => *since,
                (None, true) => continue,
                (None, false) => now,
            };
            self.later.insert(id.clone(), since);
        }
    }

    /// Adds what was found in the same image for another platform: the worst of both counts.
    pub fn join(&mut self, other: Self) {
        self.scanned_at = self.scanned_at.min(other.scanned_at);
        self.incomplete = self.incomplete.take().or(other.incomplete);
        self.findings.extend(other.findings);
        self.settle();
        self.platforms.extend(other.platforms);
    }

    /// A platform that is needed and was not asked for.
    pub fn missing_platform<'a>(&self, needed: &'a BTreeSet<String>) -> Option<&'a String> {
        match self.platforms.is_empty() {
            true => None,
            false => needed.iter().find(|platform| !self.platforms.contains(*platform)),
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

#[cfg(test)]
mod tests {
    use super::{AssessedFinding, Assessment};
    use crate::Severity;
    use std::collections::{BTreeMap, BTreeSet};

    fn finding(id: &str, severity: Severity) -> AssessedFinding {
        AssessedFinding {
            id: id.to_owned(),
            package: "p".to_owned(),
            installed: "1".to_owned(),
            severity,
            ..AssessedFinding::default()
        }
    }

    #[test]
    fn an_image_for_several_platforms_is_as_bad_as_the_worst_of_them() {
        let (low, critical) = (finding("CVE-1", Severity::Low), finding("CVE-2", Severity::Critical));
        let of = |findings: &[AssessedFinding], platform: &str| Assessment {
            findings: findings.to_vec(),
            platforms: BTreeSet::from([platform.to_owned()]),
            ..Assessment::default()
        };
        let mut joined = of(std::slice::from_ref(&low), "linux/amd64");
        joined.join(of(&[low.clone(), critical.clone()], "linux/arm64"));
        assert_eq!(joined.findings, [critical, low]);
        let needed = |platforms: &[&str]| platforms.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(joined.missing_platform(&needed(&["linux/amd64", "linux/arm64"])), None);
        let one_more = needed(&["linux/arm64", "linux/s390x"]);
        assert_eq!(
            joined.missing_platform(&one_more).map(String::as_str),
            Some("linux/s390x")
        );
        assert_eq!(
            Assessment::default().missing_platform(&one_more),
            None,
            "an image of one platform"
        );
    }

    #[test]
    fn an_image_with_findings_without_end_keeps_the_worst_and_is_not_called_read() {
        let many = crate::limits::ASSESSED_FINDINGS + 10;
        let of = |severity: Severity| {
            let findings = (0..many).map(|number| finding(&format!("CVE-{number}"), severity));
            Assessment::new(&[], findings.collect(), 1)
        };
        // Of two platforms, whose findings are compared with each other in no time.
        let mut joined = of(Severity::Low);
        joined.join(of(Severity::Critical));
        assert_eq!(joined.count(Severity::Critical), crate::limits::ASSESSED_FINDINGS);
        assert!(
            joined
                .incomplete
                .is_some_and(|why| why.contains("more than 40000 findings"))
        );
        let few = Assessment::new(&[], vec![finding("CVE-1", Severity::Low); 2], 1);
        assert_eq!((few.findings.len(), few.incomplete), (1, None));
    }

    #[test]
    fn what_became_known_later_keeps_its_day() {
        let of = |ids: &[&str]| Assessment {
            findings: ids.iter().map(|id| finding(id, Severity::High)).collect(),
            ..Assessment::default()
        };
        let scanned = of(&["CVE-1"]);
        let mut second = of(&["CVE-1", "CVE-2"]);
        second.follow(&scanned, 10);
        assert_eq!(second.later, BTreeMap::from([("CVE-2".to_owned(), 10)]));
        let mut third = of(&["CVE-2", "CVE-3"]);
        third.follow(&second, 20);
        assert_eq!(
            third.later,
            BTreeMap::from([("CVE-2".to_owned(), 10), ("CVE-3".to_owned(), 20)])
        );
    }
}
