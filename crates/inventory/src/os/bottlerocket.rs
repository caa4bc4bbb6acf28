//! Bottlerocket's list of what it was built from: `usr/share/bottlerocket/application-inventory.json`.

use seaworthy_model::{Ecosystem, Effect, Package, limits};
use serde::Deserialize;

use super::listing::{Listing, Unresolved};
use crate::analyzer::{Analyzer, File, FileReport};
use crate::language::json;

/// Reads Bottlerocket's inventory.
pub static ANALYZER: Analyzer = Analyzer {
    name: "bottlerocket",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path == "usr/share/bottlerocket/application-inventory.json"
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inventory {
    #[serde(default)]
    content: Vec<Application>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Application {
    name: String,
    publisher: String,
    version: String,
    release: String,
    epoch: String,
    architecture: String,
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let mut list = Listing::new(file.path, Ecosystem::Generic, report);
    let inventory: Inventory = match json::object(file.bytes) {
        Ok(inventory) => inventory,
        Err(error) => {
            let what = format!("the inventory could not be read, its packages are not listed: {error}");
            list.problem(Effect::Incomplete, what);
            return;
        }
    };
    for application in inventory.content {
        if application.name.is_empty() || application.version.is_empty() {
            list.problem(Effect::Incomplete, "an entry without name or version is not listed");
            continue;
        }
        let mut version = application.version;
        if !application.release.is_empty() {
            version = format!("{version}-{}", application.release);
        }
        let mut package = Package::new(Ecosystem::Generic, application.name, version, list.path());
        if !matches!(application.epoch.as_str(), "" | "0") {
            package.source_version = format!("{}:{}", application.epoch, package.version);
        }
        package.arch = application.architecture;
        package.maintainer = application.publisher;
        if !list.add(package) {
            break;
        }
    }
    list.finish(Unresolved::Drop);
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn versions_have_their_release() {
        let path = "usr/share/bottlerocket/application-inventory.json";
        assert!((ANALYZER.wants)(path));
        let text = br#"{"Content": [{"Name": "glibc", "Version": "2.43", "Release": "1.br1", "Epoch": "1", "Architecture": "x86_64"}, {}]}"#;
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text), &mut report);
        assert_eq!(report.packages[0].version, "2.43-1.br1");
        assert_eq!((report.packages.len(), report.problems.len()), (1, 1));
    }
}
