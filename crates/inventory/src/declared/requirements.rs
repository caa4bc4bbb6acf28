//! pip's requirements files: what is pinned with `==` or `===`.
//!
//! `-r` is followed inside the tree, and a constraint (`-c`) that pins gives its version to a requirement without one.
//! Which environment markers hold is not known: each pin counts. A range is listed only where the tree says that its lowest
//! version stands for it. <https://pip.pypa.io/en/stable/reference/requirements-file-format/>

use super::listing::{Listing, Usage};
use super::source_tree::{directory_of, join};
use super::{Declared, Source, document, name_of};
use seaworthy_model::{Ecosystem, Effect, limits};
use std::collections::{HashMap, HashSet};

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "pip",
    ecosystem: Ecosystem::PyPi,
    wants,
    read,
};

fn wants(path: &str) -> bool {
    let Some(stem) = name_of(path).strip_suffix(".txt") else {
        return false;
    };
    let directory = directory_of(path).trim_end_matches('/');
    stem.contains("requirements") || name_of(directory) == "requirements"
}

/// Words in the name of a file whose requirements are for development.
const DEVELOPMENT: &[&str] = &[
    "dev",
    "develop",
    "development",
    "test",
    "tests",
    "testing",
    "lint",
    "docs",
    "doc",
    "ci",
];

fn is_for_development(path: &str) -> bool {
    let stem = name_of(path).trim_end_matches(".txt");
    stem.split(['-', '_', '.'])
        .any(|word| DEVELOPMENT.contains(&word.to_ascii_lowercase().as_str()))
}

/// What a requirement says about the version.
struct Version {
    pin: Option<String>,
    lowest: Option<String>,
}

/// What a requirements file and those that it includes say.
#[derive(Default)]
struct Requirements {
    /// Name as written, and what it says about the version.
    requirements: Vec<(String, Version)>,
    constraints: HashMap<String, String>,
    seen: HashSet<String>,
    missing: Vec<String>,
}

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let mut all = Requirements::default();
    all.seen.insert(source.path.to_owned());
    let mut open = Vec::new();
    all.file(source.path, source.bytes, false, &mut open);
    while let Some((path, constraint)) = open.pop() {
        if all.seen.len() >= limits::MANIFEST_CHAIN {
            listing.problem(
                Effect::Incomplete,
                "it includes too many files; the rest of them was not read",
            );
            break;
        }
        // What is listed for itself is not listed here again.
        if !all.seen.insert(path.clone()) || (!constraint && wants(&path) && source.files.has(&path)) {
            continue;
        }
        match source.files.content(&path) {
            Ok(bytes) => all.file(&path, &bytes, constraint, &mut open),
            Err(_) => all.missing.push(path),
        }
    }
    let dev = is_for_development(source.path);
    let mut guessed = 0;
    for (name, version) in &all.requirements {
        let pinned = version.pin.as_ref().or_else(|| all.constraints.get(&normalized(name)));
        let lowest = || version.lowest.as_ref().filter(|_| source.files.lowest_versions());
        guessed += usize::from(pinned.is_none() && lowest().is_some());
        let version = pinned.or_else(lowest);
        listing.add(name, version.map_or("", String::as_str), Usage::dev(dev));
    }
    if guessed > 0 {
        let what =
            format!("{guessed} of its requirements are ranges: each is taken for the lowest version that it allows");
        listing.problem(Effect::Uncertain, what);
    }
    for path in all.missing {
        listing.problem(Effect::Uncertain, format!("it includes {path:?}, which cannot be read"));
    }
}

impl Requirements {
    fn file(&mut self, path: &str, bytes: &[u8], constraint: bool, open: &mut Vec<(String, bool)>) {
        for line in logical_lines(&document::text(bytes)) {
            if let Some((option, file)) = inclusion(&line) {
                match join(directory_of(path), file) {
                    Some(target) if !file.contains("://") => open.push((target, constraint || option)),
                    _ => self.missing.push(file.to_owned()),
                }
            } else if !line.starts_with('-')
                && let Some((name, clauses)) = clauses(&line)
            {
                let pin = clauses.split(',').find_map(pin).map(str::to_owned);
                match (constraint, pin) {
                    (false, pin) => {
                        let lowest = lowest(clauses);
                        self.requirements.push((name.to_owned(), Version { pin, lowest }));
                    }
                    (true, Some(version)) => {
                        self.constraints.insert(normalized(name), version);
                    }
                    (true, None) => {}
                }
            }
        }
    }
}

/// PEP 503.
pub(super) fn normalized(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// Lines with their continuations, without comments.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut whole = String::new();
    for line in text.lines() {
        let line = without_comment(line);
        match line.trim_end().strip_suffix('\\') {
            Some(part) => {
                whole.push_str(part);
                whole.push(' ');
            }
            None => {
                whole.push_str(line);
                let line = std::mem::take(&mut whole);
                let line = line.trim();
                if !line.is_empty() {
                    lines.push(line.to_owned());
                }
            }
        }
    }
    let rest = whole.trim();
    if !rest.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or_default();
        }
        before = character;
    }
    line
}

/// The file of `-r FILE` (false) or `-c FILE` (true), in any spelling.
fn inclusion(line: &str) -> Option<(bool, &str)> {
    let spellings = [
        ("--requirement", false),
        ("--constraint", true),
        ("-r", false),
        ("-c", true),
    ];
    spellings.into_iter().find_map(|(option, constraint)| {
        let rest = line.strip_prefix(option)?;
        let file = rest.trim_start_matches([' ', '\t', '=']).trim();
        // `-rbase.txt` is one too, `--requirements` is none.
        (!file.is_empty() && (rest.starts_with([' ', '\t', '=']) || option.len() == 2)).then_some((constraint, file))
    })
}

/// The name of a requirement, and its version where it is pinned.
pub(super) fn requirement(line: &str) -> Option<(&str, Option<&str>)> {
    let (name, clauses) = clauses(line)?;
    Some((name, clauses.split(',').find_map(pin)))
}

/// The name of a requirement, and what it asks of the version: `>=1.0,<2`.
fn clauses(line: &str) -> Option<(&str, &str)> {
    let line = without_options(line).trim();
    let line = line.split_once(';').map_or(line, |(requirement, _)| requirement);
    let is_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    let end = line.find(|character| !is_name(character)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    // Paths and addresses begin like names, but go on otherwise.
    if name.is_empty() || name.starts_with('.') || rest.starts_with(['/', ':', '\\']) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1.trim_start(),
        None => rest,
    };
    if rest.starts_with('@') {
        return Some((name, ""));
    }
    Some((name, rest.trim().trim_start_matches('(').trim_end_matches(')')))
}

/// The lowest version that the clauses allow: `1.0` of `>=1.0` and `~=1.0`, else `1.0` of `==1.*`. Of several the first.
/// <https://packaging.python.org/en/latest/specifications/version-specifiers/>
fn lowest(clauses: &str) -> Option<String> {
    let is_version = |version: &&str| !version.is_empty() && !version.contains(['*', '$', '=', '<', '>']);
    let bound = |clause: &str| {
        let version = clause.strip_prefix(">=").or_else(|| clause.strip_prefix("~="))?;
        Some(version.trim()).filter(is_version).map(str::to_owned)
    };
    let prefix = |clause: &str| {
        let version = clause.strip_prefix("==")?.trim().strip_suffix(".*")?;
        Some(version).filter(is_version).map(|version| format!("{version}.0"))
    };
    let each = || clauses.split(',').map(str::trim);
    each().find_map(bound).or_else(|| each().find_map(prefix))
}

/// The version of `==1.0` or `===1.0`; no pattern and no variable is one.
pub(super) fn pin(clause: &str) -> Option<&str> {
    let clause = clause.trim();
    let version = clause.strip_prefix("===").or_else(|| clause.strip_prefix("=="))?.trim();
    // A comment that touches the version is none to pip, which then refuses the file; what is meant is plain.
    let version = version.split('#').next().unwrap_or_default();
    (!version.is_empty() && !version.contains(['*', '$', '='])).then_some(version)
}

/// A requirement without its options (`--hash=…`, `-C …`), which begin behind a blank.
fn without_options(line: &str) -> &str {
    let mut before = 'x';
    for (at, character) in line.char_indices() {
        if character == '-' && before.is_whitespace() {
            return line.get(..at).unwrap_or_default();
        }
        before = character;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{is_for_development, lowest, requirement, wants};

    #[test]
    fn requirements() {
        for (line, expected) in [
            ("a==1.0", Some(("a", Some("1.0")))),
            ("a == 1.0 ; python_version < '3'", Some(("a", Some("1.0")))),
            ("a[x, y]===1.0 --hash=sha256:0", Some(("a", Some("1.0")))),
            ("a (==1.0)", Some(("a", Some("1.0")))),
            ("a>=1,==1.5", Some(("a", Some("1.5")))),
            (
                "a.b-c_d==1!2.0.post1+local",
                Some(("a.b-c_d", Some("1!2.0.post1+local"))),
            ),
            ("a>=1.0", Some(("a", None))),
            ("a~=1.0", Some(("a", None))),
            ("a==1.*", Some(("a", None))),
            ("a==${V}", Some(("a", None))),
            ("a", Some(("a", None))),
            ("a @ https://example.org/a-1.0.zip", Some(("a", None))),
            ("./a-1.0.whl", None),
            ("dist/a-1.0.whl", None),
            ("https://example.org/a.zip", None),
            (">=1.0.0", None),
            ("a[x==1", None),
        ] {
            assert_eq!(requirement(line), expected, "{line}");
        }
    }

    #[test]
    fn lowest_versions_of_ranges() {
        for (clauses, expected) in [
            (">= 4.1.1", Some("4.1.1")),
            ("~= 1.1", Some("1.1")),
            ("==2.0.*", Some("2.0.0")),
            ("==1.*, >=1.2", Some("1.2")),
            ("!=0.18.3,!=0.20.1,>=0.18.2", Some("0.18.2")),
            ("<2,>=1!1.0rc1", Some("1!1.0rc1")),
            ("==5.*.*", None),
            ("==4.*.1", None),
            (">=${V}", None),
            (">1.0", None),
            ("<=1.2.3", None),
            ("!=3.5", None),
            ("", None),
        ] {
            assert_eq!(lowest(clauses).as_deref(), expected, "{clauses}");
        }
    }

    #[test]
    fn files_and_what_they_are_for() {
        for (path, wanted, development) in [
            ("requirements.txt", true, false),
            ("a/requirements-dev.txt", true, true),
            ("test_requirements.txt", true, true),
            ("requirements/base.txt", true, false),
            ("requirements/lint.txt", true, true),
            ("requirements.in", false, false),
            ("latest.txt", false, false),
        ] {
            assert_eq!((wants(path), is_for_development(path)), (wanted, development), "{path}");
        }
    }
}
