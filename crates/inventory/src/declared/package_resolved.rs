//! Package.resolved of Swift, formats 1 to 3: a package is named by where it comes from, as advisories do.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "swift",
    ecosystem: Ecosystem::Swift,
    wants: |path| name_of(path) == "Package.resolved",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let resolved = match document::json(source.bytes) {
        Ok(resolved) => resolved,
        Err(why) => return listing.unreadable(&why),
    };
    let older = resolved.get("object").get("pins").list();
    for pin in resolved.get("pins").list().iter().chain(older) {
        let location = match pin.get("location").text() {
            "" => pin.get("repositoryURL").text(),
            location => location,
        };
        let name = repository(location);
        let name = match name.as_str() {
            // A registry's packages have an identity and no address.
            "" => pin.get("identity").text(),
            name => name,
        };
        listing.add(name, pin.get("state").get("version").text(), Usage::PLAIN);
    }
}

/// Host and path of an address: `https://github.com/a/b.git`, `git@github.com:a/b`.
fn repository(location: &str) -> String {
    let address = location.split_once("://").map_or(location, |(_, address)| address);
    let authority = address.find('/').unwrap_or(address.len());
    let user = address.get(..authority).and_then(|authority| authority.rfind('@'));
    let address = user.and_then(|at| address.get(at + 1..)).unwrap_or(address);
    let (host, path) = address.split_once(['/', ':']).unwrap_or((address, ""));
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    if host.is_empty() || path.is_empty() {
        String::new()
    } else {
        format!("{host}/{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::repository;

    #[test]
    fn addresses() {
        for (location, expected) in [
            ("https://github.com/a/b.git", "github.com/a/b"),
            ("https://user:secret@github.com/a/b", "github.com/a/b"),
            ("git@github.com:a/b.git", "github.com/a/b"),
            ("ssh://git@github.com/a/b/", "github.com/a/b"),
            ("", ""),
            ("/home/a", ""),
        ] {
            assert_eq!(repository(location), expected, "{location}");
        }
    }
}
