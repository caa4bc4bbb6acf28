//! OCaml packages of an opam switch: `.opam-switch/packages/<name>.<version>/opam`. The directory says what is installed;
//! the file is the recipe.

use seaworthy_model::{Ecosystem, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "opam",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.ends_with("/opam") && installed(path).is_some()
}

fn installed(path: &str) -> Option<(&str, &str)> {
    let (directory, above) = listing::directories(path)?;
    let of_switch = above.strip_suffix("/packages")?;
    if of_switch != ".opam-switch" && !of_switch.ends_with("/.opam-switch") {
        return None;
    }
    directory.split_once('.')
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let Some((name, version)) = installed(file.path) else {
        return;
    };
    let text = String::from_utf8_lossy(file.bytes);
    let license = text.lines().find_map(|line| line.strip_prefix("license:"));
    if let Some(package) = listing::add(report, Ecosystem::Opam, name, version, file.path) {
        package.licenses = license
            .and_then(|license| listing::license(license.trim().trim_matches('"')))
            .into_iter()
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn switches_only() {
        let path = "root/.opam/default/.opam-switch/packages/conf-gmp.4.1/opam";
        assert!((ANALYZER.wants)(path));
        assert!(!(ANALYZER.wants)("root/.opam/repo/default/packages/a/a.1/opam"));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, b"license: \"GPL-1.0-or-later\"\n"), &mut report);
        assert_eq!(
            (report.packages[0].name.as_str(), report.packages[0].version.as_str()),
            ("conf-gmp", "4.1")
        );
        assert_eq!(report.packages[0].licenses, ["GPL-1.0-or-later"]);
    }
}
