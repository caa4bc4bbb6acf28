//! Packages of Yarn's Plug'n'Play: `.pnp.cjs` resolves them to archives, so that there is no `node_modules`.
//!
//! The state is JSON: text of a string in the program, an object literal in Yarn 2, or `.pnp.data.json` beside it.
//! <https://yarnpkg.com/advanced/pnp-spec>

use super::{json, listing};
use crate::analyzer::{Analyzer, File, FileReport};
use seaworthy_model::{Ecosystem, Effect, limits};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "yarn-pnp",
    version: 1,
    wants: |path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        matches!(name, ".pnp.cjs" | ".pnp.js" | ".pnp.data.json")
    },
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// The versions of one package, each by how it is referred to.
type References = Vec<(Option<String>, IgnoredAny)>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    package_registry_data: Vec<(Option<String>, References)>,
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let state = if file.name() == ".pnp.data.json" {
        json::object::<State>(file.bytes)
    } else if let Some(state) = string_of(&text) {
        json::object(state.as_bytes())
    } else if let Some(literal) = literal_of(&text) {
        let mut first = serde_json::Deserializer::from_str(literal);
        State::deserialize(&mut first)
    } else {
        // The state is in `.pnp.data.json`.
        return;
    };
    let state = match state {
        Ok(state) => state,
        Err(error) => {
            let what = format!("Yarn's list of packages could not be read, they are not listed: {error}");
            return listing::problem(report, file.path, Effect::Incomplete, what);
        }
    };
    let mut without = 0usize;
    for (name, references) in &state.package_registry_data {
        let Some(name) = name else { continue };
        let mut versions = Vec::new();
        for reference in references.iter().filter_map(|(reference, _)| reference.as_deref()) {
            match version(reference) {
                Some(version) => versions.push(version),
                None if reference.contains("workspace:") => {}
                None => without += 1,
            }
        }
        versions.sort_unstable();
        versions.dedup();
        for version in versions {
            listing::add(report, Ecosystem::Npm, name, &version, file.path);
        }
    }
    if without > 0 {
        let what = format!("{without} packages from addresses without a version are not listed");
        listing::problem(report, file.path, Effect::Uncertain, what);
    }
}

/// The text of the string in which the state is: its lines go on behind a backslash.
fn string_of(program: &str) -> Option<String> {
    let (_, rest) = program.split_once("RAW_RUNTIME_STATE =")?;
    let rest = rest.trim_start().strip_prefix('\'')?;
    let mut text = String::new();
    let mut letters = rest.chars();
    loop {
        match letters.next()? {
            '\'' => return Some(text),
            '\\' => match letters.next()? {
                '\r' | '\n' => text.push('\n'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

/// What follows the call that takes the state as a literal.
fn literal_of(program: &str) -> Option<&str> {
    let mut calls = program.match_indices("hydrateRuntimeState(");
    calls.find_map(|(at, call)| {
        let rest = program.get(at + call.len()..)?.trim_start();
        rest.starts_with('{').then_some(rest)
    })
}

/// `npm:1.0.0`, `virtual:<hash>#npm:1.0.0` and `patch:a@npm%3A1.0.0#…` are 1.0.0.
fn version(reference: &str) -> Option<String> {
    let reference = reference.replace("%3A", ":");
    let (_, rest) = reference.split_once("npm:")?;
    let version = rest.split(['#', ':', '&']).next().unwrap_or_default();
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{
  "dependencyTreeRoots": [{"name": "app", "reference": "workspace:."}],
  "packageRegistryData": [
    [null, [[null, {"packageLocation": "./"}]]],
    ["@scope/a", [["npm:1.0.0", {"packageLocation": "./.yarn/cache/a.zip/node_modules/@scope/a/"}],
      ["virtual:1f2e#npm:1.0.0", {"packageLocation": "./x"}], ["npm:2.0.0-rc.1", {}]]],
    ["app", [["workspace:.", {"packageLocation": "./"}]]],
    ["it's", [["patch:b@npm%3A3.1.0#~builtin<compat/b>", {}]]],
    ["far", [["https://example.com/far.tgz", {}]]]
  ]
}"#;

    fn found(path: &str, text: &str) -> (Vec<String>, usize) {
        let mut report = FileReport::default();
        analyze(File::new(path, text.as_bytes()), &mut report);
        let packages = report
            .packages
            .iter()
            .map(|one| format!("{}@{}", one.name, one.version));
        (packages.collect(), report.problems.len())
    }

    #[test]
    fn the_state_is_read_wherever_it_is() {
        let packages = ["@scope/a@1.0.0", "@scope/a@2.0.0-rc.1", "it's@3.1.0"]
            .map(str::to_owned)
            .to_vec();
        let escaped = STATE.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\\n");
        let string =
            format!("#!/usr/bin/env node\nconst RAW_RUNTIME_STATE =\n'{escaped}';\n\nfunction $$SETUP_STATE() {{}}\n");
        let literal = format!(
            "function $$SETUP_STATE(hydrateRuntimeState, basePath) {{\n  return hydrateRuntimeState({STATE}, {{basePath: basePath}});\n}}"
        );
        for (path, text) in [
            ("app/.pnp.cjs", string.as_str()),
            ("app/.pnp.js", literal.as_str()),
            ("app/.pnp.data.json", STATE),
        ] {
            assert_eq!(found(path, text), (packages.clone(), 1), "{path}");
        }
        assert_eq!(found("app/.pnp.cjs", "const fs = require('fs');"), (vec![], 0));
        assert_eq!(found("app/.pnp.cjs", "const RAW_RUNTIME_STATE =\n'{';"), (vec![], 1));
        assert!((ANALYZER.wants)("app/.pnp.cjs") && !(ANALYZER.wants)("app/x.pnp.cjs"));
    }
}
