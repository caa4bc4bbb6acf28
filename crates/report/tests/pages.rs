//! The formats for services and for people: each says what was found, what was not read, and lets no markup through.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod reports;

use reports::{affected, clean, declared, unknown_distribution, with_problems};
use seaworthy_model::{Effect, Problem, ScanReport};
use seaworthy_report::{Format, Options, Workflow, write};
use serde_json::Value;

const FORMATS: [&str; 7] = [
    "sarif",
    "junit",
    "gitlab",
    "gitlab-codequality",
    "github",
    "html",
    "markdown",
];

fn written(format: &str, report: &ScanReport) -> String {
    let format: Format = format.parse().unwrap();
    String::from_utf8(write(format, report, &Options::default()).unwrap()).unwrap()
}

#[test]
fn documents() {
    for format in FORMATS {
        insta::assert_snapshot!(format!("{format}_affected"), written(format, &affected()));
    }
    for format in ["sarif", "junit", "gitlab", "markdown"] {
        insta::assert_snapshot!(format!("{format}_problems"), written(format, &with_problems()));
    }
}

#[test]
fn every_finding_is_in_every_format_that_lists_findings() {
    for format in FORMATS.into_iter().filter(|format| *format != "github") {
        let text = written(format, &declared());
        for id in ["CVE-2024-0001", "CVE-2024-0003", "CVE-2024-0005", "GHSA-aaaa-bbbb-cccc"] {
            assert!(text.contains(id), "{format}: {id}");
        }
        // Suppressed.
        assert!(!text.contains("CVE-2024-0004"), "{format}");
    }
}

#[test]
fn a_release_that_gets_no_more_fixes_is_said_in_every_format() {
    let mut report = clean();
    let bills = ["table", "json", "cyclonedx", "spdx-json", "spdx"];
    for format in FORMATS.into_iter().chain(bills) {
        for (ended, said) in [(Some(true), true), (Some(false), false), (None, false)] {
            report.end_of_life = ended;
            let text = written(format, &report);
            let found = text.contains("no more security fixes") || text.contains("\"EOSL\": true");
            assert_eq!(found, said, "{format}: {text}");
        }
    }
}

#[test]
fn an_incomplete_scan_is_no_good_news_anywhere() {
    let mut report = clean();
    report.inventory.problems.push(Problem::at_path(
        "var/lib/dpkg/status",
        Effect::Incomplete,
        "it is damaged",
    ));
    for format in FORMATS {
        let text = written(format, &report);
        assert!(text.contains("it is damaged"), "{format}: {text}");
        assert!(
            !text.contains("No vulnerabilities found.</b>") && !text.contains("**No vulnerabilities found**"),
            "{format}"
        );
    }
    let sarif: Value = serde_json::from_str(&written("sarif", &report)).unwrap();
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
    let gitlab: Value = serde_json::from_str(&written("gitlab", &report)).unwrap();
    assert_eq!(gitlab["scan"]["status"], "failure");
    let unchecked = written("html", &unknown_distribution());
    assert!(unchecked.contains("no advisories for this distribution"), "{unchecked}");
}

#[test]
fn hostile_names_are_text() {
    let mut report = declared();
    let evil = "\"><script>alert(1)</script>&|\u{202e}\u{1b}[31m\n| x | [a](javascript:b)";
    report.artifact_name = evil.into();
    for package in &mut report.inventory.packages {
        package.name = format!("{evil}{}", package.name);
        package.version = evil.into();
        package.path = format!("{evil}{}", package.path);
    }
    for finding in &mut report.decision.findings {
        finding.matched.id = evil.into();
        finding.matched.fixed_version = evil.into();
    }
    for format in FORMATS {
        let text = written(format, &report);
        assert!(!text.contains("<script>alert"), "{format}");
        assert!(!text.contains('\u{1b}'), "{format}");
        if format == "markdown" {
            assert!(!text.contains("\n| x |") && !text.contains("[a](javascript"), "{text}");
        }
        if ["sarif", "gitlab", "gitlab-codequality", "github"].contains(&format) {
            serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{format}: {error}"));
        }
    }
}

#[test]
fn the_page_allows_no_script_but_its_own() {
    let page = written("html", &affected());
    assert_eq!(page.matches("<script").count(), 1);
    assert!(
        page.contains("script-src 'sha256-") && !page.contains("onclick") && !page.contains("http-equiv=\"refresh")
    );
    // It loads nothing.
    for tag in ["<link", "<img", "src=", "@import", "url("] {
        assert!(!page.contains(tag), "{tag}");
    }
}

#[test]
fn a_snapshot_names_the_workflow_that_it_belongs_to() {
    let options = Options {
        workflow: Some(Workflow {
            reference: "refs/heads/main".into(),
            commit: "39da54a1".into(),
            correlator: "ci_build".into(),
            run: "7".into(),
        }),
        ..Options::default()
    };
    let bytes = write("github".parse().unwrap(), &declared(), &options).unwrap();
    let snapshot: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (&snapshot["ref"], &snapshot["job"]["id"]),
        (&"refs/heads/main".into(), &"7".into())
    );
    let manifest = &snapshot["manifests"]["one/package-lock.json"];
    assert_eq!(manifest["file"]["source_location"], "one/package-lock.json");
    assert_eq!(manifest["resolved"]["b"]["relationship"], "indirect");
}

/// What Trivy's golden has, ours has at the same place.
#[test]
fn results_for_services_have_trivys_shape() {
    let folder = "vectors/matching/trivy-integration/alpine-310";
    for (format, places) in [
        (
            "sarif",
            &[
                "/runs/0/tool/driver/rules/0",
                "/runs/0/results/0",
                "/runs/0/results/0/locations/0",
            ][..],
        ),
        (
            "gitlab",
            &["", "/scan", "/vulnerabilities/0", "/vulnerabilities/0/location"],
        ),
        ("gsbom", &["", "/detector", "/job"]),
    ] {
        let Some(path) = seaworthy_testkit::data::path(&format!("{folder}.{format}.golden")) else {
            return;
        };
        let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let own = if format == "gsbom" { "github" } else { format };
        let ours: Value = serde_json::from_str(&written(own, &affected())).unwrap();
        for place in places {
            let golden = golden.pointer(place).and_then(Value::as_object).unwrap();
            let ours = ours
                .pointer(place)
                .and_then(Value::as_object)
                .unwrap_or_else(|| panic!("{own}{place}"));
            for name in golden.keys() {
                assert!(ours.contains_key(name), "{own}{place}: {name} is missing");
            }
        }
    }
}
