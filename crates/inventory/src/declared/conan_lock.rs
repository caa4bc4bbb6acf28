//! conan.lock: the graph of Conan 1 (formats 0.0 to 0.4) and the lists of Conan 2 (0.5).
//!
//! References are `name/version[@user/channel][#revision][%time]`. What is required only to build is for development in
//! format 0.5, whose lists say so.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "conan",
    ecosystem: Ecosystem::Conan,
    wants: |path| name_of(path) == "conan.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    for (field, dev) in [("requires", false), ("build_requires", true), ("python_requires", true)] {
        for text in lock.get(field).texts() {
            if let Some((name, version)) = reference(text) {
                listing.add(name, version, Usage::dev(dev));
            }
        }
    }
    let nodes = lock.get("graph_lock").get("nodes").entries();
    let root = nodes.iter().find(|(_, node)| is_project(node)).map(|(_, node)| node);
    let asked = |number: &str| {
        let fields = ["requires", "build_requires"];
        root.is_some_and(|root| {
            fields
                .iter()
                .any(|field| root.get(field).texts().any(|one| one == number))
        })
    };
    for (number, node) in nodes {
        let text = match node.get("ref").text() {
            "" => node.get("pref").text(),
            text => text,
        };
        let Some((name, version)) = reference(text) else {
            continue;
        };
        let usage = match (is_project(node), root) {
            (true, _) => Usage::own(Relationship::Root),
            (false, None) => Usage::PLAIN,
            (false, Some(_)) => Usage::direct(asked(number)),
        };
        listing.add(name, version, usage);
    }
}

/// The recipe that the lock file was made for lies on the disk.
fn is_project(node: &document::Value) -> bool {
    !node.get("path").text().is_empty()
}

fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('/')?;
    let version = rest.split(['@', '#', ':', '%']).next().unwrap_or_default();
    (!version.starts_with(['[', '{'])).then_some((name, version))
}
