//! gradle.lockfile and buildscript-gradle.lockfile: `group:artifact:version=configurations`.
//!
//! What only configurations of tests need is for development. <https://docs.gradle.org/current/userguide/dependency_locking.html>

use super::listing::{Listing, Usage};
use super::{Declared, Source, document, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "gradle",
    ecosystem: Ecosystem::Maven,
    wants: |path| name_of(path).ends_with("gradle.lockfile") || is_older(path),
    read,
};

/// The layout before Gradle 7: one file for each configuration, which its name tells.
fn is_older(path: &str) -> bool {
    path.ends_with(".lockfile") && (path.contains("/dependency-locks/") || path.starts_with("dependency-locks/"))
}

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let of_file = if is_older(source.path) {
        name_of(source.path)
    } else {
        ""
    };
    for line in document::text(source.bytes).lines() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let (coordinates, configurations) = line.split_once('=').unwrap_or((line, of_file));
        let mut parts = coordinates.split(':').map(str::trim);
        if let (Some(group), Some(artifact), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        {
            let is_test = |name: &str| name.to_ascii_lowercase().contains("test");
            let mut names = configurations
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .peekable();
            let dev = names.peek().is_some() && names.all(is_test);
            listing.add(&format!("{group}:{artifact}"), version, Usage::dev(dev));
        }
    }
}
