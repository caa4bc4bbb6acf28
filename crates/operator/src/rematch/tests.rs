//! Matching again says what a scan with the same data says, of every kind of inventory.

use super::{Matcher, Outcome, Read, Stored, assess};
use crate::store::{pack, packed::unpack_assessment};
use seaworthy_model::{
    AssessedFinding, Assessment, Distribution, Ecosystem, Effect, Family, Inventory, Package, Problem, Severity,
};
use seaworthy_scanner::{Database, Options, Target, scan};
use seaworthy_testkit::data;
use std::path::Path;

/// Seconds since 1970: in 2025.
const NOW: i64 = 1_750_000_000;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn database() -> Database {
    Database::open(root().join("data/advisories.db")).unwrap()
}

fn debian(packages: Vec<Package>) -> Inventory {
    Inventory {
        distribution: Some(Distribution::new(Family::Debian, "12.5")),
        packages,
        ..Inventory::default()
    }
}

fn deb(name: &str, version: &str) -> Package {
    Package::new(Ecosystem::Deb, name, version, "var/lib/dpkg/status")
}

fn npm(name: &str, version: &str, path: &str) -> Package {
    Package::new(Ecosystem::Npm, name, version, path)
}

/// Inventories in which packages alone say all, and those in which they do not.
fn inventories() -> Vec<Inventory> {
    let old = || {
        vec![
            deb("openssl", "3.0.9-1"),
            deb("linux", "6.1.20-1"),
            deb("curl", "7.88.1-10"),
            npm("lodash", "4.17.4", "a/package.json"),
        ]
    };
    let mut twice = old();
    let mut other = deb("openssl", "3.0.9-1");
    other.arch = "i386".to_owned();
    other.source_version = "3.0.1-1".to_owned();
    twice.push(other);
    twice.push(npm("lodash", "4.17.4", "a/package.json"));
    twice.push(npm("lodash", "4.17.4", "b/package.json"));
    let mut owned = npm("lodash", "4.17.4", "usr/share/x/package.json");
    owned.owned_by = Some("node-lodash".to_owned());
    let mut third_party = deb("docker-ce", "5:20.10.0~3-0~debian");
    third_party.maintainer = "Docker <support@docker.com>".to_owned();
    let alpine = Package::new(Ecosystem::Apk, "busybox", "1.30.1-r2", "lib/apk/db/installed");
    let mut torn = debian(old());
    torn.problems
        .push(Problem::at_path("var/lib/dpkg/status.d/x", Effect::Incomplete, "torn"));
    torn.problems
        .push(Problem::at_path("a", Effect::Incomplete, "also torn"));
    vec![
        debian(old()),
        debian(twice),
        debian(vec![
            owned.clone(),
            third_party,
            alpine.clone(),
            deb("zlib", "no version"),
        ]),
        debian(Vec::new()),
        torn,
        Inventory {
            distribution: Some(Distribution::new(Family::Alpine, "3.10.2")),
            packages: vec![alpine.clone(), npm("lodash", "4.17.4", "a/package.json")],
            ..Inventory::default()
        },
        // There are no advisories about it, so that what it owns is matched as well.
        Inventory {
            distribution: Some(Distribution::new(Family::Other, "1")),
            packages: vec![owned, alpine.clone()],
            ..Inventory::default()
        },
        Inventory {
            packages: vec![alpine],
            ..Inventory::default()
        },
        Inventory::default(),
    ]
}

/// Package lists of real images, each with distributions that it is from and others.
fn real() -> Vec<Inventory> {
    let Some(directory) = data::path("vectors/inventory") else {
        return Vec::new();
    };
    let releases = [
        (Family::Debian, "12.5"),
        (Family::Debian, "11.9"),
        (Family::Ubuntu, "20.04"),
        (Family::Alpine, "3.20.1"),
        (Family::RedHat, "8.9"),
        (Family::Fedora, "27"),
    ];
    let mut inventories = Vec::new();
    for list in data::files(&directory) {
        let Ok(list) = list.strip_prefix(&directory) else {
            continue;
        };
        if !list.ends_with("expected.tsv") {
            continue;
        }
        let rows = data::rows(&format!("vectors/inventory/{}", list.display())).unwrap();
        let packages: Vec<Package> = rows
            .iter()
            .filter_map(|row| {
                let [name, version, kind, source, source_version, arch, ..] = row.as_slice() else {
                    return None;
                };
                let mut package = Package::new(Ecosystem::from_purl_type(kind)?, name, version, list.to_string_lossy());
                if !source.is_empty() {
                    source.clone_into(&mut package.source_name);
                    source_version.clone_into(&mut package.source_version);
                }
                arch.clone_into(&mut package.arch);
                Some(package)
            })
            .collect();
        for (family, version) in releases {
            inventories.push(Inventory {
                distribution: Some(Distribution::new(family, version)),
                packages: packages.clone(),
                ..Inventory::default()
            });
        }
    }
    assert!(inventories.len() > 500, "{}", inventories.len());
    inventories
}

fn matched(matcher: &mut Matcher<'_>, kept: &[(Vec<u8>, Assessment)]) -> Vec<Outcome> {
    let stored: Vec<Stored<'_>> = kept
        .iter()
        .map(|(inventories, before)| Stored { inventories, before })
        .collect();
    matcher.assess(&stored).unwrap()
}

#[test]
fn matching_again_says_what_a_scan_says() {
    let database = database();
    let mut all = inventories();
    all.extend(real());
    let expected: Vec<Assessment> = all
        .iter()
        .map(|inventory| assess(&database, inventory.clone(), NOW.div_euclid(86_400), 7).unwrap())
        .collect();
    assert!(expected.iter().filter(|expected| expected.incomplete.is_some()).count() > 3);
    // All at once and one after the other; from a verdict that says something else, and from the right one.
    let other = Assessment {
        scanned_at: 7,
        incomplete: Some("something else".to_owned()),
        ..Assessment::default()
    };
    let packed: Vec<Vec<u8>> = all
        .iter()
        .map(|inventory| pack(std::slice::from_ref(inventory)).unwrap())
        .collect();
    let kept: Vec<(Vec<u8>, Assessment)> = packed.iter().map(|packed| (packed.clone(), other.clone())).collect();
    let mut matcher = Matcher::new(&database, NOW);
    let mut outcomes = matched(&mut matcher, &kept);
    // Of the real ones some, as each alone takes the data from the beginning.
    let alone: Vec<usize> = (0..all.len()).filter(|at| *at < 12 || at % 40 == 0).collect();
    for at in &alone {
        let one = kept.get(*at..=*at).unwrap();
        outcomes.extend(matched(&mut Matcher::new(&database, NOW), one));
    }
    for (outcome, at) in outcomes.iter().zip((0..all.len()).chain(alone.iter().copied())) {
        let (inventory, expected) = (&all[at], &expected[at]);
        let Outcome::Changed(found, packed) = outcome else {
            panic!("{outcome:?} of {inventory:?}");
        };
        let mut found = found.clone();
        assert_eq!(unpack_assessment(packed), Some(found.clone()));
        assert!(found.later.len() <= found.findings.len());
        found.later.clear();
        assert_eq!(&found, expected, "{inventory:?}");
    }
    assert_eq!(outcomes.len(), all.len() + alone.len());
    let right: Vec<(Vec<u8>, Assessment)> = packed.into_iter().zip(expected).collect();
    for outcome in matched(&mut matcher, &right) {
        assert_eq!(outcome, Outcome::Same);
    }
}

#[test]
fn an_image_that_was_scanned_is_matched_again_to_the_same() {
    let database = database();
    for name in ["examples/myapp-v1.tar", "examples/myapp-v1-fixed.tar"] {
        let read = Read::default();
        let target = Target::ImageInput(root().join(name).into());
        let report = scan(&target, &Options::default(), &database, &read).unwrap();
        let assessment = Assessment::of(&report, NOW);
        let inventories = read.into_inventories();
        assert_eq!(inventories.len(), 1);
        let kept = [(pack(&inventories).unwrap(), assessment)];
        assert_eq!(
            matched(&mut Matcher::new(&database, NOW), &kept),
            [Outcome::Same],
            "{name}"
        );
    }
}

#[test]
fn what_could_not_be_read_does_not_become_clean() {
    let database = database();
    let mut torn = debian(vec![deb("tzdata", "2024a-0+deb12u1")]);
    torn.problems
        .push(Problem::of_artifact(Effect::Incomplete, "half of it"));
    let kept = [(pack(&[torn]).unwrap(), Assessment::default())];
    let outcomes = matched(&mut Matcher::new(&database, NOW), &kept);
    let [Outcome::Changed(again, _)] = outcomes.as_slice() else {
        panic!("{outcomes:?}");
    };
    assert_eq!(
        (again.incomplete.as_deref(), again.findings.len()),
        (Some("half of it"), 0)
    );
    for torn in [Vec::new(), vec![0; 100], pack(&[]).unwrap()] {
        let kept = [(torn, Assessment::default())];
        assert_eq!(matched(&mut Matcher::new(&database, NOW), &kept), [Outcome::Unreadable]);
    }
}

#[test]
fn platforms_are_matched_again_together_and_what_is_new_has_its_day() {
    let database = database();
    let platforms = [
        debian(vec![deb("openssl", "3.0.9-1")]),
        debian(vec![deb("openssl", "3.0.9-1"), deb("curl", "7.88.1-10")]),
    ];
    let before = Assessment {
        scanned_at: 7,
        platforms: ["linux/amd64".to_owned(), "linux/arm64".to_owned()].into(),
        findings: vec![AssessedFinding {
            id: "CVE-2023-5363".to_owned(),
            vendor_ids: Vec::new(),
            package: "openssl".to_owned(),
            installed: "3.0.9-1".to_owned(),
            fixed: String::new(),
            severity: Severity::Low,
            cvss: None,
            epss: None,
            known_exploited: false,
            published: None,
        }],
        ..Assessment::default()
    };
    let kept = [(pack(&platforms).unwrap(), before.clone())];
    let outcomes = matched(&mut Matcher::new(&database, NOW), &kept);
    let [Outcome::Changed(again, _)] = outcomes.as_slice() else {
        panic!("{outcomes:?}");
    };
    assert_eq!((again.scanned_at, &again.platforms), (7, &before.platforms));
    let of = |package: &str| {
        again
            .findings
            .iter()
            .filter(|finding| finding.package == package)
            .count()
    };
    assert!(of("openssl") > 3 && of("curl") > 3);
    let day = assess(&database, platforms[0].clone(), 20_000, 7).unwrap();
    assert_eq!(of("openssl"), day.findings.len(), "each once");
    assert_eq!(again.later.get("CVE-2023-5363"), None, "known before");
    assert!(again.later.values().all(|since| *since == NOW) && !again.later.is_empty());
}
