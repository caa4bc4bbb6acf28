//! stack.yaml.lock and, where there is none, the exact `extra-deps` of stack.yaml: `name-1.0@sha256:…,size`.
//!
//! What the snapshot (`resolver`) brings is not in either file.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row of the lock file.
pub(super) static DECLARED: Declared = Declared {
    name: "stack",
    ecosystem: Ecosystem::Hackage,
    wants: |path| name_of(path) == "stack.yaml.lock",
    read,
};

/// The table's row of the manifest.
pub(super) static MANIFEST: Declared = Declared {
    name: "stack",
    ecosystem: Ecosystem::Hackage,
    wants: |path| name_of(path) == "stack.yaml",
    read: read_manifest,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let documents = match document::yaml(source.bytes) {
        Ok(documents) => documents,
        Err(why) => return listing.unreadable(&why),
    };
    for package in documents.iter().flat_map(|document| document.get("packages").list()) {
        // What comes from git or an archive is no package of Hackage.
        if let Some((name, version)) = split(package.get("completed").get("hackage").text()) {
            listing.add(name, version, Usage::PLAIN);
        }
    }
}

fn read_manifest(source: &Source<'_>, listing: &mut Listing<'_>) {
    if source.has_beside("stack.yaml.lock") {
        return;
    }
    let documents = match document::yaml(source.bytes) {
        Ok(documents) => documents,
        Err(why) => return listing.unreadable(&why),
    };
    for dependency in documents.iter().flat_map(|document| document.get("extra-deps").list()) {
        if let Some((name, version)) = split(dependency.text()) {
            listing.add(name, version, Usage::direct(true));
        }
    }
}

/// Splits `name-1.0@sha256:…`; a directory or address is none.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.split_once('@').map_or(text, |(text, _)| text).trim();
    let (name, version) = text.rsplit_once('-')?;
    let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_version && !name.contains(['/', ':'])).then_some((name, version))
}
