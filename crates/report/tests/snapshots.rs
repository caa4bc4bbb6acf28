//! Both formats, as people and programs get them, for every kind of report.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use seaworthy_model::{
    ArtifactKind, Confidence, Coverage, Cvss, DataSource, DatabaseInfo, DatabaseSource, Decision, Digest, Distribution,
    Ecosystem, Effect, Epss, Family, Finding, FixStatus, ImageMetadata, Inventory, KnownExploited, LayerDigests,
    LayerRef, Match, MatchKind, Package, PackageDatabase, Platform, Problem, ScanReport, Severity, Suppression,
    Verdict,
};
use seaworthy_report::{Format, Options, write};
use std::collections::BTreeMap;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn package(ecosystem: Ecosystem, name: &str, version: &str, path: &str) -> Package {
    Package {
        layer: Some(LayerRef {
            digest: Some(digest(2)),
            diff_id: Some(digest(3)),
        }),
        arch: if ecosystem == Ecosystem::Deb {
            "amd64".into()
        } else {
            String::new()
        },
        ..Package::new(ecosystem, name, version, path)
    }
}

fn found(package: usize, id: &str, severity: Severity, fixed: &str) -> Match {
    Match {
        package,
        id: id.into(),
        vendor_ids: vec!["DSA-1-1".into()],
        status: if fixed.is_empty() {
            FixStatus::WillNotFix
        } else {
            FixStatus::Fixed
        },
        fixed_version: fixed.into(),
        range: format!("< {fixed}"),
        kind: MatchKind::Source,
        confidence: Confidence::Exact,
        severity,
        severity_source: "debian".into(),
        vendor_severity: BTreeMap::from([("debian".to_owned(), severity), ("nvd".to_owned(), Severity::High)]),
        cvss: BTreeMap::from([(
            "nvd".to_owned(),
            Cvss {
                v3_vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into()),
                v3_score: Some(9.8),
                ..Cvss::default()
            },
        )]),
        epss: Some(Epss {
            score: 0.5,
            percentile: 0.97,
        }),
        known_exploited: Some(KnownExploited {
            date_added: "2024-01-02".into(),
            ransomware: true,
        }),
        published: Some("2024-01-01T00:00:00Z".into()),
        modified: None,
        source: DataSource {
            id: "debian".into(),
            name: "Debian Security Tracker".into(),
            url: "https://example.org/".into(),
        },
    }
}

fn finding(matched: Match) -> Finding {
    Finding {
        matched,
        suppression: None,
    }
}

/// A Debian image with findings in distribution and language packages, one of them suppressed.
fn affected() -> ScanReport {
    let packages = vec![
        Package {
            source_name: "openssl".into(),
            source_version: "3.0.11-1~deb12u1".into(),
            maintainer: "Debian OpenSSL Team".into(),
            licenses: vec!["Apache-2.0".into()],
            depends_on: vec!["zlib1g".into(), "gone".into()],
            ..package(Ecosystem::Deb, "libssl3", "3.0.11-1~deb12u1", "var/lib/dpkg/status")
        },
        Package {
            source_name: "zlib".into(),
            source_version: "1:1.2.13.dfsg-1".into(),
            ..package(Ecosystem::Deb, "zlib1g", "1:1.2.13.dfsg-1", "var/lib/dpkg/status")
        },
        package(
            Ecosystem::Npm,
            "@scope/größe",
            "1.0.0",
            "app/node_modules/@scope/größe/package.json",
        ),
        Package {
            owned_by: Some("python3-yaml".into()),
            ..package(
                Ecosystem::PyPi,
                "PyYAML",
                "6.0",
                "usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA",
            )
        },
    ];
    let mut uncertain = found(2, "GHSA-aaaa-bbbb-cccc", Severity::Low, "1.0.1");
    uncertain.confidence = Confidence::Uncertain("the version is no version".into());
    ScanReport {
        report_id: "00000000-0000-7000-8000-000000000000".into(),
        created_at: "2026-11-24T00:00:00Z".into(),
        artifact_name: "app.tar".into(),
        artifact_kind: ArtifactKind::ContainerImage,
        image: Some(ImageMetadata {
            image_id: Some(digest(1)),
            manifest_digest: Some(digest(4)),
            repo_tags: vec!["app:1".into()],
            platform: Some(Platform {
                os: "linux".into(),
                architecture: "amd64".into(),
                variant: None,
            }),
            layers: vec![LayerDigests {
                digest: Some(digest(2)),
                diff_id: Some(digest(3)),
                size: 10,
                created_by: None,
            }],
            config: serde_json::json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}}),
            ..ImageMetadata::default()
        }),
        inventory: Inventory {
            distribution: Some(Distribution::new(Family::Debian, "12.5")),
            databases: vec![PackageDatabase {
                ecosystem: Ecosystem::Deb,
                path: "var/lib/dpkg/status".into(),
                packages: 2,
                layer: None,
            }],
            packages,
            problems: Vec::new(),
            coverage: Coverage {
                layers: 1,
                entries: 4,
                files_read: 3,
                bytes: 1234,
            },
            layer_sizes: vec![2048],
        },
        end_of_life: Some(false),
        distribution_supported: true,
        decision: Decision {
            findings: vec![
                finding(found(0, "CVE-2024-0001", Severity::Critical, "3.0.13-1~deb12u1")),
                finding(found(0, "CVE-2024-0002", Severity::Critical, "3.0.13-1~deb12u1")),
                finding(found(1, "CVE-2024-0003", Severity::Medium, "")),
                Finding {
                    matched: found(1, "CVE-2024-0004", Severity::High, "1:1.3"),
                    suppression: Some(Suppression {
                        status: "ignored".into(),
                        statement: "not reachable <here> & now".into(),
                        source: ".trivyignore".into(),
                    }),
                },
                finding(uncertain),
            ],
            verdict: Verdict::Pass,
            reasons: Vec::new(),
        },
        database: DatabaseInfo {
            origin: "built in".into(),
            built_at: "2026-08-21T00:00:00Z".into(),
            age_days: 95,
            sources: vec![DatabaseSource {
                id: "debian".into(),
                name: "Debian Security Tracker".into(),
                newest: "2025-02-12".into(),
                records: 117_992,
            }],
            distribution_newest: Some("2025-02-12".into()),
        },
    }
}

fn clean() -> ScanReport {
    let mut report = affected();
    report.decision.findings.clear();
    report
}

/// An ended release whose package database could not be read whole.
fn with_problems() -> ScanReport {
    let mut report = clean();
    report.end_of_life = Some(true);
    report.inventory.distribution = Some(Distribution::new(Family::Debian, "9.13"));
    report.inventory.problems = vec![
        Problem::at_path(
            "var/lib/dpkg/status",
            Effect::Incomplete,
            "the file ends inside a stanza",
        )
        .in_layer(digest(2)),
        Problem::of_artifact(Effect::Uncertain, "a version could not be compared"),
        Problem::at_path("etc/\u{1b}[2Jx", Effect::Note, "an odd name"),
    ];
    report
}

fn unknown_distribution() -> ScanReport {
    let mut report = clean();
    let mut distribution = Distribution::new(Family::Other, "1");
    distribution.id = "mysteryos".into();
    report.inventory.distribution = Some(distribution);
    report.distribution_supported = false;
    report.end_of_life = None;
    report
}

fn nothing_recognised() -> ScanReport {
    let mut report = clean();
    report.inventory = Inventory::default();
    report
}

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
    for scores in report.decision.findings[0].matched.cvss.values_mut() {
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
