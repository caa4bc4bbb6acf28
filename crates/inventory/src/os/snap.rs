//! Snaps that are unpacked in the image: `snap/<name>/<revision>/meta/snap.yaml`, top-level `name` and `version`.

use seaworthy_model::{Ecosystem, Effect, Package, limits};

use super::listing::problem;
use super::text;
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads the description of a snap.
pub static ANALYZER: Analyzer = Analyzer {
    name: "snap",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.strip_suffix("/meta/snap.yaml")
        .and_then(|directory| {
            directory
                .strip_prefix("snap/")
                .or_else(|| directory.strip_prefix("var/lib/snapd/snap/"))
        })
        .is_some_and(|directory| directory.split('/').count() == 2)
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let content = text(file.bytes);
    let field = |wanted: &str| {
        content
            .lines()
            .find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'))
            .map_or("", |value| {
                let value = value.split(" #").next().unwrap_or(value).trim();
                value.trim_matches(['"', '\''])
            })
    };
    let (name, version) = (field("name"), field("version"));
    if name.is_empty() || version.is_empty() || name.len().max(version.len()) > limits::VALUE_BYTES {
        let what = "the snap has no name or no version, it is not listed";
        problem(report, file.path, Effect::Incomplete, what);
        return;
    }
    report
        .packages
        .push(Package::new(Ecosystem::Snap, name, version, file.path));
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn names_and_versions() {
        let path = "snap/core/current/meta/snap.yaml";
        assert!((ANALYZER.wants)(path) && !(ANALYZER.wants)("app/snap/x/meta/snap.yaml"));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(
            File::new(path, b"name: core\nversion: '16-2' # x\napps:\n  name: y\n"),
            &mut report,
        );
        assert_eq!(
            (report.packages[0].name.as_str(), report.packages[0].version.as_str()),
            ("core", "16-2")
        );
        (ANALYZER.analyze)(File::new(path, b"\tname: x"), &mut report);
        assert_eq!(report.problems.len(), 1);
    }
}
