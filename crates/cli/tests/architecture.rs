//! The shape of the workspace: which package may use which, and how source files look.
//!
//! The arrows are those of ARCHITECTURE.md. A new edge is a decision: it is made there first, then here.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each package may use of the others, apart from tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("registry", &["model"]),
    ("image", &["model", "registry"]),
    ("inventory", &["model"]),
    ("advisories", &["model"]),
    ("policy", &["model"]),
    ("report", &["model"]),
    ("gate", &["model", "policy"]),
    ("operator", &["model", "policy", "gate", "scanner", "registry"]),
    ("scanner", &["model", "image", "inventory", "advisories", "policy"]),
    ("cli", &["model", "scanner", "report", "advisories", "operator"]),
    // Only ever used by tests, so that it may not use what it tests.
    ("testkit", &[]),
];

/// Everything that the vocabulary and the steps from bytes to values may use: nothing that opens, waits or talks.
const PURE: &[(&str, &[&str])] = &[
    ("model", &["serde", "serde_json"]),
    (
        "inventory",
        &[
            "flate2",
            "quick-xml",
            "rawzip",
            "regex",
            "serde",
            "serde-saphyr",
            "serde_json",
            "sha1",
            "tar",
            "thiserror",
            "toml",
            "zstd",
        ],
    ),
    ("policy", &[]),
    ("gate", &["serde", "serde_json", "sha2"]),
    (
        "report",
        &[
            "base64",
            "jiff",
            "packageurl",
            "serde",
            "serde_json",
            "sha2",
            "unicode-width",
        ],
    ),
];

/// Dependencies that only the binary may have: what talks to people, and the error type without variants.
const BINARY_ONLY: &[&str] = &[
    "anyhow",
    "clap",
    "clap_complete",
    "clap_mangen",
    "indicatif",
    "terminal_size",
    "tracing-subscriber",
];

/// Files over [`LONG`] lines, by path, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[
    (
        "crates/advisories/src/ecosystem.rs",
        "tables with a row for each distribution and publisher",
    ),
    (
        "crates/advisories/src/language.rs",
        "a table with a row for each language, and the names in it",
    ),
    (
        "crates/inventory/src/os/rpm/tests.rs",
        "builders and cases of three database formats",
    ),
];
const LONG: usize = 500;
const TOO_LONG: usize = 800;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "prelude", "misc"];

/// The one file that may say `unsafe`.
const UNSAFE_FILE: &str = "crates/advisories/src/file/map.rs";

fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap().to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// The folder's name: `model` for `seaworthy-model`.
fn short(name: &str) -> &str {
    name.strip_prefix("seaworthy-").unwrap_or(name)
}

/// What a package uses outside of its tests: names of ours, then names of others.
fn uses(package: &Package) -> (BTreeSet<&str>, BTreeSet<&str>) {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .partition(|name| name.starts_with("seaworthy-"))
}

#[test]
fn the_arrows_are_those_of_the_map() {
    let metadata = metadata();
    let found: BTreeMap<&str, BTreeSet<&str>> = metadata
        .packages
        .iter()
        .map(|package| {
            let (ours, _) = uses(package);
            (short(&package.name), ours.into_iter().map(short).collect())
        })
        .collect();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ARROWS
        .iter()
        .map(|(package, uses)| (*package, uses.iter().copied().collect()))
        .collect();
    assert_eq!(found, allowed, "left: the manifests, right: the map");
}

#[test]
fn tests_may_only_add_the_testkit() {
    for package in &metadata().packages {
        let (ours, _) = uses(package);
        let more: Vec<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| name.starts_with("seaworthy-") && !ours.contains(name) && *name != "seaworthy-testkit")
            .collect();
        assert!(more.is_empty(), "the tests of {} use {more:?}", package.name);
    }
}

#[test]
fn the_pure_middle_uses_what_is_listed() {
    let metadata = metadata();
    for (name, allowed) in PURE {
        let package = metadata.packages.iter().find(|package| short(&package.name) == *name);
        let (_, others) = uses(package.unwrap());
        let new: Vec<_> = others.iter().filter(|other| !allowed.contains(other)).collect();
        assert!(
            new.is_empty(),
            "{name} uses {new:?}: does it stay bytes in, values out?"
        );
    }
}

#[test]
fn the_libraries_do_not_talk() {
    for package in &metadata().packages {
        // The testkit holds the bench, which is a binary.
        if ["cli", "testkit"].contains(&short(&package.name)) {
            continue;
        }
        let (_, others) = uses(package);
        let wrong: Vec<_> = others.iter().filter(|other| BINARY_ONLY.contains(other)).collect();
        assert!(wrong.is_empty(), "{} uses {wrong:?}", package.name);
    }
}

#[test]
fn every_package_has_the_lints() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = |text: &str, section: &str| -> BTreeSet<String> {
        let lines = text.lines().skip_while(|line| *line != section).skip(1);
        lines
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    for (name, _) in ARROWS {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        if *name == "advisories" {
            // It repeats the lists, as one line differs: `deny` for unsafe code, so that one module can expect it.
            for kind in ["rust", "clippy"] {
                let ours = lints(&text, &format!("[lints.{kind}]"));
                let theirs = lints(&workspace, &format!("[workspace.lints.{kind}]"));
                let different: Vec<_> = theirs.symmetric_difference(&ours).map(String::as_str).collect();
                let expected: &[&str] = match kind {
                    "rust" => &["unsafe_code = \"deny\"", "unsafe_code = \"forbid\""],
                    _ => &[],
                };
                assert!(!theirs.is_empty());
                assert_eq!(different, expected, "lints.{kind} of {name}");
            }
        } else {
            assert!(text.contains("[lints]\nworkspace = true"), "{name} lacks the lints");
        }
    }
}

/// One source file: its path below the root, and its text.
struct Source {
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut sources = Vec::new();
    let mut directories: Vec<PathBuf> = ARROWS
        .iter()
        .map(|(name, _)| root.join("crates").join(name).join("src"))
        .collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(Source {
                    text: std::fs::read_to_string(&path).unwrap(),
                    path: path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"),
                });
            }
        }
    }
    assert!(sources.len() > 50, "only {} source files found", sources.len());
    sources
}

/// The paths for which `wrong` holds, sorted.
fn paths(wrong: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut paths: Vec<String> = sources().into_iter().filter(wrong).map(|source| source.path).collect();
    paths.sort();
    paths
}

#[test]
fn every_file_opens_with_what_it_is() {
    let bare = paths(|source| !source.text.starts_with("//!"));
    assert!(bare.is_empty(), "without a first line `//!`: {bare:#?}");
}

#[test]
fn files_are_short_or_have_a_reason() {
    let lines = |source: &Source| source.text.lines().count();
    let too_long = paths(|source| lines(source) > TOO_LONG);
    assert!(too_long.is_empty(), "over {TOO_LONG} lines: {too_long:#?}");
    let long = paths(|source| lines(source) > LONG);
    let known: Vec<&str> = LONG_FILES.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        long, known,
        "left: files over {LONG} lines, right: those with a reason in this test"
    );
}

#[test]
fn names_say_what_is_inside() {
    let empty = paths(|source| {
        let mut parts = source.path.trim_end_matches(".rs").split('/');
        parts.any(|part| EMPTY_NAMES.contains(&part))
    });
    assert!(empty.is_empty(), "{empty:#?}");
}

#[test]
fn one_file_is_unsafe() {
    let marked = paths(|source| {
        source.text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or("");
            // `unsafe-inline` of a page and `--unsafe-no-fsync` of a program are no keywords.
            code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                .any(|word| word == "unsafe")
        })
    });
    assert_eq!(marked, [UNSAFE_FILE]);
}
