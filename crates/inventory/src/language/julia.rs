//! Julia packages in a depot: `packages/<Name>/<slug>/Project.toml` with name and version.

use seaworthy_model::{Ecosystem, Effect, limits};
use serde::Deserialize;

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "julia-depot",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// Letters of a slug: five of a base-62 number (`Base.version_slug`), four in old depots.
const SLUG: std::ops::RangeInclusive<usize> = 4..=5;

fn wants(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    matches!(parts.next(), Some("Project.toml" | "JuliaProject.toml"))
        && parts
            .next()
            .is_some_and(|slug| SLUG.contains(&slug.len()) && slug.bytes().all(|one| one.is_ascii_alphanumeric()))
        && parts.next().is_some()
        && parts.next() == Some("packages")
}

#[derive(Deserialize)]
struct Project {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    match toml::from_str::<Project>(&String::from_utf8_lossy(file.bytes)) {
        Ok(project) => {
            listing::add(report, Ecosystem::Julia, &project.name, &project.version, file.path);
        }
        Err(error) => {
            let what = format!(
                "the package's project could not be read, it is not listed: {}",
                error.message()
            );
            listing::problem(report, file.path, Effect::Incomplete, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn depots_only() {
        let path = "root/.julia/packages/JSON/93Ea8/Project.toml";
        assert!((ANALYZER.wants)(path));
        assert!(!(ANALYZER.wants)("app/Project.toml"));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(
            File::new(path, b"name = \"JSON\"\nversion = \"0.21.4\"\n[deps]\n"),
            &mut report,
        );
        assert_eq!(report.packages[0].version, "0.21.4");
        (ANALYZER.analyze)(File::new(path, b"name = ["), &mut report);
        assert_eq!(report.problems.len(), 1);
    }
}
