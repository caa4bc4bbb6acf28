//! go.mod, and go.sum beside it where go.mod does not list everything (before Go 1.17).
//!
//! A replacement counts in place of what it replaces; one by a directory has no version. <https://go.dev/ref/mod#go-mod-file>

use super::listing::{Listing, Usage};
use super::{Declared, Source, document, is_vendored, name_of};
use seaworthy_model::Ecosystem;
use std::collections::HashMap;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "gomod",
    ecosystem: Ecosystem::Go,
    wants: |path| name_of(path) == "go.mod" && !is_vendored(path),
    read,
};

/// What go.mod says.
#[derive(Default)]
struct Module<'a> {
    go: (u32, u32),
    required: Vec<(&'a str, &'a str, bool)>,
    /// By module and version replaced; the version is empty where every one is.
    replaced: HashMap<(&'a str, &'a str), (&'a str, &'a str)>,
}

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let text = document::text(source.bytes);
    let module = parse(&text);
    let mut seen = Vec::new();
    for (name, version, indirect) in &module.required {
        seen.push(*name);
        add(&module, name, version, Usage::direct(!indirect), listing);
    }
    if module.go < (1, 17)
        && let Some(sums) = source.beside("go.sum")
    {
        // Only modules whose code was fetched have a hash of their own; the others have one of their go.mod alone.
        let sums = document::text(&sums);
        let mut newest: HashMap<&str, &str> = HashMap::new();
        for line in sums.lines() {
            let mut words = line.split_whitespace();
            if let (Some(name), Some(version)) = (words.next(), words.next())
                && !version.ends_with("/go.mod")
            {
                // The file is sorted by version, the last one of a module is what minimal version selection takes.
                newest.insert(name, version);
            }
        }
        let seen: std::collections::HashSet<&str> = seen.into_iter().collect();
        let mut rest: Vec<_> = newest.into_iter().filter(|(name, _)| !seen.contains(name)).collect();
        rest.sort_unstable();
        for (name, version) in rest {
            add(&module, name, version, Usage::direct(false), listing);
        }
    }
}

fn add(module: &Module<'_>, name: &str, version: &str, usage: Usage, listing: &mut Listing<'_>) {
    let replaced = module
        .replaced
        .get(&(name, version))
        .or_else(|| module.replaced.get(&(name, "")));
    match replaced {
        // A directory of this disk.
        Some((path, "")) if path.starts_with(['.', '/']) || path.contains('\\') => {}
        Some((name, version)) => {
            listing.add(name, version, usage);
        }
        None => {
            listing.add(name, version, usage);
        }
    }
}

fn parse(text: &str) -> Module<'_> {
    let mut module = Module::default();
    let mut block = "";
    for line in text.lines() {
        let (statement, comment) = line.split_once("//").unwrap_or((line, ""));
        let mut words = statement.split_whitespace().map(|word| word.trim_matches(['"', '`']));
        let Some(first) = words.next() else { continue };
        if first == ")" {
            block = "";
            continue;
        }
        let rest: Vec<&str> = words.collect();
        if rest.first() == Some(&"(") {
            block = first;
            continue;
        }
        let (directive, words) = if block.is_empty() {
            (first, rest)
        } else {
            (block, std::iter::once(first).chain(rest).collect())
        };
        match (directive, words.as_slice()) {
            ("go", [version, ..]) => module.go = go_version(version),
            ("require", [name, version, ..]) => {
                let indirect = comment.trim().split([';', ' ']).next() == Some("indirect");
                module.required.push((name, version, indirect));
            }
            ("replace", [old, "=>", new, rest @ ..]) => {
                module
                    .replaced
                    .insert((old, ""), (new, rest.first().copied().unwrap_or_default()));
            }
            ("replace", [old, version, "=>", new, rest @ ..]) => {
                let new = (*new, rest.first().copied().unwrap_or_default());
                module.replaced.insert((old, version), new);
            }
            _ => {}
        }
    }
    module
}

/// The first two numbers of a version of Go.
fn go_version(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| {
        let end = part
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(part.len());
        part.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
