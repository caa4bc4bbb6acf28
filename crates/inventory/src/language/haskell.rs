//! Haskell packages that are registered with GHC: `package.conf.d/*.conf`, fields `name: value` (ghc-pkg, Cabal's
//! installed package description).

use seaworthy_model::{Ecosystem, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "haskell",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    let in_database = |(directory, _): (&str, &str)| matches!(directory, "package.conf.d" | "package.db");
    path.ends_with(".conf") && listing::directories(path).is_some_and(in_database)
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let field = |wanted: &str| {
        text.lines()
            .find_map(|line| line.split_once(':').filter(|(name, _)| *name == wanted))
            .map_or("", |(_, value)| value)
    };
    if let Some(package) = listing::add(report, Ecosystem::Hackage, field("name"), field("version"), file.path) {
        package.licenses = listing::license(field("license")).into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn registered_packages() {
        let path = "opt/ghc/lib/package.conf.d/aeson-2.0.conf";
        assert!((ANALYZER.wants)(path) && !(ANALYZER.wants)("etc/aeson.conf"));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(
            File::new(path, b"name:            aeson\nversion: 2.0.3.0\nid: x\n"),
            &mut report,
        );
        assert_eq!(
            (report.packages[0].name.as_str(), report.packages[0].version.as_str()),
            ("aeson", "2.0.3.0")
        );
    }
}
