//! What is kept between scans: a second scan says the same and reads nothing, and nothing is kept where it must not be.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod program;

use program::{Run, command, comparable, finish};
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const EXAMPLE: &str = "examples/myapp-v1.tar";

/// Scans the example with this home and these further arguments.
fn scan(home: &Path, more: &[&str]) -> Run {
    let arguments = ["image", "--input", EXAMPLE, "-f", "json", "--list-all-pkgs"];
    let mut command = command(&[&arguments[..], more].concat());
    finish(command.env("HOME", home).output().unwrap())
}

fn kept(directory: &Path) -> Vec<PathBuf> {
    if directory.exists() {
        seaworthy_testkit::data::files(directory)
    } else {
        Vec::new()
    }
}

#[test]
fn a_second_scan_reads_nothing_and_says_the_same() {
    let home = tempfile::tempdir().unwrap();
    let without = scan(home.path(), &["--no-cache"]);
    assert!(kept(home.path()).is_empty());
    let first = scan(home.path(), &[]);
    assert!(first.err.contains("Reading 3 layers"), "{}", first.err);
    let second = scan(home.path(), &[]);
    assert!(
        second.err.contains("Known from an earlier scan: 3 layers"),
        "{}",
        second.err
    );
    assert!(!second.err.contains("Layer 1/3"), "{}", second.err);
    for run in [&first, &second] {
        assert_eq!(run.code, 0, "{}", run.err);
        assert_eq!(comparable(&run.out), comparable(&without.out));
    }
    let files = kept(&home.path().join(".cache/seaworthy/scans"));
    assert!(files.len() >= 4, "{files:?}");
}

#[test]
fn clean_removes_what_scans_kept_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let directory = cache.path().to_str().unwrap();
    scan(home.path(), &["--cache-dir", directory]);
    assert!(kept(home.path()).is_empty());
    std::fs::create_dir(cache.path().join("db")).unwrap();
    std::fs::write(cache.path().join("db/advisories.db"), "data").unwrap();
    std::fs::write(cache.path().join("mine.txt"), "mine").unwrap();
    let clean = |more: &[&str]| program::run(&[&["clean", "--cache-dir", directory][..], more].concat());
    let trivys = clean(&["--java-db"]);
    assert!(
        trivys.code == 0 && trivys.err.contains("nothing to remove"),
        "{}",
        trivys.err
    );
    assert!(kept(cache.path()).len() > 2);
    let removed = clean(&[]);
    assert!(removed.code == 0 && removed.err.contains("Removed"), "{}", removed.err);
    assert_eq!(removed.out, "");
    let mut left = kept(cache.path());
    left.sort();
    assert_eq!(
        left,
        [cache.path().join("db/advisories.db"), cache.path().join("mine.txt")]
    );
    assert_eq!(clean(&["--all", "-q"]).err, "");
    assert_eq!(kept(cache.path()), [cache.path().join("mine.txt")]);
}

#[test]
fn a_home_that_is_not_there_or_cannot_be_written_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let run = scan(&absent, &["-d"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("results of layers are not kept"), "{}", run.err);
    assert!(!absent.exists());
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join(".cache"), "a file where a directory should be").unwrap();
    let run = scan(&home, &["-d"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("results are not kept in"), "{}", run.err);
    assert!(!scan(&home, &[]).err.contains("not kept"));
}

#[test]
fn many_processes_share_what_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let expected = comparable(&scan(home.path(), &["--no-cache"]).out);
    let processes: Vec<_> = (0..8)
        .map(|_| {
            let mut command = command(&["image", "--input", EXAMPLE, "-f", "json", "--list-all-pkgs", "-q"]);
            command
                .env("HOME", home.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for process in processes {
        let run = finish(process.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        assert_eq!(comparable(&run.out), expected);
    }
    let files = kept(&home.path().join(".cache/seaworthy/scans"));
    assert!(
        !files.iter().any(|path| path.to_str().unwrap().contains("/new-")),
        "{files:?}"
    );
}

#[test]
fn damaged_files_are_read_around_and_replaced() {
    let home = tempfile::tempdir().unwrap();
    let expected = comparable(&scan(home.path(), &[]).out);
    let scans = home.path().join(".cache/seaworthy/scans");
    for damage in [&b"not ours"[..], b"", &[0xff; 4096]] {
        for path in kept(&scans) {
            std::fs::write(path, damage).unwrap();
        }
        let run = scan(home.path(), &[]);
        assert!(run.code == 0 && run.err.contains("Reading 3 layers"), "{}", run.err);
        assert_eq!(comparable(&run.out), expected);
        assert!(
            scan(home.path(), &[])
                .err
                .contains("Known from an earlier scan: 3 layers")
        );
    }
}

#[test]
fn other_directories_to_skip_are_another_result() {
    let home = tempfile::tempdir().unwrap();
    let names = |run: &Run| -> usize {
        let report = program::json(&run.out);
        let results = report["Results"].as_array().unwrap();
        results
            .iter()
            .map(|result| result["Packages"].as_array().map_or(0, Vec::len))
            .sum()
    };
    let all = names(&scan(home.path(), &[]));
    let fewer = names(&scan(home.path(), &["--skip-dirs", "app"]));
    assert!(fewer < all, "{fewer} of {all}");
    assert_eq!(names(&scan(home.path(), &[])), all);
}

#[test]
fn a_damaged_image_is_an_error_again_when_a_part_of_it_is_known() {
    let home = tempfile::tempdir().unwrap();
    let layout = home.path().join("layout");
    let layer = |name: &str| LayerBuilder::new().file(name, name);
    let image = ImageBuilder::new()
        .layer(layer("one"), Stored::Gzip)
        .layer(layer("two"), Stored::Gzip);
    image.write_layout(&layout).unwrap();
    let blobs: Vec<(u64, PathBuf)> = kept(&layout.join("blobs"))
        .into_iter()
        .map(|path| (path.metadata().unwrap().len(), path))
        .filter(|(_, path)| std::fs::read(path).unwrap().starts_with(&[0x1f, 0x8b]))
        .collect();
    assert_eq!(blobs.len(), 2);
    let mut damaged = std::fs::read(&blobs[0].1).unwrap();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    std::fs::write(&blobs[0].1, damaged).unwrap();
    for _ in 0..2 {
        let mut command = command(&["image", "--no-progress", "--input", layout.to_str().unwrap()]);
        let run = finish(command.env("HOME", home.path()).output().unwrap());
        assert!(run.code == 3 && run.out.is_empty(), "{}{}", run.out, run.err);
    }
}
