//! pylock.toml and pylock.NAME.toml, the lock file of PEP 751.

use super::document::{self, Value};
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "pylock",
    ecosystem: Ecosystem::PyPi,
    wants: |path| {
        let name = name_of(path);
        name == "pylock.toml" || (name.starts_with("pylock.") && name.ends_with(".toml"))
    },
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::toml(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let default: HashSet<&str> = lock.get("default-groups").texts().collect();
    for package in lock.get("packages").list() {
        // The project itself and other source trees have no version.
        if package.get("directory").is_map() && package.get("version").text().is_empty() {
            continue;
        }
        let usage = Usage::dev(is_for_development(package, &default));
        listing.add(package.get("name").text(), package.get("version").text(), usage);
    }
}

/// Whether the marker asks for a dependency group, none of which is installed by default, and for nothing else.
fn is_for_development(package: &Value, default: &HashSet<&str>) -> bool {
    let marker = package.get("marker").text();
    let mut groups = 0;
    for (before, _) in marker.match_indices("dependency_groups") {
        let asked = marker
            .get(..before)
            .unwrap_or_default()
            .trim_end()
            .trim_end_matches("in")
            .trim_end();
        let group = asked
            .trim_end_matches(['"', '\''])
            .rsplit(['"', '\''])
            .next()
            .unwrap_or_default();
        if default.contains(group) {
            return false;
        }
        groups += 1;
    }
    groups > 0 && !marker.contains("extras") && !marker.contains(" or ")
}

#[cfg(test)]
mod tests {
    use super::{HashSet, Value, is_for_development};

    #[test]
    fn groups_of_markers() {
        for (marker, expected) in [
            ("", false),
            ("sys_platform == 'linux'", false),
            ("'dev' in dependency_groups", true),
            ("\"test\" in dependency_groups and python_version > '3'", true),
            ("'main' in dependency_groups", false),
            ("'dev' in dependency_groups or 'x' in extras", false),
        ] {
            let package = Value::Map(vec![("marker".to_owned(), Value::Text(marker.to_owned()))]);
            assert_eq!(
                is_for_development(&package, &HashSet::from(["main"])),
                expected,
                "{marker}"
            );
        }
    }
}
