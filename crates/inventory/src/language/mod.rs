//! Packages that language package managers installed.

pub mod bitnami;
pub mod composer;
pub mod conan;
pub mod conda;
pub mod dotnet;
pub mod erlang;
pub mod haskell;
pub mod java;
pub mod java_runtime;
pub(crate) mod json;
pub mod julia;
pub(crate) mod listing;
pub mod lua;
pub mod npm;
pub mod opam;
pub mod pear;
pub mod python;
pub mod python_egg;
pub mod r;
pub mod ruby;
pub mod toolchain;
pub mod wordpress;
pub mod yarn_pnp;

use crate::analyzer::Analyzer;
use crate::binary;

/// The analyzers of this module, in the order of [`crate::analyzer::ANALYZERS`].
static LANGUAGES: &[&Analyzer] = &[
    &npm::ANALYZER,
    &yarn_pnp::ANALYZER,
    &python::ANALYZER,
    &python_egg::ANALYZER,
    &java_runtime::ANALYZER,
    &toolchain::ANALYZER,
    &ruby::ANALYZER,
    &composer::ANALYZER,
    &pear::ANALYZER,
    &dotnet::ANALYZER,
    &r::ANALYZER,
    &lua::ANALYZER,
    &erlang::ANALYZER,
    &opam::ANALYZER,
    &haskell::ANALYZER,
    &conda::ANALYZER,
    &conan::ANALYZER,
    &julia::ANALYZER,
    &wordpress::ANALYZER,
    &bitnami::ANALYZER,
];

/// Whether an analyzer of language packages or binaries reads the file at this path: only such files can be owned by a
/// distribution package in a way that matters.
pub fn is_metadata(path: &str) -> bool {
    LANGUAGES.iter().any(|analyzer| (analyzer.wants)(path))
        || (java::ANALYZER.wants)(path)
        || binary::is_candidate(path)
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, is_metadata};
    use crate::analyzer::ANALYZERS;

    #[test]
    fn every_language_is_in_the_table() {
        let names: Vec<_> = LANGUAGES.iter().map(|analyzer| analyzer.name).collect();
        let all: Vec<_> = ANALYZERS.iter().map(|analyzer| analyzer.name).collect();
        assert!(all.windows(names.len()).any(|part| part == names), "{all:?}");
    }

    #[test]
    fn metadata_is_what_language_analyzers_read() {
        for (path, expected) in [
            ("usr/lib/node_modules/npm/package.json", true),
            ("usr/lib/python3/dist-packages/six-1.16.0.egg-info", true),
            ("usr/lib/python3/dist-packages/pip-23.0.1.dist-info/METADATA", true),
            ("usr/lib/python3/dist-packages/pip-23.0.1.dist-info/RECORD", false),
            ("var/lib/dpkg/status", false),
            ("etc/os-release", false),
            ("usr/share/java/commons-io.jar", true),
            ("usr/bin/containerd", true),
            ("usr/lib/x86_64-linux-gnu/libssl.so.3", true),
            ("usr/share/doc/containerd/copyright", false),
            ("usr/include/stdio.h", false),
        ] {
            assert_eq!(is_metadata(path), expected, "{path}");
        }
    }
}
