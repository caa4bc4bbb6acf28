//! `<application>.deps.json`, which a build leaves in `bin` or a publication beside the assemblies: NuGet packages that the
//! application loads.

use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use crate::language::dotnet;
use seaworthy_model::{Ecosystem, Relationship};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "dotnet-core",
    ecosystem: Ecosystem::NuGet,
    wants: dotnet::wants,
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let libraries = match dotnet::loaded(source.bytes) {
        Ok(libraries) => libraries,
        Err(why) => return listing.unreadable(&why),
    };
    let stem = name_of(source.path).rsplit_once(".deps.").map_or("", |(stem, _)| stem);
    for library in libraries {
        let usage = if !library.is_project {
            Usage::PLAIN
        } else if library.name.eq_ignore_ascii_case(stem) {
            Usage::own(Relationship::Root)
        } else {
            Usage::own(Relationship::Workspace)
        };
        listing.add(&library.name, &library.version, usage);
    }
}
