//! Both formats, as people and programs get them, for every kind of report.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod reports;

use std::sync::Arc;

use reports::{affected, clean, declared, nothing_recognised, unknown_distribution, with_problems};
use seaworthy_model::{ScanReport, Severity};
use seaworthy_report::{Format, Options, write};

fn written(format: &str, report: &ScanReport, options: &Options) -> String {
    let format: Format = format.parse().unwrap();
    String::from_utf8(write(format, report, options).unwrap()).unwrap()
}

#[test]
fn tables() {
    let options = Options::default();
    insta::assert_snapshot!("table_affected", written("table", &affected(), &options));
    insta::assert_snapshot!("table_clean", written("table", &clean(), &options));
    insta::assert_snapshot!("table_problems", written("table", &with_problems(), &options));
    insta::assert_snapshot!(
        "table_unknown_distribution",
        written("table", &unknown_distribution(), &options)
    );
    insta::assert_snapshot!("table_nothing", written("table", &nothing_recognised(), &options));
    let suppressed = Options {
        show_suppressed: true,
        severities: vec![Severity::High, Severity::Critical],
        ..Options::default()
    };
    insta::assert_snapshot!("table_suppressed", written("table", &affected(), &suppressed));
    let narrow = Options {
        width: Some(90),
        colour: true,
        ..Options::default()
    };
    insta::assert_snapshot!("table_narrow_colour", written("table", &affected(), &narrow));
}

#[test]
fn documents() {
    let options = Options::default();
    insta::assert_snapshot!("json_affected", written("json", &affected(), &options));
    insta::assert_snapshot!("json_problems", written("json", &with_problems(), &options));
    let all = Options {
        list_all_packages: true,
        show_suppressed: true,
        ..Options::default()
    };
    insta::assert_snapshot!("json_all_packages", written("json", &affected(), &all));
}

#[test]
fn a_document_is_the_same_tomorrow() {
    let today = affected();
    let mut tomorrow = affected();
    tomorrow.database.age_days += 1;
    let options = Options::default();
    assert_eq!(written("json", &today, &options), written("json", &tomorrow, &options));
}

#[test]
fn every_lock_file_and_program_is_a_target_of_its_own() {
    let text = written("json", &declared(), &Options::default());
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let targets: Vec<(&str, &str, usize)> = report["Results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let found = result["Vulnerabilities"].as_array().map_or(0, Vec::len);
            (
                result["Target"].as_str().unwrap(),
                result["Type"].as_str().unwrap(),
                found,
            )
        })
        .collect();
    assert_eq!(
        targets,
        [
            ("app.tar (debian 12.5)", "debian", 3),
            ("Node.js", "node-pkg", 1),
            ("Python", "python-pkg", 0),
            ("usr/bin/server", "gobinary", 1),
            ("one/package-lock.json", "npm", 0),
            ("two/package-lock.json", "npm", 0),
        ]
    );
}

#[test]
fn narrow_tables_fit() {
    for width in [80, 90, 100, 120] {
        let narrow = Options {
            width: Some(width),
            ..Options::default()
        };
        let table = written("table", &affected(), &narrow);
        for line in table.lines().filter(|line| line.starts_with(['│', '┌', '├', '└'])) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn what_was_not_checked_has_no_total() {
    let table = written("table", &unknown_distribution(), &Options::default());
    assert!(
        !table.contains("Total: 0") && table.contains("no advisories for this distribution"),
        "{table}"
    );
}

#[test]
fn control_characters_of_an_image_do_not_reach_the_terminal() {
    let mut report = affected();
    report.inventory.packages[0].name = "evil\u{1b}[31m\nTotal: 0".into();
    report.inventory.packages[0].version = "1\u{202e}2".into();
    let table = written("table", &report, &Options::default());
    assert!(!table.contains(['\u{1b}', '\u{202e}']), "{table}");
}

#[test]
fn markup_is_escaped_and_still_json() {
    let mut report = affected();
    report.inventory.packages[0].name = "<script>&\u{2028}".into();
    let text = written(
        "json",
        &report,
        &Options {
            list_all_packages: true,
            ..Options::default()
        },
    );
    assert!(!text.contains(['<', '>', '&', '\u{2028}']));
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["Results"][0]["Packages"][0]["Name"], "<script>&\u{2028}");
}

#[test]
fn scores_are_written_as_go_writes_them() {
    let mut report = affected();
    for scores in Arc::make_mut(&mut report.decision.findings[0].matched.cvss).values_mut() {
        (scores.v2_score, scores.v3_score) = (Some(5.0), Some(7.5));
    }
    let text = written("json", &report, &Options::default());
    assert!(
        text.contains("\"V2Score\": 5,") && text.contains("\"V3Score\": 7.5\n"),
        "{text}"
    );
}

#[test]
fn findings_of_directories_have_fingerprints_too() {
    let mut report = affected();
    report.image = None;
    let report: serde_json::Value = serde_json::from_str(&written("json", &report, &Options::default())).unwrap();
    let fingerprint = &report["Results"][0]["Vulnerabilities"][0]["Fingerprint"];
    assert!(
        fingerprint.as_str().is_some_and(|text| text.starts_with("sha256:")),
        "{fingerprint}"
    );
}

/// The paths of all fields of Trivy's golden report that ours has too must stand in the same order.
#[test]
fn fields_stand_in_trivys_order() {
    let Some(golden) = seaworthy_testkit::data::path("vectors/matching/trivy-integration/debian-buster.json.golden")
    else {
        return;
    };
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let ours: serde_json::Value = serde_json::from_str(&written("json", &affected(), &Options::default())).unwrap();
    let names = |value: &serde_json::Value| -> Vec<String> {
        value
            .as_object()
            .map(|fields| fields.keys().cloned().collect())
            .unwrap_or_default()
    };
    let check = |golden: &serde_json::Value, ours: &serde_json::Value, what: &str| {
        let (golden, ours) = (names(golden), names(ours));
        let shared: Vec<&String> = ours.iter().filter(|name| golden.contains(name)).collect();
        let expected: Vec<&String> = golden.iter().filter(|name| ours.contains(name)).collect();
        assert!(shared.len() >= 3, "{what}: {ours:?}");
        assert_eq!(shared, expected, "{what}");
    };
    check(&golden, &ours, "report");
    check(&golden["Metadata"], &ours["Metadata"], "Metadata");
    check(&golden["Results"][0], &ours["Results"][0], "Results[]");
    check(
        &golden["Results"][0]["Vulnerabilities"][0],
        &ours["Results"][0]["Vulnerabilities"][0],
        "Vulnerabilities[]",
    );
}
