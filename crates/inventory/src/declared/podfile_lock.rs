//! Podfile.lock of CocoaPods. `PODS` are texts `Name (1.0)`, or maps of such a text to what the pod needs.
//!
//! A subspec (`Firebase/Core`) is listed under its whole name; the pod that it belongs to is its source.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "cocoapods",
    ecosystem: Ecosystem::CocoaPods,
    wants: |path| name_of(path) == "Podfile.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let documents = match document::yaml(source.bytes) {
        Ok(documents) => documents,
        Err(why) => return listing.unreadable(&why),
    };
    for lock in &documents {
        let name = |text: &str| text.split_once(" (").map_or(text, |(name, _)| name).trim().to_owned();
        let asked: HashSet<String> = lock.get("DEPENDENCIES").texts().map(name).collect();
        for pod in lock.get("PODS").list() {
            let text = pod.entries().first().map_or(pod.text(), |(key, _)| key);
            let Some((name, version)) = text.split_once(" (") else {
                continue;
            };
            let version = version.trim_end_matches(')');
            let base = name.split('/').next().unwrap_or(name);
            let usage = if lock.get("EXTERNAL SOURCES").get(base).get(":path").text().is_empty() {
                Usage::direct(asked.contains(name))
            } else {
                Usage::own(Relationship::Workspace)
            };
            if let Some(listed) = listing.add(name, version, usage) {
                base.clone_into(&mut listed.source_name);
            }
        }
    }
}
