//! `seaworthy fs` on trees with lock files: what is listed, matched, left out and refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Run {
    code: i32,
    report: Value,
    err: String,
}

fn fs(directory: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["fs", "--quiet", "--format", "json", "--list-all-pkgs"])
        .args(arguments)
        .arg(directory)
        .env_clear()
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap(),
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `target: name@version` of every package, with its relationship behind where one is known.
fn packages(run: &Run) -> Vec<String> {
    let results = run.report["Results"].as_array().cloned().unwrap_or_default();
    let mut rows = Vec::new();
    for result in &results {
        for package in result["Packages"].as_array().into_iter().flatten() {
            let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
            let target = result["Target"].as_str().unwrap();
            let dev = if package["Dev"] == true { " dev" } else { "" };
            rows.push(format!(
                "{target}: {}@{} {}{dev}",
                text("Name"),
                text("Version"),
                text("Relationship")
            ));
        }
    }
    rows
}

/// A directory of this test, empty.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {"": {"name": "p", "dependencies": {"lodash": "^4"}},
    "node_modules/lodash": {"version": "4.17.11"}, "node_modules/minimist": {"version": "1.2.5", "dev": true}}}"#;

#[test]
fn packages_stand_under_their_lock_file() {
    let tree = tree(&[
        ("web/package-lock.json", LOCK),
        ("web/node_modules/x/package-lock.json", LOCK),
        ("api/go.mod", "module m\ngo 1.21\nrequire x.org/a v1.0.0 // indirect\n"),
    ]);
    let run = fs(tree.path(), &[]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(
        packages(&run),
        [
            "api/go.mod: x.org/a@v1.0.0 indirect",
            "web/package-lock.json: lodash@4.17.11 direct"
        ]
    );
    let findings = run.report["Results"][1]["Vulnerabilities"].as_array().unwrap().len();
    assert!(findings > 0, "lodash 4.17.11 is known to be vulnerable");
}

#[test]
fn development_dependencies_are_asked_for() {
    let tree = tree(&[("package-lock.json", LOCK)]);
    let run = fs(tree.path(), &["--include-dev-deps"]);
    let minimist = "package-lock.json: minimist@1.2.5 indirect dev".to_owned();
    assert!(packages(&run).contains(&minimist), "{:?}", packages(&run));
}

#[test]
fn directories_and_files_are_left_out_as_asked() {
    let tree = tree(&[
        ("a/package-lock.json", LOCK),
        ("b/package-lock.json", LOCK),
        ("c/d/yarn.lock", "# yarn lockfile v1\na@1:\n  version \"1.0.0\"\n"),
    ]);
    let run = fs(tree.path(), &["--skip-dirs", "/a", "--skip-files", "c/**"]);
    assert_eq!(packages(&run), ["b/package-lock.json: lodash@4.17.11 direct"]);
}

#[test]
fn an_empty_tree_is_not_clean() {
    let tree = tree(&[("README", "x")]);
    let run = fs(tree.path(), &[]);
    assert_eq!(run.code, 0);
    assert_eq!(run.report["Problems"][0]["Effect"], "uncertain");
}

#[test]
fn a_damaged_lock_file_does_not_pass_a_gate() {
    let tree = tree(&[("Cargo.lock", "[[package")]);
    let run = fs(tree.path(), &["--exit-code", "1"]);
    assert_eq!(run.code, 3);
    assert_eq!(run.report["Problems"][0]["Path"], "Cargo.lock");
    assert_eq!(fs(&tree.path().join("nothing"), &[]).code, 3);
}

#[test]
fn links_do_not_lead_out_of_the_tree() {
    let outside = tree(&[("package-lock.json", LOCK)]);
    let inside = tree(&[("requirements.txt", "-r ../secret.txt\n-r link.txt\n")]);
    for name in ["package-lock.json", "link.txt"] {
        std::os::unix::fs::symlink(outside.path().join("package-lock.json"), inside.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(outside.path(), inside.path().join("directory")).unwrap();
    let run = fs(inside.path(), &[]);
    assert_eq!(packages(&run), [""; 0]);
    let problems = run.report["Problems"].as_array().unwrap();
    assert_eq!(
        problems
            .iter()
            .filter(|problem| problem["Effect"] == "uncertain")
            .count(),
        3,
        "{problems:?}"
    );
}

#[test]
fn the_repository_itself_can_be_scanned() {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let run = fs(&root, &["--skip-dirs", "fuzz,hack"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let packages = packages(&run);
    assert!(packages.contains(&format!(
        "Cargo.lock: seaworthy-cli@{} workspace",
        env!("CARGO_PKG_VERSION")
    )));
    assert!(packages.iter().any(|row| row.starts_with("Cargo.lock: clap@")));
    assert!(
        !packages.iter().any(|row| row.starts_with("Cargo.lock: insta@")),
        "insta is for tests"
    );
}
