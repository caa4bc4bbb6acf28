//! CycloneDX 1.6 in JSON (ECMA-424), with the vulnerabilities that were found.
//!
//! Components, references and properties follow the habits of Trivy, so that its readers find what they look for.

mod vulnerability;

use crate::json::text;
use crate::sbom::{Application, Bill, Component, Parent, Property, System};
use crate::{Error, Options, identity};
use seaworthy_model::{ArtifactKind, Ecosystem, ScanReport};
use serde::{Serialize, Serializer};
use vulnerability::Vulnerabilities;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u8,
    metadata: Metadata<'a>,
    components: Vec<Entry<'a>>,
    dependencies: Vec<Dependency<'a>>,
    vulnerabilities: Vulnerabilities<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: &'a str,
    tools: Tools<'a>,
    component: Entry<'a>,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Entry<'a>; 1],
}

#[derive(Default, Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Named<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(skip_serializing_if = "Properties::is_empty")]
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Hash<'a> {
    alg: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct License<'a> {
    license: Named<'a>,
}

#[derive(Default)]
struct Properties<'a>(&'a [Property<'a>]);

impl Properties<'_> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Pair<'a> {
            name: String,
            value: &'a str,
        }
        serializer.collect_seq(self.0.iter().map(|property| Pair {
            name: format!("{}{}", property.scope.prefix(), property.name),
            value: &property.value,
        }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    depends_on: Vec<&'a str>,
}

/// Reference of the scanned thing: unique, since every other one is a purl or sixteen hexadecimal digits.
const SUBJECT: &str = "subject";

/// Writes the document.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let bill = Bill::of(report, options);
    let mut components: Vec<Entry<'_>> = Vec::with_capacity(bill.components.len() + 1);
    components.extend(bill.system.iter().map(system));
    components.extend(bill.applications.iter().map(application));
    components.extend(bill.components.iter().map(component));
    text::to_vec(&Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: format!("urn:uuid:{}", bill.serial),
        version: 1,
        metadata: Metadata {
            timestamp: &report.created_at,
            tools: Tools {
                components: [Entry {
                    kind: "application",
                    name: "seaworthy",
                    version: env!("CARGO_PKG_VERSION"),
                    ..Entry::default()
                }],
            },
            component: Entry {
                kind: match report.artifact_kind {
                    ArtifactKind::ContainerImage => "container",
                    _ => "application",
                },
                reference: Some(SUBJECT),
                name: &report.artifact_name,
                properties: Properties(&bill.subject),
                ..Entry::default()
            },
        },
        components,
        dependencies: dependencies(&bill),
        vulnerabilities: Vulnerabilities(&bill),
    })
}

fn system<'a>(system: &'a System<'_>) -> Entry<'a> {
    Entry {
        kind: "operating-system",
        reference: Some(&system.id),
        name: system.name,
        version: system.version,
        properties: Properties(&system.properties),
        ..Entry::default()
    }
}

fn application<'a>(application: &'a Application<'_>) -> Entry<'a> {
    Entry {
        kind: "application",
        reference: Some(&application.id),
        name: application.name,
        properties: Properties(&application.properties),
        ..Entry::default()
    }
}

fn component<'a>(component: &'a Component<'_>) -> Entry<'a> {
    let package = component.package;
    let (group, name) = match package.ecosystem {
        Ecosystem::Maven => package.name.split_once(':').unwrap_or(("", &package.name)),
        Ecosystem::Npm => package.name.split_once('/').unwrap_or(("", &package.name)),
        _ => ("", package.name.as_str()),
    };
    let hash = package.digest.split_once(':').and_then(|(algorithm, content)| {
        let alg = match algorithm {
            "md5" => "MD5",
            "sha1" => "SHA-1",
            "sha256" => "SHA-256",
            "sha512" => "SHA-512",
            _ => return None,
        };
        Some(Hash { alg, content })
    });
    let maintainer = package.maintainer.as_str();
    Entry {
        kind: "library",
        reference: Some(&component.reference),
        supplier: (!maintainer.is_empty()).then_some(Named { name: maintainer }),
        group,
        name,
        version: identity::installed_version(package),
        hashes: hash.into_iter().collect(),
        licenses: package
            .licenses
            .iter()
            .filter(|license| !license.is_empty())
            .map(|license| License {
                license: Named { name: license },
            })
            .collect(),
        purl: component.purl.as_deref(),
        properties: Properties(&component.properties),
    }
}

fn dependencies<'a>(bill: &'a Bill<'_>) -> Vec<Dependency<'a>> {
    let of = |parent: Parent| -> Vec<&'a str> {
        let mut references: Vec<&'a str> = bill
            .of_parent(parent)
            .map(|component| component.reference.as_str())
            .collect();
        references.sort_unstable();
        references
    };
    let mut subject: Vec<&str> = bill.system.iter().map(|system| system.id.as_str()).collect();
    subject.extend(bill.applications.iter().map(|application| application.id.as_str()));
    subject.extend(of(Parent::Subject));
    let mut all = vec![Dependency {
        reference: SUBJECT,
        depends_on: subject,
    }];
    if let Some(system) = &bill.system {
        all.push(Dependency {
            reference: &system.id,
            depends_on: of(Parent::System),
        });
    }
    for (index, application) in bill.applications.iter().enumerate() {
        all.push(Dependency {
            reference: &application.id,
            depends_on: of(Parent::Application(index)),
        });
    }
    for component in &bill.components {
        let on = component.depends_on.iter();
        all.push(Dependency {
            reference: &component.reference,
            depends_on: on
                .filter_map(|index| bill.components.get(*index))
                .map(|component| component.reference.as_str())
                .collect(),
        });
    }
    all
}
