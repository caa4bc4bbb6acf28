//! A report's packages and findings, grouped as readers expect them: the distribution, then each language.

use crate::Options;
use crate::identity;
use seaworthy_model::{Ecosystem, Finding, Inventory, Package, PackageClass, ScanReport};

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
        let mut ecosystems: Vec<Ecosystem> = report
            .inventory
            .packages_of(PackageClass::Language)
            .map(|(_, package)| package.ecosystem)
            .collect();
        ecosystems.sort();
        ecosystems.dedup();
        groups.extend(ecosystems.into_iter().map(|ecosystem| {
            let (target, kind) = language(ecosystem);
            fill(
                report,
                PackageClass::Language,
                target.to_owned(),
                kind.to_owned(),
                true,
                |package| package.ecosystem == ecosystem,
            )
        }));
    }
    groups
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
        aggregated: class == PackageClass::Language,
    }
}

/// Target and type of a language's installed packages.
fn language(ecosystem: Ecosystem) -> (&'static str, &'static str) {
    match ecosystem {
        Ecosystem::Npm => ("Node.js", "node-pkg"),
        Ecosystem::PyPi => ("Python", "python-pkg"),
        Ecosystem::Maven => ("Java", "jar"),
        _ => (ecosystem.purl_type(), ecosystem.purl_type()),
    }
}
