//! Ruby gems as RubyGems installs them: `specifications/*.gemspec`, also `specifications/default` of the gems that come
//! with the interpreter.
//!
//! RubyGems writes these files itself (`Gem::Specification#to_ruby`): a stub comment with name, version and platform, and
//! assignments of literals. A specification that computes its version is source code; it is not evaluated.

use std::sync::LazyLock;

use regex::Regex;
use seaworthy_model::{Ecosystem, Effect, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "ruby-gem",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.strip_suffix(".gemspec")
        .and_then(|stem| stem.rsplit_once('/'))
        .is_some_and(|(directory, name)| !name.is_empty() && directory.split('/').any(|part| part == "specifications"))
}

/// `s.name = "x".freeze`, `spec.version = Gem::Version.new('1')`, `s.license = "MIT"`.
static ASSIGNMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)^\s*\w+\.(name|version|license|platform)\s*=\s*(?:Gem::Version\.new\s*\(?\s*)?["']([^"'#\n]*)["']"#,
    )
    .ok()
});
static LICENSES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*\w+\.licenses\s*=\s*\[([^\]]*)\]").ok());
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"["']([^"'\n]+)["']"#).ok());

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let (mut name, mut version) = ("", "");
    let mut licenses = Vec::new();
    // The comment is what RubyGems itself reads; its third word is the platform, which is no part of the version.
    let stub = text
        .lines()
        .take(STUB_LINES)
        .find_map(|line| line.trim_start().strip_prefix("# stub:"));
    if let Some(stub) = stub {
        let mut words = stub.split_whitespace();
        (name, version) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    }
    for found in ASSIGNMENT.iter().flat_map(|pattern| pattern.captures_iter(&text)) {
        let value = found.get(2).map_or("", |value| value.as_str());
        match found.get(1).map_or("", |field| field.as_str()) {
            "name" if name.is_empty() => name = value,
            "version" if version.is_empty() => version = value,
            "license" => licenses.extend(listing::license(value)),
            _ => {}
        }
    }
    if let (Some(list), Some(quoted)) = (LICENSES.as_ref(), QUOTED.as_ref())
        && let Some(list) = list.captures(&text).and_then(|found| found.get(1))
    {
        licenses.extend(
            quoted
                .captures_iter(list.as_str())
                .take(limits::LIST_ENTRIES)
                .filter_map(|found| listing::license(found.get(1)?.as_str())),
        );
    }
    if name.is_empty() || version.is_empty() {
        let what = "the specification does not state name and version literally, the gem is not listed";
        listing::problem(report, file.path, Effect::Uncertain, what);
        return;
    }
    if let Some(package) = listing::add(report, Ecosystem::Gem, name, version, file.path) {
        package.licenses = licenses;
    }
}

/// Comments stand before the stub: the encoding, and whether strings are frozen.
const STUB_LINES: usize = 10;

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    fn read(text: &str) -> FileReport {
        let path = "usr/lib/ruby/gems/3.1.0/specifications/x.gemspec";
        assert!((ANALYZER.wants)(path));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
        report
    }

    #[test]
    fn names_versions_and_platforms() {
        for (text, expected) in [
            ("# stub: nokogiri 1.16.0 x86_64-linux lib\n", "nokogiri 1.16.0"),
            ("s.name = \"a\".freeze\n  s.version = \"1.2\"\n", "a 1.2"),
            ("s.name = 'a'\ns.version = Gem::Version.new('1.2.pre')\n", "a 1.2.pre"),
            (
                "s.name = 'a'\ns.version = Gem::Version.new \"3\"\ns.required_ruby_version = \"9\"",
                "a 3",
            ),
        ] {
            let report = read(text);
            let found: Vec<_> = report
                .packages
                .iter()
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            assert_eq!(found, [expected], "{text}");
        }
    }

    #[test]
    fn a_computed_version_is_said_and_not_guessed() {
        let report = read("s.name = 'a'\ns.version = A::VERSION\n");
        assert_eq!((report.packages.len(), report.problems.len()), (0, 1));
    }

    #[test]
    fn licenses() {
        let report = read("# stub: a 1 ruby lib\ns.licenses = [\"Ruby\".freeze, \"BSD-2-Clause\".freeze]\n");
        assert_eq!(report.packages[0].licenses, ["Ruby", "BSD-2-Clause"]);
    }

    #[test]
    fn only_installed_specifications() {
        for (path, expected) in [
            ("a/specifications/default/x.gemspec", true),
            ("a/gems/x-1/x.gemspec", false),
            ("specifications/.gemspec", false),
        ] {
            assert_eq!((ANALYZER.wants)(path), expected, "{path}");
        }
    }
}
