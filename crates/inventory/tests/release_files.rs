//! The distribution of real release files, read by the analyzers of the table and merged.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::path::Path;

use seaworthy_inventory::analyzer::{ANALYZERS, File, FileReport};
use seaworthy_inventory::release::merge;
use seaworthy_model::{Distribution, Family};
use seaworthy_testkit::data;

/// What the analyzers make of one file at this path.
fn detect(path: &str, bytes: &[u8]) -> Option<Distribution> {
    let mut facts = Vec::new();
    for analyzer in ANALYZERS.iter().filter(|analyzer| (analyzer.wants)(path)) {
        let mut report = FileReport::default();
        (analyzer.analyze)(File::new(path, bytes), &mut report);
        facts.append(&mut report.release);
    }
    merge(facts.iter().map(|fact| (path, fact))).0
}

/// Where a file of the collection lies in an image; its rows leave that out where the name says it.
fn path_in_image(file: &str, stated: &str) -> String {
    if !stated.is_empty() {
        return stated.to_owned();
    }
    if file.starts_with("redhatbase-") {
        let name = file.rsplit('-').nth(1).unwrap();
        return format!("etc/{name}-release");
    }
    if file.ends_with("debian-version") {
        return "etc/debian_version".to_owned();
    }
    if file == "ubuntu-lsb-release" {
        return "etc/lsb-release".to_owned();
    }
    "etc/os-release".to_owned()
}

/// Whether the collection's word names this distribution: our name for the family, the constant that Trivy's source
/// has for it (`OpenSUSELeap`), or the `ID`.
fn names(word: &str, distribution: &Distribution) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let family = match distribution.family {
        Family::Azure => "azure",
        Family::SleMicro => "slemicro",
        family => family.name(),
    };
    plain(word) == plain(family)
        || plain(word) == plain(distribution.family.name())
        || plain(word) == plain(&distribution.id)
}

#[test]
fn collected_release_files() {
    let Some(rows) = data::rows("vectors/os-detect/expected.tsv") else {
        return;
    };
    let mut wrong = Vec::new();
    let mut checked = 0;
    for row in &rows {
        let [file, stated, family, version, ..] = row.as_slice() else {
            panic!("short row {row:?}")
        };
        let Some(source) = data::path(&format!("vectors/os-detect/files/{file}")) else {
            return;
        };
        let path = path_in_image(file, stated);
        let found = detect(&path, &std::fs::read(source).unwrap());
        checked += 1;
        let right = match &found {
            Some(found) if family.is_empty() => {
                // The collection took `ID` and `VERSION_ID` as written and so has no word for one-line files.
                !stated.ends_with("os-release") && found.family != Family::Other
            }
            Some(found) => names(family, found) && found.version == *version,
            None => family.is_empty(),
        };
        if !right {
            wrong.push(format!(
                "{file} at {path}: expected {family} {version}, found {found:?}"
            ));
        }
    }
    assert!(checked > 30, "only {checked} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_beside_the_rows() {
    for (file, path, family, version) in [
        (
            "debian-debian-9-etc-debian-version",
            "etc/debian_version",
            Family::Debian,
            "9.8",
        ),
        (
            "debian-debian-sid-etc-debian-version",
            "etc/debian_version",
            Family::Debian,
            "buster/sid",
        ),
        (
            "redhatbase-centos-centos-release",
            "etc/centos-release",
            Family::CentOs,
            "7.6.1810",
        ),
        (
            "redhatbase-oracle-7-oracle-release",
            "etc/oracle-release",
            Family::Oracle,
            "7.6",
        ),
        (
            "redhatbase-redhat-6-redhat-release",
            "etc/redhat-release",
            Family::RedHat,
            "6.2",
        ),
        (
            "redhatbase-rocky-rocky-release",
            "etc/rocky-release",
            Family::Rocky,
            "8.4",
        ),
        ("release-centos-stream", "etc/os-release", Family::CentOsStream, "8"),
        (
            "release-opensuseleap-15.2.1",
            "etc/os-release",
            Family::OpenSuseLeap,
            "15.2.1",
        ),
        ("release-rhel", "etc/os-release", Family::RedHat, "9.4"),
        ("release-slemicro6.0", "etc/os-release", Family::SleMicro, "6.0"),
        ("syft-amazon-etc-os-release", "etc/os-release", Family::Amazon, "2"),
        ("syft-arch-etc-os-release", "etc/os-release", Family::Arch, ""),
        (
            "syft-centos5-etc-redhat-release",
            "etc/redhat-release",
            Family::CentOs,
            "5.7",
        ),
        ("syft-wolfi-etc-os-release", "etc/os-release", Family::Wolfi, "20220914"),
        ("ubuntu-lsb-release", "etc/lsb-release", Family::Ubuntu, "18.04"),
    ] {
        let Some(source) = data::path(&format!("vectors/os-detect/files/{file}")) else {
            return;
        };
        let found = detect(path, &std::fs::read(source).unwrap());
        let found = found.map(|found| (found.family, found.version));
        assert_eq!(found, Some((family, version.to_owned())), "{file}");
    }
}

#[test]
fn esm_of_a_real_status_file() {
    let Some(source) = data::path("vectors/os-detect/files/ubuntu-esm-enabled-status.json") else {
        return;
    };
    let found = detect("var/lib/ubuntu-advantage/status.json", &std::fs::read(source).unwrap()).unwrap();
    assert_eq!(
        (found.family, found.channels),
        (Family::Ubuntu, vec!["esm-infra".to_owned()])
    );
}

/// The roots of real systems carry several release files that agree.
#[test]
fn real_roots_agree() {
    let Some(cases) = data::path("vectors/inventory") else {
        return;
    };
    let mut checked = 0;
    for case in std::fs::read_dir(cases).unwrap() {
        let root = case.unwrap().path().join("input");
        let mut facts = Vec::new();
        for path in [
            "etc/os-release",
            "usr/lib/os-release",
            "etc/alpine-release",
            "etc/lsb-release",
            "etc/debian_version",
        ] {
            let Ok(bytes) = std::fs::read(Path::new(&root).join(path)) else {
                continue;
            };
            for analyzer in ANALYZERS.iter().filter(|analyzer| (analyzer.wants)(path)) {
                let mut report = FileReport::default();
                (analyzer.analyze)(File::new(path, &bytes), &mut report);
                facts.extend(report.release.into_iter().map(|fact| (path, fact)));
            }
        }
        if facts.len() < 2 {
            continue;
        }
        let (found, problems) = merge(facts.iter().map(|(path, fact)| (*path, fact)));
        assert!(
            found.is_some_and(|found| found.family != Family::Other),
            "{}",
            root.display()
        );
        assert_eq!(problems, [], "{}", root.display());
        checked += 1;
    }
    assert!(checked > 5, "only {checked} roots");
}
