//! Java archives of the collected cases, and of this machine where it has some: all expected rows and none more.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy_inventory::analyzer::{ANALYZERS, File, FileReport};
use seaworthy_model::{Ecosystem, Effect};
use seaworthy_testkit::data;

/// The Java packages that the table finds below `input`, whose files lie below `prefix` in the image.
fn scan(input: &Path, prefix: &str) -> FileReport {
    let mut report = FileReport::default();
    for file in data::files(input) {
        let path = format!("{prefix}{}", file.strip_prefix(input).unwrap().to_str().unwrap());
        for analyzer in ANALYZERS.iter().filter(|analyzer| (analyzer.wants)(&path)) {
            (analyzer.analyze)(File::new(&path, &std::fs::read(&file).unwrap()), &mut report);
        }
    }
    report.packages.retain(|package| package.ecosystem == Ecosystem::Maven);
    report
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
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for mode in &modes {
        let [case, how, prefix, plugin, ..] = mode.as_slice() else {
            panic!("short row {mode:?}")
        };
        let ours =
            ["java/jar", "java/archive"].iter().any(|word| plugin.contains(word)) || case.starts_with("own-java");
        if how != "rootfs" || !ours {
            continue;
        }
        let input = data::path(&format!("vectors/inventory/{case}/input")).unwrap();
        let expected: BTreeSet<(String, String)> = data::rows(&format!("vectors/inventory/{case}/expected.tsv"))
            .unwrap()
            .iter()
            .map(|row| match row.as_slice() {
                [name, version, kind, ..] if kind == "maven" => (name.clone(), version.clone()),
                _ => panic!("row {row:?} in {case}"),
            })
            .collect();
        let report = scan(&input, prefix);
        let found: BTreeSet<(String, String)> = report
            .packages
            .iter()
            .map(|package| (package.name.clone(), package.version.clone()))
            .collect();
        for row in expected
            .symmetric_difference(&found)
            .filter(|row| !is_arguable(case, &row.0))
        {
            let side = if expected.contains(row) { "missing" } else { "too much" };
            wrong.push(format!("{case}: {side} {row:?}"));
        }
        for problem in report
            .problems
            .iter()
            .filter(|problem| problem.effect == Effect::Incomplete)
        {
            wrong.push(format!("{case}: {problem:?}"));
        }
        checked += 1;
    }
    assert!(checked >= 3, "only {checked} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Archives in which what is nested lies under its own path.
#[test]
fn nested_archives_have_paths_of_their_own() {
    let Some(input) = data::path("vectors/inventory/trivy-java-jar--nested-jars/input") else {
        return;
    };
    let report = scan(&input, "srv/");
    let paths: BTreeSet<&str> = report.packages.iter().map(|package| package.path.as_str()).collect();
    let expected = BTreeSet::from([
        "srv/nested.jar",
        "srv/nested.jar/META-INF/jars/nested2.jar",
        "srv/nested.jar/META-INF/jars/nested2.jar/META-INF/jars/nested3.jar",
    ]);
    assert_eq!(paths, expected);
}

/// Debian's archives, where Java programs are installed: they are read whole, and Maven's own say what they are.
#[test]
fn archives_of_this_machine() {
    let directory = Path::new("/usr/share/java");
    if !directory.is_dir() {
        println!("skipped: no Java archives are installed");
        return;
    }
    let report = scan(directory, "usr/share/java/");
    let incomplete: Vec<_> = report
        .problems
        .iter()
        .filter(|problem| problem.effect == Effect::Incomplete)
        .collect();
    assert!(incomplete.is_empty(), "{incomplete:?}");
    for package in &report.packages {
        assert!(!package.name.is_empty() && !package.version.is_empty(), "{package:?}");
        assert!(package.path.starts_with("usr/share/java/"), "{package:?}");
        println!("{} {} {}", package.name, package.version, package.path);
    }
}
