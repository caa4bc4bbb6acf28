//! Conda packages of an environment: `conda-meta/<name>-<version>-<build>.json`, one file a package.

use seaworthy_model::{Ecosystem, Effect, limits};
use serde::Deserialize;

use super::{json, listing};
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "conda",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.ends_with(".json") && listing::directories(path).is_some_and(|(directory, _)| directory == "conda-meta")
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    arch: Option<String>,
    #[serde(default)]
    license: Option<String>,
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    match json::object::<Record>(file.bytes) {
        Ok(record) => {
            if let Some(package) = listing::add(report, Ecosystem::Conda, &record.name, &record.version, file.path) {
                package.arch = record.arch.unwrap_or_default();
                package.licenses = record
                    .license
                    .as_deref()
                    .and_then(listing::license)
                    .into_iter()
                    .collect();
            }
        }
        Err(error) => {
            let what = format!("the package's record could not be read, it is not listed: {error}");
            listing::problem(report, file.path, Effect::Incomplete, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn records() {
        let path = "opt/conda/conda-meta/zlib-1.2.11-h90dfc92_1014.json";
        assert!((ANALYZER.wants)(path) && !(ANALYZER.wants)("opt/conda/conda-meta/history"));
        for (text, found) in [
            (
                r#"{"name": "zlib", "version": "1.2.11", "arch": null, "license": "Zlib"}"#,
                1,
            ),
            ("[]", 0),
        ] {
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            assert_eq!((report.packages.len(), report.problems.len()), (found, 1 - found));
        }
    }
}
