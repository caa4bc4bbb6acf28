//! Lua rocks as LuaRocks installs them: `<tree>/<name>/<version>/<name>-<version>.rockspec`.
//!
//! A rockspec is a Lua program that assigns literals; it is not run. Elsewhere it is the source of a rock.

use std::sync::LazyLock;

use regex::Regex;
use seaworthy_model::{Ecosystem, Effect, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "luarocks",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.ends_with(".rockspec")
        && (installed(path).is_some()
            || path
                .split('/')
                .any(|part| part == "luarocks" || part.starts_with("rocks-")))
}

/// Name and version of the directories, where the file is named by them.
fn installed(path: &str) -> Option<(&str, &str)> {
    let stem = path.strip_suffix(".rockspec")?;
    let (directory, stem) = stem.rsplit_once('/')?;
    let (directory, version) = directory.rsplit_once('/')?;
    let name = directory.rsplit('/').next()?;
    (stem.strip_prefix(name)?.strip_prefix('-')? == version).then_some((name, version))
}

static FIELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)^\s*(package|version|license)\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')"#).ok());

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let (mut name, mut version, mut license) = ("", "", "");
    for found in FIELD.iter().flat_map(|pattern| pattern.captures_iter(&text)) {
        let value = found.get(2).or_else(|| found.get(3)).map_or("", |value| value.as_str());
        match found.get(1).map_or("", |field| field.as_str()) {
            "package" if name.is_empty() => name = value,
            "version" if version.is_empty() => version = value,
            "license" if license.is_empty() => license = value,
            _ => {}
        }
    }
    let (in_path, version_in_path) = installed(file.path).unwrap_or_default();
    let name = if name.is_empty() { in_path } else { name };
    let version = if version.is_empty() { version_in_path } else { version };
    match listing::add(report, Ecosystem::LuaRocks, name, version, file.path) {
        Some(package) => package.licenses = listing::license(license).into_iter().collect(),
        None => {
            let what = "the rock's name or version is computed, it is not listed";
            listing::problem(report, file.path, Effect::Uncertain, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn literals_and_paths() {
        for (path, text, expected) in [
            (
                "usr/local/lib/luarocks/rocks-5.1/kong/3.7.0-0/kong-3.7.0-0.rockspec",
                "package = \"kong\"\nversion = '3.7.0-0'",
                "kong 3.7.0-0",
            ),
            (
                "t/lpeg/1.0-1/lpeg-1.0-1.rockspec",
                "local v = '1'\nversion = v .. '-1'",
                "lpeg 1.0-1",
            ),
        ] {
            assert!((ANALYZER.wants)(path));
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            let found: Vec<_> = report
                .packages
                .iter()
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            assert_eq!(found, [expected]);
        }
        assert!(!(ANALYZER.wants)("src/kong-3.7.0-0.rockspec"));
    }
}
