//! Packages that language package managers installed.

pub mod java;
pub(crate) mod json;
pub mod npm;
pub mod python;
pub mod python_egg;

use crate::analyzer::Analyzer;

/// The analyzers of this module, in the order of [`crate::analyzer::ANALYZERS`].
static LANGUAGES: &[&Analyzer] = &[
    &npm::ANALYZER,
    &python::ANALYZER,
    &python_egg::ANALYZER,
    &java::ANALYZER,
];

/// Whether a language analyzer reads the file at this path: only such files can be owned by a distribution package
/// in a way that matters.
pub fn is_metadata(path: &str) -> bool {
    LANGUAGES.iter().any(|analyzer| (analyzer.wants)(path))
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, is_metadata};
    use crate::analyzer::ANALYZERS;

    #[test]
    fn every_language_is_in_the_table() {
        let first = ANALYZERS.len() - LANGUAGES.len();
        let tail: Vec<_> = ANALYZERS.iter().skip(first).map(|analyzer| analyzer.name).collect();
        let names: Vec<_> = LANGUAGES.iter().map(|analyzer| analyzer.name).collect();
        assert_eq!(tail, names);
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
        ] {
            assert_eq!(is_metadata(path), expected, "{path}");
        }
    }
}
