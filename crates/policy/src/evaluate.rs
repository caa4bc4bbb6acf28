//! One function for each rule, and the decision that they make together.
//!
//! The filters leave out, the exceptions suppress with a reason, the gates judge. `fail_on` sees what the severity
//! filter hides, but not what has no fix under `ignore_unfixed`: that filter says what counts, not what is shown.

use crate::{Rules, order};
use seaworthy_model::{Decision, Finding, FixStatus, Inventory, Match, Severity, Suppression, Verdict};

/// How many findings a reason names.
const NAMED: usize = 3;

/// Applies the rules to all matches of an inventory.
pub fn evaluate(rules: &Rules, inventory: &Inventory, matches: Vec<Match>) -> Decision {
    let mut findings: Vec<Finding> = matches
        .into_iter()
        .filter(|matched| status_counts(rules, matched))
        .map(|matched| Finding {
            suppression: ignored(rules, &matched),
            matched,
        })
        .collect();
    order::sort_and_deduplicate(inventory, &mut findings);
    let mut reasons = Vec::new();
    reasons.extend(severe_enough_to_fail(rules, inventory, &findings));
    findings.retain(|finding| severity_is_shown(rules, &finding.matched));
    reasons.extend(findings_left(rules, inventory, &findings));
    Decision {
        findings,
        verdict: if reasons.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Fail
        },
        reasons,
    }
}

/// `severities`.
fn severity_is_shown(rules: &Rules, matched: &Match) -> bool {
    rules.severities.contains(&matched.severity)
}

/// `ignore_unfixed` and `ignore_status`.
fn status_counts(rules: &Rules, matched: &Match) -> bool {
    (!rules.ignore_unfixed || matched.status == FixStatus::Fixed) && !rules.ignore_status.contains(&matched.status)
}

/// `ignored`.
fn ignored(rules: &Rules, matched: &Match) -> Option<Suppression> {
    let named = |id: &str| {
        matched.id.eq_ignore_ascii_case(id)
            || matched
                .vendor_ids
                .iter()
                .any(|vendor_id| vendor_id.eq_ignore_ascii_case(id))
    };
    rules
        .ignored
        .iter()
        .find(|entry| named(&entry.id))
        .map(|entry| Suppression {
            status: "ignored".to_owned(),
            statement: entry.statement.clone(),
            source: entry.source.clone(),
        })
}

/// `fail_on`.
fn severe_enough_to_fail(rules: &Rules, inventory: &Inventory, findings: &[Finding]) -> Option<String> {
    let threshold = rules.fail_on?;
    let severe: Vec<&Match> = counted(findings)
        .filter(|matched| matched.severity >= threshold)
        .collect();
    let than = if threshold == Severity::Critical {
        ""
    } else {
        " or worse"
    };
    reason(inventory, severe, |count| format!("{count} {threshold}{than}"))
}

/// `exit_on_findings`.
fn findings_left(rules: &Rules, inventory: &Inventory, findings: &[Finding]) -> Option<String> {
    if !rules.exit_on_findings {
        return None;
    }
    reason(inventory, counted(findings).collect(), |count| {
        format!("{count} left after the filters")
    })
}

fn counted(findings: &[Finding]) -> impl Iterator<Item = &Match> {
    findings
        .iter()
        .filter(|finding| finding.suppression.is_none())
        .map(|finding| &finding.matched)
}

/// `2 findings: CVE-1 (CRITICAL) in openssl 1.1.1c, fixed in 1.1.1d`, the worst first; nothing where there are none.
fn reason(inventory: &Inventory, mut matches: Vec<&Match>, says: impl Fn(&str) -> String) -> Option<String> {
    matches.sort_by_key(|matched| std::cmp::Reverse(matched.severity));
    let count = match matches.len() {
        0 => return None,
        1 => "1 finding".to_owned(),
        several => format!("{several} findings"),
    };
    let named: Vec<String> = matches
        .iter()
        .take(NAMED)
        .map(|matched| name(inventory, matched))
        .collect();
    let more = matches.len().saturating_sub(NAMED);
    let rest = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Some(format!("{}: {}{rest}", says(&count), named.join("; ")))
}

fn name(inventory: &Inventory, matched: &Match) -> String {
    let package = match inventory.packages.get(matched.package) {
        Some(package) => format!(" in {} {}", package.name, package.version),
        None => String::new(),
    };
    let fix = match matched.fixed_version.as_str() {
        "" => ", no fix".to_owned(),
        fixed => format!(", fixed in {fixed}"),
    };
    format!("{} ({}){package}{fix}", matched.id, matched.severity)
}

#[cfg(test)]
mod tests {
    use super::evaluate;
    use crate::{IgnoreFile, Rules};
    use seaworthy_model::{Confidence, Ecosystem, FixStatus, Inventory, Match, MatchKind, Package, Severity, Verdict};

    fn inventory() -> Inventory {
        Inventory {
            packages: vec![
                Package::new(Ecosystem::Apk, "zlib", "1.2.11-r1", "lib/apk/db/installed"),
                Package::new(Ecosystem::Apk, "busybox", "1.30.1-r2", "lib/apk/db/installed"),
                Package::new(Ecosystem::Npm, "lodash", "4.17.4", "a/package.json"),
                Package::new(Ecosystem::Npm, "lodash", "4.17.4", "b/package.json"),
            ],
            ..Inventory::default()
        }
    }

    fn matched(package: usize, id: &str, severity: Severity, fixed: &str) -> Match {
        Match {
            package,
            id: id.to_owned(),
            vendor_ids: vec!["DSA-1-1".to_owned()],
            status: if fixed.is_empty() {
                FixStatus::Affected
            } else {
                FixStatus::Fixed
            },
            fixed_version: fixed.to_owned(),
            range: String::new(),
            kind: MatchKind::Direct,
            confidence: Confidence::Exact,
            severity,
            severity_source: String::new(),
            vendor_severity: Default::default(),
            cvss: Default::default(),
            cwes: Default::default(),
            epss: None,
            known_exploited: None,
            published: None,
            modified: None,
            source: Default::default(),
        }
    }

    fn all() -> Vec<Match> {
        vec![
            matched(0, "CVE-3", Severity::Low, "2"),
            matched(1, "CVE-2", Severity::Medium, ""),
            matched(1, "CVE-1", Severity::Critical, "3"),
        ]
    }

    fn ids(rules: &Rules, matches: Vec<Match>) -> Vec<String> {
        let decision = evaluate(rules, &inventory(), matches);
        decision
            .findings
            .into_iter()
            .filter(|f| f.suppression.is_none())
            .map(|f| f.matched.id)
            .collect()
    }

    #[test]
    fn sorts_by_package_then_severity() {
        assert_eq!(ids(&Rules::default(), all()), ["CVE-1", "CVE-2", "CVE-3"]);
    }

    #[test]
    fn keeps_one_finding_a_package_and_one_for_each_path() {
        let twice = vec![
            matched(1, "CVE-1", Severity::High, "1.31"),
            matched(1, "CVE-1", Severity::Low, "1.32"),
            matched(3, "CVE-9", Severity::High, "5"),
            matched(2, "CVE-9", Severity::High, "5"),
        ];
        let decision = evaluate(&Rules::default(), &inventory(), twice);
        let kept: Vec<_> = decision
            .findings
            .iter()
            .map(|f| (f.matched.package, f.matched.fixed_version.as_str()))
            .collect();
        assert_eq!(kept, [(1, "1.32"), (2, "5"), (3, "5")]);
    }

    #[test]
    fn a_certain_match_is_kept_before_an_uncertain_one() {
        let mut uncertain = matched(1, "CVE-1", Severity::High, "9");
        uncertain.confidence = Confidence::Uncertain("why".to_owned());
        let decision = evaluate(
            &Rules::default(),
            &inventory(),
            vec![uncertain, matched(1, "CVE-1", Severity::High, "1")],
        );
        assert_eq!(decision.findings.len(), 1);
        assert_eq!(decision.findings[0].matched.confidence, Confidence::Exact);
    }

    #[test]
    fn filters_by_severity_and_status() {
        let rules = Rules {
            severities: [Severity::Critical, Severity::Low].into(),
            ..Rules::default()
        };
        assert_eq!(ids(&rules, all()), ["CVE-1", "CVE-3"]);
        let rules = Rules {
            ignore_unfixed: true,
            ..Rules::default()
        };
        assert_eq!(ids(&rules, all()), ["CVE-1", "CVE-3"]);
        let rules = Rules {
            ignore_status: [FixStatus::Fixed].into(),
            ..Rules::default()
        };
        assert_eq!(ids(&rules, all()), ["CVE-2"]);
    }

    #[test]
    fn exits_on_what_is_left() {
        let low = Rules {
            severities: [Severity::High].into(),
            exit_on_findings: true,
            ..Rules::default()
        };
        assert_eq!(evaluate(&low, &inventory(), all()).verdict, Verdict::Pass);
        let critical = Rules {
            severities: [Severity::Critical].into(),
            ..low
        };
        let decision = evaluate(&critical, &inventory(), all());
        assert_eq!(decision.verdict, Verdict::Fail);
        assert_eq!(
            decision.reasons,
            ["1 finding left after the filters: CVE-1 (CRITICAL) in busybox 1.30.1-r2, fixed in 3"]
        );
    }

    #[test]
    fn fails_on_what_the_severity_filter_hides() {
        let rules = Rules {
            severities: [Severity::Low].into(),
            fail_on: Some(Severity::Medium),
            ..Rules::default()
        };
        let decision = evaluate(&rules, &inventory(), all());
        assert_eq!(decision.findings.len(), 1);
        assert_eq!(
            decision.reasons,
            [
                "2 findings MEDIUM or worse: CVE-1 (CRITICAL) in busybox 1.30.1-r2, fixed in 3; \
                 CVE-2 (MEDIUM) in busybox 1.30.1-r2, no fix"
            ]
        );
        let rules = Rules {
            fail_on: Some(Severity::Critical),
            ..Rules::default()
        };
        assert_eq!(
            evaluate(&rules, &inventory(), vec![matched(1, "CVE-2", Severity::High, "1")]).verdict,
            Verdict::Pass
        );
    }

    #[test]
    fn suppresses_what_the_ignore_file_names() {
        let ignored = IgnoreFile::parse(b"cve-1 # not reachable\nCVE-2\nCVE-3", ".trivyignore", "2026-11-24").entries;
        let rules = Rules {
            ignored,
            exit_on_findings: true,
            fail_on: Some(Severity::Unknown),
            ..Rules::default()
        };
        let decision = evaluate(&rules, &inventory(), all());
        assert_eq!(decision.verdict, Verdict::Pass);
        assert_eq!(decision.findings.len(), 3);
        let suppression = decision.findings[0].suppression.as_ref().unwrap();
        assert_eq!(suppression.status, "ignored");
        assert_eq!(suppression.statement, "not reachable");
        assert_eq!(suppression.source, ".trivyignore");
    }
}
