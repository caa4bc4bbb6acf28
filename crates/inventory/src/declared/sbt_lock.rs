//! build.sbt.lock of the plugin sbt-dependency-lock.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "sbt",
    ecosystem: Ecosystem::Maven,
    wants: |path| name_of(path).ends_with(".sbt.lock"),
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    for dependency in lock.get("dependencies").list() {
        let (group, artifact) = (dependency.get("org").text(), dependency.get("name").text());
        let configurations: Vec<&str> = dependency.get("configurations").texts().collect();
        let shipped = |name: &&str| matches!(*name, "compile" | "runtime" | "provided" | "optional");
        let dev = !configurations.is_empty() && !configurations.iter().any(shipped);
        if !group.is_empty() && !artifact.is_empty() {
            listing.add(
                &format!("{group}:{artifact}"),
                dependency.get("version").text(),
                Usage::dev(dev),
            );
        }
    }
}
