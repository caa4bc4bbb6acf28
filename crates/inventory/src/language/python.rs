//! Python distributions as they are installed: `*.dist-info/METADATA` (PEP 376), `*.egg-info` as a file or a directory
//! with `PKG-INFO`, and unpacked eggs.
//!
//! The metadata are RFC 822 header fields up to the first empty line (core metadata specification); old tools wrote
//! descriptions into them without folding, so that lines that are no field are skipped. Names of directories are
//! compared without regard to case, because installers on such file systems do so too.

use seaworthy_model::{Ecosystem, Effect, Package, Problem, limits};

use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "python",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (parents, last) = directory.rsplit_once('/').unwrap_or(("", directory));
    let metadata = if name.eq_ignore_ascii_case("METADATA") {
        stem(last, ".dist-info").is_some()
    } else if name.eq_ignore_ascii_case("PKG-INFO") {
        let egg = parents.rsplit('/').next().unwrap_or("");
        stem(last, ".egg-info").is_some() || (last.eq_ignore_ascii_case("EGG-INFO") && stem(egg, ".egg").is_some())
    } else {
        stem(name, ".egg-info").is_some()
    };
    metadata && !is_vendored_by_pip(directory)
}

/// pip carries its dependencies as bare modules; where a repackager kept their metadata they still are no packages.
fn is_vendored_by_pip(directory: &str) -> bool {
    directory.ends_with("pip/_vendor") || directory.contains("pip/_vendor/")
}

/// What stands before the ending, where that is not empty.
fn stem<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    (!stem.is_empty() && end.eq_ignore_ascii_case(ending)).then_some(stem)
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let named_after = file.path.rsplit('/').take(3).find_map(|segment| {
        [".dist-info", ".egg-info", ".egg"]
            .iter()
            .find_map(|ending| stem(segment, ending))
    });
    add_package(file.path, file.bytes, named_after.unwrap_or(""), report);
}

/// Adds the package that these metadata describe. What the fields leave out, the name that the installer gave to the
/// directory or archive (`name-version[-pyX.Y]`) tells.
pub(super) fn add_package(path: &str, metadata: &[u8], named_after: &str, report: &mut FileReport) {
    let text = String::from_utf8_lossy(metadata);
    let fields = Fields::read(text.strip_prefix('\u{feff}').unwrap_or(&text));
    if fields.cut {
        let what = format!("a field longer than {} bytes was cut", limits::VALUE_BYTES);
        report.problems.push(Problem::at_path(path, Effect::Uncertain, what));
    }
    let mut parts = named_after.split('-');
    let (directory_name, directory_version) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let name = if fields.name.is_empty() {
        directory_name
    } else {
        fields.name
    };
    if name.is_empty() {
        let what = "the metadata name no package, it is not listed";
        report.problems.push(Problem::at_path(path, Effect::Incomplete, what));
        return;
    }
    let mut version = fields.version;
    if version.is_empty() && directory_version.starts_with(|first: char| first.is_ascii_digit()) {
        version = directory_version;
    }
    if fields.name.is_empty() || version.is_empty() {
        let what = match version {
            "" => format!("the metadata of {name} have no version, so that nothing is known about its vulnerabilities"),
            _ => format!("the metadata have no name, {name} {version} is taken from the path"),
        };
        report.problems.push(Problem::at_path(path, Effect::Uncertain, what));
    }
    let mut package = Package::new(Ecosystem::PyPi, name, version, path);
    package.licenses = fields.licenses();
    report.packages.push(package);
}

/// The header fields that count.
#[derive(Default)]
struct Fields<'a> {
    name: &'a str,
    version: &'a str,
    expression: &'a str,
    license: &'a str,
    classified: Vec<&'a str>,
    cut: bool,
}

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Self {
        let mut fields = Self::default();
        for line in text.trim_start_matches(['\r', '\n']).lines() {
            if line.trim_end().is_empty() {
                break;
            }
            // Folded lines continue the field above; none that counts is folded but licence texts, of which the first
            // line is kept.
            if line.starts_with([' ', '\t']) {
                continue;
            }
            let Some((field, value)) = line.split_once(':') else {
                continue;
            };
            fields.set(field.trim_end(), value.trim());
        }
        fields
    }

    /// The first of several values holds, as for Python's own reader.
    fn set(&mut self, field: &str, value: &'a str) {
        let target = if field.eq_ignore_ascii_case("Name") {
            &mut self.name
        } else if field.eq_ignore_ascii_case("Version") {
            &mut self.version
        } else if field.eq_ignore_ascii_case("License-Expression") {
            &mut self.expression
        } else if field.eq_ignore_ascii_case("License") {
            &mut self.license
        } else if field.eq_ignore_ascii_case("Classifier") {
            if let Some(license) = value.strip_prefix("License ::")
                && value.len() <= limits::VALUE_BYTES
                && self.classified.len() < limits::LIST_ENTRIES
            {
                self.classified.extend(license.rsplit("::").next().map(str::trim));
            }
            return;
        } else {
            return;
        };
        if !target.is_empty() {
            return;
        }
        let mut end = value.len().min(limits::VALUE_BYTES);
        while !value.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        self.cut |= end < value.len();
        *target = value.get(..end).unwrap_or("");
    }

    /// The expression decides (PEP 639), then the classifiers, then the free text.
    fn licenses(&self) -> Vec<String> {
        let known = |license: &&str| {
            !license.is_empty() && !license.eq_ignore_ascii_case("UNKNOWN") && *license != "OSI Approved"
        };
        let one = |license: &'a str| Some(license).filter(known).map(|license| vec![license.to_owned()]);
        one(self.expression)
            .or_else(|| {
                let licenses: Vec<_> = self
                    .classified
                    .iter()
                    .copied()
                    .filter(known)
                    .map(str::to_owned)
                    .collect();
                Some(licenses).filter(|licenses| !licenses.is_empty())
            })
            .or_else(|| one(self.license))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport, limits};

    fn read(path: &str, bytes: &[u8]) -> FileReport {
        assert!((ANALYZER.wants)(path), "{path}");
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, bytes), &mut report);
        report
    }

    const WHEEL: &str = "usr/lib/python3/site-packages/Foo_Bar-1.0.dist-info/METADATA";

    #[test]
    fn paths() {
        for (path, expected) in [
            (WHEEL, true),
            ("Foo-1.0.DIST-INFO/Metadata", true),
            ("a/foo-1.0.dist-info/RECORD", false),
            ("a/METADATA", false),
            ("METADATA", false),
            ("a/.dist-info/METADATA", false),
            ("a/DIST-INFO/METADATA", false),
            ("a/foo.egg-info", true),
            ("foo.egg-info", true),
            (".egg-info", false),
            ("a/foo.egg-info/PKG-INFO", true),
            ("a/foo.egg-info/requires.txt", false),
            ("a/foo-1.0-py3.9.egg/EGG-INFO/PKG-INFO", true),
            ("a/foo/EGG-INFO/PKG-INFO", false),
            ("EGG-INFO/PKG-INFO", false),
            ("foo-1.0/PKG-INFO", false),
            (
                "lib/python3/site-packages/pip/_vendor/urllib3-1.26.dist-info/METADATA",
                false,
            ),
            (
                "lib/python3/site-packages/setuptools/_vendor/wheel-0.43.0.dist-info/METADATA",
                true,
            ),
            ("é.egg-info", true),
            ("a/xégg-info", false),
        ] {
            assert_eq!((ANALYZER.wants)(path), expected, "{path}");
        }
    }

    #[test]
    fn fields() {
        let cases: &[(&str, &str, &str, &[&str])] = &[
            (
                "Name: foo\nVersion: 1.0\nLicense: MIT\n\nName: bar\n",
                "foo",
                "1.0",
                &["MIT"],
            ),
            ("name: foo\r\nVERSION: 1.0\r\n\r\nVersion: 2\r\n", "foo", "1.0", &[]),
            ("Name: foo\nVersion: 1.0\nVersion: 2.0\n", "foo", "1.0", &[]),
            (
                "Description: x\nnot a field\n  Version: 3\nName: foo\nVersion: 1.0\n",
                "foo",
                "1.0",
                &[],
            ),
            (
                "Name: foo\nVersion: 1\nLicense: BSD\nClassifier: License :: OSI Approved :: BSD License\n\
                 Classifier: License :: OSI Approved\nClassifier: Topic :: License :: x\n",
                "foo",
                "1",
                &["BSD License"],
            ),
            (
                "Name: foo\nVersion: 1\nLicense-Expression: MIT OR Apache-2.0\nLicense: x",
                "foo",
                "1",
                &["MIT OR Apache-2.0"],
            ),
            ("Name: foo\nVersion: 1\nLicense: UNKNOWN\n", "foo", "1", &[]),
            ("\u{feff}Name: foo\nVersion: 1\n", "foo", "1", &[]),
            ("\n\nName: foo\nVersion: 1\n", "foo", "1", &[]),
            ("Name: foo\n", "foo", "1.0", &[]),
        ];
        for (text, name, version, licenses) in cases {
            let report = read(WHEEL, text.as_bytes());
            let [package] = report.packages.as_slice() else {
                panic!("{text}: {report:?}")
            };
            assert_eq!(
                (package.name.as_str(), package.version.as_str()),
                (*name, *version),
                "{text}"
            );
            assert_eq!(package.licenses, *licenses, "{text}");
            assert_eq!(report.problems, [], "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        for (path, text, name, version) in [
            (WHEEL, "", "Foo_Bar", "1.0"),
            ("a/no-version-py3.8.egg-info", "Name: no-version", "no-version", ""),
            ("a/foo-2.1-py3.8.egg/EGG-INFO/PKG-INFO", "Summary: x\n", "foo", "2.1"),
            ("a/foo.egg-info/PKG-INFO", "\0\u{1}", "foo", ""),
        ] {
            let report = read(path, text.as_bytes());
            let [package] = report.packages.as_slice() else {
                panic!("{path}: {report:?}")
            };
            assert_eq!(
                (package.name.as_str(), package.version.as_str()),
                (name, version),
                "{path}"
            );
            assert_eq!(report.problems.len(), 1, "{path}");
        }
    }

    #[test]
    fn endless_and_foreign() {
        let mut endless = b"Name: foo\nVersion: ".to_vec();
        endless.resize(usize::try_from(limits::METADATA_BYTES).unwrap(), b'1');
        let report = read(WHEEL, &endless);
        assert_eq!(
            report.packages.first().map(|package| package.version.len()),
            Some(limits::VALUE_BYTES)
        );
        assert_eq!(report.problems.len(), 1);
        let classifiers = "Classifier: License :: X\n".repeat(600_000);
        let report = read(WHEEL, format!("Name: a\nVersion: 1\n{classifiers}").as_bytes());
        assert_eq!(
            report.packages.first().map(|package| package.licenses.len()),
            Some(limits::LIST_ENTRIES)
        );
        let report = read(WHEEL, b"Name: foo\nVersion: 1.0\nAuthor: \xe9\xff\n");
        assert_eq!(
            report.packages.first().map(|package| package.name.as_str()),
            Some("foo")
        );
    }
}
