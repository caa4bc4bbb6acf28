//! pdm.lock: since format 4.4 each package has the groups that want it, `default` being the project itself.
//!
//! Extras are groups too. Which groups are for development is in pyproject.toml; without it only `dev` is known to be.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "pdm",
    ecosystem: Ecosystem::PyPi,
    wants: |path| name_of(path) == "pdm.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::toml(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let project = source
        .beside("pyproject.toml")
        .and_then(|bytes| document::toml(&bytes).ok());
    let is_development = |group: &str| match &project {
        Some(project) => {
            let named = |groups: &document::Value| groups.keys().any(|name| name == group);
            named(project.get("dependency-groups")) || named(project.get("tool").get("pdm").get("dev-dependencies"))
        }
        // The group of `pdm add --dev`.
        None => group == "dev",
    };
    for package in lock.get("package").list() {
        let groups: Vec<&str> = package.get("groups").texts().collect();
        let dev = !groups.is_empty() && groups.iter().all(|group| is_development(group));
        listing.add(
            package.get("name").text(),
            package.get("version").text(),
            Usage::dev(dev),
        );
    }
}
