//! The order of findings in a report, and which of two equal ones is kept.

use seaworthy_model::{Confidence, Ecosystem, Finding, Inventory, Match, PackageClass};
use std::cmp::Reverse;

/// Keeps one finding of each vulnerability and package, then sorts by package name, package, severity (worst first),
/// id and path.
pub(crate) fn sort_and_deduplicate(inventory: &Inventory, findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        package_key(inventory, &a.matched)
            .cmp(&package_key(inventory, &b.matched))
            .then_with(|| a.matched.id.cmp(&b.matched.id))
            .then_with(|| preference(&b.matched).cmp(&preference(&a.matched)))
    });
    findings.dedup_by(|later, earlier| {
        later.matched.id == earlier.matched.id
            && package_key(inventory, &later.matched) == package_key(inventory, &earlier.matched)
    });
    findings.sort_by(|a, b| {
        let (first, second) = (package_key(inventory, &a.matched), package_key(inventory, &b.matched));
        (first.name, first.version, first.arch)
            .cmp(&(second.name, second.version, second.arch))
            .then_with(|| b.matched.severity.cmp(&a.matched.severity))
            .then_with(|| a.matched.id.cmp(&b.matched.id))
            .then_with(|| first.path.cmp(second.path))
    });
}

/// What makes two packages the same one to the reader of a report.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct PackageKey<'a> {
    name: &'a str,
    version: &'a str,
    arch: &'a str,
    path: &'a str,
}

fn package_key<'a>(inventory: &'a Inventory, matched: &Match) -> PackageKey<'a> {
    let Some(package) = inventory.packages.get(matched.package) else {
        return PackageKey::default();
    };
    PackageKey {
        name: &package.name,
        version: &package.version,
        // Only rpms carry the architecture in their id.
        arch: if package.ecosystem == Ecosystem::Rpm {
            &package.arch
        } else {
            ""
        },
        // The path of a database says nothing about one package of it.
        path: if package.ecosystem.class() == PackageClass::Language {
            &package.path
        } else {
            ""
        },
    }
}

/// Of two matches of the same vulnerability and package the greater one is kept: the surer, then the later fix.
fn preference(matched: &Match) -> (bool, &str, Reverse<usize>) {
    (
        matched.confidence == Confidence::Exact,
        matched.fixed_version.as_str(),
        Reverse(matched.package),
    )
}
