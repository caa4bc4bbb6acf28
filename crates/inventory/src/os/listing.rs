//! The packages of one database while it is read: caps, owned files, and dependencies.
//!
//! Databases state dependencies as capabilities (`so:libc.musl-x86_64.so.1`, `libc.so.6()(64bit)`, `mail-transport-agent`)
//! that some package provides; what is wanted is the name of that package. Both sides are collected while the database
//! is read and joined once at the end, in time linear in their number.

use std::collections::HashMap;

use seaworthy_model::{Ecosystem, Effect, Package, Problem, limits};

use crate::analyzer::{FileReport, OwnedFile};
use crate::language;

/// What becomes of a dependency that no package of the same file provides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// It is left out: the file is the whole database, or the capability is no package name.
    Drop,
    /// It is kept as the name of a package that is listed in another file.
    Keep,
}

/// The packages of one database file.
pub(super) struct Listing<'r> {
    report: &'r mut FileReport,
    path: &'r str,
    ecosystem: Ecosystem,
    /// Capability to the index of the first package that provides it.
    providers: HashMap<Box<str>, usize>,
    /// Index of a package and a capability that it needs.
    needs: Vec<(usize, Box<str>)>,
    capabilities_left: usize,
    owned_left: usize,
    text_bytes_left: usize,
}

impl<'r> Listing<'r> {
    /// Starts the listing of a database file; from here on the report says that there is a database.
    pub(super) fn new(path: &'r str, ecosystem: Ecosystem, report: &'r mut FileReport) -> Self {
        report.database = Some(ecosystem);
        Self {
            report,
            path,
            ecosystem,
            providers: HashMap::new(),
            needs: Vec::new(),
            capabilities_left: limits::DEPENDENCIES,
            owned_left: limits::OWNED_FILES,
            text_bytes_left: limits::PACKAGE_TEXT_BYTES,
        }
    }

    /// The path of the database file.
    pub(super) fn path(&self) -> &'r str {
        self.path
    }

    /// How many packages are listed.
    pub(super) fn len(&self) -> usize {
        self.report.packages.len()
    }

    /// Says a problem with the database, up to the cap.
    pub(super) fn problem(&mut self, effect: Effect, what: impl Into<String>) {
        problem(self.report, self.path, effect, what);
    }

    /// Adds a package; `false` when a cap is reached and nothing more is to be read.
    pub(super) fn add(&mut self, package: Package) -> bool {
        if self.len() >= limits::PACKAGES {
            let what = format!("more than {} packages, the rest was not read", limits::PACKAGES);
            self.problem(Effect::Incomplete, what);
            return false;
        }
        let Some(left) = self.text_bytes_left.checked_sub(text_bytes(&package)) else {
            let what = format!(
                "the packages' fields have more than {} bytes, the rest was not read",
                limits::PACKAGE_TEXT_BYTES
            );
            self.problem(Effect::Incomplete, what);
            return false;
        };
        self.text_bytes_left = left;
        self.report.packages.push(package);
        true
    }

    /// The package added last provides this capability.
    pub(super) fn provides(&mut self, capability: &str) {
        let Some(index) = self.len().checked_sub(1) else { return };
        if self.takes_capability(capability) {
            self.providers.entry(capability.into()).or_insert(index);
        }
    }

    /// The package added last needs this capability.
    pub(super) fn needs(&mut self, capability: &str) {
        let Some(index) = self.len().checked_sub(1) else { return };
        if self.takes_capability(capability) {
            self.needs.push((index, capability.into()));
        }
    }

    fn takes_capability(&mut self, capability: &str) -> bool {
        if capability.is_empty() || capability.len() > limits::VALUE_BYTES {
            return false;
        }
        if self.capabilities_left == 0 {
            return false;
        }
        self.capabilities_left -= 1;
        if self.capabilities_left == 0 {
            let what = format!("more than {} dependencies, the rest was not read", limits::DEPENDENCIES);
            self.problem(Effect::Note, what);
        }
        true
    }

    /// The package of this name owns the file at `path`; kept when a language analyzer reads such files.
    pub(super) fn owns(&mut self, package: &str, path: &str) {
        if self.owned_left > 0 {
            own(
                self.report,
                self.ecosystem,
                package,
                path,
                self.path,
                &mut self.owned_left,
            );
        }
    }

    /// Joins dependencies with their providers.
    pub(super) fn finish(mut self, unresolved: Unresolved) {
        let needs = std::mem::take(&mut self.needs);
        let mut names: HashMap<&str, usize> = HashMap::with_capacity(self.len());
        for (index, package) in self.report.packages.iter().enumerate() {
            names.entry(package.name.as_str()).or_insert(index);
        }
        let mut joined = Vec::new();
        let mut kept = Vec::new();
        for (index, capability) in needs {
            match names.get(&*capability).or_else(|| self.providers.get(&*capability)) {
                Some(provider) if *provider == index => {}
                Some(provider) => joined.push((index, *provider)),
                None if unresolved == Unresolved::Keep => kept.push((index, capability)),
                None => {}
            }
        }
        joined.sort_unstable();
        joined.dedup();
        let joined = joined
            .into_iter()
            .filter_map(|(index, provider)| Some((index, self.report.packages.get(provider)?.name.as_str())));
        let all = joined.chain(kept.iter().map(|(index, name)| (*index, &**name)));
        // Many packages can need one with a long name, so this has to be counted apart.
        let mut left = self.text_bytes_left;
        let mut cut = false;
        let mut depends_on: Vec<Vec<String>> = vec![Vec::new(); self.len()];
        for (index, name) in all {
            match left.checked_sub(name.len()) {
                Some(rest) => left = rest,
                None => {
                    cut = true;
                    break;
                }
            }
            if let Some(list) = depends_on.get_mut(index) {
                list.push(name.to_owned());
            }
        }
        for (package, mut list) in self.report.packages.iter_mut().zip(depends_on) {
            list.sort_unstable();
            list.dedup();
            package.depends_on = list;
        }
        if cut {
            self.problem(
                Effect::Note,
                "the packages' dependencies are too many, the rest was not read",
            );
        }
    }
}

/// Bytes of the fields of a package that come from the database.
fn text_bytes(package: &Package) -> usize {
    let fields = [
        &package.name,
        &package.version,
        &package.arch,
        &package.source_name,
        &package.source_version,
        &package.maintainer,
        &package.modularity_label,
    ];
    fields.into_iter().chain(&package.licenses).map(String::len).sum()
}

/// Says a problem with the file at `path`; after [`limits::PROBLEMS`] of them one more says that the rest is not listed.
pub(super) fn problem(report: &mut FileReport, path: &str, effect: Effect, what: impl Into<String>) {
    Problem::at_path(path, effect, what).add_to(&mut report.problems);
}

/// Records that `package` owns the file at `path`, which a leading slash may precede.
pub(super) fn own(
    report: &mut FileReport,
    ecosystem: Ecosystem,
    package: &str,
    path: &str,
    database: &str,
    left: &mut usize,
) {
    let path = path.strip_prefix("./").unwrap_or(path).trim_start_matches('/');
    if *left == 0 || path.is_empty() || path.len() > limits::PATH_BYTES || !language::is_metadata(path) {
        return;
    }
    *left -= 1;
    if *left == 0 {
        let what = format!(
            "more than {} owned files, the owners of the rest are not known",
            limits::OWNED_FILES
        );
        problem(report, database, Effect::Uncertain, what);
    }
    report.owned.push(OwnedFile {
        path: path.to_owned(),
        package: package.to_owned(),
        ecosystem,
    });
}
