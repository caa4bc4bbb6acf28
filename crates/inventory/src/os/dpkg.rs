//! dpkg's database: `var/lib/dpkg/status`, and `var/lib/dpkg/status.d/*` of distroless images, one file a package and
//! without a Status field (dpkg(1), deb-control(5)).
//!
//! Advisories of Debian and Ubuntu are keyed by source package and source version. `Source` names them only where they
//! differ from the binary package's.

use std::borrow::Cow;

use seaworthy_model::{Ecosystem, Effect, Package, limits};

use super::listing::{Listing, Unresolved};
use super::shown;
use super::stanza::{Stanza, Stanzas};
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads dpkg's database.
pub static ANALYZER: Analyzer = Analyzer {
    name: "dpkg",
    version: 2,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

const STATUS: &str = "var/lib/dpkg/status";
/// opkg's database has the same form (OpenWrt, Yocto), wherever its `lib` is.
const OPKG_STATUS: &str = "lib/opkg/status";

fn is_opkg(path: &str) -> bool {
    path.strip_suffix(OPKG_STATUS)
        .is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('/'))
}

/// The file name below the directory of distroless images, in which each package has a file of its own.
pub(super) fn status_directory_name(path: &str) -> Option<&str> {
    path.strip_prefix("var/lib/dpkg/status.d/")
        .filter(|name| !name.is_empty() && !name.contains('/'))
}

fn wants(path: &str) -> bool {
    path == STATUS || is_opkg(path) || status_directory_name(path).is_some_and(|name| !name.ends_with(".md5sums"))
}

const FIELDS: [&str; 9] = [
    "Package",
    "Status",
    "Version",
    "Source",
    "Architecture",
    "Maintainer",
    "Depends",
    "Pre-Depends",
    "Provides",
];
const PACKAGE: usize = 0;
const STATUS_FIELD: usize = 1;
const VERSION: usize = 2;
const SOURCE: usize = 3;
const ARCHITECTURE: usize = 4;
const MAINTAINER: usize = 5;
const DEPENDS: usize = 6;
const PRE_DEPENDS: usize = 7;
const PROVIDES: usize = 8;

/// What the Status field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The package's files are unpacked, configured or not.
    Present,
    /// They are not, or not all of them.
    Absent,
    /// There is no such field.
    Missing,
    /// It has a third word that dpkg does not know.
    Unknown,
}

impl State {
    /// Reads `want flag state`; only the state counts, whatever is wanted.
    fn of(status: &str) -> Self {
        const PRESENT: [&str; 5] = [
            "installed",
            "unpacked",
            "half-configured",
            "triggers-awaited",
            "triggers-pending",
        ];
        const ABSENT: [&str; 3] = ["not-installed", "config-files", "half-installed"];
        let Some(state) = status.split_ascii_whitespace().nth(2) else {
            return if status.is_empty() {
                Self::Missing
            } else {
                Self::Unknown
            };
        };
        let is = |known: &&str| state.eq_ignore_ascii_case(known);
        if PRESENT.iter().any(is) {
            Self::Present
        } else if ABSENT.iter().any(is) {
            Self::Absent
        } else {
            Self::Unknown
        }
    }
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let opkg = is_opkg(file.path);
    let whole = file.path == STATUS || opkg;
    let ecosystem = if opkg { Ecosystem::Opkg } else { Ecosystem::Deb };
    let mut listing = Listing::new(file.path, ecosystem, report);
    for stanza in Stanzas::new(file.bytes, FIELDS) {
        if let Some(line) = stanza.broken_line {
            let what = format!("line {line} is no line of a dpkg database, which may be damaged");
            listing.problem(Effect::Incomplete, what);
        }
        if stanza.unseparated {
            let what = format!("no empty line after the package at line {}", stanza.line);
            listing.problem(Effect::Uncertain, what);
        }
        if stanza.repeated {
            let what = format!(
                "the package at line {} has a field twice, another may be missing",
                stanza.line
            );
            listing.problem(Effect::Incomplete, what);
        }
        if stanza.cut {
            let what = format!(
                "a field of the package at line {} is longer than {} bytes and was cut",
                stanza.line,
                limits::LINE_BYTES
            );
            listing.problem(Effect::Uncertain, what);
        }
        if !add(&mut listing, &stanza, ecosystem, whole) {
            break;
        }
    }
    // In a distroless image each package has its own file, so its dependencies are listed elsewhere.
    listing.finish(if whole { Unresolved::Drop } else { Unresolved::Keep });
}

/// Adds the package of a stanza if it is installed; `false` when nothing more is to be read.
fn add(listing: &mut Listing<'_>, stanza: &Stanza<'_, { FIELDS.len() }>, ecosystem: Ecosystem, whole: bool) -> bool {
    let name = stanza.text(PACKAGE);
    let version = stanza.text(VERSION);
    match State::of(&stanza.text(STATUS_FIELD)) {
        State::Absent => return true,
        State::Missing if whole && !name.is_empty() => {
            let what = format!(
                "package {} has no status, which dpkg takes for not installed",
                shown(&name)
            );
            listing.problem(Effect::Uncertain, what);
            return true;
        }
        State::Unknown => {
            let what = format!(
                "package {} has an unknown status and was taken as installed",
                shown(&name)
            );
            listing.problem(Effect::Uncertain, what);
        }
        State::Present | State::Missing => {}
    }
    if name.is_empty() || version.is_empty() {
        let what = if name.is_empty() {
            format!("the package at line {} has no name and was not listed", stanza.line)
        } else {
            format!("package {} has no version and was not listed", shown(&name))
        };
        listing.problem(Effect::Incomplete, what);
        return true;
    }
    let mut package = Package::new(ecosystem, name, version, listing.path());
    let source = stanza.text(SOURCE);
    let (source_name, source_version) = split_source(&source);
    if !source_name.is_empty() {
        package.source_name = source_name.to_owned();
    }
    if let Some(version) = source_version {
        package.source_version = version.to_owned();
    }
    package.arch = stanza.text(ARCHITECTURE).into_owned();
    package.maintainer = stanza.text(MAINTAINER).into_owned();
    if !listing.add(package) {
        return false;
    }
    for name in relations(&stanza.text(PROVIDES)) {
        listing.provides(name);
    }
    let relations_of: [Cow<'_, str>; 2] = [stanza.text(PRE_DEPENDS), stanza.text(DEPENDS)];
    for name in relations_of.iter().flat_map(|list| relations(list)) {
        listing.needs(name);
    }
    true
}

/// Parts `name (version)` of the Source field.
fn split_source(source: &str) -> (&str, Option<&str>) {
    let Some((name, rest)) = source.split_once('(') else {
        return (source.trim(), None);
    };
    let version = rest.split_once(')').map_or(rest, |(version, _)| version).trim();
    (name.trim(), Some(version).filter(|version| !version.is_empty()))
}

/// The package names of a relationship field: every alternative, without versions, architectures and qualifiers.
fn relations(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', '|'])
        .filter_map(|relation| relation.split(['(', '[', '<', ':']).next())
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, State, split_source};
    use crate::analyzer::{File, FileReport};

    fn read(path: &str, bytes: &[u8]) -> FileReport {
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, bytes), &mut report);
        report
    }

    fn names(report: &FileReport) -> Vec<&str> {
        report.packages.iter().map(|package| package.name.as_str()).collect()
    }

    #[test]
    fn wants_the_database_only() {
        for (path, expected) in [
            ("var/lib/dpkg/status", true),
            ("var/lib/dpkg/status-old", false),
            ("var/lib/dpkg/status.d/libc6", true),
            ("var/lib/dpkg/status.d/libc6.md5sums", false),
            ("var/lib/dpkg/status.d/a/b", false),
            ("srv/var/lib/dpkg/status", false),
        ] {
            assert_eq!((ANALYZER.wants)(path), expected, "{path}");
        }
    }

    #[test]
    fn the_third_word_is_the_state() {
        for (status, state) in [
            ("install ok installed", State::Present),
            ("deinstall ok installed", State::Present),
            ("install ok unpacked", State::Present),
            ("install reinstreq half-configured", State::Present),
            ("install ok triggers-awaited", State::Present),
            ("install ok triggers-pending", State::Present),
            ("install reinstreq half-installed", State::Absent),
            ("deinstall ok config-files", State::Absent),
            ("purge ok not-installed", State::Absent),
            ("", State::Missing),
            ("install ok", State::Unknown),
            ("install ok splendid", State::Unknown),
        ] {
            assert_eq!(State::of(status), state, "{status}");
        }
    }

    #[test]
    fn source_may_have_a_version() {
        assert_eq!(split_source("bash (5.2.15-2)"), ("bash", Some("5.2.15-2")));
        assert_eq!(split_source("acl"), ("acl", None));
        assert_eq!(split_source("acl ()"), ("acl", None));
    }

    #[test]
    fn dependencies_are_installed_packages() {
        let status = b"Package: a\nStatus: install ok installed\nVersion: 1\nPre-Depends: b:any (>= 2) | c\n\
            Depends: mail-transport-agent, d [amd64] <!nocheck>, a\n\n\
            Package: b\nStatus: install ok installed\nVersion: 2\nProvides: mail-transport-agent (= 1), x\n";
        assert_eq!(read("var/lib/dpkg/status", status).packages[0].depends_on, ["b"]);
        let own_file = b"Package: a\nVersion: 1\nDepends: libc6 (>= 2.36),\n tzdata\n";
        assert_eq!(
            read("var/lib/dpkg/status.d/a", own_file).packages[0].depends_on,
            ["libc6", "tzdata"]
        );
    }

    #[test]
    fn damage_is_a_problem_and_the_rest_is_listed() {
        for (bytes, expected) in [
            (&b"Package: a\nStatus: install ok installed\n\nPackage: b\nStatus: install ok installed\nVersion: 1"[..], &["b"][..]),
            (b"Status: install ok installed\nVersion: 1\n", &[]),
            (b"Package: a\nVersion: 1\n", &[]),
            (b"Package: a\nStatus: x\nVersion: 1\n", &["a"]),
            (b"Package: a\nStatus: install ok installed\nVersion: 1\nPackage: b\nStatus: install ok installed\nVersion: 1\n", &["a", "b"]),
            (b"SQLite format 3\0\x10\0\n\n", &[]),
        ] {
            let report = read("var/lib/dpkg/status", bytes);
            assert_eq!(names(&report), expected);
            assert!(!report.problems.is_empty(), "{}", String::from_utf8_lossy(bytes));
            assert!(report.database.is_some());
        }
    }
}
