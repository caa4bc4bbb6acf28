//! uv.lock: packages with their source; the project and its workspace are among them, and say what is for development.

use super::document::{self, Value};
use super::graph::{Graph, Reach};
use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "uv",
    ecosystem: Ecosystem::PyPi,
    wants: |path| name_of(path) == "uv.lock",
    read,
};

/// Whether a package is the project itself or a member of its workspace.
fn own(package: &Value) -> Option<Relationship> {
    let source = package.get("source");
    let place = match (source.get("virtual").text(), source.get("editable").text()) {
        ("", editable) => editable,
        (place, _) => place,
    };
    match place {
        "" => None,
        "." => Some(Relationship::Root),
        _ => Some(Relationship::Workspace),
    }
}

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::toml(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let packages = lock.get("package").list();
    let mut graph = Graph::default();
    for (index, package) in packages.iter().enumerate() {
        let (name, version) = (package.get("name").text(), package.get("version").text());
        let place = graph.entry(&format!("#{index}"));
        graph.alias(&format!("{name} {version}"), place);
        match graph.find(name) {
            // A dependency without a version means the only one, or each of several for their environments.
            Some(first) => {
                graph.depends(first, place);
                graph.depends(place, first);
            }
            None => graph.alias(name, place),
        }
    }
    let find = |graph: &Graph, dependency: &Value| {
        let (name, version) = (dependency.get("name").text(), dependency.get("version").text());
        graph.find(&format!("{name} {version}")).or_else(|| graph.find(name))
    };
    let (mut production, mut development) = (Vec::new(), Vec::new());
    for (index, package) in packages.iter().enumerate() {
        let extras = package.get("optional-dependencies").entries().iter();
        let needed = package
            .get("dependencies")
            .list()
            .iter()
            .chain(extras.flat_map(|(_, list)| list.list()));
        let needed: Vec<usize> = needed.filter_map(|dependency| find(&graph, dependency)).collect();
        let groups = package.get("dev-dependencies").entries().iter();
        if own(package).is_some() {
            development.extend(
                groups
                    .flat_map(|(_, list)| list.list())
                    .filter_map(|one| find(&graph, one)),
            );
            production.extend(needed);
        } else {
            needed.into_iter().for_each(|target| graph.depends(index, target));
        }
    }
    let direct: HashSet<usize> = production.iter().chain(&development).copied().collect();
    let reach = Reach::of(&graph, production, development);
    for (index, package) in packages.iter().enumerate() {
        let usage = match own(package) {
            Some(relationship) => Usage::own(relationship),
            None => Usage::direct(direct.contains(&index)).for_development(reach.is_development(index)),
        };
        listing.add(package.get("name").text(), package.get("version").text(), usage);
    }
}
