//! Reads what `cargo bench -p seaworthy-advisories` left: `<id>/new/estimates.json`, times in nanoseconds.

use serde_json::Value;
use std::path::Path;

/// Folders deeper than this are not criterion's.
const DEPTH: usize = 5;

/// The median of each bench by its id, sorted. Empty where the benches were not run.
pub(crate) fn estimates(folder: &Path) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    collect(folder, "", DEPTH, &mut found);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn collect(folder: &Path, id: &str, depth: usize, found: &mut Vec<(String, f64)>) {
    let text = std::fs::read(folder.join("new/estimates.json")).ok();
    let estimates = text.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    if let Some(median) = estimates.and_then(|estimates| estimates["median"]["point_estimate"].as_f64()) {
        found.push((id.to_owned(), median));
        return;
    }
    if depth == 0 {
        return;
    }
    let Ok(children) = std::fs::read_dir(folder) else {
        return;
    };
    for child in children.flatten() {
        let name = child.file_name().to_string_lossy().into_owned();
        if child.path().is_dir() {
            let id = if id.is_empty() { name } else { format!("{id}/{name}") };
            collect(&child.path(), &id, depth - 1, found);
        }
    }
}
