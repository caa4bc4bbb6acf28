//! os-release(5): shell-like assignments, one a line, values bare or in single or double quotes.
//!
//! The file is read as data: no expansion, and what a shell would refuse is skipped. Where a name is assigned twice the
//! last value holds, as it would when the file is sourced.

use seaworthy_model::{Effect, Problem, limits};
use serde::{Deserialize, Serialize};

use super::ReleaseFact;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "os-release",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// The fields that matter here; empty where the file does not set them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OsRelease {
    /// `ID`.
    pub id: String,
    /// `ID_LIKE`, split at spaces.
    pub id_like: Vec<String>,
    /// `VERSION_ID`.
    pub version_id: String,
    /// `NAME`.
    pub name: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
    /// `CPE_NAME`.
    pub cpe_name: String,
}

/// The places in the order of preference: os-release(5), then the copies inside Bottlerocket's build roots.
pub(super) const PATHS: &[&str] = &[
    "etc/os-release",
    "usr/lib/os-release",
    "aarch64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release",
    "x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release",
];

fn wants(path: &str) -> bool {
    PATHS.contains(&path)
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let mut fields = OsRelease::default();
    let mut anything = false;
    for (name, value) in assignments(&text) {
        anything = true;
        if value.len() > limits::VALUE_BYTES {
            // The name is foreign too; the known ones are worth a word, and there are few of them.
            if let Some(known) = KNOWN.iter().find(|known| **known == name) {
                let what = format!("{known} is longer than {} bytes and was ignored", limits::VALUE_BYTES);
                report
                    .problems
                    .push(Problem::at_path(file.path, Effect::Uncertain, what));
                report.problems.truncate(limits::PROBLEMS);
            }
            continue;
        }
        match name {
            "ID" => fields.id = value,
            "ID_LIKE" => fields.id_like = value.split_whitespace().map(str::to_owned).collect(),
            "VERSION_ID" => fields.version_id = value,
            "NAME" => fields.name = value,
            "PRETTY_NAME" => fields.pretty_name = value,
            "CPE_NAME" => fields.cpe_name = value,
            _ => {}
        }
    }
    if !fields.id.is_empty() || !fields.name.is_empty() {
        report.release.push(ReleaseFact::OsRelease(Box::new(fields)));
    } else if anything || !text.trim().is_empty() {
        let what = "names no distribution (neither ID nor NAME)";
        report
            .problems
            .push(Problem::at_path(file.path, Effect::Uncertain, what));
    }
}

const KNOWN: &[&str] = &["ID", "ID_LIKE", "VERSION_ID", "NAME", "PRETTY_NAME", "CPE_NAME"];

/// The assignments of a shell-like file, unquoted; other lines are skipped.
pub(super) fn assignments(text: &str) -> impl Iterator<Item = (&str, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let (name, value) = line.split_once('=')?;
        let name = name.trim_end();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then(|| (name, unquote(value.trim_start())))
    })
}

/// The value of the right side: quoted and bare pieces up to the first unquoted space.
fn unquote(value: &str) -> String {
    let mut out = String::new();
    let mut characters = value.chars();
    let mut quote = None;
    // The cap is checked by the caller, which sees one byte more than allowed.
    while let Some(character) = characters.next() {
        if out.len() > limits::VALUE_BYTES {
            break;
        }
        match (quote, character) {
            (None, ' ' | '\t' | ';') => break,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if character == open => quote = None,
            (None, '\\') => out.extend(characters.next()),
            (Some('"'), '\\') => match characters.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => out.push(escaped),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            _ => out.push(character),
        }
    }
    // Unquoted values with spaces are against the specification and common by hand: `VERSION=3 (Core)` gives `3`.
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport, OsRelease, ReleaseFact, assignments, limits};

    fn read(bytes: &[u8]) -> FileReport {
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new("etc/os-release", bytes), &mut report);
        report
    }

    fn fields(bytes: &[u8]) -> OsRelease {
        match read(bytes).release.as_slice() {
            [ReleaseFact::OsRelease(fields)] => (**fields).clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn quoting() {
        for (line, expected) in [
            ("A=b", "b"),
            ("A=\"b c\"", "b c"),
            ("A='b \"c\"'", "b \"c\""),
            (r#"A="b \"c\" \$d \x""#, r#"b "c" $d \x"#),
            ("A=b c", "b"),
            ("A=\"b\"'c'd", "bcd"),
            ("A=\"b", "b"),
            ("A=", ""),
            ("A=\"\"", ""),
            ("  A=b\r", "b"),
            ("A = b", "b"),
            (r"A=b\ c", "b c"),
        ] {
            let read: Vec<_> = assignments(line).collect();
            assert_eq!(read, [("A", expected.to_owned())], "{line}");
        }
        for line in ["# A=b", "A", "=b", "A-B=c", ""] {
            assert_eq!(assignments(line).count(), 0, "{line}");
        }
    }

    #[test]
    fn byte_order_mark_and_foreign_bytes() {
        let read = fields(b"\xef\xbb\xbfID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"De\xffbian\"\nID_LIKE=\"a  b\"\n");
        assert_eq!((read.id.as_str(), read.version_id.as_str()), ("debian", "12"));
        assert_eq!(read.pretty_name, "De\u{fffd}bian");
        assert_eq!(read.id_like, ["a", "b"]);
    }

    #[test]
    fn the_last_assignment_holds() {
        assert_eq!(fields(b"ID=debian\nID=ubuntu\n").id, "ubuntu");
    }

    #[test]
    fn endless_values_and_lines() {
        let mut endless = b"ID=debian\nVERSION_ID=".to_vec();
        endless.resize(usize::try_from(limits::METADATA_BYTES).unwrap(), b'1');
        let report = read(&endless);
        assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
        assert!(
            report
                .problems
                .iter()
                .all(|problem| problem.what.starts_with("VERSION_ID is longer"))
        );
        assert_eq!(fields(&endless).version_id, "");

        let assignments = "A=b\n".repeat(4 << 20);
        assert_eq!(fields(format!("{assignments}ID=alpine").as_bytes()).id, "alpine");
        let quotes = vec![b'"'; 16 << 20];
        assert!(read(&quotes).release.is_empty());
    }

    #[test]
    fn nothing_and_nonsense() {
        assert_eq!(read(b""), FileReport::default());
        assert_eq!(read(b"\n \n"), FileReport::default());
        let report = read(b"\x7fELF\0\0\0");
        assert!(report.release.is_empty());
        assert_eq!(report.problems.len(), 1);
    }
}
