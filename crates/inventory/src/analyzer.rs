//! The table of analyzers: what each wants to read, and what it makes of it.
//!
//! An analyzer is a pure function from the bytes of one file to a [`FileReport`]. Adding one is one new file in `os/`,
//! `language/` or `release/` and one line in [`ANALYZERS`].

use seaworthy_model::{Ecosystem, Package, Problem};
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::release::ReleaseFact;
use crate::{binary, language, os, release, sbom};

/// A file as it is given to an analyzer.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Path relative to the root, without a leading slash; `/` between components.
    pub path: &'a str,
    /// The whole content.
    pub bytes: &'a [u8],
    /// The content of the file with this path plus [`Analyzer::companion`], where the analyzer names one and it exists.
    pub companion: Option<&'a [u8]>,
}

impl<'a> File<'a> {
    /// A file without a companion.
    pub const fn new(path: &'a str, bytes: &'a [u8]) -> Self {
        Self {
            path,
            bytes,
            companion: None,
        }
    }

    /// The last component of the path.
    pub fn name(&self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

/// A file that a distribution package owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnedFile {
    /// The file's path without a leading slash, as the package manager lists it (before links are resolved).
    pub path: String,
    /// The owner's name.
    pub package: String,
    /// The owner's package manager.
    pub ecosystem: Ecosystem,
}

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Set when the file is a distribution's package database (or a part of one), even an empty one.
    pub database: Option<Ecosystem>,
    /// The packages it lists; `path` is the file's own.
    pub packages: Vec<Package>,
    /// The files of language packages that distribution packages own (only paths for which
    /// [`crate::language::is_metadata`] holds, so that the list stays small).
    pub owned: Vec<OwnedFile>,
    /// What it says about the distribution.
    pub release: Vec<ReleaseFact>,
    /// What could not be read or understood.
    pub problems: Vec<Problem>,
}

/// One row of the table.
#[derive(Debug)]
pub struct Analyzer {
    /// Name in messages, and in the key of cached results.
    pub name: &'static str,
    /// Raised whenever the result for the same bytes changes, so that cached results of older versions are not used.
    pub version: u32,
    /// Whether the analyzer reads the file at this path (no leading slash).
    pub wants: fn(path: &str) -> bool,
    /// Suffix of a second file that belongs to the first and is given with it (`-wal` of an SQLite database).
    pub companion: Option<&'static str>,
    /// Larger files are not read, and a problem says so.
    pub max_bytes: u64,
    /// Reads the file.
    pub analyze: fn(file: File<'_>, report: &mut FileReport),
}

/// Every analyzer, in the order in which reports of one file are merged.
pub static ANALYZERS: &[&Analyzer] = &[
    &release::os_release::ANALYZER,
    &release::release_files::ANALYZER,
    &release::apk_repositories::ANALYZER,
    &release::ubuntu_pro::ANALYZER,
    &release::red_hat_build::ANALYZER,
    &os::apk::ANALYZER,
    &os::dpkg::ANALYZER,
    &os::dpkg_files::ANALYZER,
    &os::rpm::ANALYZER,
    &os::rpm_manifest::ANALYZER,
    &os::pacman::ANALYZER,
    &os::portage::ANALYZER,
    &os::snap::ANALYZER,
    &os::chisel::ANALYZER,
    &os::bottlerocket::ANALYZER,
    &language::npm::ANALYZER,
    &language::yarn_pnp::ANALYZER,
    &language::python::ANALYZER,
    &language::python_egg::ANALYZER,
    &language::java_runtime::ANALYZER,
    &language::toolchain::ANALYZER,
    &language::ruby::ANALYZER,
    &language::composer::ANALYZER,
    &language::pear::ANALYZER,
    &language::dotnet::ANALYZER,
    &language::r::ANALYZER,
    &language::lua::ANALYZER,
    &language::erlang::ANALYZER,
    &language::opam::ANALYZER,
    &language::haskell::ANALYZER,
    &language::conda::ANALYZER,
    &language::conan::ANALYZER,
    &language::julia::ANALYZER,
    &language::wordpress::ANALYZER,
    &language::bitnami::ANALYZER,
    &sbom::embedded::ANALYZER,
];

/// One row of the table of files that are too large to be held: they are read forwards, once.
#[derive(Debug)]
pub struct StreamAnalyzer {
    /// Name in messages, and in the key of cached results.
    pub name: &'static str,
    /// Raised whenever the result for the same bytes changes.
    pub version: u32,
    /// Whether the analyzer looks at the first bytes of the file at this path.
    pub wants: fn(path: &str) -> bool,
    /// Whether a file that begins so ([`StreamAnalyzer::HEAD_BYTES`], or all of a shorter one) is read on.
    pub begins: fn(head: &[u8]) -> bool,
    /// Whether names that only lead to a file by a link count like its own.
    pub through_links: bool,
    /// Reads the file.
    pub analyze: fn(path: &str, content: &mut Content<'_>, report: &mut FileReport),
}

impl StreamAnalyzer {
    /// Bytes by which it is decided whether a file is read on.
    pub const HEAD_BYTES: usize = 64;
}

/// Every analyzer of large files; one path belongs to one of them at most.
pub static STREAM_ANALYZERS: &[&StreamAnalyzer] = &[&language::java::ANALYZER, &binary::ANALYZER];

/// Name and version of every analyzer: results of one table are not those of another.
pub fn versions() -> impl Iterator<Item = (&'static str, u32)> {
    let whole = ANALYZERS.iter().map(|analyzer| (analyzer.name, analyzer.version));
    whole.chain(
        STREAM_ANALYZERS
            .iter()
            .map(|analyzer| (analyzer.name, analyzer.version)),
    )
}
