//! What only the merged view can tell: packages that lie in directories' names, and packages that two files describe.

use std::collections::{BTreeMap, HashSet};

use seaworthy_model::{Ecosystem, LayerRef, Package, PackageClass, limits};

use crate::os::nix;
use crate::tree::{Node, Tree};

const STORE: &[u8] = b"nix/store";

/// The packages of a Nix store: one for each directory in it that has files.
pub(crate) fn nix_packages(tree: &Tree<'_>, refs: &[LayerRef]) -> Vec<Package> {
    let mut found: BTreeMap<(String, String), Package> = BTreeMap::new();
    let Some(store) = tree.resolve(STORE) else {
        return Vec::new();
    };
    let mut last: Vec<u8> = Vec::new();
    tree.visit(store, b"", usize::MAX, &mut |path, _, node| {
        let component = path.split(|byte| *byte == b'/').next().unwrap_or_default();
        // A file directly in the store is a source or a patch.
        if component == last || component.len() == path.len() || found.len() >= limits::PACKAGES {
            return;
        }
        component.clone_into(&mut last);
        let Ok(component) = std::str::from_utf8(component) else {
            return;
        };
        let Some((name, version)) = nix::package(component) else {
            return;
        };
        found.entry((name.to_owned(), version.to_owned())).or_insert_with(|| {
            let mut package = Package::new(Ecosystem::Nix, name, version, format!("nix/store/{component}"));
            if let Node::File(stored) = node {
                package.layer = refs.get(stored.layer as usize).copied();
            }
            package
        });
    });
    found.into_values().collect()
}

/// Leaves out what a binary says of itself where a better source lists the same: the notes of distribution packages beside
/// their database, assemblies beside the list of assemblies of their application.
pub(crate) fn duplicates(packages: &mut Vec<Package>) {
    // Databases have files of their own; what a program says of its package stands under the program's path.
    let from_note = |package: &Package| {
        package.ecosystem.class() == PackageClass::Os
            && package.ecosystem != Ecosystem::Nix
            && crate::binary::is_candidate(&package.path)
    };
    let from_resource = |package: &Package| {
        package.ecosystem == Ecosystem::NuGet && !package.path.to_ascii_lowercase().ends_with(".json")
    };
    let databases: HashSet<(Ecosystem, String)> = packages
        .iter()
        .filter(|package| package.ecosystem.class() == PackageClass::Os && !from_note(package))
        .map(|package| (package.ecosystem, package.name.clone()))
        .collect();
    let applications: HashSet<String> = packages
        .iter()
        .filter(|package| package.ecosystem == Ecosystem::NuGet && package.path.ends_with(".deps.json"))
        .filter_map(|package| package.path.rsplit_once('/').map(|(directory, _)| directory.to_owned()))
        .collect();
    let in_application = |path: &str| {
        path.match_indices('/')
            .filter_map(|(end, _)| path.get(..end))
            .any(|directory| applications.contains(directory))
    };
    let pythons: HashSet<String> = packages
        .iter()
        .filter(|package| {
            package.ecosystem == Ecosystem::Generic && package.name == "python" && !package.path.ends_with(".h")
        })
        .map(|package| package.version.clone())
        .collect();
    packages.retain(|package| {
        let header = package.ecosystem == Ecosystem::Generic && package.path.ends_with("patchlevel.h");
        let known_better = header && pythons.contains(&package.version)
            || from_note(package) && databases.contains(&(package.ecosystem, package.name.clone()))
            || from_resource(package) && in_application(&package.path);
        !known_better
    });
}

#[cfg(test)]
mod tests {
    use super::duplicates;
    use seaworthy_model::{Ecosystem, Package};

    #[test]
    fn the_better_source_counts() {
        let mut packages = vec![
            Package::new(Ecosystem::Rpm, "coreutils", "9.1-7", "var/lib/rpm/rpmdb.sqlite"),
            Package::new(Ecosystem::Rpm, "coreutils", "9.1-7", "usr/bin/ls"),
            Package::new(Ecosystem::Rpm, "other", "1-1", "usr/bin/other"),
            Package::new(Ecosystem::NuGet, "A", "1.0.0", "app/Shop.deps.json"),
            Package::new(Ecosystem::NuGet, "A", "1.0.0.0", "app/A.dll"),
            Package::new(Ecosystem::NuGet, "B", "1.0", "tool/B.dll"),
            Package::new(Ecosystem::Generic, "python", "3.11.7", "usr/local/bin/python3.11"),
            Package::new(
                Ecosystem::Generic,
                "python",
                "3.11.7",
                "usr/local/include/python3.11/patchlevel.h",
            ),
        ];
        duplicates(&mut packages);
        let paths: Vec<_> = packages.iter().map(|package| package.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "var/lib/rpm/rpmdb.sqlite",
                "usr/bin/other",
                "app/Shop.deps.json",
                "tool/B.dll",
                "usr/local/bin/python3.11"
            ]
        );
    }
}
