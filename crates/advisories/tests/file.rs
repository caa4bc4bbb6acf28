//! The advisory file: what is written comes back, and what is damaged is refused.

use seaworthy_advisories::database::Database;
use seaworthy_advisories::error::Error;
use seaworthy_advisories::file::write;
use seaworthy_advisories::record::{Compilation, CvssVectors, Facts, FeedSummary, Range, RangeEnd, Record, SourceId};
use seaworthy_model::{FixStatus, Severity};

fn record(section: &str, package: &str, id: &str, fixed: &str) -> Record {
    Record {
        section: section.to_owned(),
        package: package.to_owned(),
        id: id.to_owned(),
        vendor_ids: Vec::new(),
        source: SourceId::Alpine,
        ranges: vec![Range {
            introduced: String::new(),
            end: RangeEnd::Fixed(fixed.to_owned()),
        }],
        versions: Vec::new(),
        status: FixStatus::Fixed,
        severity: None,
        unimportant: false,
        module: String::new(),
        arches: Vec::new(),
        product: String::new(),
    }
}

fn facts() -> Facts {
    Facts {
        published: Some(1_700_000_001),
        modified: Some(1_710_000_000),
        cvss: [
            (
                SourceId::Nvd,
                CvssVectors {
                    v2: Some("AV:N/AC:L/Au:N/C:N/I:N/A:P".to_owned()),
                    v3: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned()),
                    v40: None,
                },
            ),
            (
                SourceId::Cna,
                CvssVectors {
                    v2: None,
                    v3: None,
                    v40: Some("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/odd text".to_owned()),
                },
            ),
        ]
        .into(),
        severities: [(SourceId::Ubuntu, Severity::Medium), (SourceId::RedHat, Severity::High)].into(),
        epss: Some((43, 12_345)),
        cwes: vec![20, 416, 1_333],
        known_exploited: Some((19_000, true)),
    }
}

fn compilation() -> Compilation {
    let mut compilation = Compilation::default();
    for (section, package, id, fixed) in [
        ("alpine 3.20", "openssl", "CVE-2024-5535", "3.3.1-r1"),
        ("alpine 3.20", "openssl", "CVE-2024-4741", "3.3.0-r3"),
        ("alpine 3.20", "busybox", "CVE-2023-42363", "1.36.1-r29"),
        ("alpine 3.19", "openssl", "CVE-2024-5535", "3.1.6-r0"),
        ("alpine edge", "openssl", "CVE-2024-5535", "3.3.1-r1"),
        ("alpine edge", "odd", "ALPINE-13661", "1.0-r0"),
    ] {
        compilation.records.push(record(section, package, id, fixed));
    }
    let mut listed = record("npm", "left-pad", "GHSA-aaaa-bbbb-cccc", "1.0.0");
    listed.ranges.extend([
        Range {
            introduced: "2.0.0".to_owned(),
            end: RangeEnd::LastAffected("2.1.0".to_owned()),
        },
        Range {
            introduced: "3.0.0".to_owned(),
            end: RangeEnd::Limit("3.5.0".to_owned()),
        },
        Range {
            introduced: "4.0.0".to_owned(),
            end: RangeEnd::Open,
        },
    ]);
    listed.versions = vec!["9.9.9".to_owned()];
    listed.vendor_ids = vec!["OSV-1".to_owned()];
    compilation.records.push(listed);
    compilation.facts.insert("CVE-2024-5535".to_owned(), facts());
    compilation.facts.insert(
        "GHSA-aaaa-bbbb-cccc".to_owned(),
        Facts {
            epss: Some((43, 12_346)),
            ..Facts::default()
        },
    );
    compilation.facts.insert("CVE-1999-0001".to_owned(), Facts::default());
    compilation.summaries.push(FeedSummary {
        feed: "alpine/v3.20/main.json".to_owned(),
        source: Some(SourceId::Alpine),
        read: 7,
        kept: 6,
        refused: [("withdrawn".to_owned(), 1)].into(),
        newest: Some(1_720_000_000),
    });
    compilation
}

fn open(bytes: Vec<u8>) -> Result<Database, Error> {
    Database::from_static(Vec::leak(bytes))
}

#[test]
fn the_order_of_records_changes_nothing() {
    let one = compilation();
    let mut other = one.clone();
    other.records.reverse();
    other.records.push(one.records[0].clone());
    let info = open(write(&other).unwrap()).unwrap().info();
    assert_eq!(
        info.sections.iter().map(|section| section.records).sum::<u64>(),
        7,
        "duplicates are written once"
    );
    other.records.pop();
    assert_eq!(write(&one).unwrap(), write(&other).unwrap());
}

#[test]
fn what_is_in_it_is_told() {
    let database = open(write(&compilation()).unwrap()).unwrap();
    database.verify().unwrap();
    let info = database.info();
    assert_eq!(info.built, 1_720_000_000);
    let sections: Vec<(&str, u64)> = info.sections.iter().map(|it| (it.name.as_str(), it.records)).collect();
    assert_eq!(
        sections,
        [("alpine 3.19", 1), ("alpine 3.20", 3), ("alpine edge", 2), ("npm", 1)]
    );
    assert_eq!(info.feeds, compilation().summaries);
    assert_eq!(info.ids, 3);
    let summary = database.summary(19_937);
    assert_eq!(
        (summary.built_at.as_str(), summary.age_days),
        ("2024-07-03T09:46:40Z", 30)
    );
    assert_eq!(summary.sources[0].newest, "2024-07-03");
}

#[test]
fn facts_come_back_letter_by_letter() {
    let database = open(write(&compilation()).unwrap()).unwrap();
    assert_eq!(database.facts("CVE-2024-5535").unwrap(), facts());
    assert_eq!(database.facts("GHSA-aaaa-bbbb-cccc").unwrap().epss, Some((43, 12_346)));
    assert_eq!(database.facts("CVE-1999-0001").unwrap(), Facts::default());
    assert_eq!(database.facts("CVE-2024-5534").unwrap(), Facts::default());
    assert_eq!(database.facts("GHSA-none").unwrap(), Facts::default());
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let bytes = write(&compilation()).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let refused = open(damaged).and_then(|database| database.verify());
        assert!(refused.is_err(), "byte {at} of {}", bytes.len());
    }
    for length in 0..bytes.len() {
        assert!(open(bytes[..length].to_vec()).is_err(), "{length} bytes");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(open(longer), Err(Error::Length { .. })));
}

#[test]
fn a_damaged_section_is_an_error_and_not_an_empty_one() {
    let mut bytes = write(&compilation()).unwrap();
    let last = bytes.len() - 1;
    let database = open(bytes.clone()).unwrap();
    let first = database
        .info()
        .sections
        .iter()
        .map(|section| section.compressed)
        .next()
        .unwrap();
    let frames: u64 = database.info().sections.iter().map(|section| section.compressed).sum();
    assert!(first > 0 && frames < last as u64);
    // The frames lie at the end, sections first; everything in them but the index is flipped.
    let index_end = bytes.len() / 2;
    for byte in &mut bytes[index_end..] {
        *byte = !*byte;
    }
    let error = open(bytes).and_then(|database| database.verify()).unwrap_err();
    assert!(error.to_string().contains("checksum is wrong"), "{error}");
    assert!(error.hint().unwrap().contains("db build"));
}

#[test]
fn foreign_and_later_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("advisories.db");
    for content in [&b""[..], b"SQLite format 3\0", b"PK\x03\x04"] {
        std::fs::write(&path, content).unwrap();
        let error = Database::open(&path).unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{error}");
        assert!(error.to_string().contains("advisories.db"), "{error}");
    }
    let mut bytes = write(&compilation()).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    Database::open(&path).unwrap().verify().unwrap();
    bytes[8] = 99;
    std::fs::write(&path, &bytes).unwrap();
    let error = Database::open(&path).unwrap_err();
    assert!(matches!(error, Error::Format { found: 99, .. }), "{error}");
    assert!(Database::open(directory.path().join("none")).is_err());
    assert!(Database::open(directory.path()).is_err());
}

#[test]
fn an_empty_compilation_is_a_valid_file() {
    let database = open(write(&Compilation::default()).unwrap()).unwrap();
    database.verify().unwrap();
    assert!(database.info().sections.is_empty());
    assert_eq!(database.facts("CVE-2024-5535").unwrap(), Facts::default());
}
