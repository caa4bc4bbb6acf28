//! npm's package-lock.json and npm-shrinkwrap.json, formats 1 to 3.
//!
//! Formats 2 and 3 have a flat map of paths (`packages`); format 1 nests `dependencies` as node_modules does. An alias is
//! listed under the name of what is installed. <https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>

use super::document::{self, Value};
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship};
use std::collections::{HashMap, HashSet};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "npm",
    ecosystem: Ecosystem::Npm,
    wants: |path| matches!(name_of(path), "package-lock.json" | "npm-shrinkwrap.json"),
    read,
};

/// The parts of a package.json that name dependencies.
pub(super) const FIELDS: [&str; 4] = [
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "devDependencies",
];

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    // npm itself does not look at the other one.
    if name_of(source.path) == "package-lock.json" && source.has_beside("npm-shrinkwrap.json") {
        return;
    }
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let packages = lock.get("packages").entries();
    if packages.iter().any(|(path, _)| !path.is_empty()) {
        flat(packages, listing);
    } else {
        let project = source
            .beside("package.json")
            .and_then(|bytes| document::json(&bytes).ok());
        nested(&lock, &project.unwrap_or_default(), listing);
    }
}

/// The name behind the last `node_modules/` of a path.
fn installed_name(path: &str) -> Option<&str> {
    let name = path.rsplit_once("node_modules/").map(|(_, name)| name)?;
    (!name.is_empty()).then_some(name)
}

fn flat(packages: &[(String, Value)], listing: &mut Listing<'_>) {
    let root = packages.iter().find(|(path, _)| path.is_empty()).map(|(_, root)| root);
    let asked: HashSet<&str> = root
        .into_iter()
        .flat_map(|root| FIELDS.iter().flat_map(move |field| root.get(field).keys()))
        .collect();
    let by_path: HashMap<&str, &Value> = packages
        .iter()
        .map(|(path, package)| (path.as_str(), package))
        .collect();
    for (path, package) in packages {
        let Some(alias) = installed_name(path) else { continue };
        let direct = path.strip_prefix("node_modules/") == Some(alias) && asked.contains(alias);
        let dev = package.get("dev").is_true() || package.get("devOptional").is_true();
        if package.get("link").is_true() {
            // A member of the workspace, or a package elsewhere on this disk: its own entry has the version.
            let target = by_path.get(package.get("resolved").text());
            let version = target.map_or("", |target| target.get("version").text());
            listing.add(alias, version, Usage::direct(true).for_development(dev));
            continue;
        }
        let name = match package.get("name").text() {
            "" => alias,
            name => name,
        };
        if let Some(listed) = listing.add(
            name,
            plain_version(package.get("version").text()),
            Usage::direct(direct).for_development(dev),
        ) {
            license(listed, package);
        }
    }
}

fn license(listed: &mut seaworthy_model::Package, package: &Value) {
    let license = package.get("license").text();
    if listed.licenses.is_empty() && !license.is_empty() && license.len() <= seaworthy_model::limits::VALUE_BYTES {
        listed.licenses.push(license.to_owned());
    }
}

fn nested(lock: &Value, project: &Value, listing: &mut Listing<'_>) {
    let asked: HashSet<&str> = FIELDS.iter().flat_map(|field| project.get(field).keys()).collect();
    let mut open = vec![(true, lock.get("dependencies"))];
    while let Some((top, dependencies)) = open.pop() {
        for (alias, package) in dependencies.entries() {
            let version = package.get("version").text();
            let (name, version) = match version.strip_prefix("npm:") {
                Some(real) => split_name(real).unwrap_or((alias, "")),
                None => (alias.as_str(), plain_version(version)),
            };
            let relationship = match (asked.is_empty(), top && asked.contains(alias.as_str())) {
                (true, _) => Relationship::Unknown,
                (false, true) => Relationship::Direct,
                (false, false) => Relationship::Indirect,
            };
            let dev = package.get("dev").is_true();
            listing.add(name, version, Usage { dev, relationship });
            open.push((false, package.get("dependencies")));
        }
    }
}

/// A version that is none: an address or path, from which the package was taken.
fn plain_version(version: &str) -> &str {
    if version.contains([':', '/']) { "" } else { version }
}

/// Splits `name@version`, `@scope/name@version`.
pub(super) fn split_name(text: &str) -> Option<(&str, &str)> {
    let at = text.char_indices().skip(1).find(|(_, character)| *character == '@')?.0;
    let (name, version) = text.split_at(at);
    Some((name, version.strip_prefix('@').unwrap_or(version)))
}
