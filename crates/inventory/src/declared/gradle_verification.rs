//! gradle/verification-metadata.xml: the components whose checksums Gradle verifies.

use super::listing::{Listing, Usage};
use super::{Declared, Source, xml};
use seaworthy_model::{Ecosystem, Effect};

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
        // Without a name it is no component; without a group it is listed as it stands.
        if name.is_empty() {
            listing.problem(Effect::Uncertain, "a component without a name is not listed");
        } else {
            listing.add(&format!("{group}:{name}"), component.attribute("version"), Usage::PLAIN);
        }
    }
}
