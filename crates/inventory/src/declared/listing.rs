//! What one lock file or manifest lists: each name and version once, with the weakest reason to leave it out.

use crate::analyzer::FileReport;
use seaworthy_model::{Ecosystem, Effect, Package, Problem, Relationship, limits};
use std::collections::HashMap;

/// The packages of one file while it is read.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    path: &'a str,
    ecosystem: Ecosystem,
    kind: &'static str,
    report: FileReport,
    places: HashMap<(Ecosystem, String, String), usize>,
    unversioned: usize,
    problems: usize,
    full: bool,
}

/// How a dependency is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Only for development.
    pub(super) dev: bool,
    /// What it is to the project.
    pub(super) relationship: Relationship,
}

impl Usage {
    /// A dependency of which nothing more is said.
    pub(super) const PLAIN: Self = Self {
        dev: false,
        relationship: Relationship::Unknown,
    };

    /// For development or not, nothing more.
    pub(super) const fn dev(dev: bool) -> Self {
        Self { dev, ..Self::PLAIN }
    }

    /// Asked for by the project or by another dependency.
    pub(super) const fn direct(direct: bool) -> Self {
        Self {
            dev: false,
            relationship: if direct {
                Relationship::Direct
            } else {
                Relationship::Indirect
            },
        }
    }

    /// The project itself, or a member of its workspace.
    pub(super) const fn own(relationship: Relationship) -> Self {
        Self {
            dev: false,
            relationship,
        }
    }

    /// The same, for development or not.
    pub(super) const fn for_development(self, dev: bool) -> Self {
        Self { dev, ..self }
    }
}

impl<'a> Listing<'a> {
    /// A listing of the file at `path`.
    pub(super) fn new(path: &'a str, ecosystem: Ecosystem, kind: &'static str) -> Self {
        Self {
            path,
            ecosystem,
            kind,
            report: FileReport::default(),
            places: HashMap::new(),
            unversioned: 0,
            problems: 0,
            full: false,
        }
    }

    /// Lists a package; one without a version is counted and not listed.
    pub(super) fn add(&mut self, name: &str, version: &str, usage: Usage) -> Option<&mut Package> {
        self.add_of(self.ecosystem, name, version, usage)
    }

    /// Lists a package of another ecosystem than the file's own.
    pub(super) fn add_of(
        &mut self,
        ecosystem: Ecosystem,
        name: &str,
        version: &str,
        usage: Usage,
    ) -> Option<&mut Package> {
        let (name, version) = (name.trim(), version.trim());
        if name.is_empty() {
            return None;
        }
        if version.is_empty() {
            if !usage.relationship.is_own() {
                self.unversioned += 1;
            }
            return None;
        }
        if name.len() > limits::VALUE_BYTES || version.len() > limits::VALUE_BYTES {
            let what = format!(
                "a name or version is longer than {} bytes; it is not listed",
                limits::VALUE_BYTES
            );
            self.problem(Effect::Incomplete, what);
            return None;
        }
        let key = (ecosystem, name.to_owned(), version.to_owned());
        if let Some(place) = self.places.get(&key) {
            let package = self.report.packages.get_mut(*place)?;
            package.dev &= usage.dev;
            package.relationship = stronger(package.relationship, usage.relationship);
            return Some(package);
        }
        if self.report.packages.len() >= limits::PACKAGES {
            if !self.full {
                self.full = true;
                let what = format!("more than {} packages; the rest is not listed", limits::PACKAGES);
                self.problem(Effect::Incomplete, what);
            }
            return None;
        }
        let mut package = Package::new(ecosystem, name, version, self.path);
        package.dev = usage.dev;
        package.relationship = usage.relationship;
        package.declared_by = Some(self.kind.to_owned());
        self.places.insert(key, self.report.packages.len());
        self.report.packages.push(package);
        self.report.packages.last_mut()
    }

    /// Says what could not be read.
    pub(super) fn problem(&mut self, effect: Effect, what: impl Into<String>) {
        self.problems += 1;
        Problem::at_path(self.path, effect, what).add_to(&mut self.report.problems);
    }

    /// Says that the file could not be read at all.
    pub(super) fn unreadable(&mut self, why: &str) {
        self.problem(
            Effect::Incomplete,
            format!("this file could not be read, its packages are not listed: {why}"),
        );
    }

    /// Says something of every file of this kind at once.
    pub(super) fn problem_of_all(&mut self, effect: Effect, what: &str) {
        let problem = Problem::of_artifact(effect, what);
        if !self.report.problems.contains(&problem) {
            self.report.problems.push(problem);
        }
    }

    /// The finished report.
    pub(super) fn finish(mut self) -> FileReport {
        if self.unversioned > 0 {
            let what = match self.unversioned {
                1 => "1 dependency without an exact version is not listed".to_owned(),
                count => format!("{count} dependencies without an exact version are not listed"),
            };
            self.problem(Effect::Note, what);
        }
        self.report
    }
}

/// What is said by several places of one file: the project's own wish counts most.
fn stronger(a: Relationship, b: Relationship) -> Relationship {
    let rank = |relationship| match relationship {
        Relationship::Unknown => 0,
        Relationship::Indirect => 1,
        Relationship::Direct => 2,
        Relationship::Workspace => 3,
        Relationship::Root => 4,
    };
    if rank(a) >= rank(b) { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::{Listing, Usage};
    use seaworthy_model::{Ecosystem, Effect, Relationship};

    #[test]
    fn a_package_is_listed_once_and_for_production_where_one_place_says_so() {
        let mut listing = Listing::new("a/package-lock.json", Ecosystem::Npm, "npm");
        listing.add("a", "1", Usage::direct(false).for_development(true));
        listing.add("a", "1", Usage::direct(true));
        listing.add("b", " 2 ", Usage::dev(true));
        listing.add("c", "", Usage::PLAIN);
        listing.add("", "1", Usage::PLAIN);
        listing.add("own", "", Usage::own(Relationship::Root));
        let report = listing.finish();
        let rows: Vec<_> = report
            .packages
            .iter()
            .map(|package| {
                (
                    package.name.as_str(),
                    package.version.as_str(),
                    package.dev,
                    package.relationship,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("a", "1", false, Relationship::Direct),
                ("b", "2", true, Relationship::Unknown)
            ]
        );
        assert_eq!(report.packages[0].declared_by.as_deref(), Some("npm"));
        assert_eq!(report.packages[0].path, "a/package-lock.json");
        assert_eq!(report.problems.len(), 1);
        assert_eq!(report.problems[0].effect, Effect::Note);
    }

    #[test]
    fn long_names_are_said() {
        let mut listing = Listing::new("a", Ecosystem::Npm, "npm");
        listing.add(&"a".repeat(1 << 20), "1", Usage::PLAIN);
        let report = listing.finish();
        assert_eq!((report.packages.len(), report.problems.len()), (0, 1));
    }
}
