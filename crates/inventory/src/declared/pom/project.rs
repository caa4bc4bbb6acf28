//! What one pom.xml says, and how those of a tree find each other.

use super::super::source_tree::{Files, directory_of, join};
use super::super::xml::{self, Element};
use std::collections::HashMap;
use std::rc::Rc;

/// What one pom.xml says, properties not yet put in.
#[derive(Debug, Default)]
pub(super) struct Project {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
    pub(super) parent: Option<Parent>,
    pub(super) properties: HashMap<String, String>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) managed: Vec<Dependency>,
}

/// A reference to a parent.
#[derive(Clone, Debug, Default)]
pub(super) struct Parent {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
    /// Where it is looked for first; `None` when the file says nowhere.
    relative: Option<String>,
}

impl Parent {
    /// The coordinates as people write them.
    pub(super) fn shown(&self) -> String {
        format!("{}:{}:{}", self.group, self.artifact, self.version)
    }
}

/// One `<dependency>`.
#[derive(Clone, Debug, Default)]
pub(super) struct Dependency {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
    pub(super) scope: String,
    pub(super) kind: String,
    pub(super) classifier: String,
}

impl Project {
    /// Reads a pom.xml.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document = xml::parse(bytes)?;
        let Some(root) = document.child("project") else {
            return Err("it has no project".to_owned());
        };
        let mut project = Self {
            group: root.child_text("groupId").to_owned(),
            artifact: root.child_text("artifactId").to_owned(),
            version: root.child_text("version").to_owned(),
            parent: root.child("parent").map(parent),
            ..Self::default()
        };
        // What is active without a wish counts before the rest, as in Maven.
        let profiles = root.children_of("profiles").iter();
        let active = profiles.filter(|profile| {
            profile
                .child("activation")
                .is_some_and(|when| when.child_text("activeByDefault") == "true")
        });
        for part in active.chain([root]) {
            for property in part.children_of("properties") {
                project
                    .properties
                    .entry(property.name.clone())
                    .or_insert_with(|| property.text.clone());
            }
            project
                .dependencies
                .extend(part.children_of("dependencies").iter().filter_map(dependency));
            if let Some(management) = part.child("dependencyManagement") {
                project
                    .managed
                    .extend(management.children_of("dependencies").iter().filter_map(dependency));
            }
        }
        Ok(project)
    }
}

fn parent(element: &Element) -> Parent {
    let relative = match element.child("relativePath") {
        None => Some("../pom.xml".to_owned()),
        Some(path) if path.text.is_empty() => None,
        Some(path) => Some(path.text.clone()),
    };
    Parent {
        group: element.child_text("groupId").to_owned(),
        artifact: element.child_text("artifactId").to_owned(),
        version: element.child_text("version").to_owned(),
        relative,
    }
}

fn dependency(element: &Element) -> Option<Dependency> {
    let part = |name| element.child_text(name).to_owned();
    (element.name == "dependency").then(|| Dependency {
        group: part("groupId"),
        artifact: part("artifactId"),
        version: part("version"),
        scope: part("scope"),
        kind: match element.child_text("type") {
            "" => "jar".to_owned(),
            kind => kind.to_owned(),
        },
        classifier: part("classifier"),
    })
}

/// The projects of a tree that were needed as parents or imports.
#[derive(Debug, Default)]
pub(in super::super) struct Projects {
    read: HashMap<String, Option<Rc<Project>>>,
    /// Paths by `group:artifact`, made when one is first looked for by name.
    by_name: Option<HashMap<String, Vec<String>>>,
}

/// Projects of one tree that are looked at by name. The largest Maven builds have 3,000.
const PROJECTS: usize = 20_000;

impl Projects {
    fn get(&mut self, path: &str, files: &Files<'_>) -> Option<Rc<Project>> {
        if !files.has(path) {
            return None;
        }
        if let Some(known) = self.read.get(path) {
            return known.clone();
        }
        let project = files
            .content(path)
            .ok()
            .and_then(|bytes| Project::parse(&bytes).ok())
            .map(Rc::new);
        if self.read.len() < PROJECTS {
            self.read.insert(path.to_owned(), project.clone());
        }
        project
    }

    /// The parent of the project at `path`: where it says, then anywhere in the tree.
    pub(super) fn parent(&mut self, path: &str, parent: &Parent, files: &Files<'_>) -> Option<(String, Rc<Project>)> {
        let place = parent
            .relative
            .as_ref()
            .and_then(|relative| join(directory_of(path), relative));
        for place in place.into_iter().flat_map(|place| [format!("{place}/pom.xml"), place]) {
            let place = place.trim_start_matches('/').to_owned();
            if let Some(project) = self.get(&place, files)
                && project.artifact == parent.artifact
                && (project.group == parent.group || project.group.is_empty())
            {
                return Some((place, project));
            }
        }
        self.find(&parent.group, &parent.artifact, &parent.version, files)
    }

    /// The project with these coordinates; a version that is not written plainly counts as right.
    pub(super) fn find(
        &mut self,
        group: &str,
        artifact: &str,
        version: &str,
        files: &Files<'_>,
    ) -> Option<(String, Rc<Project>)> {
        if self.by_name.is_none() {
            let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
            for path in files.named("", "pom.xml").take(PROJECTS) {
                if let Some(project) = self.get(path, files) {
                    let group = match (&project.parent, project.group.as_str()) {
                        (Some(parent), "") => &parent.group,
                        _ => &project.group,
                    };
                    by_name
                        .entry(format!("{group}:{}", project.artifact))
                        .or_default()
                        .push(path.to_owned());
                }
            }
            self.by_name = Some(by_name);
        }
        let paths = self.by_name.as_ref()?.get(&format!("{group}:{artifact}"))?.clone();
        for path in paths.into_iter().take(64) {
            let Some(project) = self.get(&path, files) else {
                continue;
            };
            let own = match (&project.parent, project.version.as_str()) {
                (Some(parent), "") => &parent.version,
                _ => &project.version,
            };
            if own == version || own.contains("${") || version.contains("${") {
                return Some((path, project));
            }
        }
        None
    }
}
