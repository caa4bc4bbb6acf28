//! Bills of materials inside an image: what they list is there, and the bill is named as the source.
//!
//! Only packages of languages are taken from them: a distribution's own database says better what is installed, and a
//! bill that a base image or a vendor left behind may be of something else. Bitnami's have an analyzer of their own.

use super::read;
use crate::analyzer::{Analyzer, File, FileReport};
use seaworthy_model::{Ecosystem, Effect, PackageClass, Problem, limits};

/// Reads bills of materials.
pub static ANALYZER: Analyzer = Analyzer {
    name: "sbom",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// The names that tools give to bills.
const SUFFIXES: [&str; 6] = [".cdx.json", ".cdx", ".spdx.json", ".spdx", ".bom.json", ".sbom.json"];

fn wants(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) && !path.starts_with("opt/bitnami/")
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let sbom = match read(file.bytes, file.path) {
        Ok(sbom) => sbom,
        Err(error) => {
            // Other files have these names too: licence texts end in .spdx.
            let what = format!("this looks like a bill of materials and was not read: {error}");
            report.problems.push(Problem::at_path(file.path, Effect::Note, what));
            return;
        }
    };
    for mut package in sbom.inventory.packages {
        if package.ecosystem.class() == PackageClass::Os
            || package.ecosystem == Ecosystem::Generic
            || package.version.is_empty()
        {
            continue;
        }
        // Paths, layers and owners inside the bill are those of where it was made.
        file.path.clone_into(&mut package.path);
        package.layer = None;
        package.owned_by = None;
        package.declared_by = None;
        package.depends_on.clear();
        report.packages.push(package);
    }
    let incomplete = sbom
        .inventory
        .problems
        .into_iter()
        .filter(|problem| problem.effect == Effect::Incomplete);
    for problem in incomplete.take(limits::PROBLEMS) {
        report
            .problems
            .push(Problem::at_path(file.path, Effect::Incomplete, problem.what));
    }
}

#[cfg(test)]
mod tests {
    use super::ANALYZER;
    use crate::analyzer::{File, FileReport};

    fn names(path: &str, bytes: &[u8]) -> Vec<(String, String)> {
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, bytes), &mut report);
        report
            .packages
            .into_iter()
            .map(|package| (package.name, package.path))
            .collect()
    }

    #[test]
    fn the_bill_is_the_source_and_its_distribution_packages_are_not_taken() {
        let bom = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
            {"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"},
            {"type":"library","name":"bash","version":"5","purl":"pkg:deb/debian/bash@5"},
            {"type":"library","name":"x","version":"1"}]}"#;
        assert_eq!(
            names("app/app.cdx.json", bom),
            [("a".to_owned(), "app/app.cdx.json".to_owned())]
        );
        assert!(!(ANALYZER.wants)("opt/bitnami/redis/.spdx-redis.spdx"));
        assert!((ANALYZER.wants)("usr/share/sbom/app.spdx.json") && !(ANALYZER.wants)("app/package.json"));
    }
}
