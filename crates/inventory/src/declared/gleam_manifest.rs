//! manifest.toml, the lock file of Gleam: packages of Hex, and others that have no version there.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "gleam",
    ecosystem: Ecosystem::Hex,
    wants: |path| name_of(path) == "manifest.toml",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    // Many tools have a manifest.toml: one that is not Gleam's is none of ours.
    let Ok(manifest) = document::toml(source.bytes) else {
        return;
    };
    let asked: HashSet<&str> = manifest.get("requirements").keys().collect();
    for package in manifest.get("packages").list() {
        if package.get("source").text() == "hex" {
            let name = package.get("name").text();
            listing.add(name, package.get("version").text(), Usage::direct(asked.contains(name)));
        }
    }
}
