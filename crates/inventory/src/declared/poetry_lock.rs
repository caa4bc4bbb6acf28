//! poetry.lock, formats 1 and 2.
//!
//! Poetry 2 writes the groups of each package, Poetry up to 1.4 its category; between them only pyproject.toml tells what
//! is for development. <https://python-poetry.org/docs/pyproject/>

use super::document::{self, Value};
use super::graph::{Graph, Reach};
use super::listing::{Listing, Usage};
use super::requirements::{normalized, requirement};
use super::{Declared, Source, name_of};
use seaworthy_model::{Ecosystem, Relationship};
use std::collections::HashSet;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "poetry",
    ecosystem: Ecosystem::PyPi,
    wants: |path| name_of(path) == "poetry.lock",
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let lock = match document::toml(source.bytes) {
        Ok(lock) => lock,
        Err(why) => return listing.unreadable(&why),
    };
    let packages = lock.get("package").list();
    let project = source
        .beside("pyproject.toml")
        .and_then(|bytes| document::toml(&bytes).ok());
    let asked = project.as_ref().map(asked);
    let reach = asked
        .as_ref()
        .map(|(production, development)| reach(packages, production, development));
    for (index, package) in packages.iter().enumerate() {
        let name = package.get("name").text();
        let groups: Vec<&str> = package.get("groups").texts().collect();
        let dev = match (package.get("category").text(), groups.as_slice()) {
            ("", []) => reach.as_ref().is_some_and(|reach| reach.is_development(index)),
            ("", groups) => !groups.contains(&"main"),
            (category, _) => category == "dev",
        };
        let relationship = match &asked {
            None => Relationship::Unknown,
            Some((production, development)) => {
                let name = normalized(name);
                let direct = production.contains(&name) || development.contains(&name);
                if direct {
                    Relationship::Direct
                } else {
                    Relationship::Indirect
                }
            }
        };
        listing.add(name, package.get("version").text(), Usage { dev, relationship });
    }
}

/// What pyproject.toml asks for, in production and in development; names as PEP 503 has them.
pub(super) fn asked(project: &Value) -> (HashSet<String>, HashSet<String>) {
    let poetry = project.get("tool").get("poetry");
    let named = |names: &Value| -> Vec<String> { names.keys().map(normalized).collect() };
    let required = |list: &Value| -> Vec<String> {
        list.texts()
            .filter_map(|text| Some(normalized(requirement(text)?.0)))
            .collect()
    };
    let mut production: HashSet<String> = named(poetry.get("dependencies")).into_iter().collect();
    production.remove("python");
    production.extend(required(project.get("project").get("dependencies")));
    for (_, extra) in project.get("project").get("optional-dependencies").entries() {
        production.extend(required(extra));
    }
    let mut development: HashSet<String> = named(poetry.get("dev-dependencies")).into_iter().collect();
    for (group, content) in poetry.get("group").entries() {
        let names = named(content.get("dependencies"));
        if group == "main" {
            &mut production
        } else {
            &mut development
        }
        .extend(names);
    }
    let groups = project.get("dependency-groups").entries().iter();
    let pdm = project.get("tool").get("pdm").get("dev-dependencies").entries().iter();
    for (_, list) in groups.chain(pdm) {
        development.extend(required(list));
    }
    (production, development)
}

fn reach(packages: &[Value], production: &HashSet<String>, development: &HashSet<String>) -> Reach {
    let mut graph = Graph::default();
    for (index, package) in packages.iter().enumerate() {
        // Several versions of one name are for different environments: whoever needs the name may need each.
        let place = graph.entry(&format!("#{index}"));
        let name = normalized(package.get("name").text());
        match graph.find(&name) {
            Some(first) => {
                graph.depends(first, place);
                graph.depends(place, first);
            }
            None => graph.alias(&name, place),
        }
    }
    for (index, package) in packages.iter().enumerate() {
        for name in package.get("dependencies").keys() {
            if let Some(target) = graph.find(&normalized(name)) {
                graph.depends(index, target);
            }
        }
    }
    let seeds = |names: &HashSet<String>| -> Vec<usize> { names.iter().filter_map(|name| graph.find(name)).collect() };
    Reach::of(&graph, seeds(production), seeds(development))
}
