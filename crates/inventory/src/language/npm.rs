//! npm packages as they are installed: `node_modules/<name>/package.json`, at any depth.
//!
//! A package.json elsewhere is a project, a part of a package or test data. The name inside counts, not the directory's:
//! an alias (`npm:lodash@4.17.11` installed as `old-lodash`) is the package that it names. pnpm's and yarn's stores have
//! the same layout below `node_modules/.pnpm/<key>/`.

use std::fmt;

use seaworthy_model::{Ecosystem, Effect, Package, Problem, limits};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "npm",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// Directories inside a package whose `node_modules` are data of its tests, made to be found by module resolvers.
const TEST_DIRECTORIES: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "fixture",
    "fixtures",
    "__fixtures__",
    "testdata",
    "test-fixtures",
];

fn wants(path: &str) -> bool {
    let Some(directory) = path.strip_suffix("/package.json") else {
        return false;
    };
    let Some((parent, name)) = directory.rsplit_once('/') else {
        return false;
    };
    // Names may not begin with a dot or an underscore (package.json, `name`): `.bin`, `.pnpm`, `.cache`, `_tmp`.
    if name.is_empty() || name.starts_with(['.', '_', '@']) {
        return false;
    }
    let modules = match parent.rsplit_once('/') {
        Some((modules, scope)) if scope.starts_with('@') && scope.len() > 1 => modules,
        _ => parent,
    };
    let Some(outside) = modules.strip_suffix("node_modules") else {
        return false;
    };
    (outside.is_empty() || outside.ends_with('/')) && !inside_tests_of_a_package(outside)
}

/// Whether the path leads through a package into a directory of its tests.
fn inside_tests_of_a_package(path: &str) -> bool {
    let mut segments = path.split('/');
    while let Some(segment) = segments.next() {
        if segment != "node_modules" {
            continue;
        }
        // The package's own name may well be `test`.
        if segments.next().is_some_and(|name| name.starts_with('@')) {
            segments.next();
        }
        let below = segments.clone().take_while(|segment| *segment != "node_modules");
        if below.into_iter().any(|segment| TEST_DIRECTORIES.contains(&segment)) {
            return true;
        }
    }
    false
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let manifest = match json::object::<Manifest>(file.bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            let what = format!("package.json could not be read, the package is not listed: {error}");
            report
                .problems
                .push(Problem::at_path(file.path, Effect::Incomplete, what));
            return;
        }
    };
    let (name, version) = (manifest.name.text(), manifest.version.text());
    // Without both it is no package for npm either: many packages mark their builds so (`{"type": "module"}`).
    if name.is_empty() || version.is_empty() {
        return;
    }
    if name.len() > limits::VALUE_BYTES || version.len() > limits::VALUE_BYTES {
        let what = format!(
            "the package's name or version is longer than {} bytes",
            limits::VALUE_BYTES
        );
        report
            .problems
            .push(Problem::at_path(file.path, Effect::Incomplete, what));
        return;
    }
    let mut package = Package::new(Ecosystem::Npm, name, version, file.path);
    package.licenses = manifest.license.0;
    package.licenses.extend(manifest.licenses.0);
    package
        .licenses
        .retain(|license| !license.is_empty() && license.len() <= limits::VALUE_BYTES);
    package.licenses.dedup();
    report.packages.push(package);
}

/// The fields that count; each may hold anything.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    name: Texts,
    version: Texts,
    license: Texts,
    licenses: Texts,
}

/// The texts in a value of any type: itself, the texts of a list, or `type` and else `name` of an object.
#[derive(Default)]
struct Texts(Vec<String>);

impl Texts {
    /// The text, where it is exactly one.
    fn text(&self) -> &str {
        match self.0.as_slice() {
            [one] => one.trim(),
            _ => "",
        }
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Texts;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_u64<E>(self, _: u64) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_i64<E>(self, _: i64) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_f64<E>(self, _: f64) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_unit<E>(self) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while texts.len() < limits::LIST_ENTRIES {
                    let Some(Texts(more)) = list.next_element()? else {
                        return Ok(Texts(texts));
                    };
                    texts.extend(more);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Texts(texts))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let (mut kind, mut name) = (Texts::default(), Texts::default());
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    match &*key {
                        "type" => kind = map.next_value()?,
                        "name" => name = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(if kind.0.is_empty() { name } else { kind })
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    fn read(bytes: &[u8]) -> FileReport {
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new("node_modules/a/package.json", bytes), &mut report);
        report
    }

    #[test]
    fn paths() {
        for (path, expected) in [
            ("node_modules/a/package.json", true),
            ("app/node_modules/@scope/a/package.json", true),
            ("app/node_modules/a/node_modules/b/package.json", true),
            ("app/node_modules/a/dist/node_modules/b/package.json", true),
            ("usr/lib/node_modules/npm/node_modules/semver/package.json", true),
            ("node_modules/.pnpm/a@1.0.0/node_modules/a/package.json", true),
            ("app/test/node_modules/a/package.json", true),
            ("node_modules/test/node_modules/a/package.json", true),
            ("node_modules/@s/test/node_modules/a/package.json", true),
            ("package.json", false),
            ("app/package.json", false),
            ("node_modules/package.json", false),
            ("node_modules/@scope/package.json", false),
            ("my_node_modules/a/package.json", false),
            ("node_modules/a/dist/package.json", false),
            ("node_modules/.bin/package.json", false),
            ("node_modules/@scope/a/lib/package.json", false),
            ("node_modules/a/package.json/b", false),
            ("usr/share/nodejs/a/package.json", false),
            (
                "node_modules/resolve/test/resolver/multirepo/packages/package-a/package.json",
                false,
            ),
            (
                "node_modules/read-installed-packages/test/fixtures/node_modules/extraneous/package.json",
                false,
            ),
            ("node_modules/@s/a/fixtures/node_modules/b/package.json", false),
        ] {
            assert_eq!((ANALYZER.wants)(path), expected, "{path}");
        }
    }

    #[test]
    fn names_versions_and_licences() {
        type Expected = Option<(&'static str, &'static str, &'static [&'static str])>;
        let cases: &[(&str, Expected)] = &[
            (
                r#"{"name": "lodash", "version": "4.17.11", "license": "MIT"}"#,
                Some(("lodash", "4.17.11", &["MIT"])),
            ),
            (
                r#"{"name": "a", "version": "1", "license": {"type": "ISC", "url": 5}}"#,
                Some(("a", "1", &["ISC"])),
            ),
            (
                r#"{"name": "a", "version": "1", "licenses": [{"type": "MIT"}, {"name": "Apache-2.0"}, 5]}"#,
                Some(("a", "1", &["MIT", "Apache-2.0"])),
            ),
            ("\u{feff}{\"name\": \"a\", \"version\": \" 1 \"}", Some(("a", "1", &[]))),
            (r#"{"name": "a"}"#, None),
            (r#"{"version": "1"}"#, None),
            (r#"{"name": "", "version": "1"}"#, None),
            (r#"{"name": 5, "version": ["1", "2"]}"#, None),
            (r#"{"type": "module"}"#, None),
            (r#"{"name": "a", "version": null, "x": {"y": [1.5, true]}}"#, None),
        ];
        for (text, expected) in cases {
            let report = read(text.as_bytes());
            assert_eq!(report.problems, [], "{text}");
            let found = report.packages.first().map(|package| {
                let licenses: Vec<_> = package.licenses.iter().map(String::as_str).collect();
                (package.name.clone(), package.version.clone(), licenses)
            });
            let expected =
                expected.map(|(name, version, licenses)| (name.to_owned(), version.to_owned(), licenses.to_vec()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn damaged_deep_and_foreign() {
        let deep_field = format!("{{\"license\": {}", "[".repeat(1 << 20));
        for text in ["", "{", "[]", "[\"a\", \"1\"]", "\u{0}", deep_field.as_str()] {
            let report = read(text.as_bytes());
            assert_eq!((report.packages.len(), report.problems.len()), (0, 1), "{text:.40}");
        }
        let deep = format!(
            "{{\"x\": {}{}, \"name\": \"a\", \"version\": \"1\"}}",
            "[".repeat(1 << 20),
            "]".repeat(1 << 20)
        );
        assert_eq!(read(deep.as_bytes()).packages.len(), 1);
        assert_eq!(
            read(b"{\"name\": \"a\", \"version\": \"1\", \"author\": \"\xff\"}")
                .packages
                .len(),
            1
        );
        let long = format!("{{\"name\": \"{}\", \"version\": \"1\"}}", "a".repeat(1 << 20));
        let report = read(long.as_bytes());
        assert_eq!((report.packages.len(), report.problems.len()), (0, 1));
    }
}
