//! What every bill of materials says, whatever its format: the subject, its distribution, packages and what depends on what.
//!
//! Properties have the names that Trivy gives them, because its readers and ours look for them; what Seaworthy knows
//! beyond has its own prefix. With them a bill says all that matching needs: it gives the findings of the image itself.

mod properties;
mod serial;

use crate::Options;
use crate::identity;
use crate::result::{ResultGroup, group};
use seaworthy_model::{Finding, Package, PackageClass, ScanReport};
use std::collections::HashMap;

pub(crate) use properties::{Property, Scope};

/// A report as a bill of materials.
pub(crate) struct Bill<'a> {
    pub(crate) report: &'a ScanReport,
    /// What was scanned.
    pub(crate) subject: Vec<Property<'a>>,
    /// The distribution, where there is one.
    pub(crate) system: Option<System<'a>>,
    /// Files that declare packages, such as lock files.
    pub(crate) applications: Vec<Application<'a>>,
    pub(crate) components: Vec<Component<'a>>,
    /// The findings that count, with the index of their component.
    pub(crate) findings: Vec<(&'a Finding, usize)>,
    /// A UUID that is the same for the same contents.
    pub(crate) serial: String,
}

/// The distribution.
pub(crate) struct System<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) properties: Vec<Property<'a>>,
    /// Sixteen hexadecimal digits.
    pub(crate) id: String,
}

/// A file that declares packages.
pub(crate) struct Application<'a> {
    pub(crate) name: &'a str,
    pub(crate) properties: Vec<Property<'a>>,
    /// Sixteen hexadecimal digits.
    pub(crate) id: String,
}

/// What a package belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    Subject,
    System,
    Application(usize),
}

/// A package.
pub(crate) struct Component<'a> {
    pub(crate) package: &'a Package,
    pub(crate) parent: Parent,
    pub(crate) purl: Option<String>,
    /// The purl where no other component has it.
    pub(crate) reference: String,
    /// Sixteen hexadecimal digits.
    pub(crate) id: String,
    pub(crate) properties: Vec<Property<'a>>,
    /// Indexes of the components that it depends on.
    pub(crate) depends_on: Vec<usize>,
}

impl<'a> Bill<'a> {
    pub(crate) fn of(report: &'a ScanReport, options: &Options) -> Self {
        let groups = group(report, options);
        let distribution = report.inventory.distribution.as_ref();
        let system = distribution.map(|distribution| System {
            name: identity::family_name(distribution),
            version: &distribution.version,
            properties: properties::of_system(distribution),
            id: serial::short(&["system", identity::family_name(distribution), &distribution.version]),
        });
        let mut bill = Self {
            report,
            subject: properties::of_subject(report),
            system,
            applications: Vec::new(),
            components: Vec::new(),
            findings: Vec::new(),
            serial: String::new(),
        };
        for group in &groups {
            bill.add(group);
        }
        bill.name_components();
        bill.serial = serial::of(&bill);
        bill
    }

    fn add(&mut self, group: &ResultGroup<'a>) {
        let parent = match (group.class, group.aggregated) {
            (PackageClass::Os, _) if self.system.is_some() => Parent::System,
            (PackageClass::Language, false) if !group.packages.is_empty() => {
                // Groups live shorter than the report: their names are those of the packages' files.
                let name = group.packages.first().map_or("", |package| package.path.as_str());
                self.applications.push(Application {
                    name,
                    properties: properties::of_application(&group.kind),
                    id: serial::short(&["application", name, &group.kind]),
                });
                Parent::Application(self.applications.len() - 1)
            }
            _ => Parent::Subject,
        };
        let first = self.components.len();
        let distribution = self.report.inventory.distribution.as_ref();
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let mut by_address: HashMap<*const Package, usize> = HashMap::new();
        for (offset, package) in group.packages.iter().enumerate() {
            let package: &'a Package = package;
            by_name.entry(package.name.as_str()).or_insert(first + offset);
            by_address.insert(std::ptr::from_ref(package), first + offset);
            self.components.push(Component {
                package,
                parent,
                purl: identity::package_url(package, distribution),
                reference: String::new(),
                id: identity::package_uid(package),
                properties: properties::of_package(package, &group.kind),
                depends_on: Vec::new(),
            });
        }
        for component in self.components.iter_mut().skip(first) {
            let names = component.package.depends_on.iter();
            component.depends_on = names.filter_map(|name| by_name.get(name.as_str()).copied()).collect();
            component.depends_on.sort_unstable();
            component.depends_on.dedup();
        }
        for (finding, package) in &group.findings {
            if let Some(index) = by_address.get(&std::ptr::from_ref::<Package>(package)) {
                self.findings.push((finding, *index));
            }
        }
    }

    /// References must be unique: a purl that two components share gets the component's id behind it.
    fn name_components(&mut self) {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for component in &self.components {
            *counts.entry(component.purl.clone().unwrap_or_default()).or_default() += 1;
        }
        for component in &mut self.components {
            component.reference = match &component.purl {
                Some(purl) if counts.get(purl) == Some(&1) => purl.clone(),
                Some(purl) => format!("{purl}#{}", component.id),
                None => component.id.clone(),
            };
        }
    }

    /// The indexes of the components that belong there.
    pub(crate) fn of_parent(&self, parent: Parent) -> impl Iterator<Item = &Component<'a>> {
        self.components
            .iter()
            .filter(move |component| component.parent == parent)
    }
}
