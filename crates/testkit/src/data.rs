//! The test data that are not part of the repository: real feeds, package databases and images.
//!
//! They lie in `SEAWORTHY_TEST_DATA`, by default the folder `shared` beside the checkout. Where they are missing a test
//! prints that it is skipped and passes; under `CI=true` it fails instead.

use std::path::{Path, PathBuf};

/// The path `relative` inside the test data, or `None` (after a line on stderr) where there are no test data.
///
/// # Panics
/// Under `CI=true`, when the data are missing.
#[expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a test helper: this is how a test fails or says that it is skipped"
)]
pub fn path(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SEAWORTHY_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    if std::env::var("CI").is_ok_and(|value| value == "true") {
        panic!("test data missing: {} (set SEAWORTHY_TEST_DATA)", path.display());
    }
    eprintln!("skipped: no test data at {} (set SEAWORTHY_TEST_DATA)", path.display());
    None
}

/// The rows of a tab-separated file of the test data, without comment and empty lines; each row its fields.
///
/// # Panics
/// When the file exists but cannot be read, or as [`path`] does.
#[expect(clippy::panic, reason = "a test helper")]
pub fn rows(relative: &str) -> Option<Vec<Vec<String>>> {
    let path = path(relative)?;
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let text = String::from_utf8_lossy(&text);
    Some(
        text.lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect(),
    )
}

/// Every regular file below `directory`, in no order; links are not followed.
///
/// # Panics
/// When a directory cannot be listed.
#[expect(clippy::panic, reason = "a test helper")]
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        let entries =
            std::fs::read_dir(&next).unwrap_or_else(|error| panic!("cannot list {}: {error}", next.display()));
        for entry in entries.filter_map(Result::ok) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}
