//! SPDX 2.3 documents, as JSON and as tag-value (ISO/IEC 5962:2021 with the additions of 2.3).
//!
//! One document is made and written in either form. Annotations carry what the format has no field for, as `Key: value`
//! in the way of Trivy, so that its readers and ours find it.

mod license;
mod tag_value;

use crate::json::text;
use crate::sbom::{Bill, Component, Parent, Property, Scope};
use crate::{Error, Options, identity};
use license::Licenses;
use seaworthy_model::{ArtifactKind, PackageClass, ScanReport};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: &'a str,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<license::Extracted>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    name: &'a str,
    #[serde(rename = "SPDXID")]
    id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    version_info: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    supplier: String,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum<'a>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    source_info: String,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalReference<'a>>,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    algorithm: &'static str,
    checksum_value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalReference<'a> {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    annotation_date: String,
    annotation_type: &'static str,
    annotator: String,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

/// The document's own id, which the format prescribes.
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
/// Said where nothing is.
const NO_ASSERTION: &str = "NOASSERTION";

/// Writes the document as JSON.
pub(crate) fn write_json(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let bill = Bill::of(report, options);
    text::to_vec(&Document::of(&bill))
}

/// Writes the document as tag-value.
pub(crate) fn write_tag_value(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let bill = Bill::of(report, options);
    Ok(tag_value::write(&Document::of(&bill)).into_bytes())
}

fn tool() -> String {
    format!("Tool: seaworthy-{}", env!("CARGO_PKG_VERSION"))
}

impl<'a> Document<'a> {
    fn of(bill: &'a Bill<'a>) -> Self {
        let report = bill.report;
        let created = seconds(&report.created_at);
        let mut licenses = Licenses::default();
        let kind = match report.artifact_kind {
            ArtifactKind::ContainerImage => "ContainerImage",
            ArtifactKind::Filesystem => "Filesystem",
            _ => "Document",
        };
        let subject = format!("SPDXRef-{kind}-{}", bill.serial.replace('-', ""));
        let base = |name: &'a str, id: String, purpose| Entry {
            name,
            id,
            version_info: "",
            supplier: String::new(),
            download_location: "NONE",
            files_analyzed: false,
            checksums: Vec::new(),
            source_info: String::new(),
            license_concluded: NO_ASSERTION,
            license_declared: NO_ASSERTION.to_owned(),
            copyright_text: NO_ASSERTION,
            external_refs: Vec::new(),
            primary_package_purpose: purpose,
            annotations: Vec::new(),
        };
        let purpose = match report.artifact_kind {
            ArtifactKind::ContainerImage => "CONTAINER",
            _ => "SOURCE",
        };
        let mut packages = vec![Entry {
            annotations: annotations(&bill.subject, &created),
            ..base(&report.artifact_name, subject.clone(), purpose)
        }];
        let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", &subject)];
        let system = bill.system.as_ref().map(|system| {
            let id = format!("SPDXRef-OperatingSystem-{}", system.id);
            packages.push(Entry {
                version_info: system.version,
                annotations: annotations(&system.properties, &created),
                ..base(system.name, id.clone(), "OPERATING-SYSTEM")
            });
            relationships.push(relationship(&subject, "CONTAINS", &id));
            id
        });
        let applications: Vec<String> = bill
            .applications
            .iter()
            .map(|application| {
                let id = format!("SPDXRef-Application-{}", application.id);
                packages.push(Entry {
                    annotations: annotations(&application.properties, &created),
                    ..base(application.name, id.clone(), "APPLICATION")
                });
                relationships.push(relationship(&subject, "CONTAINS", &id));
                id
            })
            .collect();
        for component in &bill.components {
            let id = component_id(component);
            let entry = base(&component.package.name, id.clone(), "LIBRARY");
            packages.push(filled(entry, component, &created, &mut licenses));
            let parent = match component.parent {
                Parent::Subject => Some(&subject),
                Parent::System => system.as_ref(),
                Parent::Application(index) => applications.get(index),
            };
            relationships.push(relationship(parent.unwrap_or(&subject), "CONTAINS", &id));
        }
        for component in &bill.components {
            let id = component_id(component);
            let on = component.depends_on.iter();
            relationships.extend(
                on.filter_map(|index| bill.components.get(*index))
                    .map(|other| relationship(&id, "DEPENDS_ON", &component_id(other))),
            );
        }
        Self {
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: DOCUMENT,
            name: &report.artifact_name,
            document_namespace: format!("https://seaworthy.dev/spdx/{}", bill.serial),
            creation_info: CreationInfo {
                created,
                creators: [tool()],
            },
            packages,
            has_extracted_licensing_infos: licenses.into_extracted(),
            relationships,
        }
    }
}

fn component_id(component: &Component<'_>) -> String {
    format!("SPDXRef-Package-{}", component.id)
}

fn relationship(from: &str, kind: &'static str, to: &str) -> Relationship {
    Relationship {
        spdx_element_id: from.to_owned(),
        relationship_type: kind,
        related_spdx_element: to.to_owned(),
    }
}

fn filled<'a>(entry: Entry<'a>, component: &'a Component<'_>, created: &str, licenses: &mut Licenses) -> Entry<'a> {
    let package = component.package;
    let checksum = package.digest.split_once(':').and_then(|(algorithm, value)| {
        let algorithm = match algorithm {
            "md5" => "MD5",
            "sha1" => "SHA1",
            "sha256" => "SHA256",
            "sha512" => "SHA512",
            _ => return None,
        };
        Some(Checksum {
            algorithm,
            checksum_value: value,
        })
    });
    let source_info = if package.ecosystem.class() == PackageClass::Os && !package.source_name.is_empty() {
        let version = package
            .source_version
            .strip_prefix("0:")
            .unwrap_or(&package.source_version);
        format!("built package from: {} {version}", package.source_name)
    } else {
        String::new()
    };
    Entry {
        version_info: identity::installed_version(package),
        supplier: supplier(&package.maintainer),
        checksums: checksum.into_iter().collect(),
        source_info,
        license_declared: licenses.expression(&package.licenses),
        external_refs: component
            .purl
            .as_deref()
            .map(|purl| ExternalReference {
                reference_category: "PACKAGE-MANAGER",
                reference_type: "purl",
                reference_locator: purl,
            })
            .into_iter()
            .collect(),
        annotations: annotations(&component.properties, created),
        ..entry
    }
}

/// `Organization: name`; the address of a maintainer is left out, and so are the brackets that the format keeps for one.
fn supplier(maintainer: &str) -> String {
    let name = maintainer.split(['<', '\n', '\r']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|character| !matches!(character, '(' | ')' | '"') && !character.is_control())
        .collect();
    match name.trim() {
        "" => NO_ASSERTION.to_owned(),
        name => format!("Organization: {name}"),
    }
}

fn annotations(properties: &[Property<'_>], created: &str) -> Vec<Annotation> {
    let comment = |property: &Property<'_>| match property.scope {
        Scope::Trivy => format!("{}: {}", property.name, property.value),
        Scope::Seaworthy => format!("{}{}: {}", property.scope.prefix(), property.name, property.value),
    };
    properties
        .iter()
        .map(|property| Annotation {
            annotation_date: created.to_owned(),
            annotation_type: "OTHER",
            annotator: tool(),
            comment: comment(property),
        })
        .collect()
}

/// The time to the second, which is all that the format takes.
fn seconds(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => jiff::Timestamp::from_second(time.as_second())
            .unwrap_or(time)
            .to_string(),
        Err(_) => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{seconds, supplier};

    #[test]
    fn times_have_no_fraction() {
        assert_eq!(seconds("2026-11-24T01:02:03.123456789Z"), "2026-11-24T01:02:03Z");
    }

    #[test]
    fn suppliers_are_names_alone() {
        for (maintainer, expected) in [
            (
                "Debian OpenSSL Team <x@example.org>",
                "Organization: Debian OpenSSL Team",
            ),
            ("A (B) C", "Organization: A B C"),
            ("<x@example.org>", "NOASSERTION"),
            ("", "NOASSERTION"),
            ("a\nSPDXID: b", "Organization: a"),
        ] {
            assert_eq!(supplier(maintainer), expected);
        }
    }
}
