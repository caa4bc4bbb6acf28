//! paket.lock: NuGet packages by groups; `NUGET` sections list `name (version)` with four blanks in front.

use super::listing::{Listing, Usage};
use super::{Declared, Source, document, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "paket",
    ecosystem: Ecosystem::NuGet,
    wants: |path| name_of(path) == "paket.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let (mut section, mut group) = (String::new(), String::new());
    for line in document::text(source.bytes).lines() {
        let content = line.trim();
        match line.len() - line.trim_start().len() {
            0 => match content.split_once(' ') {
                Some(("GROUP", name)) => name.trim().clone_into(&mut group),
                _ => content.clone_into(&mut section),
            },
            4 if section == "NUGET" => {
                if let Some((name, rest)) = content.split_once(" (")
                    && let Some((version, _)) = rest.split_once(')')
                {
                    let word = group.to_ascii_lowercase();
                    let dev = matches!(
                        word.as_str(),
                        "test" | "tests" | "dev" | "development" | "build" | "docs"
                    );
                    listing.add(name, version, Usage::dev(dev));
                }
            }
            _ => {}
        }
    }
}
