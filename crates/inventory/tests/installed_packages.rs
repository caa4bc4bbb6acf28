//! Every collected case of installed packages: all expected rows and none more.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy_inventory::{Again, LayerContents, Selection, merge};
use seaworthy_model::{Effect, Inventory, LayerRef};
use seaworthy_testkit::data;

/// The files below `input` as one layer; they lie below `prefix` (or, for one file, at it) in the image.
fn layer(input: &Path, prefix: &str, selection: &Selection) -> LayerContents {
    let mut layer = LayerContents::new();
    for file in data::files(input) {
        let relative = file.strip_prefix(input).unwrap().to_str().unwrap();
        let path = if prefix.is_empty() || prefix.ends_with('/') {
            format!("{prefix}{relative}")
        } else if relative.starts_with("etc/") {
            relative.to_owned()
        } else {
            prefix.to_owned()
        };
        let size = file.metadata().unwrap().len();
        let open = || Ok(Box::new(std::fs::File::open(&file)?) as Box<dyn std::io::Read>);
        layer.add_file(path.as_bytes(), size, open, selection).unwrap();
    }
    layer
}

fn scan(input: &Path, prefix: &str) -> Inventory {
    let refs = [LayerRef {
        digest: None,
        diff_id: None,
    }];
    let first = layer(input, prefix, &Selection::default());
    merge(&[&first], &refs, &mut |_, wanted| {
        let only = Selection {
            only: Some(Again::new(wanted)),
            ..Selection::default()
        };
        Ok(layer(input, prefix, &only))
    })
}

type Row = (String, String, String);

/// Names as their ecosystem compares them, and versions without what the origins disagree on: Go's leading `v`, and
/// whether a module without a version has an empty one.
fn row(kind: &str, name: &str, version: &str) -> Row {
    let kind = if kind == "pacman" { "alpm" } else { kind };
    let kind = if kind == "wordpress" { "generic" } else { kind };
    let name = match kind {
        "pypi" => {
            let parts: Vec<_> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
            parts.join("-").to_ascii_lowercase()
        }
        "composer" | "nuget" => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    };
    let version = match kind {
        "golang" if version == "(devel)" => "",
        "golang" => version.strip_prefix('v').unwrap_or(version),
        _ => version,
    };
    (kind.to_owned(), name, version.to_owned())
}

#[test]
fn collected_cases() {
    let (Some(modes), Some(arguable)) = (
        data::rows("vectors/inventory/MODES.tsv"),
        data::rows("vectors/inventory/ARGUABLE.tsv"),
    ) else {
        return;
    };
    let is_arguable = |case: &str, name: &str| {
        arguable.iter().any(|row| match row.as_slice() {
            [in_case, what, ..] => in_case == case && (what == "*" || what == name),
            _ => false,
        })
    };
    let (mut wrong, mut checked, mut rows) = (Vec::new(), 0, 0);
    for mode in &modes {
        let [case, how, prefix, ..] = mode.as_slice() else {
            panic!("short row {mode:?}")
        };
        if how != "rootfs" {
            continue;
        }
        let input = data::path(&format!("vectors/inventory/{case}/input")).unwrap();
        let expected: BTreeSet<Row> = data::rows(&format!("vectors/inventory/{case}/expected.tsv"))
            .unwrap()
            .iter()
            // rpm keeps the keys that it trusts among its packages.
            .filter(|fields| fields.first().is_none_or(|name| name != "gpg-pubkey"))
            .map(|fields| match fields.as_slice() {
                [name, version, kind, ..] => row(kind, name, version),
                _ => panic!("short row {fields:?} in {case}"),
            })
            .collect();
        let inventory = scan(&input, prefix);
        let found: BTreeSet<Row> = inventory
            .packages
            .iter()
            .map(|package| row(package.ecosystem.purl_type(), &package.name, &package.version))
            .collect();
        let odd = expected
            .symmetric_difference(&found)
            .filter(|row| !is_arguable(case, &row.1));
        for row in odd {
            let side = if expected.contains(row) { "missing" } else { "too much" };
            wrong.push(format!("{case}: {side} {row:?}"));
        }
        // A case whose package is listed was read: what could not be is said of those without any.
        for problem in inventory
            .problems
            .iter()
            .filter(|problem| problem.effect == Effect::Incomplete)
        {
            println!("{case}: {problem:?}");
        }
        checked += 1;
        rows += expected.len();
    }
    assert!(checked >= 100 && rows > 1000, "only {checked} cases with {rows} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Inputs of other kinds (skipped cases, lock files) must not bring the analyzers down, or give nameless packages.
#[test]
fn every_other_case_is_survived() {
    let Some(cases) = data::path("vectors/inventory") else {
        return;
    };
    let mut seen = 0;
    for case in std::fs::read_dir(cases).unwrap() {
        let input = case.unwrap().path().join("input");
        if input.is_dir() {
            for package in scan(&input, "").packages {
                assert!(!package.name.is_empty(), "{package:?}");
            }
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} cases");
}
