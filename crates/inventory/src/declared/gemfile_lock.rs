//! Gemfile.lock and gems.locked of Bundler.
//!
//! Sections begin at the margin; under `specs:` each gem has four blanks in front, and its dependencies six. A platform
//! stands behind the version after a hyphen, which no version has.

use super::document;
use super::listing::{Listing, Usage};
use super::{Declared, Source, is_vendored, name_of};
use seaworthy_model::{Ecosystem, Relationship};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "bundler",
    ecosystem: Ecosystem::Gem,
    wants: |path| matches!(name_of(path), "Gemfile.lock" | "gems.locked") && !is_vendored(path),
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let text = document::text(source.bytes);
    let mut asked = HashSet::new();
    let mut gems = Vec::new();
    let (mut section, mut remote, mut in_specs) = ("", "", false);
    for line in text.lines() {
        let content = line.trim();
        match line.len() - line.trim_start().len() {
            0 => (section, remote, in_specs) = (content, "", false),
            2 if section == "DEPENDENCIES" => {
                let name = content.split([' ', '!']).next().unwrap_or_default();
                asked.insert(name);
            }
            2 => {
                in_specs = content == "specs:";
                remote = content.strip_prefix("remote:").map_or(remote, str::trim);
            }
            4 if in_specs => gems.extend(gem(content).map(|(name, version)| (name, version, section, remote))),
            _ => {}
        }
    }
    for (name, version, section, remote) in gems {
        let usage = match (section, remote) {
            ("PATH", ".") => Usage::own(Relationship::Root),
            ("PATH", _) => Usage::own(Relationship::Workspace),
            _ if asked.is_empty() => Usage::PLAIN,
            _ => Usage::direct(asked.contains(name)),
        };
        listing.add(name, version, usage);
    }
}

/// Splits `name (1.0-x86_64-linux)`.
fn gem(content: &str) -> Option<(&str, &str)> {
    let (name, version) = content.split_once(" (")?;
    let version = version.strip_suffix(')')?;
    let version = version.split_once('-').map_or(version, |(version, _)| version);
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some((name, version))
}
