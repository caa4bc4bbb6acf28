//! Pipfile.lock of pipenv: `default` and `develop`, each a map of names to pins.

use super::document;
use super::listing::{Listing, Usage};
use super::requirements::pin;
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "pipenv",
    ecosystem: Ecosystem::PyPi,
    wants: |path| name_of(path) == "Pipfile.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    // Categories beside these two are the project's own (`pipenv install --categories`).
    for (category, packages) in lock.entries().iter().filter(|(category, _)| category != "_meta") {
        for (name, package) in packages.entries() {
            let version = pin(package.get("version").text()).unwrap_or_default();
            listing.add(name, version, Usage::dev(category == "develop"));
        }
    }
}
