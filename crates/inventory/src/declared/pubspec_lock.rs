//! pubspec.lock of Dart and Flutter.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "pub",
    ecosystem: Ecosystem::Pub,
    wants: |path| name_of(path) == "pubspec.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let documents = match document::yaml(source.bytes) {
        Ok(documents) => documents,
        Err(why) => return listing.unreadable(&why),
    };
    for (name, package) in documents.iter().flat_map(|document| document.get("packages").entries()) {
        let usage = match package.get("dependency").text() {
            _ if package.get("source").text() == "path" => Usage::own(Relationship::Workspace),
            // What else a development dependency needs is not told apart.
            "direct dev" => Usage::direct(true).for_development(true),
            kind => Usage::direct(kind.starts_with("direct")),
        };
        listing.add(name, package.get("version").text(), usage);
    }
}
