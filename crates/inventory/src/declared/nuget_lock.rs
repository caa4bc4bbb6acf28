//! NuGet's packages.lock.json, and the project.assets.json that a restore leaves in `obj`.
//!
//! Projects of the same solution are listed there too; they are none of NuGet's packages.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;
use std::collections::HashSet;

/// The table's row of packages.lock.json.
pub(super) static DECLARED: Declared = Declared {
    name: "nuget",
    ecosystem: Ecosystem::NuGet,
    wants: |path| name_of(path) == "packages.lock.json",
    read,
};

/// The table's row of project.assets.json.
pub(super) static ASSETS: Declared = Declared {
    name: "nuget",
    ecosystem: Ecosystem::NuGet,
    wants: |path| name_of(path) == "project.assets.json",
    read: read_assets,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    for (_, framework) in lock.get("dependencies").entries() {
        for (name, package) in framework.entries() {
            let kind = package.get("type").text();
            if !kind.eq_ignore_ascii_case("project") {
                let usage = Usage::direct(kind.eq_ignore_ascii_case("direct"));
                listing.add(name, package.get("resolved").text(), usage);
            }
        }
    }
}

fn read_assets(source: &Source<'_>, listing: &mut Listing<'_>) {
    let assets = match document::json(source.bytes) {
        Ok(assets) => assets,
        Err(why) => return listing.unreadable(&why),
    };
    let frameworks = assets.get("project").get("frameworks").entries().iter();
    let asked: HashSet<String> = frameworks
        .flat_map(|(_, framework)| framework.get("dependencies").keys())
        .map(str::to_ascii_lowercase)
        .collect();
    for (key, library) in assets.get("libraries").entries() {
        if let Some((name, version)) = key.split_once('/')
            && library.get("type").text() == "package"
        {
            listing.add(name, version, Usage::direct(asked.contains(&name.to_ascii_lowercase())));
        }
    }
}
