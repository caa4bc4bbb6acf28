//! pnpm-lock.yaml, formats 5 to 9.
//!
//! The key of a package is its name and version, with the versions of its peers behind: `/name/1.0.0_react@18.0.0` (5),
//! `/name@1.0.0(react@18.0.0)` (6), `name@1.0.0` (9, where `snapshots` have the peers). Formats 5 and 6 mark what is for
//! development; in 9 it follows from `importers`. <https://github.com/pnpm/spec/tree/master/lockfile>

use super::document::{self, Value};
use super::graph::{Graph, Reach};
use super::listing::{Listing, Usage};
use super::npm_lock::split_name;
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "pnpm",
    ecosystem: Ecosystem::Npm,
    wants: |path| name_of(path) == "pnpm-lock.yaml",
    read,
};

/// The parts of an importer that name dependencies, and whether they are for development.
const FIELDS: [(&str, bool); 5] = [
    ("dependencies", false),
    ("optionalDependencies", false),
    ("configDependencies", false),
    ("packageManagerDependencies", false),
    ("devDependencies", true),
];

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    match document::yaml(source.bytes) {
        // Since pnpm 11 the first document may be the lock of pnpm itself.
        Ok(documents) => documents.iter().for_each(|lock| one(lock, listing)),
        Err(why) => listing.unreadable(&why),
    }
}

fn one(lock: &Value, listing: &mut Listing<'_>) {
    let format: f64 = lock.get("lockfileVersion").text().parse().unwrap_or(0.0);
    let importers: Vec<&Value> = match lock.get("importers").entries() {
        [] => vec![lock],
        importers => importers.iter().map(|(_, importer)| importer).collect(),
    };
    if format >= 9.0 {
        newest(lock, &importers, listing);
    } else {
        older(lock, format, &importers, listing);
    }
}

/// The version that an importer has for a dependency; `None` for what is linked from the same workspace.
fn reference(dependency: &Value) -> Option<&str> {
    let version = match dependency.text() {
        "" => dependency.get("version").text(),
        version => version,
    };
    (!version.is_empty() && !version.starts_with("link:")).then_some(version)
}

/// A key without the versions of peers.
fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(key, _)| key)
}

fn newest(lock: &Value, importers: &[&Value], listing: &mut Listing<'_>) {
    let mut graph = Graph::default();
    let snapshots = lock.get("snapshots").entries();
    for (key, _) in snapshots {
        graph.entry(key);
    }
    // An alias refers to `name@version` as a whole, anything else to a version of the name itself.
    let find = |graph: &Graph, name: &str, version: &str| {
        graph.find(&format!("{name}@{version}")).or_else(|| graph.find(version))
    };
    for (from, (_, snapshot)) in snapshots.iter().enumerate() {
        for field in ["dependencies", "optionalDependencies"] {
            for (name, version) in snapshot.get(field).entries() {
                if let Some(to) = find(&graph, name, version.text()) {
                    graph.depends(from, to);
                }
            }
        }
    }
    let (mut production, mut development) = (Vec::new(), Vec::new());
    for (field, dev) in FIELDS {
        let dependencies = importers.iter().flat_map(|importer| importer.get(field).entries());
        let found = dependencies.filter_map(|(name, dependency)| find(&graph, name, reference(dependency)?));
        if dev { &mut development } else { &mut production }.extend(found);
    }
    let direct: HashSet<usize> = production.iter().chain(&development).copied().collect();
    let reach = Reach::of(&graph, production, development);
    // One package has a snapshot for each set of peers; it is for development when all of them are.
    let mut usage = std::collections::HashMap::new();
    for (index, (key, _)) in snapshots.iter().enumerate() {
        let entry = usage.entry(without_peers(key)).or_insert((true, false));
        *entry = (
            entry.0 && reach.is_development(index),
            entry.1 || direct.contains(&index),
        );
    }
    for (key, package) in lock.get("packages").entries() {
        let key = without_peers(key);
        let (dev, direct) = usage.get(key).copied().unwrap_or((false, false));
        let Some((name, version)) = split_name(key) else {
            continue;
        };
        let (name, version) = named(package, name, version);
        let version = if version.contains([':', '/']) { "" } else { version };
        listing.add(name, version, Usage::direct(direct).for_development(dev));
    }
}

/// Name and version as the package itself states them, for what does not come from a registry.
fn named<'a>(package: &'a Value, name: &'a str, version: &'a str) -> (&'a str, &'a str) {
    let or = |stated: &'a str, other: &'a str| if stated.is_empty() { other } else { stated };
    (
        or(package.get("name").text(), name),
        or(package.get("version").text(), version),
    )
}

fn older(lock: &Value, format: f64, importers: &[&Value], listing: &mut Listing<'_>) {
    let split: fn(&str) -> Option<(&str, &str)> = if format >= 6.0 { at_sign } else { slashes };
    let mut direct: HashSet<(&str, &str)> = HashSet::new();
    for (field, _) in FIELDS {
        for (name, dependency) in importers.iter().flat_map(|importer| importer.get(field).entries()) {
            let Some(version) = reference(dependency) else { continue };
            direct.insert(("", version));
            direct.insert(split(version).unwrap_or((name, without_suffix(version))));
        }
    }
    for (key, package) in lock.get("packages").entries() {
        let (name, version) = split(key).unwrap_or(("", ""));
        let (name, version) = named(package, name, version);
        let relationship = if direct.contains(&(name, version)) || direct.contains(&("", key.as_str())) {
            Relationship::Direct
        } else {
            Relationship::Indirect
        };
        let dev = package.get("dev").is_true();
        listing.add(name, version, Usage { dev, relationship });
    }
}

/// A version without what formats 5 and 6 put behind it for peers.
fn without_suffix(version: &str) -> &str {
    let version = without_peers(version);
    version.split_once('_').map_or(version, |(version, _)| version)
}

/// Splits a key of format 6: `/name@version(peers)`, with a registry in front where it is not the usual one.
fn at_sign(key: &str) -> Option<(&str, &str)> {
    let (_, path) = without_peers(key).split_once('/')?;
    let (name, version) = split_name(path)?;
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some((name, version))
}

/// Splits a key of format 5: `/name/version_peers`.
fn slashes(key: &str) -> Option<(&str, &str)> {
    let (_, path) = key.split_once('/')?;
    let end = if path.starts_with('@') {
        path.match_indices('/').nth(1)?.0
    } else {
        path.find('/')?
    };
    let (name, version) = path.split_at(end);
    let version = without_suffix(version.strip_prefix('/')?);
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some((name, version))
}
