//! deno.lock, formats 2 to 5: the npm packages in it (`name@version`, with peers behind `_`).
//!
//! Packages of JSR have no ecosystem in advisories; that they were passed over is said.

use super::document;
use super::listing::{Listing, Usage};
use super::npm_lock::split_name;
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Effect};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "deno",
    ecosystem: Ecosystem::Npm,
    wants: |path| name_of(path) == "deno.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    // Format 3 has everything one level deeper, format 2 the npm packages.
    let inner = if lock.get("packages").is_map() {
        lock.get("packages")
    } else {
        &lock
    };
    let npm = inner.get("npm");
    let packages = if npm.get("packages").is_map() {
        npm.get("packages")
    } else {
        npm
    };
    let specifiers = inner.get("specifiers").entries().iter();
    let asked: HashSet<String> = specifiers
        .filter_map(|(specifier, resolved)| {
            let name = split_name(specifier.strip_prefix("npm:")?)?.0;
            let resolved = resolved.text();
            // Format 3 resolves to `npm:name@version`, later ones to the version.
            Some(
                resolved
                    .strip_prefix("npm:")
                    .map_or_else(|| format!("{name}@{resolved}"), str::to_owned),
            )
        })
        .collect();
    for key in packages.keys() {
        let Some((name, version)) = split_name(key) else {
            continue;
        };
        let version = version.split_once('_').map_or(version, |(version, _)| version);
        let usage = if asked.is_empty() {
            Usage::PLAIN
        } else {
            Usage::direct(asked.contains(key))
        };
        listing.add(name, version, usage);
    }
    let others = inner.get("jsr").entries().len();
    if others > 0 {
        listing.problem(
            Effect::Note,
            format!("{others} packages of JSR are not listed: no advisories name them"),
        );
    }
}
