//! Adding what one metadata file names to its report: nothing without a name and a version, nothing endless.

use seaworthy_model::{Ecosystem, Effect, Package, Problem, limits};

use crate::analyzer::FileReport;

/// Adds a package whose name and version are known; `None` (and, where they are too long, a problem) otherwise.
pub(crate) fn add<'r>(
    report: &'r mut FileReport,
    ecosystem: Ecosystem,
    name: &str,
    version: &str,
    path: &str,
) -> Option<&'r mut Package> {
    let (name, version) = (name.trim(), version.trim());
    if name.is_empty() || version.is_empty() {
        return None;
    }
    if name.len() > limits::VALUE_BYTES || version.len() > limits::VALUE_BYTES {
        let what = format!(
            "a package's name or version is longer than {} bytes",
            limits::VALUE_BYTES
        );
        problem(report, path, Effect::Incomplete, what);
        return None;
    }
    if report.packages.len() >= limits::PACKAGES {
        let what = format!("more than {} packages, the rest is not listed", limits::PACKAGES);
        problem(report, path, Effect::Incomplete, what);
        return None;
    }
    report.packages.push(Package::new(ecosystem, name, version, path));
    report.packages.last_mut()
}

/// Says a problem with the file, up to the cap.
pub(crate) fn problem(report: &mut FileReport, path: &str, effect: Effect, what: impl Into<String>) {
    Problem::at_path(path, effect, what).add_to(&mut report.problems);
}

/// The value as a licence, where it is none of the ways to say nothing.
pub(crate) fn license(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= limits::VALUE_BYTES).then(|| text.to_owned())
}

/// The name of the directory that holds the file, and the path of the directory above that.
pub(crate) fn directories(path: &str) -> Option<(&str, &str)> {
    let (directory, _) = path.rsplit_once('/')?;
    Some(
        directory
            .rsplit_once('/')
            .map_or((directory, ""), |(above, name)| (name, above)),
    )
}

#[cfg(test)]
mod tests {
    use super::{add, directories};
    use crate::analyzer::FileReport;
    use seaworthy_model::Ecosystem;

    #[test]
    fn what_has_no_version_or_is_endless_is_not_listed() {
        let mut report = FileReport::default();
        assert!(add(&mut report, Ecosystem::Gem, "a", " ", "p").is_none());
        assert!(add(&mut report, Ecosystem::Gem, "", "1", "p").is_none());
        assert!(report.problems.is_empty());
        assert!(add(&mut report, Ecosystem::Gem, &"a".repeat(5000), "1", "p").is_none());
        assert_eq!(report.problems.len(), 1);
        assert!(add(&mut report, Ecosystem::Gem, " a ", "1\n", "p").is_some_and(|package| package.name == "a"));
    }

    #[test]
    fn directories_of_paths() {
        assert_eq!(directories("a/b/c"), Some(("b", "a")));
        assert_eq!(directories("b/c"), Some(("b", "")));
        assert_eq!(directories("c"), None);
    }
}
