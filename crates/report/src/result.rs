//! A report's packages and findings, grouped as readers expect them: the distribution, then each language.

use crate::Options;
use crate::identity;
use seaworthy_model::{Ecosystem, Finding, Inventory, Package, PackageClass, ScanReport};
use std::collections::BTreeMap;

/// Packages of one kind and what was found in them.
pub(crate) struct ResultGroup<'a> {
    /// What people read: `app.tar (alpine 3.20.1)`, `Node.js`.
    pub(crate) target: String,
    pub(crate) class: PackageClass,
    /// The family of the distribution, or the language's package type.
    pub(crate) kind: String,
    pub(crate) packages: Vec<&'a Package>,
    /// Findings that count, with their packages, in report order.
    pub(crate) findings: Vec<(&'a Finding, &'a Package)>,
    /// Suppressed findings, with their packages, in report order.
    pub(crate) suppressed: Vec<(&'a Finding, &'a Package)>,
    /// Whether the packages were compared with advisories: nothing found means clean only then.
    pub(crate) checked: bool,
    /// Whether `target` names a language instead of one file: each package then has a file of its own.
    pub(crate) aggregated: bool,
}

/// Groups the report; a distribution comes first, also when nothing is wrong with it.
pub(crate) fn group<'a>(report: &'a ScanReport, options: &Options) -> Vec<ResultGroup<'a>> {
    let mut groups = Vec::new();
    if options.classes.contains(&PackageClass::Os) {
        groups.extend(distribution_group(report));
    }
    if options.classes.contains(&PackageClass::Language) {
        groups.extend(language_groups(report));
    }
    groups
}

/// What tells one language target from another: those of installed packages come first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    declared_by: Option<&'a str>,
    ecosystem: Ecosystem,
    /// Empty where all packages of the ecosystem are one target.
    path: &'a str,
}

fn key(package: &Package) -> Key<'_> {
    let aggregated = package.declared_by.is_none() && aggregate(package.ecosystem).is_some();
    Key {
        declared_by: package.declared_by.as_deref(),
        ecosystem: package.ecosystem,
        path: if aggregated { "" } else { &package.path },
    }
}

fn language_groups(report: &ScanReport) -> Vec<ResultGroup<'_>> {
    let mut groups: BTreeMap<Key<'_>, ResultGroup<'_>> = BTreeMap::new();
    for (_, package) in report.inventory.packages_of(PackageClass::Language) {
        let group = groups.entry(key(package)).or_insert_with(|| {
            let (target, kind, aggregated) = match (&package.declared_by, aggregate(package.ecosystem)) {
                (Some(kind), _) => (package.path.as_str(), kind.as_str(), false),
                (None, Some((target, kind))) => (target, kind, true),
                (None, None) => (package.path.as_str(), single(package.ecosystem), false),
            };
            ResultGroup {
                target: target.to_owned(),
                class: PackageClass::Language,
                kind: kind.to_owned(),
                packages: Vec::new(),
                findings: Vec::new(),
                suppressed: Vec::new(),
                checked: true,
                aggregated,
            }
        });
        group.packages.push(package);
    }
    for finding in &report.decision.findings {
        let Some(package) = report.inventory.packages.get(finding.matched.package) else {
            continue;
        };
        let Some(group) = groups
            .get_mut(&key(package))
            .filter(|_| package.ecosystem.class() == PackageClass::Language)
        else {
            continue;
        };
        match finding.suppression {
            Some(_) => group.suppressed.push((finding, package)),
            None => group.findings.push((finding, package)),
        }
    }
    groups.into_values().collect()
}

fn distribution_group(report: &ScanReport) -> Option<ResultGroup<'_>> {
    let inventory = &report.inventory;
    let name = &report.artifact_name;
    let is_os = |package: &Package| package.ecosystem.class() == PackageClass::Os;
    let (target, kind) = match &inventory.distribution {
        Some(distribution) => {
            let family = identity::family_name(distribution);
            let version = &distribution.version;
            let separator = if version.is_empty() { "" } else { " " };
            (format!("{name} ({family}{separator}{version})"), family.to_owned())
        }
        None => {
            let package = inventory.packages.iter().find(|package| is_os(package))?;
            (
                format!("{name} (unknown distribution)"),
                package.ecosystem.purl_type().to_owned(),
            )
        }
    };
    let checked = inventory.distribution.is_some() && report.distribution_supported && has_packages(inventory);
    Some(fill(report, PackageClass::Os, target, kind, checked, is_os))
}

/// Whether a package of the distribution was found: an empty database is as good as none, and never a clean one.
fn has_packages(inventory: &Inventory) -> bool {
    inventory
        .packages
        .iter()
        .any(|package| package.ecosystem.class() == PackageClass::Os)
}

fn fill<'a>(
    report: &'a ScanReport,
    class: PackageClass,
    target: String,
    kind: String,
    checked: bool,
    belongs: impl Fn(&Package) -> bool,
) -> ResultGroup<'a> {
    let packages: Vec<&Package> = report
        .inventory
        .packages
        .iter()
        .filter(|package| belongs(package))
        .collect();
    let (suppressed, findings) = report
        .decision
        .findings
        .iter()
        .filter_map(|finding| Some((finding, report.inventory.packages.get(finding.matched.package)?)))
        .filter(|(_, package)| belongs(package))
        .partition(|(finding, _)| finding.suppression.is_some());
    ResultGroup {
        target,
        class,
        kind,
        packages,
        findings,
        suppressed,
        checked,
        aggregated: false,
    }
}

/// Target and type of the languages whose installed packages are one target.
const fn aggregate(ecosystem: Ecosystem) -> Option<(&'static str, &'static str)> {
    match ecosystem {
        Ecosystem::Npm => Some(("Node.js", "node-pkg")),
        Ecosystem::PyPi => Some(("Python", "python-pkg")),
        Ecosystem::Maven => Some(("Java", "jar")),
        Ecosystem::Gem => Some(("Ruby", "gemspec")),
        Ecosystem::Conda => Some(("Conda", "conda-pkg")),
        _ => None,
    }
}

/// The type of a file in which packages of the other ecosystems are installed.
const fn single(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Go => "gobinary",
        Ecosystem::Cargo => "rustbinary",
        Ecosystem::Composer => "composer-vendor",
        Ecosystem::NuGet => "dotnet-core",
        other => other.purl_type(),
    }
}
