//! composer.lock: `packages`, and `packages-dev` for development.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, is_vendored, name_of};
use seaworthy_model::{Ecosystem, Relationship, limits};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "composer",
    ecosystem: Ecosystem::Composer,
    wants: |path| name_of(path) == "composer.lock" && !is_vendored(path),
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let project = source
        .beside("composer.json")
        .and_then(|bytes| document::json(&bytes).ok());
    for (field, dev) in [("packages", false), ("packages-dev", true)] {
        for package in lock.get(field).list() {
            let name = package.get("name").text();
            let relationship = project.as_ref().map_or(Relationship::Unknown, |project| {
                let names = ["require", "require-dev"]
                    .into_iter()
                    .flat_map(|field| project.get(field).keys());
                let direct = names.into_iter().any(|asked| asked.eq_ignore_ascii_case(name));
                if direct {
                    Relationship::Direct
                } else {
                    Relationship::Indirect
                }
            });
            let usage = Usage { dev, relationship };
            if let Some(listed) = listing.add(name, package.get("version").text(), usage) {
                let licenses = package.get("license").texts().take(limits::LIST_ENTRIES);
                listed.licenses = licenses.map(str::to_owned).collect();
            }
        }
    }
}
