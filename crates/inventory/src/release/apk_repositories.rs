//! `etc/apk/repositories`: the branch that apk installs from decides which advisories hold.
//!
//! apk-repositories(5): one repository a line, an optional `@tag` before it. Tagged repositories serve only packages
//! that are asked for with the tag. An `edge/testing` beside the `v3.20/main` of a stable release does not make the
//! system an edge one, so that the repository named `main` decides where there is one.

use seaworthy_model::limits;

use super::ReleaseFact;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "apk-repositories",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path == "etc/apk/repositories"
        || [
            "etc/apk/repositories.d/",
            "lib/apk/repositories.d/",
            "usr/lib/apk/repositories.d/",
        ]
        .iter()
        .filter_map(|directory| path.strip_prefix(directory))
        .any(|name| name.ends_with(".list") && !name.contains('/'))
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let (mut main, mut other) = (None, None);
    for line in text.lines() {
        if let Some((branch, repository)) = repository(line) {
            let best = if repository == "main" { &mut main } else { &mut other };
            if best.is_none_or(|best| branch > best) {
                *best = Some(branch);
            }
        }
    }
    report.release.extend(
        main.or(other)
            .map(|branch| ReleaseFact::ApkRepository(branch.to_string())),
    );
}

/// A branch of Alpine; edge is newer than every release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Branch {
    Release(u32, u32),
    Edge,
}

impl Branch {
    /// Reads `v3.20`, `3.20` or `edge`; `latest-stable` names no branch.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "edge" {
            return Some(Self::Edge);
        }
        let (major, minor) = text.strip_prefix('v').unwrap_or(text).split_once('.')?;
        let number = |digits: &str| {
            digits
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| digits.parse().ok())?
        };
        Some(Self::Release(number(major)?, number(minor)?))
    }
}

impl std::fmt::Display for Branch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Release(major, minor) => write!(formatter, "{major}.{minor}"),
            Self::Edge => formatter.write_str("edge"),
        }
    }
}

/// The branch and the name of the repository on one line; `None` for comments, tagged and branchless ones.
fn repository(line: &str) -> Option<(Branch, &str)> {
    let line = line.trim();
    if line.starts_with(['#', '@']) {
        return None;
    }
    let url = line.split_whitespace().find(|word| word.contains("://"))?;
    let mut segments = url.split('/').skip(3).filter(|segment| !segment.is_empty()).peekable();
    let mut found = None;
    // A mirror may keep Alpine below any path: the last branch-like segment with a repository after it counts.
    while let Some(segment) = segments.next() {
        if let (Some(branch), Some(name)) = (Branch::parse(segment), segments.peek()) {
            found = Some((branch, *name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport, ReleaseFact};

    #[test]
    fn branches() {
        for (text, expected) in [
            (
                "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\nhttps://x/alpine/v3.20/community\n",
                Some("3.20"),
            ),
            ("http://x/alpine/edge/main\n", Some("edge")),
            ("http://x/alpine/v3.9/main\nhttp://x/alpine/v3.10/main", Some("3.10")),
            ("http://x/alpine/v3.9/main\nhttp://x/alpine/edge/testing", Some("3.9")),
            (
                "http://x/alpine/v3.9/main\n@edge http://x/alpine/edge/main",
                Some("3.9"),
            ),
            ("#http://x/alpine/edge/main\n/media/cdrom/apks\n", None),
            ("http://x/alpine/latest-stable/main", None),
            ("https://x/artifactory/v1.0/alpine/v3.19/main/", Some("3.19")),
            ("https://packages.wolfi.dev/os\n", None),
            ("http://x/alpine/edge/testing", Some("edge")),
            ("\u{feff}", None),
            ("http://x/alpine/v99999999999.1/main", None),
        ] {
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new("etc/apk/repositories", text.as_bytes()), &mut report);
            let found: Vec<_> = report.release.into_iter().collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|branch| ReleaseFact::ApkRepository((*branch).to_owned()))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn paths() {
        for (path, expected) in [
            ("etc/apk/repositories", true),
            ("etc/apk/repositories.d/alpine.list", true),
            ("etc/apk/repositories.d/a/b.list", false),
            ("etc/apk/repositories.d/alpine.list.bak", false),
            ("root/etc/apk/repositories", false),
        ] {
            assert_eq!((ANALYZER.wants)(path), expected, "{path}");
        }
    }
}
