//! Reports of every kind, by which the formats are tested.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each test file uses some of them"
)]

use seaworthy_model::{
    ArtifactKind, Confidence, Coverage, Cvss, DataSource, DatabaseInfo, DatabaseSource, Decision, Digest, Distribution,
    Ecosystem, Effect, Epss, Family, Finding, FixStatus, ImageMetadata, Inventory, KnownExploited, LayerDigests,
    LayerRef, Match, MatchKind, Package, PackageDatabase, Platform, Problem, Relationship, ScanReport, Severity,
    Suppression, Verdict,
};
use std::collections::BTreeMap;

pub fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

pub fn package(ecosystem: Ecosystem, name: &str, version: &str, path: &str) -> Package {
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

pub fn found(package: usize, id: &str, severity: Severity, fixed: &str) -> Match {
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
        vendor_severity: BTreeMap::from([("debian".to_owned(), severity), ("nvd".to_owned(), Severity::High)]).into(),
        cvss: BTreeMap::from([(
            "nvd".to_owned(),
            Cvss {
                v3_vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into()),
                v3_score: Some(9.8),
                ..Cvss::default()
            },
        )])
        .into(),
        cwes: vec![20, 416].into(),
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
        }
        .into(),
    }
}

pub fn finding(matched: Match) -> Finding {
    Finding {
        matched,
        suppression: None,
    }
}

/// A Debian image with findings in distribution and language packages, one of them suppressed.
pub fn affected() -> ScanReport {
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

pub fn clean() -> ScanReport {
    let mut report = affected();
    report.decision.findings.clear();
    report
}

/// An ended release whose package database could not be read whole.
pub fn with_problems() -> ScanReport {
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

pub fn unknown_distribution() -> ScanReport {
    let mut report = clean();
    let mut distribution = Distribution::new(Family::Other, "1");
    distribution.id = "mysteryos".into();
    report.inventory.distribution = Some(distribution);
    report.distribution_supported = false;
    report.end_of_life = None;
    report
}

pub fn nothing_recognised() -> ScanReport {
    let mut report = clean();
    report.inventory = Inventory::default();
    report
}

/// A source tree with two lock files, and a program of Go modules.
pub fn declared() -> ScanReport {
    let mut report = affected();
    report.image = None;
    report.artifact_kind = ArtifactKind::Filesystem;
    let declared = |name: &str, path: &str, relationship| Package {
        declared_by: Some("npm".into()),
        relationship,
        ..Package::new(Ecosystem::Npm, name, "1.0.0", path)
    };
    report.inventory.packages.extend([
        declared("a", "one/package-lock.json", Relationship::Direct),
        declared("b", "one/package-lock.json", Relationship::Indirect),
        declared("a", "two/package-lock.json", Relationship::Root),
        Package::new(Ecosystem::Go, "stdlib", "1.22.0", "usr/bin/server"),
    ]);
    let last = report.inventory.packages.len() - 1;
    report
        .decision
        .findings
        .push(finding(found(last, "CVE-2024-0005", Severity::High, "1.22.1")));
    report
}
