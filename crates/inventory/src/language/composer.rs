//! PHP packages as Composer installs them: `vendor/composer/installed.json`, a list (version 1) or an object with one
//! (version 2).

use seaworthy_model::{Ecosystem, Effect, limits};
use serde::Deserialize;

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "composer-installed",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path == "composer/installed.json" || path.ends_with("/composer/installed.json")
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    List(Vec<Entry>),
    Object {
        #[serde(default)]
        packages: Vec<Entry>,
    },
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: License,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum License {
    One(String),
    Many(Vec<String>),
    #[default]
    Unknown,
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let entries = match serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(Installed::List(entries) | Installed::Object { packages: entries }) => entries,
        Err(error) => {
            let what = format!("Composer's list could not be read, its packages are not listed: {error}");
            listing::problem(report, file.path, Effect::Incomplete, what);
            return;
        }
    };
    for entry in entries {
        if let Some(package) = listing::add(report, Ecosystem::Composer, &entry.name, &entry.version, file.path) {
            package.licenses = match entry.license {
                License::One(license) => listing::license(&license).into_iter().collect(),
                License::Many(licenses) => licenses.iter().filter_map(|one| listing::license(one)).collect(),
                License::Unknown => Vec::new(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn both_versions_of_the_file() {
        for text in [
            r#"[{"name": "a/b", "version": "v1.2", "license": ["MIT"]}, {"name": "c/d"}]"#,
            r#"{"packages": [{"name": "a/b", "version": "v1.2", "license": "MIT"}], "dev": true}"#,
        ] {
            let path = "app/vendor/composer/installed.json";
            assert!((ANALYZER.wants)(path));
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            let [package] = report.packages.as_slice() else {
                panic!("{report:?}")
            };
            assert_eq!((package.name.as_str(), package.version.as_str()), ("a/b", "v1.2"));
            assert_eq!(package.licenses, ["MIT"]);
        }
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new("composer/installed.json", b"{"), &mut report);
        assert_eq!(report.problems.len(), 1);
    }
}
