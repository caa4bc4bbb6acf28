//! What layers hold under unusual names, in unusual numbers and under several names at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use seaworthy_inventory::{Again, LayerContents, Selection, merge, read_layer};
use seaworthy_model::{Effect, Inventory, LayerRef, limits};
use seaworthy_testkit::LayerBuilder;
use tar::EntryType;

const NO_LAYER: LayerRef = LayerRef {
    digest: None,
    diff_id: None,
};

/// The inventory of one layer, which is read a second time where that is asked for.
fn inventory(tar: &[u8]) -> Inventory {
    let read = |selection: &Selection| -> LayerContents { read_layer(tar, selection).unwrap() };
    merge(&[&read(&Selection::default())], &[NO_LAYER], &mut |_, wanted| {
        Ok(read(&Selection {
            only: Some(Again::new(wanted)),
            ..Selection::default()
        }))
    })
}

fn names(inventory: &Inventory) -> Vec<String> {
    let packages = inventory.packages.iter();
    packages
        .map(|package| format!("{} {}", package.name, package.path))
        .collect()
}

fn incomplete(inventory: &Inventory, part: &str) -> bool {
    let mut problems = inventory.problems.iter();
    problems.any(|problem| problem.effect == Effect::Incomplete && problem.what.contains(part))
}

const PACKAGE: &str = r#"{"name": "evil", "version": "1.0.0"}"#;

#[test]
fn names_with_parents_in_them_are_cleaned_as_runtimes_do() {
    let layer = LayerBuilder::new().entry(
        b"usr/../app/./x/../node_modules/evil/package.json",
        EntryType::Regular,
        b"",
        PACKAGE.as_bytes(),
        0o644,
    );
    assert_eq!(
        names(&inventory(&layer.into_tar())),
        ["evil app/node_modules/evil/package.json"]
    );
}

#[test]
fn names_that_are_too_deep_or_leave_the_image_are_said_to_be_unread() {
    let deep = "d/".repeat(limits::PATH_DEPTH + 1) + "package.json";
    for name in ["../../etc/x", &deep] {
        let layer = LayerBuilder::new().entry(name.as_bytes(), EntryType::Regular, b"", b"x", 0o644);
        assert!(
            incomplete(&inventory(&layer.into_tar()), "the entry was not read"),
            "{name}"
        );
    }
}

#[test]
fn the_root_in_any_spelling_is_no_problem() {
    for name in ["./", "/", "././", "//."] {
        let layer = LayerBuilder::new()
            .entry(name.as_bytes(), EntryType::Directory, b"", b"", 0o755)
            .file("node_modules/evil/package.json", PACKAGE);
        assert!(
            !incomplete(&inventory(&layer.into_tar()), "the entry was not read"),
            "{name}"
        );
    }
}

#[test]
fn files_below_names_that_are_no_text_are_read() {
    let layer = LayerBuilder::new().entry(
        b"opt/caf\xe9/node_modules/evil/package.json",
        EntryType::Regular,
        b"",
        PACKAGE.as_bytes(),
        0o644,
    );
    let found = names(&inventory(&layer.into_tar()));
    assert_eq!(found, ["evil opt/caf\u{fffd}/node_modules/evil/package.json"]);
}

#[test]
fn a_thousand_odd_entries_do_not_hide_that_the_rest_was_not_read() {
    let mut layer = LayerBuilder::new();
    for at in 0..limits::PROBLEMS + 5 {
        layer = layer.entry(format!("odd{at}").as_bytes(), EntryType::new(b'Q'), b"", b"", 0o644);
    }
    let mut tar = layer.into_tar();
    // Behind a single block of zeros nothing is read.
    let end = tar.len() - 512;
    tar.truncate(end);
    tar.extend(
        LayerBuilder::new()
            .file("node_modules/evil/package.json", PACKAGE)
            .into_tar(),
    );
    assert!(
        inventory(&tar)
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Incomplete)
    );
}

#[test]
fn what_is_found_in_one_layer_is_bounded() {
    let mut listed = String::from("[");
    while listed.len() < usize::try_from(limits::METADATA_BYTES).unwrap() - 100 {
        listed.push_str(r#"{"name":"a/b","version":"1"},"#);
    }
    listed.push_str(r#"{"name":"a/b","version":"1"}]"#);
    let mut layer = LayerBuilder::new();
    for at in 0..4 {
        layer = layer.file(&format!("app{at}/vendor/composer/installed.json"), &listed);
    }
    let contents = read_layer(layer.into_tar().as_slice(), &Selection::default()).unwrap();
    assert!(
        contents
            .problems
            .iter()
            .any(|problem| problem.what.contains("bytes of findings")),
        "{:?}",
        contents.problems
    );
}

#[test]
fn two_other_names_of_one_streamed_file_do_not_end_the_second_reading() {
    // An empty zip archive: it is a jar that names no package.
    let mut zip = b"PK\x05\x06".to_vec();
    zip.resize(22, 0);
    let layer = LayerBuilder::new()
        .file("data/blob", zip)
        .symbolic_link("app/a.jar", "/data/blob")
        .symbolic_link("app/b.jar", "/data/blob")
        .file("store/1", PACKAGE)
        .hard_link("app/node_modules/evil/package.json", "store/1");
    let found = inventory(&layer.into_tar());
    assert_eq!(names(&found), ["evil app/node_modules/evil/package.json"]);
    assert!(!incomplete(&found, ""), "{:?}", found.problems);
}

#[test]
fn of_several_files_of_one_path_the_last_is_read_again() {
    let layer = LayerBuilder::new()
        .file("store/1", r#"{"name": "first", "version": "1.0.0"}"#)
        .file("store/1", PACKAGE)
        .hard_link("app/node_modules/evil/package.json", "store/1");
    assert_eq!(
        names(&inventory(&layer.into_tar())),
        ["evil app/node_modules/evil/package.json"]
    );
}
