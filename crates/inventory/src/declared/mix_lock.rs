//! mix.lock of Elixir: a map whose values are tuples, one a line.
//!
//! `"app": {:hex, :package, "1.0", …}` is from Hex under the package's own name; `{:git, "url", "revision", …}` has
//! no version.

use super::listing::{Listing, Usage};
use super::{Declared, Source, document, name_of};
use seaworthy_model::{Ecosystem, Effect};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "hex",
    ecosystem: Ecosystem::Hex,
    wants: |path| name_of(path) == "mix.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    for line in document::text(source.bytes).lines() {
        let Some((app, tuple)) = entry(line) else { continue };
        let mut parts = tuple.split(',').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let name = parts.next().unwrap_or_default();
        let version = parts.next().and_then(quoted);
        match (kind, version) {
            (":hex", Some(version)) => {
                let name = name.trim_start_matches(':').trim_matches('"');
                listing.add(name, version, Usage::PLAIN);
            }
            // A revision is no version.
            (":git", Some(_)) => {
                listing.add(app, "", Usage::PLAIN);
            }
            (":path", _) => {}
            _ => {
                let shown: String = app.chars().take(64).collect();
                listing.problem(
                    Effect::Uncertain,
                    format!("the entry of {shown:?} is damaged; it is not listed"),
                );
            }
        }
    }
}

/// Splits `"app": {…`, or `"app" => {…` of older files.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (app, rest) = line
        .trim()
        .trim_start_matches("%{")
        .trim_start()
        .strip_prefix('"')?
        .split_once('"')?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix("=>"))?;
    Some((app, rest.trim_start().strip_prefix('{')?))
}

fn quoted(text: &str) -> Option<&str> {
    let (inside, _) = text.strip_prefix('"')?.split_once('"')?;
    (!inside.is_empty()).then_some(inside)
}
