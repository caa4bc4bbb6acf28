//! Java archives: nested ones, and those of this machine where it has some.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy_inventory::{LayerContents, Selection, merge};
use seaworthy_model::{Ecosystem, Effect, Inventory, LayerRef};
use seaworthy_testkit::data;

/// What is found below `input`, whose files lie below `prefix` in the image.
fn scan(input: &Path, prefix: &str) -> Inventory {
    let mut layer = LayerContents::new();
    for file in data::files(input) {
        let path = format!("{prefix}{}", file.strip_prefix(input).unwrap().to_str().unwrap());
        let size = file.metadata().unwrap().len();
        let open = || Ok(Box::new(std::fs::File::open(&file)?) as Box<dyn std::io::Read>);
        layer
            .add_file(path.as_bytes(), size, open, &Selection::default())
            .unwrap();
    }
    let refs = [LayerRef {
        digest: None,
        diff_id: None,
    }];
    let mut inventory = merge(&[&layer], &refs, &mut |_, _| panic!("nothing is behind links"));
    inventory
        .packages
        .retain(|package| package.ecosystem == Ecosystem::Maven);
    inventory
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
