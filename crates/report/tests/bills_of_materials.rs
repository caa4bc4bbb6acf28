//! Bills of materials: valid by the official schemas, the same for the same scan, and whole.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod reports;

use reports::{affected, clean, declared, nothing_recognised, unknown_distribution, with_problems};
use seaworthy_model::{ArtifactKind, Ecosystem, Package, ScanReport};
use seaworthy_report::{Format, Options, write};
use serde_json::Value;
use std::path::Path;

fn written(format: &str, report: &ScanReport) -> String {
    let format: Format = format.parse().unwrap();
    String::from_utf8(write(format, report, &Options::default()).unwrap()).unwrap()
}

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A report full of what databases and images may hold.
fn odd() -> ScanReport {
    let mut report = affected();
    report.artifact_name = "dir with spaces/ümlaut #1\nSPDXID: evil.tar".into();
    report.created_at = "2026-11-24T01:02:03.123456789Z".into();
    for (index, text) in ["<script>&\u{2028}", "a\nPackageName: b", "</text>", "\u{1b}[2J", " "]
        .iter()
        .enumerate()
    {
        report.inventory.packages.push(Package {
            licenses: vec![(*text).into(), "GPLv3+".into(), "MIT OR ISC".into(), String::new()],
            maintainer: format!("{text} (x) <y@example.org>"),
            digest: "sha1:6d3b45e79dbab444ca7cbfa59e2833203be6fb6a".into(),
            ..Package::new(Ecosystem::Deb, *text, format!("1:{text}-{index}"), *text)
        });
    }
    // The same package twice, in two places.
    for path in ["a/METADATA", "b/METADATA"] {
        report
            .inventory
            .packages
            .push(Package::new(Ecosystem::PyPi, "six", "1.16", path));
    }
    report
}

fn all() -> Vec<ScanReport> {
    let mut directory = affected();
    directory.image = None;
    directory.artifact_kind = ArtifactKind::Filesystem;
    vec![
        affected(),
        clean(),
        with_problems(),
        unknown_distribution(),
        nothing_recognised(),
        directory,
        declared(),
        odd(),
    ]
}

fn check(validator: &jsonschema::Validator, text: &str) {
    let document: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn cyclonedx_is_valid() {
    let registry = jsonschema::Registry::new()
        .add(
            "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json",
            schema("spdx.schema.json"),
        )
        .unwrap()
        .add(
            "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
            schema("jsf-0.82.schema.json"),
        )
        .unwrap()
        .prepare()
        .unwrap();
    let validator = jsonschema::options()
        .with_registry(&registry)
        .should_validate_formats(true)
        .build(&schema("bom-1.6.schema.json"))
        .unwrap();
    // The validator must be one that can say no.
    let broken = written("cyclonedx", &affected()).replace("\"library\"", "\"libary\"");
    assert!(!validator.is_valid(&serde_json::from_str(&broken).unwrap()));
    for report in all() {
        check(&validator, &written("cyclonedx", &report));
    }
}

#[test]
fn spdx_is_valid() {
    let mut release = schema("spdx-2.3.schema.json");
    // The schema of the release has `OPERATING_SYSTEM`; the text of the specification, clause 7.24, and 2.3.1 have a dash.
    let purposes = "/properties/packages/items/properties/primaryPackagePurpose/enum";
    let purposes = release.pointer_mut(purposes).unwrap().as_array_mut().unwrap();
    purposes.push("OPERATING-SYSTEM".into());
    for schema in [release, schema("spdx-2.3.1.schema.json")] {
        let validator = jsonschema::validator_for(&schema).unwrap();
        let broken = written("spdx-json", &affected()).replace("\"LIBRARY\"", "\"LIBARY\"");
        assert!(!validator.is_valid(&serde_json::from_str(&broken).unwrap()));
        for report in all() {
            check(&validator, &written("spdx-json", &report));
        }
    }
}

#[test]
fn references_are_unique_and_none_is_dangling() {
    for report in all() {
        let document: Value = serde_json::from_str(&written("cyclonedx", &report)).unwrap();
        let mut references: Vec<&str> = document["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|component| component["bom-ref"].as_str().unwrap())
            .chain(["subject"])
            .collect();
        let count = references.len();
        references.sort_unstable();
        references.dedup();
        assert_eq!(references.len(), count);
        for dependency in document["dependencies"].as_array().unwrap() {
            let on = dependency["dependsOn"].as_array().unwrap().iter();
            for reference in on.chain([&dependency["ref"]]) {
                assert!(references.contains(&reference.as_str().unwrap()), "{reference}");
            }
        }
        for vulnerability in document["vulnerabilities"].as_array().unwrap() {
            for affected in vulnerability["affects"].as_array().unwrap() {
                assert!(references.contains(&affected["ref"].as_str().unwrap()));
            }
        }
    }
}

#[test]
fn the_same_scan_gives_the_same_bill_but_for_its_time() {
    let first = affected();
    let mut second = affected();
    second.report_id = "11111111-0000-7000-8000-000000000000".into();
    second.database.age_days += 1;
    let mut other = affected();
    other.inventory.packages[0].version = "9".into();
    for format in ["cyclonedx", "spdx-json", "spdx"] {
        assert_eq!(written(format, &first), written(format, &second), "{format}");
        assert_ne!(written(format, &first), written(format, &other), "{format}");
    }
}

#[test]
fn a_name_with_a_line_break_makes_no_tag_of_its_own() {
    let text = written("spdx", &odd());
    for line in text.lines() {
        assert!(line != "SPDXID: evil.tar" && line != "PackageName: b", "{line}");
    }
    for rest in text.split(": <text>").skip(1) {
        assert!(rest.contains("</text>\n"), "{rest}");
    }
}

#[test]
fn documents() {
    insta::assert_snapshot!("cyclonedx_affected", written("cyclonedx", &affected()));
    insta::assert_snapshot!("spdx_json_affected", written("spdx-json", &affected()));
    insta::assert_snapshot!("spdx_affected", written("spdx", &affected()));
}
