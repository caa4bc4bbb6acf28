//! pom.xml of Maven: the dependencies that it and its parents name, with their managed versions.
//!
//! Parents and imported bills of materials are looked for in the same tree only; what else a dependency needs is in
//! repositories, and is not known. <https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html>

mod project;

pub(super) use project::Projects;

use super::listing::{Listing, Usage};
use super::{Declared, Source, name_of};
use project::{Dependency, Project};
use seaworthy_model::{Ecosystem, Effect, Relationship, limits};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "pom",
    ecosystem: Ecosystem::Maven,
    wants: |path| name_of(path) == "pom.xml",
    read,
};

/// Bills of materials imported by bills of materials.
const IMPORT_DEPTH: usize = 16;

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let project = match Project::parse(source.bytes) {
        Ok(project) => Rc::new(project),
        Err(why) => return listing.unreadable(&why),
    };
    let lineage = Lineage::of(source.path, project, source);
    if let Some(parent) = &lineage.missing {
        let what = format!("its parent {parent} is not in this tree: what it adds is not known");
        listing.problem(Effect::Uncertain, what);
    }
    let [group, artifact, version] =
        ["groupId", "artifactId", "version"].map(|part| lineage.expand(&format!("${{project.{part}}}")));
    if !group.is_empty() && !artifact.is_empty() {
        listing.add(&format!("{group}:{artifact}"), &version, Usage::own(Relationship::Root));
    }
    let mut managed = Managed::default();
    managed.collect(&lineage, source, 0);
    for import in &managed.missing {
        let what =
            format!("it imports {import}, which is not in this tree: the versions that it manages are not known");
        listing.problem(Effect::Uncertain, what);
    }
    let mut seen = HashSet::new();
    for dependency in lineage.projects.iter().flat_map(|project| &project.dependencies) {
        let [group, artifact] = [&dependency.group, &dependency.artifact].map(|part| lineage.expand(part));
        if group.is_empty() || artifact.is_empty() {
            continue;
        }
        let key = lineage.key(dependency);
        let (version, scope) = managed.versions.get(&key).cloned().unwrap_or_default();
        let or_managed = |own: String, managed: String| if own.is_empty() { managed } else { own };
        let version = or_managed(lineage.expand(&dependency.version), version);
        let scope = or_managed(lineage.expand(&dependency.scope), scope);
        if seen.insert(key) {
            let usage = Usage::direct(true).for_development(scope == "test");
            listing.add(&format!("{group}:{artifact}"), exact(&version), usage);
        }
    }
    if !seen.is_empty() {
        let what = "a pom.xml names direct dependencies only: what those depend on in turn was not looked at";
        listing.problem_of_all(Effect::Uncertain, what);
    }
}

/// The version, where it is one: `1.0`, or the range `[1.0]`.
fn exact(version: &str) -> &str {
    let inner = version
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(version)
        .trim();
    let range = inner.contains(['[', ']', '(', ')', ',', '$']) || matches!(inner, "LATEST" | "RELEASE");
    if range { "" } else { inner }
}

/// A project and its parents, nearest first.
struct Lineage {
    projects: Vec<Rc<Project>>,
    /// The parent that is not in the tree.
    missing: Option<String>,
}

impl Lineage {
    fn of(path: &str, project: Rc<Project>, source: &Source<'_>) -> Self {
        let mut seen = HashSet::from([path.to_owned()]);
        let mut path = path.to_owned();
        let mut projects = vec![project];
        let mut missing = None;
        while let Some(parent) = projects.last().and_then(|project| project.parent.clone()) {
            let found = source.files.projects.borrow_mut().parent(&path, &parent, source.files);
            let Some((found_path, found)) = found else {
                missing = Some(parent.shown());
                break;
            };
            // Parents in a circle end at the first that was met before.
            if projects.len() >= limits::MANIFEST_CHAIN || !seen.insert(found_path.clone()) {
                break;
            }
            path = found_path;
            projects.push(found);
        }
        Self { projects, missing }
    }

    /// The text with properties put in; empty where one is not known.
    fn expand(&self, text: &str) -> String {
        let mut whole = text.to_owned();
        for _ in 0..limits::MANIFEST_CHAIN {
            let Some((before, rest)) = whole.split_once("${") else {
                return whole.trim().to_owned();
            };
            let Some((name, after)) = rest.split_once('}') else {
                return String::new();
            };
            let Some(value) = self.property(name) else {
                return String::new();
            };
            whole = format!("{before}{value}{after}");
            if whole.len() > limits::VALUE_BYTES {
                return String::new();
            }
        }
        String::new()
    }

    fn property(&self, name: &str) -> Option<&str> {
        let named = self.projects.iter().find_map(|project| project.properties.get(name));
        if let Some(value) = named {
            return Some(value);
        }
        let name = name
            .strip_prefix("project.")
            .or_else(|| name.strip_prefix("pom."))
            .unwrap_or(name);
        let parent = self.projects.first().and_then(|project| project.parent.as_ref());
        match name {
            "groupId" => self
                .own(|project| &project.group)
                .or(parent.map(|parent| parent.group.as_str())),
            "version" => self
                .own(|project| &project.version)
                .or(parent.map(|parent| parent.version.as_str())),
            "artifactId" => self.projects.first().map(|project| project.artifact.as_str()),
            "parent.groupId" => parent.map(|parent| parent.group.as_str()),
            "parent.artifactId" => parent.map(|parent| parent.artifact.as_str()),
            "parent.version" => parent.map(|parent| parent.version.as_str()),
            _ => None,
        }
        .filter(|value| !value.is_empty())
    }

    /// A part of the coordinates that the project has itself.
    fn own(&self, part: fn(&Project) -> &String) -> Option<&str> {
        self.projects
            .first()
            .map(|project| part(project).as_str())
            .filter(|text| !text.is_empty())
    }

    /// What makes two declarations the same dependency.
    fn key(&self, dependency: &Dependency) -> (String, String, String, String) {
        (
            self.expand(&dependency.group),
            self.expand(&dependency.artifact),
            self.expand(&dependency.kind),
            self.expand(&dependency.classifier),
        )
    }
}

/// Versions and scopes from `dependencyManagement`.
#[derive(Default)]
struct Managed {
    versions: HashMap<(String, String, String, String), (String, String)>,
    missing: Vec<String>,
    imported: HashSet<String>,
}

impl Managed {
    /// Adds what a project and its parents manage, then what they import: the first to name a dependency wins.
    fn collect(&mut self, lineage: &Lineage, source: &Source<'_>, depth: usize) {
        let mut imports = Vec::new();
        for dependency in lineage.projects.iter().flat_map(|project| &project.managed) {
            if lineage.expand(&dependency.scope) == "import" {
                imports.push(dependency);
                continue;
            }
            let managed = (lineage.expand(&dependency.version), lineage.expand(&dependency.scope));
            self.versions.entry(lineage.key(dependency)).or_insert(managed);
        }
        for import in imports {
            let [group, artifact, version] =
                [&import.group, &import.artifact, &import.version].map(|part| lineage.expand(part));
            let shown = format!("{group}:{artifact}:{version}");
            if depth >= IMPORT_DEPTH || !self.imported.insert(shown.clone()) {
                continue;
            }
            let found = source
                .files
                .projects
                .borrow_mut()
                .find(&group, &artifact, &version, source.files);
            match found {
                Some((path, project)) => self.collect(&Lineage::of(&path, project, source), source, depth + 1),
                None => self.missing.push(shown),
            }
        }
    }
}
