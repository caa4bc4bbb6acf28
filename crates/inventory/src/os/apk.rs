//! Alpine's database of installed packages, `lib/apk/db/installed`: one record a package, one `X:value` line a field,
//! an empty line after each record (apk-package(5), apk-db format of apk-tools 2 and 3).
//!
//! Advisories are keyed by the origin (`o:`), which has the same version as the packages built from it.

use seaworthy_model::{Ecosystem, Effect, Package, limits};

use super::listing::{Listing, Unresolved};
use super::stanza::split_line;
use super::{shown, text};
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads apk's database.
pub static ANALYZER: Analyzer = Analyzer {
    name: "apk",
    version: 2,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

/// The second is where distributions that merged `/lib` into `/usr/lib` have it.
const PATHS: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

fn wants(path: &str) -> bool {
    PATHS.contains(&path)
}

/// The fields of one record that are kept.
#[derive(Default)]
struct Record<'a> {
    line: usize,
    name: &'a [u8],
    version: &'a [u8],
    arch: &'a [u8],
    origin: &'a [u8],
    license: &'a [u8],
    maintainer: &'a [u8],
    depends: &'a [u8],
    provides: &'a [u8],
    checksum: &'a [u8],
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let mut listing = Listing::new(file.path, Ecosystem::Apk, report);
    let mut record = Record::default();
    let mut directory: &[u8] = &[];
    let mut path = String::new();
    let mut broken_line = None;
    let mut rest = file.bytes;
    let mut number = 0usize;
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        number += 1;
        if line.is_empty() {
            directory = &[];
            if !add(&mut listing, std::mem::take(&mut record)) {
                break;
            }
            continue;
        }
        if record.line == 0 {
            record.line = number;
        }
        let (Some((field, value)), true) = (line.split_first(), line.get(1) == Some(&b':')) else {
            broken_line.get_or_insert(number);
            continue;
        };
        let value = value.get(1..).unwrap_or_default();
        match field {
            // A second name inside a record: the empty line between two records is missing.
            b'P' if !record.name.is_empty() => {
                broken_line.get_or_insert(number);
                directory = &[];
                if !add(&mut listing, std::mem::take(&mut record)) {
                    break;
                }
                record.line = number;
                record.name = value;
            }
            b'P' => record.name = value,
            b'V' => record.version = value,
            b'A' => record.arch = value,
            b'o' => record.origin = value,
            b'L' => record.license = value,
            b'm' => record.maintainer = value,
            b'D' => record.depends = value,
            b'p' => record.provides = value,
            b'C' => record.checksum = value,
            b'F' => directory = value,
            b'R' if directory.len() + value.len() < limits::PATH_BYTES => {
                path.clear();
                path.push_str(&String::from_utf8_lossy(directory));
                path.push('/');
                path.push_str(&String::from_utf8_lossy(value));
                listing.owns(&String::from_utf8_lossy(record.name.trim_ascii()), &path);
            }
            _ => {}
        }
    }
    add(&mut listing, record);
    if let Some(line) = broken_line {
        let what = format!("line {line} is no line of an apk database, which may be damaged");
        listing.problem(Effect::Incomplete, what);
    }
    listing.finish(Unresolved::Drop);
}

/// Adds the package of a record; `false` when nothing more is to be read.
fn add(listing: &mut Listing<'_>, record: Record<'_>) -> bool {
    if record.line == 0 {
        return true;
    }
    let (name, version) = (text(record.name.trim_ascii()), text(record.version.trim_ascii()));
    if name.is_empty() || version.is_empty() {
        let what = if name.is_empty() {
            format!(
                "the record at line {} has no package name and was not listed",
                record.line
            )
        } else {
            format!(
                "package {} at line {} has no version and was not listed",
                shown(&name),
                record.line
            )
        };
        listing.problem(Effect::Incomplete, what);
        return true;
    }
    let mut package = Package::new(Ecosystem::Apk, name, version, listing.path());
    package.arch = text(record.arch.trim_ascii());
    let origin = record.origin.trim_ascii();
    if !origin.is_empty() {
        package.source_name = text(origin);
    }
    let license = record.license.trim_ascii();
    if !license.is_empty() {
        package.licenses = vec![text(license)];
    }
    package.maintainer = text(record.maintainer.trim_ascii());
    package.digest = digest(record.checksum.trim_ascii()).unwrap_or_default();
    if !listing.add(package) {
        return false;
    }
    for capability in capabilities(record.provides) {
        listing.provides(&text(capability));
    }
    for capability in capabilities(record.depends) {
        listing.needs(&text(capability));
    }
    true
}

/// `Q1` and the SHA-1 of the package's control part in base64, as `sha1:` and hexadecimal digits.
fn digest(checksum: &[u8]) -> Option<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encoded = checksum.strip_prefix(b"Q1")?.strip_suffix(b"=")?;
    if encoded.len() != 27 {
        return None;
    }
    let mut digest = String::from("sha1:");
    let (mut bits, mut held) = (0u32, 0);
    for byte in encoded {
        let value = ALPHABET.iter().position(|letter| letter == byte)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        held += 6;
        while held >= 4 {
            held -= 4;
            digest.push(char::from_digit((bits >> held) & 15, 16)?);
        }
    }
    // 27 letters are 162 bits: 160 of the checksum, and two of nothing.
    (held == 2 && digest.len() == 45).then_some(digest)
}

/// The names in a list of dependencies or provided capabilities: without versions, and without conflicts (`!name`).
fn capabilities(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(u8::is_ascii_whitespace)
        .filter(|item| !item.starts_with(b"!"))
        .filter_map(|item| {
            item.split(|byte| matches!(byte, b'=' | b'<' | b'>' | b'~' | b'@'))
                .next()
        })
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::ANALYZER;
    use crate::analyzer::{File, FileReport};

    fn read(bytes: &[u8]) -> FileReport {
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new("lib/apk/db/installed", bytes), &mut report);
        report
    }

    #[test]
    fn dependencies_are_the_packages_that_provide_them() {
        let report = read(
            b"P:musl\nV:1.2.5-r0\no:musl\np:so:libc.musl-x86_64.so.1=1\n\n\
              P:zlib\nV:1.3-r0\nD:so:libc.musl-x86_64.so.1 musl>=1.2 /bin/sh !uclibc zlib\n",
        );
        assert_eq!(report.packages[1].depends_on, ["musl"]);
        assert_eq!(report.packages[0].depends_on, [""; 0]);
        assert_eq!(report.problems, []);
    }

    #[test]
    fn checksums_are_read_as_hexadecimal_digits() {
        let digest = |line: &str| {
            read(format!("C:{line}\nP:a\nV:1\n").as_bytes()).packages[0]
                .digest
                .clone()
        };
        assert_eq!(
            digest("Q1bTtF5526tETKfL+lnigzIDvm+2o="),
            "sha1:6d3b45e79dbab444ca7cbfa59e28332 03be6fb6a".replace(' ', "")
        );
        for bad in [
            "",
            "Q1",
            "Q1=",
            "Q1!TtF5526tETKfL+lnigzIDvm+2o=",
            "Q2bTtF5526tETKfL+lnigzIDvm+2o=",
        ] {
            assert_eq!(digest(bad), "", "{bad}");
        }
    }

    #[test]
    fn owned_language_files_are_kept() {
        let report = read(
            b"P:npm\r\nV:1-r0\r\nF:usr/lib/node_modules/npm\r\nR:package.json\r\nZ:Q1\r\nR:README.md\r\nF:etc\r\nR:npmrc\r\n\r\n",
        );
        let owned: Vec<_> = report
            .owned
            .iter()
            .map(|owned| (owned.path.as_str(), owned.package.as_str()))
            .collect();
        assert_eq!(owned, [("usr/lib/node_modules/npm/package.json", "npm")]);
    }

    #[test]
    fn damage_is_a_problem_and_the_rest_is_listed() {
        for (bytes, names) in [
            (&b"P:a\nV:1\nP:b\nV:2\n"[..], &["a", "b"][..]),
            (b"P:a\nV:1\n\nV:2\n\nP:c\nV:3\n", &["a", "c"]),
            (b"P:a\n\nP:b\nV:2\n", &["b"]),
            (b"\x1f\x8b\x08\x00rubbish", &[]),
            (b"P:a\nV:1\n\xff\xff\xff\n\nP:b\nV:2", &["a", "b"]),
        ] {
            let report = read(bytes);
            let listed: Vec<_> = report.packages.iter().map(|package| package.name.as_str()).collect();
            assert_eq!(listed, names, "{bytes:?}");
            assert!(!report.problems.is_empty(), "{bytes:?}");
        }
        assert_eq!(read(b"").problems, []);
    }
}
