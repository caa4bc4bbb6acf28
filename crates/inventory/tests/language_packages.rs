//! Installed npm and Python packages of the collected cases: all expected rows and none more.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy_inventory::analyzer::{ANALYZERS, File, FileReport};
use seaworthy_model::{Ecosystem, PackageClass};
use seaworthy_testkit::data;

type Row = (&'static str, String, String);

/// The language packages that the table finds below `input`, whose files lie below `prefix` in the image.
fn scan(input: &Path, prefix: &str) -> FileReport {
    let mut report = FileReport::default();
    for file in data::files(input) {
        let path = format!("{prefix}{}", file.strip_prefix(input).unwrap().to_str().unwrap());
        for analyzer in ANALYZERS.iter().filter(|analyzer| (analyzer.wants)(&path)) {
            (analyzer.analyze)(File::new(&path, &std::fs::read(&file).unwrap()), &mut report);
        }
    }
    report
        .packages
        .retain(|package| package.ecosystem.class() == PackageClass::Language);
    report
}

/// PEP 503 for Python, where case and separators mean nothing.
fn normalized(kind: &str, name: &str) -> String {
    if kind != "pypi" {
        return name.to_owned();
    }
    let parts: Vec<_> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

#[test]
fn collected_cases() {
    let Some(modes) = data::rows("vectors/inventory/MODES.tsv") else {
        return;
    };
    let Some(arguable) = data::rows("vectors/inventory/ARGUABLE.tsv") else {
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
        let [case, how, prefix, plugin, ..] = mode.as_slice() else {
            panic!("short row {mode:?}")
        };
        let ours = ["python", "packagejson", "nodejs"]
            .iter()
            .any(|word| plugin.contains(word));
        if how != "rootfs" || !ours {
            continue;
        }
        let Some(input) = data::path(&format!("vectors/inventory/{case}/input")) else {
            return;
        };
        let Some(expected) = data::rows(&format!("vectors/inventory/{case}/expected.tsv")) else {
            return;
        };
        let expected: BTreeSet<Row> = expected
            .iter()
            .map(|row| match row.as_slice() {
                [name, version, kind, ..] => {
                    let kind = if kind == "npm" { "npm" } else { "pypi" };
                    (kind, normalized(kind, name), version.clone())
                }
                _ => panic!("short row {row:?} in {case}"),
            })
            .collect();
        let report = scan(&input, prefix);
        let found: BTreeSet<Row> = report
            .packages
            .iter()
            .map(|package| {
                let kind = package.ecosystem.purl_type();
                (kind, normalized(kind, &package.name), package.version.clone())
            })
            .collect();
        for row in expected
            .symmetric_difference(&found)
            .filter(|row| !is_arguable(case, &row.1))
        {
            let side = if expected.contains(row) { "missing" } else { "too much" };
            wrong.push(format!("{case}: {side} {row:?}"));
        }
        for problem in report
            .problems
            .iter()
            .filter(|problem| problem.effect == seaworthy_model::Effect::Incomplete)
        {
            wrong.push(format!("{case}: {problem:?}"));
        }
        checked += 1;
        rows += expected.len();
    }
    assert!(checked >= 10 && rows > 80, "only {checked} cases with {rows} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Negative and foreign inputs (skipped cases, other formats) must not bring the analyzers down or make packages up.
#[test]
fn every_other_case_is_survived() {
    let Some(cases) = data::path("vectors/inventory") else {
        return;
    };
    let mut seen = 0;
    for case in std::fs::read_dir(cases).unwrap() {
        let input = case.unwrap().path().join("input");
        if !input.is_dir() {
            continue;
        }
        for package in scan(&input, "").packages {
            assert!(!package.name.is_empty(), "{package:?}");
            assert!(
                matches!(package.ecosystem, Ecosystem::Npm | Ecosystem::PyPi | Ecosystem::Maven),
                "{package:?}"
            );
            assert!(
                package.ecosystem == Ecosystem::PyPi || !package.version.is_empty(),
                "{package:?}"
            );
        }
        seen += 1;
    }
    assert!(seen > 100, "only {seen} cases");
}
