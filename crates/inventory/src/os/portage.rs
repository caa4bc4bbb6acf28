//! Portage's database of installed packages (Gentoo): `var/db/pkg/<category>/<name>-<version>/CONTENTS`, one line a file
//! (PMS, vdb). Name and version are those of the directory.

use std::sync::LazyLock;

use regex::Regex;
use seaworthy_model::{Ecosystem, Effect, Package, limits};

use super::listing::{Listing, Unresolved};
use super::{shown, text};
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads Portage's database.
pub static ANALYZER: Analyzer = Analyzer {
    name: "portage",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

fn entry(path: &str) -> Option<(&str, &str)> {
    let (category, rest) = path.strip_prefix("var/db/pkg/")?.split_once('/')?;
    Some((
        category,
        rest.strip_suffix("/CONTENTS")
            .filter(|directory| !directory.contains('/'))?,
    ))
}

fn wants(path: &str) -> bool {
    entry(path).is_some()
}

/// PMS 3.1.2 and 3.2: a version begins after the last hyphen before which it is whole.
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(.+?)-([0-9]+(?:\.[0-9]+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)[0-9]*)*(?:-r[0-9]+)?)$").ok()
});

fn analyze(file: File<'_>, report: &mut FileReport) {
    let Some((category, directory)) = entry(file.path) else {
        return;
    };
    let mut list = Listing::new(file.path, Ecosystem::Ebuild, report);
    let parts = VERSION.as_ref().and_then(|pattern| pattern.captures(directory));
    let part = |index: usize| {
        parts
            .as_ref()
            .and_then(|parts| parts.get(index))
            .map_or("", |part| part.as_str())
    };
    if part(2).is_empty() {
        let what = format!(
            "the entry {} has no version, the package is not listed",
            shown(directory)
        );
        list.problem(Effect::Incomplete, what);
        return;
    }
    let name = format!("{category}/{}", part(1));
    list.add(Package::new(Ecosystem::Ebuild, name.as_str(), part(2), file.path));
    for line in text(file.bytes).lines() {
        // `obj <path> <md5> <mtime>`: paths may have blanks, the two words after them have none.
        if let Some(path) = line.strip_prefix("obj ").and_then(|rest| rest.rsplitn(3, ' ').nth(2)) {
            list.owns(&name, path);
        }
    }
    list.finish(Unresolved::Drop);
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn directories_are_names_and_versions() {
        for (directory, expected) in [
            ("skopeo-1.5.1", Some(("skopeo", "1.5.1"))),
            ("gtk+-3.24.41-r1", Some(("gtk+", "3.24.41-r1"))),
            ("libfoo-2-1.0_rc1_p3", Some(("libfoo-2", "1.0_rc1_p3"))),
            ("a-1a", Some(("a", "1a"))),
            ("none", None),
        ] {
            let path = format!("var/db/pkg/app-misc/{directory}/CONTENTS");
            assert!((ANALYZER.wants)(&path));
            let mut report = FileReport::default();
            let contents = "dir /usr\nobj /usr/lib/x y/six-1.egg-info d41d 16\n";
            (ANALYZER.analyze)(File::new(&path, contents.as_bytes()), &mut report);
            let found = report
                .packages
                .first()
                .map(|one| (one.name.clone(), one.version.clone()));
            let expected = expected.map(|(name, version)| (format!("app-misc/{name}"), version.to_owned()));
            assert_eq!(found, expected, "{directory}");
            assert_eq!(report.owned.len(), usize::from(expected.is_some()));
        }
    }
}
