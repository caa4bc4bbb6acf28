//! cabal.project.freeze: constraints `any.name ==1.0`; flags and what comes with the compiler (`installed`) have no version.

use super::listing::{Listing, Usage};
use super::requirements::pin;
use super::{Declared, Source, document, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "cabal",
    ecosystem: Ecosystem::Hackage,
    wants: |path| name_of(path) == "cabal.project.freeze",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let text = document::text(source.bytes);
    let mut inside = false;
    for line in text.lines() {
        let field = line
            .trim()
            .split_once(':')
            .filter(|(name, _)| !name.contains([' ', '=']));
        let rest = match field {
            Some((name, rest)) => {
                inside = name.eq_ignore_ascii_case("constraints");
                rest
            }
            None => line,
        };
        if !inside || rest.trim_start().starts_with("--") {
            continue;
        }
        for constraint in rest.split(',').map(str::trim) {
            let Some((name, range)) = constraint.split_once([' ', '=']) else {
                continue;
            };
            // `any.` and `setup.` say where the constraint holds.
            let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
            let range = constraint.get(constraint.len() - range.len() - 1..).unwrap_or_default();
            if let Some(version) = pin(range) {
                listing.add(name, version, Usage::PLAIN);
            }
        }
    }
}
