//! A report that was written as JSON is read back, and says the same in every format.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod reports;

use reports::{affected, clean, declared, nothing_recognised, unknown_distribution, with_problems};
use seaworthy_report::{Options, read_json, write};

fn written(format: &str, report: &seaworthy_model::ScanReport) -> String {
    let options = Options {
        list_all_packages: true,
        show_suppressed: true,
        ..Options::default()
    };
    String::from_utf8(write(format.parse().unwrap(), report, &options).unwrap()).unwrap()
}

#[test]
fn nothing_is_lost_on_the_way() {
    for report in [
        affected(),
        clean(),
        with_problems(),
        declared(),
        unknown_distribution(),
        nothing_recognised(),
    ] {
        let first = written("json", &report);
        let read = read_json(first.as_bytes()).unwrap();
        let again = written("json", &read);
        let different = again.lines().zip(first.lines()).find(|(again, first)| again != first);
        assert_eq!(different, None);
        assert_eq!(again.len(), first.len());
        for format in [
            "sarif",
            "junit",
            "gitlab",
            "gitlab-codequality",
            "markdown",
            "cyclonedx",
        ] {
            let direct = written(format, &report);
            let converted = written(format, &read);
            if format == "cyclonedx" {
                assert_eq!(
                    converted.matches("\"bom-ref\"").count(),
                    direct.matches("\"bom-ref\"").count()
                );
            } else {
                let different = converted
                    .lines()
                    .zip(direct.lines())
                    .find(|(converted, direct)| converted != direct);
                assert_eq!(different, None, "{format}");
            }
        }
    }
}

#[test]
fn a_report_without_its_packages_keeps_its_findings() {
    let short = write("json".parse().unwrap(), &affected(), &Options::default()).unwrap();
    let read = read_json(&short).unwrap();
    assert_eq!(read.decision.findings.len(), 4);
    let again = write("json".parse().unwrap(), &read, &Options::default()).unwrap();
    let ids = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("\"VulnerabilityID\"").count();
    assert_eq!(ids(&again), ids(&short));
}

#[test]
fn trivys_reports_are_read() {
    let folder = "vectors/matching/trivy-integration";
    for (name, findings, suppressed) in [
        ("alpine-310.json.golden", 4, 0),
        ("fixtures/convert/npm.json.golden", 1, 0),
        ("fixtures/convert/npm-with-suppressed.json.golden", 0, 1),
    ] {
        let Some(path) = seaworthy_testkit::data::path(&format!("{folder}/{name}")) else {
            return;
        };
        let bytes = std::fs::read(path).unwrap();
        let report = read_json(&bytes)
            .unwrap_or_else(|error| panic!("{name}: {error}: {:?}", std::error::Error::source(&error)));
        let all = &report.decision.findings;
        let hidden = all.iter().filter(|finding| finding.suppression.is_some()).count();
        assert!(
            all.len() - hidden >= findings && hidden >= suppressed,
            "{name}: {} and {hidden}",
            all.len()
        );
        for format in ["table", "sarif", "html", "cyclonedx", "spdx"] {
            write(format.parse().unwrap(), &report, &Options::default()).unwrap();
        }
    }
}

#[test]
fn what_is_no_report_is_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "{\"SchemaVersion\":2}",
        "{\"bomFormat\":\"CycloneDX\"}",
        "{\"SchemaVersion\":2,\"ArtifactName\":5}",
    ] {
        assert!(read_json(text.as_bytes()).is_err(), "{text}");
    }
}
