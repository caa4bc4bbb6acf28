//! gradle/verification-metadata.xml: the components whose checksums Gradle verifies.

use super::listing::{Listing, Usage};
use super::{Declared, Source, xml};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "gradle",
    ecosystem: Ecosystem::Maven,
    wants: |path| path.ends_with("/gradle/verification-metadata.xml") || path == "gradle/verification-metadata.xml",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let document = match xml::parse(source.bytes) {
        Ok(document) => document,
        Err(why) => return listing.unreadable(&why),
    };
    for component in document.all("component") {
        let (group, name) = (component.attribute("group"), component.attribute("name"));
        // A component that lacks a part is listed with what it has: it was verified under that name.
        if !group.is_empty() || !name.is_empty() {
            listing.add(&format!("{group}:{name}"), component.attribute("version"), Usage::PLAIN);
        }
    }
}
