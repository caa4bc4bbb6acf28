//! SPDX 2.2 and 2.3 in JSON, also inside the answer of GitHub's API (`{"sbom": …}`).

use super::{Bill, Component, Format, Role, Unreadable, first_of};
use seaworthy_model::{Effect, Problem, limits};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    packages: Option<Vec<Entry>>,
    #[serde(default)]
    relationships: Option<Vec<Relationship>>,
}

#[derive(Deserialize)]
struct Wrapped {
    sbom: Document,
}

/// One package; tag-value documents are read into it too.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default, rename = "SPDXID")]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) version_info: Option<String>,
    #[serde(default)]
    pub(super) supplier: Option<String>,
    #[serde(default)]
    pub(super) license_declared: Option<String>,
    #[serde(default)]
    pub(super) source_info: Option<String>,
    #[serde(default)]
    pub(super) primary_package_purpose: Option<String>,
    #[serde(default)]
    pub(super) external_refs: Option<Vec<ExternalReference>>,
    #[serde(default)]
    pub(super) annotations: Option<Vec<Annotation>>,
    #[serde(default)]
    pub(super) attribution_texts: Option<Vec<String>>,
    #[serde(default)]
    pub(super) checksums: Option<Vec<Checksum>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalReference {
    #[serde(default)]
    pub(super) reference_type: String,
    #[serde(default)]
    pub(super) reference_locator: String,
}

#[derive(Deserialize)]
pub(super) struct Annotation {
    #[serde(default)]
    pub(super) comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    #[serde(default)]
    pub(super) algorithm: String,
    #[serde(default)]
    pub(super) checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    #[serde(default)]
    pub(super) spdx_element_id: String,
    #[serde(default)]
    pub(super) relationship_type: String,
    #[serde(default)]
    pub(super) related_spdx_element: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Bill, Unreadable> {
    let document: Document = first_of(bytes, "SPDX document")?;
    Ok(bill_of(document))
}

pub(super) fn read_wrapped(bytes: &[u8]) -> Result<Bill, Unreadable> {
    let Wrapped { sbom } = first_of(bytes, "SPDX document")?;
    Ok(bill_of(sbom))
}

pub(super) fn from_value(value: Value) -> Result<Bill, Unreadable> {
    let what = "SPDX document";
    serde_json::from_value(value)
        .map(bill_of)
        .map_err(|source| Unreadable::Broken { what, source })
}

fn bill_of(document: Document) -> Bill {
    bill(
        document.name,
        document.packages.unwrap_or_default(),
        &document.relationships.unwrap_or_default(),
    )
}

/// Packages and relationships, however they were written, as a bill.
pub(super) fn bill(name: Option<String>, packages: Vec<Entry>, relationships: &[Relationship]) -> Bill {
    let mut bill = Bill::new(Format::Spdx);
    bill.subject = name.filter(|name| !name.is_empty());
    let mut depends: HashMap<&str, Vec<String>> = HashMap::new();
    // A package that descends from another one with a package URL is that one: the advisories of the origin hold.
    let mut descendants: HashSet<&str> = HashSet::new();
    for relationship in relationships {
        let (from, to) = (
            relationship.spdx_element_id.as_str(),
            relationship.related_spdx_element.as_str(),
        );
        match relationship.relationship_type.as_str() {
            "DEPENDS_ON" => depends.entry(from).or_default().push(to.to_owned()),
            "DEPENDENCY_OF" => depends.entry(to).or_default().push(from.to_owned()),
            "DESCENDANT_OF" => {
                descendants.insert(from);
            }
            _ => {}
        }
    }
    for entry in packages {
        if bill.components.len() >= limits::PACKAGES {
            let what = format!("more than {} packages; the rest was not looked at", limits::PACKAGES);
            bill.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            break;
        }
        let mut component = component(entry);
        if component.purl.is_empty() && descendants.contains(component.reference.as_str()) {
            component.role = Role::Holder;
        }
        if component.role == Role::Holder {
            for what in component.properties("seaworthy:Incomplete") {
                bill.problems
                    .push(Problem::of_artifact(Effect::Incomplete, what.clone()));
            }
        }
        if let Some(on) = depends.remove(component.reference.as_str()) {
            component.depends_on = on;
        }
        bill.components.push(component);
    }
    bill
}

/// What says nothing.
fn stated(text: Option<String>) -> String {
    text.filter(|text| !matches!(text.as_str(), "NOASSERTION" | "NONE"))
        .unwrap_or_default()
}

fn component(entry: Entry) -> Component {
    let id = entry.id.unwrap_or_default();
    let mut component = Component {
        reference: id,
        name: entry.name.unwrap_or_default(),
        version: stated(entry.version_info),
        ..Component::default()
    };
    for reference in entry.external_refs.unwrap_or_default() {
        // SPDX 2.2 writes types as addresses too: `http://spdx.org/rdf/references/purl`.
        let kind = reference.reference_type.rsplit('/').next().unwrap_or_default();
        match kind {
            "purl" if component.purl.is_empty() => component.purl = reference.reference_locator,
            "cpe23Type" | "cpe22Type" if component.cpe.is_empty() => component.cpe = reference.reference_locator,
            _ => {}
        }
    }
    let supplier = stated(entry.supplier);
    component.supplier = supplier
        .strip_prefix("Organization: ")
        .or_else(|| supplier.strip_prefix("Person: "))
        .unwrap_or(&supplier)
        .to_owned();
    let license = stated(entry.license_declared);
    if !license.is_empty() {
        component.licenses = vec![license];
    }
    let checksum = entry.checksums.unwrap_or_default().into_iter().next();
    component.digest = checksum
        .map(|checksum| {
            format!(
                "{}:{}",
                checksum.algorithm.to_ascii_lowercase(),
                checksum.checksum_value
            )
        })
        .unwrap_or_default();
    // Trivy writes `Key: value` into annotations, and did so into attribution texts.
    let annotations = entry
        .annotations
        .unwrap_or_default()
        .into_iter()
        .map(|annotation| annotation.comment);
    for text in annotations.chain(entry.attribution_texts.unwrap_or_default()) {
        if let Some((name, value)) = text.split_once(": ") {
            let name = if name.contains(':') {
                name.to_owned()
            } else {
                format!("aquasecurity:trivy:{name}")
            };
            component.add_property(&name, value);
        }
    }
    let source = entry.source_info.unwrap_or_default();
    if component.property("aquasecurity:trivy:SrcName").is_empty()
        && let Some((name, version)) = source
            .strip_prefix("built package from: ")
            .and_then(|source| source.split_once(' '))
    {
        component.add_property("aquasecurity:trivy:SrcName", name);
        component.add_property("syft:metadata:sourceVersion", version);
    }
    component.role = role(&component, entry.primary_package_purpose.as_deref().unwrap_or_default());
    component
}

fn role(component: &Component, purpose: &str) -> Role {
    let id = component
        .reference
        .strip_prefix("SPDXRef-")
        .unwrap_or(&component.reference);
    // The schema of 2.3 has an underscore where the text of the specification has a dash.
    if matches!(purpose, "OPERATING-SYSTEM" | "OPERATING_SYSTEM") || id.starts_with("OperatingSystem-") {
        return Role::System;
    }
    let holder = [
        "ContainerImage-",
        "Filesystem-",
        "Repository-",
        "DocumentRoot-",
        "Document-",
        "Application-",
    ];
    let named = holder.iter().any(|prefix| id.starts_with(prefix));
    // Purposes are stated wrongly often enough that a package URL counts for more.
    if component.purl.is_empty() && (named || matches!(purpose, "CONTAINER" | "FILE" | "DEVICE" | "FIRMWARE")) {
        return Role::Holder;
    }
    Role::Package
}

#[cfg(test)]
mod tests {
    use crate::sbom::read;

    #[test]
    fn an_old_documents_source_is_read_from_its_words() {
        let text = br#"{"spdxVersion":"SPDX-2.2","packages":[{"SPDXID":"SPDXRef-OperatingSystem-1","name":"centos","versionInfo":"7.6"},
            {"SPDXID":"SPDXRef-Package-1","name":"openssl-libs","versionInfo":"1.0.2k","sourceInfo":"built package from: openssl 1:1.0.2k-16.el7",
             "externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"http://spdx.org/rdf/references/purl",
              "referenceLocator":"pkg:rpm/centos/openssl-libs@1.0.2k-16.el7?epoch=1"}]}]}"#;
        let inventory = read(text, "a").unwrap().inventory;
        let package = &inventory.packages[0];
        assert_eq!(
            (package.source_name.as_str(), package.source_version.as_str()),
            ("openssl", "1:1.0.2k-16.el7")
        );
        assert_eq!(inventory.distribution.unwrap().version, "7.6");
    }

    #[test]
    fn githubs_answer_is_a_document_in_a_wrapper() {
        let text = br#"{"sbom":{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3","name":"com.github.a/b","packages":[
            {"SPDXID":"SPDXRef-github-a-b","name":"com.github.a/b","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:github/a/b@main"}]},
            {"SPDXID":"SPDXRef-npm-x","name":"npm:x","versionInfo":"1.2.3","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/x@1.2.3"}]}]}}"#;
        let sbom = read(text, "a").unwrap();
        assert_eq!(sbom.subject.as_deref(), Some("com.github.a/b"));
        let names: Vec<&str> = sbom
            .inventory
            .packages
            .iter()
            .map(|package| package.name.as_str())
            .collect();
        assert_eq!(names, ["x"]);
    }
}
