//! Which findings violate which policy, by rule, precedence, exception and age.

use super::{Judgement, judge, worst_violation};
use crate::scan_policy::{Action, Exception, Expiry, FindingRule, ScanPolicy, effective, open_while_away};
use crate::selector::{Operator, Requirement, Selector};
use seaworthy_model::{AssessedFinding, Assessment, Severity};
use std::collections::BTreeMap;

const NOW: i64 = 1_800_000_000;

fn finding(id: &str, severity: Severity, fixed: &str) -> AssessedFinding {
    AssessedFinding {
        id: id.to_owned(),
        vendor_ids: vec!["DSA-1-1".to_owned()],
        package: "openssl".to_owned(),
        installed: "1.1.1k".to_owned(),
        fixed: fixed.to_owned(),
        severity,
        cvss: Some(9.8),
        epss: Some(0.6),
        known_exploited: true,
        published: Some("2027-01-01T00:00:00Z".to_owned()),
    }
}

fn assessment(findings: Vec<AssessedFinding>) -> Assessment {
    Assessment {
        scanned_at: NOW - 60,
        findings,
        ..Assessment::default()
    }
}

fn policy(rule: FindingRule) -> ScanPolicy {
    ScanPolicy {
        rules: vec![rule],
        ..ScanPolicy::default_of_installation()
    }
}

fn violates(rule: FindingRule, finding: AssessedFinding) -> bool {
    let policy = policy(rule);
    matches!(
        judge(&[&policy], &[], "myapp:v1", &assessment(vec![finding]), NOW),
        Judgement::Violates { .. }
    )
}

fn passes() -> Judgement {
    Judgement::Passes { by_exception: false }
}

#[test]
fn the_line_names_image_finding_package_versions_and_what_to_do() {
    let policy = ScanPolicy::default_of_installation();
    let found = assessment(vec![
        finding("CVE-1", Severity::Critical, "1.1.1l"),
        finding("CVE-2", Severity::Critical, ""),
        finding("CVE-3", Severity::Medium, ""),
    ]);
    let expected =
        "myapp:v1: CVE-1 CRITICAL in openssl 1.1.1k → 1.1.1l (and 1 more): update openssl and deploy the new image";
    for image in ["myapp:v1", "myapp:v1@sha256:aa"] {
        let judgement = judge(&[&policy], &[], image, &found, NOW);
        assert_eq!(
            judgement,
            Judgement::Violates {
                action: Action::Enforce,
                line: expected.to_owned()
            }
        );
    }
}

#[test]
fn mediums_alone_pass_the_default_policy() {
    let policy = ScanPolicy::default_of_installation();
    let found = assessment(vec![
        finding("CVE-1", Severity::Medium, "2"),
        finding("CVE-2", Severity::High, ""),
    ]);
    assert_eq!(judge(&[&policy], &[], "myapp:v1", &found, NOW), passes());
}

#[test]
fn every_field_of_a_rule_must_be_met() {
    let base = || finding("CVE-1", Severity::High, "2");
    let all = FindingRule {
        name: String::new(),
        severity: Some(Severity::High),
        fixable: true,
        cvss: Some(9.8),
        epss: Some(0.6),
        known_exploited: true,
        older_than: Some(86_400),
        packages: vec!["openssl*".to_owned()],
    };
    assert!(violates(all.clone(), base()));
    let fails: [fn(&mut AssessedFinding); 7] = [
        |finding| finding.severity = Severity::Medium,
        |finding| finding.fixed = String::new(),
        |finding| finding.cvss = Some(9.7),
        |finding| finding.epss = None,
        |finding| finding.known_exploited = false,
        |finding| finding.published = Some("2027-01-15T00:00:00Z".to_owned()),
        |finding| finding.package = "libssl".to_owned(),
    ];
    for (index, change) in fails.iter().enumerate() {
        let mut finding = base();
        change(&mut finding);
        assert!(!violates(all.clone(), finding), "field {index}");
    }
}

#[test]
fn what_has_no_date_has_no_grace() {
    let rule = FindingRule {
        older_than: Some(604_800),
        ..FindingRule::default()
    };
    let mut undated = finding("CVE-1", Severity::High, "2");
    undated.published = None;
    assert!(violates(rule, undated));
}

#[test]
fn the_strictest_violated_policy_wins() {
    let warn = ScanPolicy {
        action: Action::Warn,
        ..policy(FindingRule {
            severity: Some(Severity::Medium),
            ..FindingRule::default()
        })
    };
    let enforce = ScanPolicy::default_of_installation();
    let action = |severity| match judge(
        &[&warn, &enforce],
        &[],
        "myapp:v1",
        &assessment(vec![finding("CVE-1", severity, "")]),
        NOW,
    ) {
        Judgement::Violates { action, .. } => Some(action),
        _ => None,
    };
    assert_eq!(action(Severity::Critical), Some(Action::Enforce));
    assert_eq!(action(Severity::Medium), Some(Action::Warn));
    assert_eq!(action(Severity::Low), None);
}

#[test]
fn an_image_that_was_not_read_whole_never_passes_unless_the_policy_says_so() {
    let mut found = assessment(vec![]);
    found.incomplete = Some("var/lib/dpkg/status: it is damaged".to_owned());
    let mut policy = ScanPolicy::default_of_installation();
    match judge(&[&policy], &[], "myapp:v1", &found, NOW) {
        Judgement::Violates { line, .. } => assert!(line.contains("var/lib/dpkg/status"), "{line}"),
        other => panic!("{other:?}"),
    }
    policy.allow_incomplete = true;
    assert_eq!(judge(&[&policy], &[], "myapp:v1", &found, NOW), passes());
}

#[test]
fn exceptions_count_until_they_end() {
    let policy = ScanPolicy::default_of_installation();
    let exception = |expiry| Exception {
        name: "e".to_owned(),
        vulnerabilities: vec!["dsa-1-1".to_owned()],
        images: vec!["docker.io/library/*".to_owned()],
        packages: vec!["openssl".to_owned()],
        expiry,
    };
    let passes_with = |expiry, fixed: &str, image: &str| {
        let found = assessment(vec![finding("CVE-1", Severity::Critical, fixed)]);
        judge(&[&policy], &[exception(expiry)], image, &found, NOW) == Judgement::Passes { by_exception: true }
    };
    assert!(passes_with(Expiry::Never, "2", "myapp:v1"));
    assert!(passes_with(Expiry::At(NOW + 1), "2", "myapp:v1"));
    assert!(!passes_with(Expiry::At(NOW), "2", "myapp:v1"));
    assert!(passes_with(Expiry::WhenFixed, "", "myapp:v1"));
    assert!(!passes_with(Expiry::WhenFixed, "2", "myapp:v1"));
    assert!(!passes_with(Expiry::Unreadable, "2", "myapp:v1"));
    assert!(!passes_with(Expiry::Never, "2", "ghcr.io/other/myapp:v1"));
}

#[test]
fn an_old_scan_counts_as_none() {
    let policy = ScanPolicy {
        scan_max_age: Some(30),
        ..ScanPolicy::default_of_installation()
    };
    assert_eq!(
        judge(&[&policy], &[], "myapp:v1", &assessment(vec![]), NOW),
        Judgement::Outdated {
            action: Action::Enforce
        }
    );
}

#[test]
fn what_a_mild_policy_finds_too_old_lifts_no_stricter_hold() {
    let strict = ScanPolicy::default_of_installation();
    let mild = |action| ScanPolicy {
        action,
        scan_max_age: Some(30),
        rules: vec![],
        ..ScanPolicy::default_of_installation()
    };
    let bad = assessment(vec![finding("CVE-1", Severity::Critical, "2")]);
    for action in [Action::Audit, Action::Warn] {
        let judgement = judge(&[&strict, &mild(action)], &[], "myapp:v1", &bad, NOW);
        assert!(
            matches!(
                judgement,
                Judgement::Violates {
                    action: Action::Enforce,
                    ..
                }
            ),
            "{judgement:?}"
        );
        let approved = ScanPolicy {
            approval_required: true,
            ..strict.clone()
        };
        let judgement = judge(&[&mild(action), &approved], &[], "myapp:v1", &assessment(vec![]), NOW);
        let Judgement::ApprovalRequired { then, .. } = judgement else {
            panic!("{judgement:?}");
        };
        assert_eq!(*then, Judgement::Outdated { action });
    }
    // One that weighs as much is scanned again first.
    let judgement = judge(&[&strict, &mild(Action::Enforce)], &[], "myapp:v1", &bad, NOW);
    let action = Action::Enforce;
    assert_eq!(judgement, Judgement::Outdated { action });
}

#[test]
fn what_a_mild_policy_forbids_does_not_take_the_place_of_an_approval() {
    let strict = ScanPolicy {
        approval_required: true,
        ..ScanPolicy::default_of_installation()
    };
    let mild = ScanPolicy {
        action: Action::Warn,
        ..policy(FindingRule::default())
    };
    let found = assessment(vec![finding("CVE-1", Severity::Low, "")]);
    let judgement = judge(&[&strict, &mild], &[], "myapp:v1", &found, NOW);
    let Judgement::ApprovalRequired { then, .. } = judgement else {
        panic!("{judgement:?}");
    };
    assert!(matches!(
        *then,
        Judgement::Violates {
            action: Action::Warn,
            ..
        }
    ));
}

#[test]
fn approval_is_asked_for_what_passes() {
    let policy = ScanPolicy {
        approval_required: true,
        ..ScanPolicy::default_of_installation()
    };
    assert!(matches!(
        judge(&[&policy], &[], "myapp:v1", &assessment(vec![]), NOW),
        Judgement::ApprovalRequired { .. }
    ));
}

#[test]
fn policies_for_a_namespace_replace_general_ones_and_those_for_workloads_never_do() {
    let labelled = |key: &str| {
        Some(Selector {
            requirements: vec![Requirement {
                key: key.to_owned(),
                operator: Operator::Exists,
                values: vec![],
            }],
        })
    };
    let named = |name: &str, namespaces: Option<Selector>, workloads: Option<Selector>| ScanPolicy {
        name: name.to_owned(),
        namespaces,
        workloads,
        ..ScanPolicy::default_of_installation()
    };
    let policies = [
        named("general", None, None),
        named("empty", Some(Selector::default()), None),
        named("team", labelled("team"), None),
        named("web", None, labelled("web")),
        named("team-web", labelled("team"), labelled("web")),
    ];
    let labels = |keys: &[&str]| -> BTreeMap<String, String> {
        keys.iter().map(|key| ((*key).to_owned(), String::new())).collect()
    };
    for (namespace, workload, expected) in [
        (&[][..], &[][..], &["general", "empty"][..]),
        (&["team"], &[], &["team"]),
        (&[], &["web"], &["general", "empty", "web"]),
        (&["team"], &["web"], &["team", "web", "team-web"]),
    ] {
        let names: Vec<&str> = effective(&policies, &labels(namespace), &labels(workload))
            .iter()
            .map(|policy| policy.name.as_str())
            .collect();
        assert_eq!(names, expected, "{namespace:?} {workload:?}");
    }
    let only_workloads = [
        named("general", None, None),
        named("team-web", labelled("team"), labelled("web")),
    ];
    let names = effective(&only_workloads, &labels(&["team"]), &labels(&[]));
    assert_eq!(names.len(), 1, "a policy for some workloads must not free the others");
}

#[test]
fn what_no_policy_is_for_is_held_by_the_one_of_an_installation() {
    let team = ScanPolicy {
        namespaces: Some(Selector {
            requirements: vec![Requirement {
                key: "team".to_owned(),
                operator: Operator::Exists,
                values: vec![],
            }],
        }),
        ..ScanPolicy::default_of_installation()
    };
    let none = BTreeMap::new();
    for policies in [&[][..], &[team]] {
        let holding = effective(policies, &none, &none);
        assert_eq!(holding, [&ScanPolicy::default_of_installation()]);
    }
}

#[test]
fn a_policy_for_some_workloads_alone_takes_nothing_out_of_the_one_of_an_installation() {
    let lab = ScanPolicy {
        name: "lab".to_owned(),
        action: Action::Audit,
        workloads: Some(Selector {
            requirements: vec![Requirement {
                key: "lab".to_owned(),
                operator: Operator::Exists,
                values: vec![],
            }],
        }),
        ..ScanPolicy::default_of_installation()
    };
    let (none, labelled) = (BTreeMap::new(), BTreeMap::from([("lab".to_owned(), "a".to_owned())]));
    let policies = [lab];
    let holding = effective(&policies, &none, &labelled);
    assert_eq!(holding.len(), 2);
    assert_eq!(holding.iter().map(|policy| policy.action).max(), Some(Action::Enforce));
}

#[test]
fn a_namespace_is_open_while_the_gate_is_away_only_where_every_policy_that_may_hold_there_says_so() {
    let labelled = |key: &str| {
        Some(Selector {
            requirements: vec![Requirement {
                key: key.to_owned(),
                operator: Operator::Exists,
                values: vec![],
            }],
        })
    };
    let named = |namespaces: Option<Selector>, workloads: Option<Selector>, open_while_away: bool| ScanPolicy {
        namespaces,
        workloads,
        open_while_away,
        ..ScanPolicy::default_of_installation()
    };
    let [closed, open] = [false, true].map(|open| named(None, None, open));
    let [team_closed, team_open] = [false, true].map(|open| named(labelled("team"), None, open));
    let [web_closed, web_open] = [false, true].map(|open| named(None, labelled("web"), open));
    for (index, (policies, elsewhere, in_team)) in [
        (vec![], false, false),
        (vec![&closed], false, false),
        (vec![&open], true, true),
        // One that names the namespace replaces the others.
        (vec![&closed, &team_open], false, true),
        (vec![&open, &team_closed], true, false),
        (vec![&team_open], false, true),
        (vec![&team_open, &team_closed], false, false),
        // One for some workloads can only make it stricter.
        (vec![&open, &web_closed], false, false),
        (vec![&closed, &web_open], false, false),
        (vec![&open, &web_open], true, true),
        // Alone it is not for the others, for which the policy of an installation holds.
        (vec![&web_open], false, false),
    ]
    .into_iter()
    .enumerate()
    {
        let policies: Vec<ScanPolicy> = policies.into_iter().cloned().collect();
        let team = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        assert_eq!(open_while_away(&policies, &BTreeMap::new()), elsewhere, "row {index}");
        assert_eq!(open_while_away(&policies, &team), in_team, "row {index}, in the team's");
    }
}

#[test]
fn the_worst_violation_is_the_first_that_no_exception_covers() {
    let policy = ScanPolicy::default_of_installation();
    let found = assessment(vec![
        finding("CVE-1", Severity::Critical, "1.1.1l"),
        finding("CVE-2", Severity::Critical, ""),
        finding("CVE-3", Severity::Medium, ""),
    ]);
    let worst = |exceptions: &[Exception], policies: &[&ScanPolicy]| {
        worst_violation(policies, exceptions, "myapp:v1", &found, NOW).map(|finding| finding.id.as_str())
    };
    let exception = |id: &str| Exception {
        name: "x".to_owned(),
        vulnerabilities: vec![id.to_owned()],
        images: vec!["myapp:*".to_owned()],
        packages: vec![],
        expiry: Expiry::Never,
    };
    assert_eq!(worst(&[], &[&policy]), Some("CVE-1"));
    assert_eq!(worst(&[exception("CVE-1")], &[&policy]), Some("CVE-2"));
    assert_eq!(worst(&[exception("CVE-1"), exception("CVE-2")], &[&policy]), None);
    assert_eq!(worst(&[], &[]), None);
}
