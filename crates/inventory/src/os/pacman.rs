//! pacman's database of installed packages (Arch Linux): `var/lib/pacman/local/<name>-<version>-<release>/desc` with
//! sections of `%FIELD%` and lines, and `files` beside it (alpm database format).

use std::collections::HashMap;

use seaworthy_model::{Ecosystem, Effect, Package, limits};

use super::listing::{self, Listing, Unresolved};
use super::{shown, text};
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads pacman's database.
pub static ANALYZER: Analyzer = Analyzer {
    name: "pacman",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

const DATABASE: &str = "var/lib/pacman/local/";

fn wants(path: &str) -> bool {
    entry(path).is_some()
}

/// The directory of a package in the database, and the file in it.
fn entry(path: &str) -> Option<(&str, &str)> {
    let (directory, file) = path.strip_prefix(DATABASE)?.split_once('/')?;
    matches!(file, "desc" | "files").then_some((directory, file))
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let Some((directory, name)) = entry(file.path) else {
        return;
    };
    let content = text(file.bytes);
    let mut sections: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut section = None;
    for line in content.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match line.strip_prefix('%').and_then(|line| line.strip_suffix('%')) {
            Some(name) if !name.contains(['%', ' ']) => section = Some(name),
            _ => {
                if let Some(section) = section {
                    sections.entry(section).or_default().push(line);
                }
            }
        }
    }
    if name == "files" {
        let owner = directory.rsplitn(3, '-').nth(2).unwrap_or(directory);
        let mut left = limits::OWNED_FILES;
        for path in sections.get("FILES").into_iter().flatten() {
            listing::own(report, Ecosystem::Alpm, owner, path, file.path, &mut left);
        }
        return;
    }
    let first = |section: &str| {
        sections
            .get(section)
            .and_then(|lines| lines.first())
            .copied()
            .unwrap_or("")
    };
    let mut list = Listing::new(file.path, Ecosystem::Alpm, report);
    let (name, version) = (first("NAME"), first("VERSION"));
    if name.is_empty() || version.is_empty() || name.len().max(version.len()) > limits::VALUE_BYTES {
        let what = format!(
            "the entry {} has no name or no version, the package is not listed",
            shown(directory)
        );
        list.problem(Effect::Incomplete, what);
        return;
    }
    let mut package = Package::new(Ecosystem::Alpm, name, version, file.path);
    first("ARCH").clone_into(&mut package.arch);
    first("PACKAGER").clone_into(&mut package.maintainer);
    if !first("BASE").is_empty() {
        first("BASE").clone_into(&mut package.source_name);
    }
    package.licenses = sections
        .get("LICENSE")
        .into_iter()
        .flatten()
        .take(limits::LIST_ENTRIES)
        .map(|license| (*license).to_owned())
        .collect();
    if list.add(package) {
        for dependency in sections.get("DEPENDS").into_iter().flatten() {
            let end = dependency.find(['<', '>', '=']).unwrap_or(dependency.len());
            list.needs(dependency.get(..end).unwrap_or(dependency));
        }
    }
    list.finish(Unresolved::Keep);
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    fn read(path: &str, text: &str) -> FileReport {
        assert!((ANALYZER.wants)(path));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
        report
    }

    #[test]
    fn entries_and_their_files() {
        let text = "%NAME%\nlibx\n\n%VERSION%\n1:2.0-3\n\n%BASE%\nx\n\n%DEPENDS%\nglibc>=2.3\n";
        let report = read("var/lib/pacman/local/libx-1:2.0-3/desc", text);
        let [package] = report.packages.as_slice() else {
            panic!("{report:?}")
        };
        assert_eq!(
            (package.version.as_str(), package.source_name.as_str()),
            ("1:2.0-3", "x")
        );
        assert_eq!(package.depends_on, ["glibc"]);
        let path = "usr/lib/python3/site-packages/six-1.egg-info";
        let report = read(
            "var/lib/pacman/local/python-six-1-2/files",
            &format!("%FILES%\nusr/\n{path}\n"),
        );
        assert_eq!(
            (report.owned[0].path.as_str(), report.owned[0].package.as_str()),
            (path, "python-six")
        );
    }

    #[test]
    fn an_entry_without_a_version_is_a_problem() {
        for text in ["", "%NAME%\na\n%VERSION%\n", "%VERSION%\n1\n"] {
            let report = read("var/lib/pacman/local/a-1-1/desc", text);
            assert_eq!((report.packages.len(), report.problems.len()), (0, 1), "{text:?}");
        }
    }
}
