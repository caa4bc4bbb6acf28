//! Databases that rpm itself wrote, read as rpm prints them; how they were made is said in `fixtures/rpm`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use flate2::read::GzDecoder;
use seaworthy_inventory::analyzer::{File, FileReport};
use seaworthy_inventory::os::{rpm, rpm_manifest};
use seaworthy_model::Effect;
use std::io::Read;
use std::path::Path;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/rpm")
        .join(name);
    let bytes = std::fs::read(path).unwrap();
    if !name.ends_with(".gz") {
        return bytes;
    }
    let mut inflated = Vec::new();
    GzDecoder::new(bytes.as_slice()).read_to_end(&mut inflated).unwrap();
    inflated
}

fn read(path: &str, bytes: &[u8], companion: Option<&[u8]>) -> FileReport {
    let mut report = FileReport::default();
    (rpm::ANALYZER.analyze)(File { path, bytes, companion }, &mut report);
    report
}

/// What rpm prints of each package, without the keys that it keeps as packages: `(none)` is an empty column.
fn printed() -> Vec<[String; 7]> {
    let text = String::from_utf8(fixture("packages.tsv")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with("gpg-pubkey\t"));
    rows.map(|line| {
        let columns: Vec<_> = line.split('\t').map(|column| column.replace("(none)", "")).collect();
        columns.try_into().unwrap()
    })
    .collect()
}

/// The same columns of what was read.
fn listed(report: &FileReport) -> Vec<[String; 7]> {
    let epoch_and_rest = |version: &str| match version.split_once(':') {
        Some((epoch, rest)) => (epoch.to_owned(), rest.to_owned()),
        None => (String::new(), version.to_owned()),
    };
    let mut rows: Vec<_> = report
        .packages
        .iter()
        .map(|package| {
            let (epoch, version) = epoch_and_rest(&package.version);
            let (_, source) = epoch_and_rest(&package.source_version);
            [
                package.name.clone(),
                epoch,
                version,
                package.arch.clone(),
                format!("{}-{source}.src.rpm", package.source_name),
                package.maintainer.clone(),
                package.modularity_label.clone(),
            ]
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn every_database_is_read_as_rpm_prints_it() {
    let (sqlite, log) = (fixture("rpmdb.sqlite.gz"), fixture("rpmdb.sqlite-wal.gz"));
    assert_eq!(printed().len(), 6);
    for (path, bytes, log) in [
        ("usr/lib/sysimage/rpm/Packages.db", fixture("Packages.db"), None),
        ("var/lib/rpm/rpmdb.sqlite", sqlite, Some(log.as_slice())),
    ] {
        let report = read(path, &bytes, log);
        assert_eq!(listed(&report), printed(), "{path}");
        assert_eq!(report.problems, [], "{path}");
        let owned: Vec<_> = report.owned.iter().map(|owned| owned.package.as_str()).collect();
        assert!(
            !owned.is_empty() && owned.iter().all(|owner| *owner == "openssl-libs"),
            "{owned:?}"
        );
        let needs: Vec<_> = report
            .packages
            .iter()
            .map(|package| package.depends_on.clone())
            .collect();
        assert!(needs.contains(&vec!["openssl-libs".to_owned()]), "{path}: {needs:?}");
    }
}

#[test]
fn without_its_log_a_database_lacks_what_is_in_the_log() {
    let report = read("var/lib/rpm/rpmdb.sqlite", &fixture("rpmdb.sqlite.gz"), None);
    let rows = listed(&report);
    assert!(
        rows.len() < 6 && !rows.iter().any(|row| row[0] == "openssl-libs"),
        "{rows:?}"
    );
}

#[test]
fn the_manifest_of_distroless_images_says_the_same() {
    let mut report = FileReport::default();
    let bytes = fixture("container-manifest-2");
    let path = "var/lib/rpmmanifest/container-manifest-2";
    (rpm_manifest::ANALYZER.analyze)(File::new(path, &bytes), &mut report);
    // It has no labels of modules.
    let expected = printed().into_iter().map(|mut row| {
        row[6].clear();
        row
    });
    assert_eq!(listed(&report), expected.collect::<Vec<_>>());
    assert_eq!(report.problems, []);
}

#[test]
fn an_ndb_database_that_is_cut_or_damaged_is_incomplete() {
    let whole = fixture("Packages.db");
    let incomplete = |report: &FileReport| {
        report
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Incomplete)
    };
    for end in (0..whole.len()).step_by(97) {
        let report = read("var/lib/rpm/Packages.db", &whole[..end], None);
        assert!(report.packages.len() < 6 || end + 4096 > whole.len(), "{end}");
        assert!(
            report.packages.len() == 6 || incomplete(&report),
            "{end}: a package was lost in silence"
        );
    }
    for at in (0..whole.len()).step_by(13) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        let report = read("var/lib/rpm/Packages.db", &damaged, None);
        assert!(report.packages.len() <= 7, "{at}");
        assert!(
            report.packages.len() >= 6 || !report.problems.is_empty(),
            "byte {at}: a package was lost in silence"
        );
    }
}
