//! R packages as `R CMD INSTALL` leaves them: `<library>/<package>/DESCRIPTION`, a Debian control stanza.
//!
//! Installed ones have a field `Built`, or lie in a directory that R looks for packages in.

use seaworthy_model::{Ecosystem, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "r",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.ends_with("/DESCRIPTION")
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let (mut name, mut version, mut license, mut built) = ("", "", "", false);
    for line in text.lines().take_while(|line| !line.is_empty()) {
        // Lines that begin with a blank continue the field above, and none of these is continued.
        let Some((field, value)) = line.split_once(':') else {
            continue;
        };
        match field {
            "Package" => name = value.trim(),
            "Version" => version = value.trim(),
            "License" => license = value.trim(),
            "Built" => built = true,
            _ => {}
        }
    }
    let library = listing::directories(file.path)
        .and_then(|(_, above)| above.rsplit('/').next())
        .is_some_and(|library| matches!(library, "library" | "site-library") || library.starts_with("x86_64-"));
    if !built && !library {
        return;
    }
    if let Some(package) = listing::add(report, Ecosystem::Cran, name, version, file.path) {
        package.licenses = listing::license(license).into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn installed_packages_only() {
        for (path, text, expected) in [
            ("usr/lib/R/library/a/DESCRIPTION", "Package: a\nVersion: 1\n", true),
            ("opt/r/a/DESCRIPTION", "Package: a\nVersion: 1\nBuilt: R 4\n", true),
            ("src/a/DESCRIPTION", "Package: a\nVersion: 1\n", false),
            ("usr/lib/R/library/a/DESCRIPTION", "a text\n", false),
        ] {
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            assert_eq!(report.packages.len(), usize::from(expected), "{path}");
        }
    }
}
