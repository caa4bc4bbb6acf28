//! renv.lock of R.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "renv",
    ecosystem: Ecosystem::Cran,
    wants: |path| name_of(path) == "renv.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    for (key, package) in lock.get("Packages").entries() {
        let name = match package.get("Package").text() {
            "" => key,
            name => name,
        };
        listing.add(name, package.get("Version").text(), Usage::PLAIN);
    }
}
