//! rebar.lock of Erlang: a list of `{<<"app">>, {pkg, <<"package">>, <<"1.0">>}, level}`, `{git, "url", {ref, "revision"}}` for
//! what is no package of Hex. Level 0 is asked for by the project.

use super::listing::{Listing, Usage};
use super::{Declared, Source, document, name_of};
use regex::Regex;
use seaworthy_model::Ecosystem;
use std::sync::LazyLock;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "rebar",
    ecosystem: Ecosystem::Hex,
    wants: |path| name_of(path) == "rebar.lock",
    read,
};

static ENTRY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let package = r#"\{\s*pkg\s*,\s*<<"([^"]+)">>\s*,\s*<<"([^"]+)">>[^}]*\}"#;
    let git = r#"\{\s*(?:git|hg)\s*,\s*"[^"]*"\s*,\s*\{\s*(?:ref|tag|branch)\s*,\s*"([^"]+)"\s*\}\s*\}"#;
    Regex::new(&format!(
        r#"\{{\s*<<"([^"]+)">>\s*,\s*(?:{package}|{git})\s*,\s*(\d+)\s*\}}"#
    ))
    .ok()
});

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let text = document::text(source.bytes);
    let Some(entry) = ENTRY.as_ref() else { return };
    for found in entry.captures_iter(&text) {
        let part = |index| found.get(index).map(|part| part.as_str());
        let direct = Usage::direct(part(5) == Some("0"));
        match (part(1), part(2), part(3), part(4)) {
            (_, Some(name), Some(version), _) | (Some(name), _, _, Some(version)) => {
                listing.add(name, version, direct);
            }
            _ => {}
        }
    }
}
