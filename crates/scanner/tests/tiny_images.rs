//! Layer semantics, end to end: the archives of the test data and images made here give exactly the packages that a
//! container would see.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use seaworthy_model::{Effect, Inventory, Subject};
use seaworthy_scanner::{Database, Error, Options, Target, Unobserved, scan};
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored, data};
use std::collections::BTreeSet;
use std::path::Path;

/// A database without advisories: what is installed does not depend on them.
fn empty_database() -> Database {
    let bytes = seaworthy_advisories::file::write(&seaworthy_advisories::record::Compilation::default()).unwrap();
    Database::from_static(Box::leak(bytes.into_boxed_slice())).unwrap()
}

fn inventory_of(path: &Path) -> Result<Inventory, Error> {
    let target = Target::ImageInput(path.into());
    scan(&target, &Options::default(), &empty_database(), &Unobserved).map(|report| report.inventory)
}

fn inventory(builder: &ImageBuilder) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, builder.oci_archive()).unwrap();
    inventory_of(&path).unwrap()
}

/// `name version` of everything that is not owned by a distribution package.
fn names(inventory: &Inventory) -> BTreeSet<String> {
    let packages = inventory.packages.iter().filter(|package| package.owned_by.is_none());
    packages
        .map(|package| format!("{} {}", package.name, package.version))
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn dist_info(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
}

fn stanza(name: &str, version: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
}

const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

#[test]
fn every_case_of_the_test_data_gives_the_expected_packages() {
    let Some(folder) = data::path("vectors/images/tiny") else {
        return;
    };
    let mut cases: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 26);
    let mut wrong = Vec::new();
    for case in cases {
        let rows = std::fs::read_to_string(case.join("expected.tsv")).unwrap();
        let expected: BTreeSet<String> = rows
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| line.split('\t').take(2).collect::<Vec<_>>().join(" "))
            .collect();
        let target = Target::ImageInput(case.join("image.oci.tar").into());
        let options = Options {
            platform: Some("linux/amd64".parse().unwrap()),
            ..Options::default()
        };
        let inventory = scan(&target, &options, &empty_database(), &Unobserved)
            .unwrap()
            .inventory;
        if names(&inventory) != expected {
            wrong.push(format!(
                "{}: {:?} instead of {expected:?}",
                case.display(),
                names(&inventory)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_deleted_package_database_is_never_a_clean_image() {
    let image = ImageBuilder::new()
        .layer(
            LayerBuilder::new()
                .file("etc/os-release", DEBIAN)
                .file("var/lib/dpkg/status", stanza("a", "1")),
            Stored::Gzip,
        )
        .layer(LayerBuilder::new().whiteout("var/lib/dpkg/status"), Stored::Gzip);
    let inventory = inventory(&image);
    assert!(inventory.packages.is_empty());
    assert!(
        inventory
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Incomplete && problem.what.contains("deleted")),
        "{:?}",
        inventory.problems
    );
}

#[test]
fn a_database_behind_links_is_read() {
    // A link as the database, a directory behind a link, and a hard link whose first name is gone.
    let by_link = ImageBuilder::new().layer(
        LayerBuilder::new()
            .file("etc/os-release", DEBIAN)
            .symbolic_link("var/lib/dpkg/status", "../../../srv/packages")
            .file("srv/packages", stanza("a", "1")),
        Stored::Zstd,
    );
    let by_directory = ImageBuilder::new()
        .layer(
            LayerBuilder::new()
                .file("etc/os-release", DEBIAN)
                .symbolic_link("var/lib/dpkg", "/srv/dpkg"),
            Stored::Gzip,
        )
        .layer(
            LayerBuilder::new().file("srv/dpkg/status", stanza("a", "1")),
            Stored::Gzip,
        );
    let through_directory = ImageBuilder::new()
        .layer(
            LayerBuilder::new()
                .symbolic_link("srv/dpkg", "/var/lib/dpkg")
                .directory("var/lib/dpkg"),
            Stored::Gzip,
        )
        .layer(
            LayerBuilder::new().file("srv/dpkg/status", stanza("a", "1")),
            Stored::Gzip,
        );
    let by_hard_link = ImageBuilder::new()
        .layer(
            LayerBuilder::new()
                .file("srv/first", stanza("a", "1"))
                .hard_link("var/lib/dpkg/status", "srv/first"),
            Stored::Gzip,
        )
        .layer(LayerBuilder::new().whiteout("srv/first"), Stored::Plain);
    let across_layers = ImageBuilder::new()
        .layer(LayerBuilder::new().file("srv/first", stanza("a", "1")), Stored::Gzip)
        .layer(
            LayerBuilder::new().hard_link("var/lib/dpkg/status", "srv/first"),
            Stored::Plain,
        );
    for (name, image) in [
        ("link", by_link),
        ("directory behind a link", by_directory),
        ("written through a link", through_directory),
        ("hard link", by_hard_link),
        ("hard link across layers", across_layers),
    ] {
        let inventory = inventory(&image);
        assert_eq!(names(&inventory), set(&["a 1"]), "{name}: {:?}", inventory.problems);
    }
}

#[test]
fn a_file_is_read_under_the_name_that_it_has_in_the_end() {
    // The hard link's name differs from the stored one by a slash only.
    let site = "opt/node_modules/x";
    let image = ImageBuilder::new()
        .layer(
            LayerBuilder::new()
                .file("var/lib/dpkg/status", stanza("a", "1"))
                .file("var/lib/dpkg/s/tatus", stanza("b", "1"))
                .file(&format!("{site}/package.json"), r#"{"name":"x","version":"1.0.0"}"#)
                .hard_link(&format!("{site}package.json"), &format!("{site}/package.json")),
            Stored::Gzip,
        )
        .layer(
            LayerBuilder::new()
                .whiteout("var/lib/dpkg/status")
                .hard_link("var/lib/dpkg/status", "var/lib/dpkg/s/tatus"),
            Stored::Gzip,
        );
    assert_eq!(names(&inventory(&image)), set(&["b 1", "x 1.0.0"]));
}

#[test]
fn the_last_of_several_entries_with_one_name_counts() {
    let site = "usr/lib/python3/site-packages/x-1.dist-info/METADATA";
    let image = ImageBuilder::new().layer(
        LayerBuilder::new()
            .file(site, dist_info("x", "1"))
            .file(site, dist_info("x", "2")),
        Stored::Gzip,
    );
    assert_eq!(names(&inventory(&image)), set(&["x 2"]));
}

#[test]
fn links_in_circles_and_out_of_the_image_end() {
    let image = ImageBuilder::new().layer(
        LayerBuilder::new()
            .symbolic_link("a", "b")
            .symbolic_link("b", "a")
            .file("a/var/lib/dpkg/status", stanza("lost", "1"))
            .symbolic_link("etc/os-release", "/../../../../../usr/lib/os-release")
            .file("usr/lib/os-release", DEBIAN)
            .symbolic_link("self", "self/self")
            .file("var/lib/dpkg/status", stanza("a", "1")),
        Stored::Gzip,
    );
    let inventory = inventory(&image);
    assert_eq!(names(&inventory), set(&["a 1"]));
    assert_eq!(inventory.distribution.as_ref().unwrap().version, "12");
    assert!(
        inventory
            .problems
            .iter()
            .any(|problem| problem.what.contains("loop of links"))
    );
}

#[test]
fn bare_and_odd_whiteout_names_hide_nothing() {
    let image = ImageBuilder::new()
        .layer(
            LayerBuilder::new().file("var/lib/dpkg/status", stanza("a", "1")),
            Stored::Gzip,
        )
        .layer(
            LayerBuilder::new()
                .file("var/lib/dpkg/.wh.", "")
                .file("var/lib/dpkg/.wh..", "")
                .file("var/lib/dpkg/.wh...", "")
                .file("var/lib/dpkg/.wh..wh..opqX", "")
                .file("var/lib/dpkg/.wh..wh.plnk", ""),
            Stored::Gzip,
        );
    assert_eq!(names(&inventory(&image)), set(&["a 1"]));
}

#[test]
fn a_directory_of_100000_entries_and_names_that_are_no_text_are_read() {
    let mut layer = LayerBuilder::new();
    for index in 0..100_000 {
        layer = layer.file(&format!("big/{index}"), "");
    }
    layer = layer
        .entry(b"odd/\xff\xfe\x00x", tar_regular(), b"", b"x", 0o644)
        .entry(b"odd/\xff\xfe", tar_regular(), b"", b"x", 0o644)
        .file("var/lib/dpkg/status", stanza("a", "1"));
    let inventory = inventory(&ImageBuilder::new().layer(layer, Stored::Zstd));
    assert_eq!(names(&inventory), set(&["a 1"]));
    assert_eq!(inventory.coverage.entries, 100_003);
}

fn tar_regular() -> tar::EntryType {
    tar::EntryType::Regular
}

#[test]
fn packages_are_attributed_to_the_layer_that_brought_their_version() {
    let first = stanza("a", "1") + &stanza("b", "1");
    let second = stanza("a", "1") + &stanza("b", "2");
    let inventory = inventory(
        &ImageBuilder::new()
            .layer(LayerBuilder::new().file("var/lib/dpkg/status", first), Stored::Gzip)
            .layer(LayerBuilder::new().file("var/lib/dpkg/status", second), Stored::Gzip),
    );
    let layer = |name: &str| {
        inventory
            .packages
            .iter()
            .find(|package| package.name == name)
            .unwrap()
            .layer
            .unwrap()
            .diff_id
    };
    assert_ne!(layer("a"), layer("b"));
}

#[test]
fn what_a_distribution_package_owns_is_marked() {
    let site = "usr/lib/python3/dist-packages/PyYAML-6.0.dist-info";
    let inventory = inventory(
        &ImageBuilder::new().layer(
            LayerBuilder::new()
                .symbolic_link("lib", "usr/lib")
                .file("var/lib/dpkg/status", stanza("python3-yaml", "6.0-3+b2"))
                // The package lists its files below /lib, which is a link here.
                .file(
                    "var/lib/dpkg/info/python3-yaml.list",
                    format!("/.\n/lib\n/{}/METADATA\n", site.trim_start_matches("usr/")),
                )
                .file(&format!("{site}/METADATA"), dist_info("PyYAML", "6.0"))
                .file(
                    "usr/local/lib/python3/site-packages/idna-3.4.dist-info/METADATA",
                    dist_info("idna", "3.4"),
                ),
            Stored::Gzip,
        ),
    );
    let owned: Vec<_> = inventory
        .packages
        .iter()
        .filter_map(|package| package.owned_by.as_deref())
        .collect();
    assert_eq!(owned, ["python3-yaml"]);
    assert_eq!(names(&inventory), set(&["idna 3.4", "python3-yaml 6.0-3+b2"]));
}

#[test]
fn skipped_directories_and_files_are_not_read() {
    let image = ImageBuilder::new().layer(
        LayerBuilder::new()
            .file("opt/x/node_modules/a/package.json", r#"{"name":"a","version":"1.0.0"}"#)
            .file("srv/node_modules/b/package.json", r#"{"name":"b","version":"1.0.0"}"#),
        Stored::Gzip,
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, image.docker_archive()).unwrap();
    for (directories, files, expected) in [
        (vec!["/opt"], vec![], vec!["b 1.0.0"]),
        (vec![], vec!["srv/node_modules/b/package.json"], vec!["a 1.0.0"]),
        (vec!["**/node_modules"], vec![], vec![]),
    ] {
        let mut options = Options::default();
        options.selection.skip_directories = directories.into_iter().map(seaworthy_scanner::Pattern::new).collect();
        options.selection.skip_files = files.into_iter().map(seaworthy_scanner::Pattern::new).collect();
        let target = Target::ImageInput(path.clone().into());
        let report = scan(&target, &options, &empty_database(), &Unobserved).unwrap();
        assert_eq!(names(&report.inventory), set(&expected));
    }
}

#[test]
fn a_root_directory_is_read_like_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("usr/lib")).unwrap();
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::create_dir_all(root.join("srv/dpkg")).unwrap();
    std::fs::create_dir_all(root.join("var/lib")).unwrap();
    std::fs::write(root.join("usr/lib/os-release"), DEBIAN).unwrap();
    std::os::unix::fs::symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
    std::os::unix::fs::symlink("/srv/dpkg", root.join("var/lib/dpkg")).unwrap();
    std::fs::write(root.join("srv/dpkg/status"), stanza("a", "1")).unwrap();
    let target = Target::RootDirectory(root.to_owned());
    let report = scan(&target, &Options::default(), &empty_database(), &Unobserved).unwrap();
    assert_eq!(names(&report.inventory), set(&["a 1"]));
    assert_eq!(report.inventory.distribution.unwrap().version, "12");
}

#[test]
fn a_scan_that_takes_too_long_ends_with_an_error() {
    let layer = LayerBuilder::new().file("x", vec![0u8; 1 << 20]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, ImageBuilder::new().layer(layer, Stored::Gzip).oci_archive()).unwrap();
    let options = Options {
        timeout: Some(std::time::Duration::ZERO),
        ..Options::default()
    };
    let target = Target::ImageInput(path.into());
    let error = scan(&target, &options, &empty_database(), &Unobserved).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[test]
fn problems_name_layer_and_path() {
    let image = ImageBuilder::new().layer(
        LayerBuilder::new()
            .file("etc/os-release", DEBIAN)
            .file("var/lib/dpkg/status", stanza("a", "1"))
            .file("var/lib/rpm/rpmdb.sqlite", "SQLite format 3\0 but not really"),
        Stored::Gzip,
    );
    let inventory = inventory(&image);
    let damaged = inventory
        .problems
        .iter()
        .find(|problem| problem.effect == Effect::Incomplete)
        .unwrap();
    assert!(
        matches!(&damaged.subject, Subject::PathInLayer { path, .. } if path == "var/lib/rpm/rpmdb.sqlite"),
        "{damaged:?}"
    );
}
