//! yarn.lock of Yarn 1 and of Yarn 2 and later ("Berry").
//!
//! Both are read by lines: an entry begins at the margin with the descriptors (`name@range, …`) that it answers. What is
//! for development is not in the file; the package.json files beside it say so.

use super::document::{self, Value};
use super::graph::{Graph, Reach};
use super::listing::{Listing, Usage};
use super::npm_lock::split_name;
use super::source_tree::directory_of;
use super::{Declared, Source, name_of};
use crate::Pattern;
use seaworthy_model::{Ecosystem, Effect, Relationship};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "yarn",
    ecosystem: Ecosystem::Npm,
    wants: |path| name_of(path) == "yarn.lock",
    read,
};

/// One entry of the file.
#[derive(Debug, Default)]
struct Entry {
    descriptors: Vec<String>,
    version: String,
    resolved: String,
    resolution: String,
    dependencies: Vec<(String, String)>,
}

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let text = document::text(source.bytes);
    let entries = entries(&text);
    if entries.is_empty() && !text.contains("yarn lockfile") && !text.contains("__metadata") && !text.trim().is_empty()
    {
        listing.problem(Effect::Incomplete, "this is no yarn.lock, its packages are not listed");
    }
    let bare = entries.iter().filter(|entry| entry.version.is_empty()).count();
    if bare > 0 {
        let what = format!("{bare} of its entries have no version, their packages are not listed");
        listing.problem(Effect::Incomplete, what);
    }
    let usage = usage(source, &entries);
    for (entry, usage) in entries.iter().zip(usage) {
        if let Some((name, version)) = entry.package() {
            listing.add(name, version, usage);
        }
    }
}

/// Cuts the text into entries.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut in_dependencies = false;
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            in_dependencies = false;
            // A long key stands after `? `, and a line of its own has its colon.
            let key = content.strip_prefix("? ").unwrap_or(content);
            if key == ":" || key.starts_with("__metadata") {
                continue;
            }
            entries.push(Entry {
                descriptors: descriptors(key.strip_suffix(':').unwrap_or(key)),
                ..Entry::default()
            });
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let (key, value) = pair(content);
        if indent <= 2 {
            in_dependencies = matches!(key, "dependencies" | "optionalDependencies");
            match key {
                "version" => entry.version = value.to_owned(),
                "resolved" => entry.resolved = value.to_owned(),
                "resolution" => entry.resolution = value.to_owned(),
                _ => {}
            }
        } else if in_dependencies && !value.is_empty() {
            entry.dependencies.push((key.to_owned(), value.to_owned()));
        }
    }
    entries
}

/// Splits `key "value"`, `key: value`, `"key": "value"`.
fn pair(content: &str) -> (&str, &str) {
    let (key, value) = match content.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((key, value)) => (key, value),
        None => content
            .split_once([' ', ':'])
            .unwrap_or((content.trim_end_matches(':'), "")),
    };
    let value = value.strip_prefix(':').unwrap_or(value).trim();
    (
        key,
        value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value),
    )
}

/// The descriptors of an entry: in Yarn 1 each in its own quotes where it needs some, later all in one pair.
fn descriptors(key: &str) -> Vec<String> {
    let parts = key.split(", ").map(|part| part.trim().trim_matches('"').to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

impl Entry {
    /// Name and version, where it is a package from elsewhere.
    fn package(&self) -> Option<(&str, &str)> {
        if self.resolution.is_empty() {
            // An archive that lies in the project.
            if self.resolved.starts_with("file:") {
                return None;
            }
            let (alias, range) = split_name(self.descriptors.first()?)?;
            let real = range
                .strip_prefix("npm:")
                .map(|real| split_name(real).map_or(real, |(name, _)| name));
            let name = resolved_name(&self.resolved).or(real).unwrap_or(alias);
            return Some((name, &self.version));
        }
        let (name, reference) = split_name(&self.resolution)?;
        // What is patched has an entry of its own without the patch.
        let passed_over = reference.starts_with("workspace:") || reference.starts_with("patch:");
        (!passed_over && self.version != "0.0.0-use.local").then_some((name, self.version.as_str()))
    }
}

/// The name in the address of a registry's archive: `https://host/path/@scope/name/-/name-1.0.0.tgz`.
fn resolved_name(resolved: &str) -> Option<&str> {
    let (path, _) = resolved.split_once("://")?.1.split_once("/-/")?;
    let start = match path.rsplit_once('/')? {
        (before, _) if before.rsplit('/').next().is_some_and(|scope| scope.starts_with('@')) => before.rfind('/')? + 1,
        (before, _) => before.len() + 1,
    };
    path.get(start..).filter(|name| !name.contains('%'))
}

/// What each entry is for, by the package.json files that the lock file belongs to.
fn usage(source: &Source<'_>, entries: &[Entry]) -> Vec<Usage> {
    let plain = || vec![Usage::PLAIN; entries.len()];
    let Some(root) = source
        .beside("package.json")
        .and_then(|bytes| document::json(&bytes).ok())
    else {
        return plain();
    };
    let mut graph = Graph::default();
    for (index, entry) in entries.iter().enumerate() {
        let place = graph.entry(&format!("#{index}"));
        for descriptor in &entry.descriptors {
            graph.alias(descriptor, place);
        }
    }
    // A range that `resolutions` replace is found under no descriptor: any entry of that name may answer it. One node
    // stands for all of them, so that many such ranges cost no more than one.
    for (index, entry) in entries.iter().enumerate() {
        let names = entry.descriptors.iter().filter_map(|key| Some(split_name(key)?.0));
        for name in names.collect::<HashSet<&str>>() {
            let any = graph.entry(&format!("any {name}"));
            graph.depends(any, index);
        }
    }
    let answer = |graph: &Graph, name: &str, range: &str| {
        let plain = graph.find(&format!("{name}@{range}"));
        let found = plain.or_else(|| graph.find(&format!("{name}@npm:{range}")));
        found.or_else(|| graph.find(&format!("any {name}")))
    };
    for (index, entry) in entries.iter().enumerate() {
        // What a member of the workspace needs is taken from its package.json, which tells development apart.
        if entry.resolution.contains("@workspace:") {
            continue;
        }
        for (name, range) in &entry.dependencies {
            if let Some(target) = answer(&graph, name, range) {
                graph.depends(index, target);
            }
        }
    }
    let mut seeds = [Vec::new(), Vec::new()];
    for project in projects(source, root) {
        for (field, development) in [
            ("dependencies", 0),
            ("optionalDependencies", 0),
            ("peerDependencies", 0),
            ("devDependencies", 1),
        ] {
            for (name, range) in project.get(field).entries() {
                if let Some(seeds) = seeds.get_mut(development) {
                    seeds.extend(answer(&graph, name, range.text()));
                }
            }
        }
    }
    let [production, development] = seeds;
    let mut direct: HashSet<usize> = production.iter().chain(&development).copied().collect();
    if direct.is_empty() {
        return plain();
    }
    for any in direct.clone().into_iter().filter(|index| *index >= entries.len()) {
        direct.extend(graph.targets(any));
    }
    let reach = Reach::of(&graph, production, development);
    (0..entries.len())
        .map(|index| Usage {
            dev: reach.is_development(index),
            relationship: if direct.contains(&index) {
                Relationship::Direct
            } else {
                Relationship::Indirect
            },
        })
        .collect()
}

/// The package.json files of the project and of its workspace.
fn projects(source: &Source<'_>, root: Value) -> Vec<Value> {
    let workspaces = match root.get("workspaces") {
        Value::Map(_) => root.get("workspaces").get("packages"),
        list => list,
    };
    let patterns: Vec<Pattern> = workspaces.texts().take(256).map(Pattern::new).collect();
    let directory = source.directory();
    let mut projects = Vec::new();
    if !patterns.is_empty() {
        for path in source.files.named(directory, "package.json").take(10_000) {
            let member = directory_of(path.strip_prefix(directory).unwrap_or(path)).trim_end_matches('/');
            if !member.is_empty()
                && patterns.iter().any(|pattern| pattern.matches(member.as_bytes()))
                && let Ok(bytes) = source.files.content(path)
                && let Ok(project) = document::json(&bytes)
            {
                projects.push(project);
            }
        }
    }
    projects.push(root);
    projects
}

#[cfg(test)]
mod tests {
    use super::resolved_name;

    #[test]
    fn names_of_archives() {
        for (resolved, expected) in [
            ("https://registry.example/a/-/a-1.0.0.tgz#00", Some("a")),
            ("https://host.example/api/npm/npm/@s/a/-/a-1.0.0.tgz", Some("@s/a")),
            ("https://host.example/@s%2fa/-/a-1.0.0.tgz", None),
            ("https://codeload.github.com/o/a/tar.gz/00", None),
            ("git+ssh://git@github.com/o/a#00", None),
            ("", None),
        ] {
            assert_eq!(resolved_name(resolved), expected, "{resolved}");
        }
    }
}
