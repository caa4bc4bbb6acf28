//! Lock files and manifests of the collected cases: all expected rows and none more.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy_inventory::Selection;
use seaworthy_inventory::declared::{SourceTree, inventory};
use seaworthy_model::{Inventory, Package};
use seaworthy_testkit::data;

type Row = (String, String, String);

/// Rows of which the expectation cannot be met, and why.
const IMPOSSIBLE: &[(&str, &str, &str)] = &[
    (
        "scalibr-pomxml--with-parent",
        "org.dave:dave",
        "from a parent that is not part of the case",
    ),
    (
        "scalibr-packagelockjson--valid-package-lock-json-and-npm-shrinkwrap-json-and-extract-",
        "*",
        "nothing is expected because of a npm-shrinkwrap.json that is not part of the case",
    ),
    (
        "scalibr-conanlock--one-package-dev-3",
        "ninja",
        "required only to build, which others call development",
    ),
    (
        "syft-elixir--testparsemixlock",
        "enacl",
        "a revision, which two other cases do not want as version",
    ),
    (
        "syft-javascript--testparsepackagelocklicensewitharray",
        "tmp",
        "the project itself",
    ),
    (
        "syft-javascript--testparsepnpmlock",
        "*",
        "one is marked for development; three are in no list of packages, which another case does not want listed",
    ),
    (
        "scalibr-gradleverificationmetadataxml--missing-attribute",
        "org.apache.pdfbox:",
        "a component without a name",
    ),
    (
        "scalibr-requirements--pip-example",
        "requests",
        "two bounds, which others do not join: 2.8.1 is the lowest of both",
    ),
    (
        "scalibr-requirements--with-version",
        "pkg",
        "the highest version of a range",
    ),
    (
        "scalibr-requirements--with-version",
        "asdf",
        "a range: the other cases of its kind list the lowest version",
    ),
    (
        "scalibr-paketlock--valid-paket-lock-file",
        "fsharp/FAKE",
        "a repository, no package",
    ),
    (
        "scalibr-paketlock--valid-paket-lock-file",
        "fsprojects/Paket",
        "a repository, no package",
    ),
];

/// Cases that expect a range as its lowest version, which is listed where somebody asks for that.
const LOWEST: &[&str] = &[
    "scalibr-requirements--pip-example",
    "scalibr-requirements--with-version",
    "trivy-python-pip--compatible-versions",
];

/// The tree of a case; a case of one file may say where that file goes.
fn scan(input: &Path, place: &str, lowest_versions: bool) -> Inventory {
    let files = data::files(input);
    let path_of = |file: &Path| match place {
        "" => file.strip_prefix(input).unwrap().to_str().unwrap().to_owned(),
        directory if directory.ends_with('/') => format!("{directory}{}", file.strip_prefix(input).unwrap().display()),
        place => place.to_owned(),
    };
    let mut tree = SourceTree::new();
    tree.lowest_versions = lowest_versions;
    for file in &files {
        let size = file.metadata().unwrap().len();
        tree.add_file(path_of(file).as_bytes(), size, &Selection::default());
    }
    inventory(&tree, &|path| {
        let file = files.iter().find(|file| path_of(file) == path).unwrap();
        Ok(Box::new(std::fs::File::open(file)?))
    })
}

/// Names compare as each ecosystem has them.
fn normalized(kind: &str, name: &str) -> String {
    match kind {
        "pypi" => {
            let parts: Vec<_> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
            parts.join("-").to_ascii_lowercase()
        }
        "composer" | "nuget" => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    }
}

fn row(package: &Package) -> Row {
    let kind = package.ecosystem.purl_type();
    (
        kind.to_owned(),
        normalized(kind, &package.name),
        package.version.clone(),
    )
}

#[test]
fn collected_cases() {
    let Some(modes) = data::rows("vectors/inventory/MODES.tsv") else {
        return;
    };
    let Some(arguable) = data::rows("vectors/inventory/ARGUABLE.tsv") else {
        return;
    };
    let is_out = |case: &str, name: &str| {
        let named = |in_case: &str, what: &str| in_case == case && (what == "*" || what == name);
        arguable
            .iter()
            .any(|row| matches!(row.as_slice(), [case, what, ..] if named(case, what)))
            || IMPOSSIBLE.iter().any(|(case, what, _)| named(case, what))
    };
    let (mut wrong, mut cases, mut rows) = (Vec::new(), 0, 0);
    for mode in modes.iter().filter(|mode| mode.get(1).is_some_and(|how| how == "fs")) {
        let [case, _, place, ..] = mode.as_slice() else {
            panic!("short row {mode:?}")
        };
        let input = data::path(&format!("vectors/inventory/{case}/input")).unwrap();
        let found = scan(&input, place, LOWEST.contains(&case.as_str()));
        let wanted: Vec<(Row, bool)> = data::rows(&format!("vectors/inventory/{case}/expected.tsv"))
            .unwrap()
            .iter()
            .filter_map(|fields| {
                let at = |index: usize| fields.get(index).map_or("", String::as_str);
                let (name, version, kind) = (at(0), at(1), at(2));
                // Swift packages are named by their repository, which one peer has in the purl alone.
                let purl = at(8).strip_prefix("pkg:swift/").and_then(|rest| rest.split('@').next());
                let name = purl.unwrap_or(name);
                let dev = at(6).split(',').any(|group| group == "dev") || at(7).split(';').any(|word| word == "dev");
                let listed = !version.is_empty() && version != "unknown" && !is_out(case, name);
                listed.then(|| ((kind.to_owned(), normalized(kind, name), version.to_owned()), dev))
            })
            .collect();
        let own: BTreeSet<Row> = found
            .packages
            .iter()
            .filter(|one| one.relationship.is_own())
            .map(row)
            .collect();
        let kept = |package: &&Package| !package.relationship.is_own() && !is_out(case, &package.name);
        let ours: BTreeSet<Row> = found
            .packages
            .iter()
            .filter(kept)
            .filter(|one| !one.dev)
            .map(row)
            .collect();
        let ours_dev: BTreeSet<Row> = found
            .packages
            .iter()
            .filter(kept)
            .filter(|one| one.dev)
            .map(row)
            .collect();
        let plain: BTreeSet<Row> = wanted
            .iter()
            .filter(|(_, dev)| !dev)
            .map(|(row, _)| row.clone())
            .collect();
        let plain: BTreeSet<Row> = plain.difference(&own).cloned().collect();
        for missing in plain.difference(&ours) {
            wrong.push(format!("{case}: missing {missing:?}"));
        }
        for extra in ours.difference(&plain) {
            wrong.push(format!("{case}: extra {extra:?}"));
        }
        for (row, _) in wanted.iter().filter(|(row, dev)| *dev && !plain.contains(row)) {
            if !ours_dev.contains(row) {
                wrong.push(format!("{case}: not for development {row:?}"));
            }
        }
        cases += 1;
        rows += wanted.len();
    }
    assert!(
        wrong.is_empty(),
        "{} of {rows} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(cases >= 200 && rows >= 600, "{cases} cases, {rows} rows");
}
