//! Manifest.toml of Julia, formats 1 and 2. Packages of the standard library have no version of their own.

use super::document::{self, Value};
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "julia",
    ecosystem: Ecosystem::Julia,
    wants: |path| {
        let name = name_of(path);
        let name = name.strip_prefix("Julia").unwrap_or(name);
        // `Manifest-v1.11.toml` is for that version of Julia alone.
        name == "Manifest.toml" || (name.starts_with("Manifest-v") && name.ends_with(".toml"))
    },
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let manifest = match document::toml(source.bytes) {
        Ok(manifest) => manifest,
        Err(why) => return listing.unreadable(&why),
    };
    let packages = match manifest.get("deps") {
        Value::Nothing => &manifest,
        deps => deps,
    };
    for (name, entries) in packages.entries() {
        for package in entries.list() {
            let version = package.get("version").text();
            if !version.is_empty() && !package.get("uuid").text().is_empty() {
                listing.add(name, version, Usage::PLAIN);
            }
        }
    }
}
