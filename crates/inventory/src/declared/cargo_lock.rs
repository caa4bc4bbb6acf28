//! Cargo.lock, formats 1 to 4.
//!
//! A package without a source lies in the project. With the Cargo.toml files at hand it is known which of those is the root,
//! and what only their `dev-dependencies` need. <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>

use super::document::{self, Value};
use super::graph::{Graph, Reach};
use super::listing::{Listing, Usage};
use super::{Declared, Source, is_vendored, name_of};
use seaworthy_model::{Ecosystem, Relationship};
use std::collections::{HashMap, HashSet};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "cargo",
    ecosystem: Ecosystem::Cargo,
    wants: |path| name_of(path) == "Cargo.lock" && !is_vendored(path),
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::toml(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let packages = lock.get("package").list();
    let manifests = manifests(source, packages);
    let mut graph = Graph::default();
    for (index, package) in packages.iter().enumerate() {
        let (name, version) = (package.get("name").text(), package.get("version").text());
        let place = graph.entry(&format!("#{index}"));
        // A dependency is written with as much as tells it from others: name, version, source.
        graph.alias(name, place);
        graph.alias(&format!("{name} {version}"), place);
        graph.alias(&format!("{name} {version} ({})", package.get("source").text()), place);
    }
    let (mut production, mut development, mut direct) = (Vec::new(), Vec::new(), HashSet::new());
    for (index, package) in packages.iter().enumerate() {
        let manifest = own(package)
            .then(|| manifests.get(package.get("name").text()))
            .flatten();
        for dependency in package.get("dependencies").texts() {
            let Some(target) = graph.find(dependency) else { continue };
            let Some(manifest) = manifest else {
                graph.depends(index, target);
                continue;
            };
            direct.insert(target);
            let name = dependency.split(' ').next().unwrap_or_default();
            if manifest.production.contains(name) || !manifest.development.contains(name) {
                graph.depends(index, target);
            } else {
                development.push(target);
            }
        }
        if own(package) {
            production.push(index);
        }
    }
    let reach = Reach::of(&graph, production, development);
    for (index, package) in packages.iter().enumerate() {
        let name = package.get("name").text();
        let relationship = match own(package).then(|| manifests.get(name)).flatten() {
            Some(manifest) if manifest.root => Relationship::Root,
            Some(_) => Relationship::Workspace,
            None if manifests.is_empty() => Relationship::Unknown,
            None if direct.contains(&index) => Relationship::Direct,
            None => Relationship::Indirect,
        };
        let dev = reach.is_development(index);
        listing.add(name, package.get("version").text(), Usage { dev, relationship });
    }
}

fn own(package: &Value) -> bool {
    package.get("source").text().is_empty()
}

/// What one Cargo.toml says.
#[derive(Default)]
struct Manifest {
    root: bool,
    production: HashSet<String>,
    development: HashSet<String>,
}

/// The Cargo.toml files of the project's own packages, by name.
fn manifests(source: &Source<'_>, packages: &[Value]) -> HashMap<String, Manifest> {
    let names: HashSet<&str> = packages
        .iter()
        .filter(|package| own(package))
        .map(|one| one.get("name").text())
        .collect();
    let root = format!("{}Cargo.toml", source.directory());
    let mut manifests = HashMap::new();
    if !source.files.has(&root) {
        return manifests;
    }
    for path in source.files.named(source.directory(), "Cargo.toml").take(10_000) {
        let Some(text) = source.files.content(path).ok() else {
            continue;
        };
        let Ok(document) = document::toml(&text) else { continue };
        let name = document.get("package").get("name").text();
        if !names.contains(name) || (manifests.contains_key(name) && path != root) {
            continue;
        }
        let mut manifest = Manifest {
            root: path == root,
            ..Manifest::default()
        };
        let targets = document.get("target").entries().iter().map(|(_, target)| target);
        for part in std::iter::once(&document).chain(targets) {
            for field in ["dependencies", "build-dependencies"] {
                manifest.production.extend(real_names(part.get(field)));
            }
            manifest.development.extend(real_names(part.get("dev-dependencies")));
        }
        manifests.insert(name.to_owned(), manifest);
    }
    manifests
}

/// The names of dependencies, behind renames; what only the workspace's root renames is not looked through.
fn real_names(dependencies: &Value) -> impl Iterator<Item = String> {
    dependencies
        .entries()
        .iter()
        .map(|(name, dependency)| match dependency.get("package").text() {
            "" => name.clone(),
            real => real.to_owned(),
        })
}
