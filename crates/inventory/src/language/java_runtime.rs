//! Java runtimes: the file `release` in their root, `NAME="value"` lines with `JAVA_VERSION` (JEP 223).

use seaworthy_model::{Ecosystem, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "java-runtime",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.ends_with("/release") && !path.starts_with("etc/") && !path.contains("/etc/")
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let field = |wanted: &str| {
        text.lines()
            .find_map(|line| line.split_once('=').filter(|(name, _)| name.trim() == wanted))
            .map_or("", |(_, value)| value.trim().trim_matches('"'))
    };
    // Many programs have a file of this name.
    if field("JAVA_VERSION").is_empty() {
        return;
    }
    let vendor = field("IMPLEMENTOR").to_ascii_lowercase();
    let graal = !field("GRAALVM_VERSION").is_empty();
    let name = if graal {
        "graalvm"
    } else if vendor.contains("oracle") && field("BUILD_TYPE") == "commercial" {
        "jdk"
    } else if vendor.contains("ibm") {
        "ibm-semeru"
    } else {
        "openjdk"
    };
    // The runtime version has the build number (`17.0.9+9`), which orders builds of one release.
    let precise = field("JAVA_RUNTIME_VERSION").split('-').next().unwrap_or("");
    let version = if precise.starts_with(field("JAVA_VERSION")) {
        precise
    } else {
        field("JAVA_VERSION")
    };
    if let Some(package) = listing::add(report, Ecosystem::Generic, name, version, file.path) {
        field("IMPLEMENTOR").clone_into(&mut package.maintainer);
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn runtimes_are_known_by_their_release_file() {
        for (text, expected) in [
            (
                "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\nJAVA_VERSION=\"17.0.9\"\n",
                Some("openjdk 17.0.9+9"),
            ),
            ("JAVA_VERSION=\"1.8.0_392\"\n", Some("openjdk 1.8.0_392")),
            (
                "JAVA_VERSION=\"21.0.1\"\nGRAALVM_VERSION=\"23.1.1\"\n",
                Some("graalvm 21.0.1"),
            ),
            ("NAME=x\n", None),
        ] {
            let path = "opt/java/openjdk/release";
            assert!((ANALYZER.wants)(path) && !(ANALYZER.wants)("etc/x/release"));
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            let found = report
                .packages
                .first()
                .map(|one| format!("{} {}", one.name, one.version));
            assert_eq!(found.as_deref(), expected);
        }
    }
}
