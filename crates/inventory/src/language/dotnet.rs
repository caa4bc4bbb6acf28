//! NuGet packages of .NET applications: `<application>.deps.json`, which the runtime resolves assemblies by
//! (runtime-configuration-file.md of dotnet/cli).
//!
//! Libraries that the target brings no file for are left out: the shared framework provides them, or they only matter to
//! the compiler.

use std::collections::BTreeMap;

use seaworthy_model::{Ecosystem, Effect, limits};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{json, listing};
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "dotnet-deps",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// Whether the file at this path lists the assemblies of an application.
pub(crate) fn wants(path: &str) -> bool {
    path.len() > ENDING.len()
        && path
            .split_at_checked(path.len().saturating_sub(ENDING.len()))
            .is_some_and(|(stem, ending)| ending.eq_ignore_ascii_case(ENDING) && !stem.ends_with('/'))
}

const ENDING: &str = ".deps.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    runtime_target: Target,
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Assets>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

/// Its name; in old files the target is the name itself.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Target {
    Object {
        name: String,
    },
    Name(String),
    #[default]
    Unknown,
}

/// What a target loads of a library.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Assets {
    runtime: BTreeMap<String, IgnoredAny>,
    runtime_targets: BTreeMap<String, IgnoredAny>,
    native: BTreeMap<String, IgnoredAny>,
    resources: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

/// A library that the target of an application loads something of.
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Whether it is built from the application's own sources.
    pub(crate) is_project: bool,
}

/// What the target of an application loads.
///
/// # Errors
/// Why the document could not be read.
pub(crate) fn loaded(bytes: &[u8]) -> Result<Vec<Loaded>, String> {
    let document: Document = json::object(bytes).map_err(|error| error.to_string())?;
    let target = match &document.runtime_target {
        Target::Object { name } | Target::Name(name) => document.targets.get(name),
        Target::Unknown => None,
    };
    let mut found = Vec::new();
    for (key, library) in &document.libraries {
        let known = ["package", "project", "runtimepack"]
            .iter()
            .any(|kind| library.kind.eq_ignore_ascii_case(kind));
        let Some((name, version)) = key.split_once('/').filter(|_| known) else {
            continue;
        };
        // Files that only the compiler or a reference assembly needs are no runtime assets.
        let loads = target.is_none_or(|target| {
            target.get(key).is_some_and(|assets| {
                [
                    &assets.runtime,
                    &assets.runtime_targets,
                    &assets.native,
                    &assets.resources,
                ]
                .iter()
                .any(|files| !files.is_empty())
            })
        });
        if loads {
            found.push(Loaded {
                // The packs of a self-contained application are named `runtimepack.Microsoft.NETCore.App.Runtime.linux-x64`.
                name: name.strip_prefix("runtimepack.").unwrap_or(name).to_owned(),
                version: version.to_owned(),
                is_project: library.kind.eq_ignore_ascii_case("project"),
            });
        }
    }
    Ok(found)
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    match loaded(file.bytes) {
        Ok(libraries) => {
            for library in libraries {
                listing::add(report, Ecosystem::NuGet, &library.name, &library.version, file.path);
            }
        }
        Err(error) => {
            let what = format!("the list of assemblies could not be read, its packages are not listed: {error}");
            listing::problem(report, file.path, Effect::Incomplete, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    fn names(text: &str) -> Vec<String> {
        let path = "app/Shop.deps.json";
        assert!((ANALYZER.wants)(path) && !(ANALYZER.wants)("app/.deps.json"));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
        report
            .packages
            .iter()
            .map(|one| format!("{} {}", one.name, one.version))
            .collect()
    }

    const LIBRARIES: &str = r#""libraries": {"Shop/1.0.0": {"type": "project"}, "A/1.2": {"type": "package"},
        "B/2": {"type": "package"}, "R/3": {"type": "referenceassembly"}, "NoVersion": {"type": "package"}}"#;

    #[test]
    fn only_what_the_target_loads() {
        let target = r#"{"runtimeTarget": {"name": "t"}, "targets": {"t": {"A/1.2": {"runtime": {"a.dll": {}}}, "B/2": {},
            "Shop/1.0.0": {"runtime": {"Shop.dll": {}}}}}, "#;
        assert_eq!(names(&format!("{target}{LIBRARIES}}}")), ["A 1.2", "Shop 1.0.0"]);
        // The named target is not there: everything may be loaded.
        let other = target.replace(r#""name": "t""#, r#""name": "u""#);
        assert_eq!(names(&format!("{other}{LIBRARIES}}}")), ["A 1.2", "B 2", "Shop 1.0.0"]);
    }
}
