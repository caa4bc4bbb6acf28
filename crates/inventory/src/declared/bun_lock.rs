//! bun.lock, Bun's lock file in text: JSON with trailing commas.
//!
//! `packages` maps a path of names (`parent/child`) to a list whose first element is `name@version`; `workspaces` say who
//! asks for what. <https://bun.sh/docs/install/lockfile>

use super::document;
use super::graph::{Graph, Reach};
use super::listing::{Listing, Usage};
use super::npm_lock::split_name;
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship, limits};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "bun",
    ecosystem: Ecosystem::Npm,
    wants: |path| name_of(path) == "bun.lock",
    read,
};

/// The parts of a workspace or package that name dependencies.
const FIELDS: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    if document::text(source.bytes).trim().is_empty() {
        return;
    }
    let lock = match document::relaxed_json(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let packages = lock.get("packages").entries();
    let workspaces = lock.get("workspaces");
    let mut graph = Graph::default();
    for (key, _) in packages {
        graph.entry(key);
    }
    for (from, (key, package)) in packages.iter().enumerate() {
        let information = package.list().iter().find(|part| part.is_map());
        for name in FIELDS
            .iter()
            .flat_map(|field| information.into_iter().flat_map(|part| part.get(field).keys()))
        {
            if let Some(to) = resolve(&graph, key, name) {
                graph.depends(from, to);
            }
        }
    }
    let (mut production, mut development) = (Vec::new(), Vec::new());
    for (_, workspace) in workspaces.entries() {
        let from = workspace.get("name").text();
        let find = |name| resolve(&graph, from, name);
        production.extend(
            FIELDS
                .iter()
                .flat_map(|field| workspace.get(field).keys())
                .filter_map(find),
        );
        development.extend(workspace.get("devDependencies").keys().filter_map(find));
    }
    let direct: HashSet<usize> = production.iter().chain(&development).copied().collect();
    let reach = Reach::of(&graph, production, development);
    for (index, (_, package)) in packages.iter().enumerate() {
        let Some((name, version)) = split_name(package.at(0).text()) else {
            continue;
        };
        if let Some(path) = version.strip_prefix("workspace:") {
            let version = workspaces.get(path).get("version").text();
            listing.add(name, version, Usage::own(Relationship::Workspace));
            continue;
        }
        let version = if version.contains([':', '/', '#']) { "" } else { version };
        let usage = Usage::direct(direct.contains(&index)).for_development(reach.is_development(index));
        listing.add(name, version, usage);
    }
}

/// The entry that a package finds under a name: its own first, then those of the packages around it.
fn resolve(graph: &Graph, from: &str, name: &str) -> Option<usize> {
    let mut around = if from.len() > limits::VALUE_BYTES { "" } else { from };
    for _ in 0..limits::LINK_DEPTH {
        if around.is_empty() {
            break;
        }
        if let Some(found) = graph.find(&format!("{around}/{name}")) {
            return Some(found);
        }
        let outer = around.rsplit_once('/').map_or("", |(outer, _)| outer);
        // A scope is no package.
        around = match outer.rsplit_once('/') {
            Some((more, scope)) if scope.starts_with('@') => more,
            None if outer.starts_with('@') => "",
            _ => outer,
        };
    }
    graph.find(name)
}

#[cfg(test)]
mod tests {
    use super::{Graph, resolve};

    #[test]
    fn names_are_looked_for_from_the_inside() {
        let mut graph = Graph::default();
        let [outer, inner, scoped] = ["c", "a/c", "@s/a/b/c"].map(|key| graph.entry(key));
        for (from, expected) in [
            ("", outer),
            ("a", inner),
            ("a/b", inner),
            ("b", outer),
            ("@s/a", outer),
            ("@s/a/b", scoped),
            ("@s/a/b/@t/d", scoped),
        ] {
            assert_eq!(resolve(&graph, from, "c"), Some(expected), "{from}");
        }
        assert_eq!(resolve(&graph, "a", "x"), None);
    }
}
