//! Packages that a source tree declares: lock files and manifests, one file a format and one line each in [`DECLARED`].
//!
//! Listed is what has an exact version. Development dependencies are marked; the project's own packages are marked as
//! root or workspace. Installed packages are the business of [`crate::language`].

mod document;
mod graph;
mod listing;
mod source_tree;

mod bun_lock;
mod cabal_freeze;
mod cargo_lock;
mod composer_lock;
mod conan_lock;
mod conda_environment;
mod deno_lock;
mod deps_json;
mod gemfile_lock;
mod gleam_manifest;
mod go_mod;
mod gradle_lock;
mod gradle_verification;
mod julia_manifest;
mod mix_lock;
mod npm_lock;
mod nuget_lock;
mod package_resolved;
mod packages_props;
mod paket_lock;
mod pdm_lock;
mod pipfile_lock;
mod pnpm_lock;
mod podfile_lock;
mod poetry_lock;
mod pom;
mod pubspec_lock;
mod pylock;
mod rebar_lock;
mod renv_lock;
mod requirements;
mod sbt_lock;
mod stack_lock;
mod uv_lock;
mod xml;
mod yarn_lock;

pub use source_tree::{Open, SourceTree};

use listing::Listing;
use seaworthy_model::{Ecosystem, Effect, Inventory, PackageClass, Problem, limits};
use source_tree::{Files, Source};

/// One row of the table.
pub struct Declared {
    /// The kind of file, as Trivy calls its types.
    pub name: &'static str,
    /// Whose packages it lists.
    pub ecosystem: Ecosystem,
    /// Whether a file at this path (no leading slash) is one.
    pub wants: fn(path: &str) -> bool,
    read: fn(source: &Source<'_>, listing: &mut Listing<'_>),
}

impl std::fmt::Debug for Declared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Declared").field(&self.name).finish()
    }
}

/// Every kind of lock file and manifest.
pub static DECLARED: &[&Declared] = &[
    &npm_lock::DECLARED,
    &yarn_lock::DECLARED,
    &pnpm_lock::DECLARED,
    &bun_lock::DECLARED,
    &deno_lock::DECLARED,
    &requirements::DECLARED,
    &pipfile_lock::DECLARED,
    &poetry_lock::DECLARED,
    &pdm_lock::DECLARED,
    &uv_lock::DECLARED,
    &pylock::DECLARED,
    &conda_environment::DECLARED,
    &gemfile_lock::DECLARED,
    &composer_lock::DECLARED,
    &cargo_lock::DECLARED,
    &go_mod::DECLARED,
    &pom::DECLARED,
    &gradle_lock::DECLARED,
    &gradle_verification::DECLARED,
    &sbt_lock::DECLARED,
    &nuget_lock::DECLARED,
    &nuget_lock::ASSETS,
    &deps_json::DECLARED,
    &packages_props::PACKAGES_CONFIG,
    &packages_props::DECLARED,
    &paket_lock::DECLARED,
    &mix_lock::DECLARED,
    &rebar_lock::DECLARED,
    &gleam_manifest::DECLARED,
    &pubspec_lock::DECLARED,
    &package_resolved::DECLARED,
    &podfile_lock::DECLARED,
    &conan_lock::DECLARED,
    &julia_manifest::DECLARED,
    &renv_lock::DECLARED,
    &cabal_freeze::DECLARED,
    &stack_lock::DECLARED,
    &stack_lock::MANIFEST,
];

/// The last component of a path.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the file lies in a directory into which package managers copy dependencies.
fn is_vendored(path: &str) -> bool {
    path.rsplit_once('/')
        .is_some_and(|(directory, _)| directory.split('/').any(|part| part == "vendor"))
}

/// Everything that the lock files and manifests of a tree list; `open` reads them.
pub fn inventory(tree: &SourceTree, open: &Open<'_>) -> Inventory {
    let files = Files::new(tree, open);
    let mut inventory = Inventory {
        problems: tree.problems.clone(),
        coverage: tree.coverage,
        ..Inventory::default()
    };
    for path in tree.paths() {
        for kind in DECLARED.iter().filter(|kind| (kind.wants)(path)) {
            let mut listing = Listing::new(path, kind.ecosystem, kind.name);
            match files.content(path) {
                Ok(bytes) => {
                    let source = Source {
                        path,
                        bytes: &bytes,
                        files: &files,
                    };
                    (kind.read)(&source, &mut listing);
                }
                Err(why) => listing.unreadable(&why),
            }
            let report = listing.finish();
            if inventory.packages.len().saturating_add(report.packages.len()) > limits::PACKAGES {
                let what = format!(
                    "more than {} packages; those of this file are not listed",
                    limits::PACKAGES
                );
                inventory
                    .problems
                    .push(Problem::at_path(path, Effect::Incomplete, what));
            } else {
                inventory.packages.extend(report.packages);
            }
            inventory.problems.extend(report.problems);
        }
    }
    inventory.coverage.files_read = files.count();
    inventory.packages.sort_by(|a, b| {
        let key =
            |package: &seaworthy_model::Package| (package.ecosystem, package.ecosystem.class() == PackageClass::Os);
        (key(a), &a.name, &a.version, &a.path, &a.declared_by).cmp(&(
            key(b),
            &b.name,
            &b.version,
            &b.path,
            &b.declared_by,
        ))
    });
    inventory.problems.sort();
    inventory.problems.dedup();
    inventory
}

#[cfg(test)]
mod tests;
