//! CycloneDX 1.2 to 1.7 in JSON (ECMA-424). Fields that are not needed are not looked at: what is odd in them is no error.

use super::{Bill, Component, Format, Role, Unreadable, first_of};
use seaworthy_model::{Effect, Problem, limits};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    spec_version: Value,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Option<Vec<Entry>>,
    #[serde(default)]
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    component: Option<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default, rename = "bom-ref")]
    reference: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<Value>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    cpe: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    supplier: Option<Value>,
    #[serde(default)]
    licenses: Option<Value>,
    #[serde(default)]
    hashes: Option<Value>,
    #[serde(default)]
    properties: Option<Vec<Pair>>,
    #[serde(default)]
    components: Option<Vec<Self>>,
}

#[derive(Deserialize)]
struct Pair {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    value: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    depends_on: Option<Vec<String>>,
}

/// Versions of the specification that have a JSON form.
const VERSIONS: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

pub(super) fn read(bytes: &[u8]) -> Result<Bill, Unreadable> {
    let document: Document = first_of(bytes, "CycloneDX document")?;
    Ok(bill(document))
}

pub(super) fn from_value(value: Value) -> Result<Bill, Unreadable> {
    let what = "CycloneDX document";
    serde_json::from_value(value)
        .map(bill)
        .map_err(|source| Unreadable::Broken { what, source })
}

fn bill(document: Document) -> Bill {
    let mut bill = Bill::new(Format::CycloneDx);
    let version = document.spec_version.as_str().unwrap_or_default();
    if !VERSIONS.contains(&version) {
        let what = format!("version {version:?} of CycloneDX is not known; it was read like 1.7");
        bill.problems.push(Problem::of_artifact(Effect::Uncertain, what));
    }
    let mut pending: Vec<Entry> = document.components.unwrap_or_default();
    // What the document is about is no part of it, but what is nested in it is.
    if let Some(mut subject) = document.metadata.and_then(|metadata| metadata.component) {
        pending.extend(subject.components.take().unwrap_or_default());
        let subject = component(subject);
        for what in subject.properties("seaworthy:Incomplete") {
            bill.problems
                .push(Problem::of_artifact(Effect::Incomplete, what.clone()));
        }
        bill.subject = Some(subject.name).filter(|name| !name.is_empty());
    }
    let mut depends: HashMap<String, Vec<String>> = document
        .dependencies
        .unwrap_or_default()
        .into_iter()
        .filter_map(|dependency| Some((dependency.reference, dependency.depends_on?)))
        .collect();
    pending.reverse();
    while let Some(mut entry) = pending.pop() {
        if bill.components.len() >= limits::PACKAGES {
            let what = format!("more than {} components; the rest was not looked at", limits::PACKAGES);
            bill.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            break;
        }
        let mut below = entry.components.take().unwrap_or_default();
        below.reverse();
        pending.append(&mut below);
        let mut component = component(entry);
        if let Some(on) = depends.remove(&component.reference) {
            component.depends_on = on;
        }
        bill.components.push(component);
    }
    bill
}

/// The text of a value that tools also write as a number.
fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

fn component(entry: Entry) -> Component {
    let purl = entry.purl.unwrap_or_default();
    let mut component = Component {
        reference: entry.reference.unwrap_or_default(),
        name: entry.name.unwrap_or_default(),
        version: text(entry.version),
        purl,
        cpe: entry.cpe.unwrap_or_default(),
        supplier: entry
            .supplier
            .and_then(|supplier| supplier.get("name")?.as_str().map(str::to_owned))
            .unwrap_or_default(),
        licenses: entry
            .licenses
            .map(|licenses| license_names(&licenses))
            .unwrap_or_default(),
        digest: entry.hashes.and_then(|hashes| digest(&hashes)).unwrap_or_default(),
        ..Component::default()
    };
    for pair in entry.properties.unwrap_or_default() {
        if let Some(name) = pair.name {
            component.add_property(&name, &text(pair.value));
        }
    }
    if entry.scope.as_deref() == Some("excluded") {
        component.add_property("seaworthy:Dev", "true");
    }
    component.role = match entry.kind.as_deref().unwrap_or_default() {
        "operating-system" => Role::System,
        "container"
        | "file"
        | "device"
        | "data"
        | "platform"
        | "machine-learning-model"
        | "cryptographic-asset"
        | "firmware"
        | "device-driver" => Role::Holder,
        // Trivy's lock files, and projects that are named only.
        "application" if component.purl.is_empty() && component.version.is_empty() && component.cpe.is_empty() => {
            Role::Holder
        }
        _ => Role::Package,
    };
    component
}

fn license_names(licenses: &Value) -> Vec<String> {
    let of = |license: &Value| {
        let inner = license.get("license").unwrap_or(license);
        ["id", "name", "expression"]
            .iter()
            .find_map(|key| inner.get(key).and_then(Value::as_str).map(str::to_owned))
    };
    let list = licenses.as_array().into_iter().flatten();
    list.filter_map(of).take(limits::LIST_ENTRIES).collect()
}

fn digest(hashes: &Value) -> Option<String> {
    let hash = hashes.as_array()?.first()?;
    let algorithm = match hash.get("alg")?.as_str()? {
        "MD5" => "md5",
        "SHA-1" => "sha1",
        "SHA-256" => "sha256",
        "SHA-512" => "sha512",
        _ => return None,
    };
    Some(format!("{algorithm}:{}", hash.get("content")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use crate::sbom::{distribution_of, read};

    #[test]
    fn trivys_habits() {
        let bom = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
            {"type":"operating-system","name":"debian","version":"12.5"},
            {"type":"application","name":"package-lock.json","properties":[{"name":"aquasecurity:trivy:Type","value":"npm"}]},
            {"type":"library","bom-ref":"a","name":"libssl3","version":"3.0.11-1","purl":"pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.5",
             "properties":[{"name":"aquasecurity:trivy:SrcName","value":"openssl"}]}]}"#;
        let sbom = read(bom, "bom.json").unwrap();
        assert_eq!(sbom.inventory.packages.len(), 1);
        assert_eq!(sbom.inventory.packages[0].source_name, "openssl");
        assert_eq!(sbom.inventory.distribution.unwrap().version, "12.5");
    }

    #[test]
    fn syfts_habits() {
        let bom = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
            {"type":"operating-system","name":"centos","version":"9","properties":[
              {"name":"syft:distro:id","value":"centos"},{"name":"syft:distro:prettyName","value":"CentOS Stream 9"}]},
            {"type":"file","name":"/etc/passwd"},
            {"type":"library","name":"a","version":"1:1-1","purl":"pkg:rpm/centos/a@1-1?arch=x86_64&epoch=1&upstream=b-1-1.src.rpm"}]}"#;
        assert_eq!(
            distribution_of(bom).unwrap().family,
            seaworthy_model::Family::CentOsStream
        );
        let packages = read(bom, "bom.json").unwrap().inventory.packages;
        assert_eq!(packages.len(), 1);
        assert_eq!(
            (packages[0].version.as_str(), packages[0].source_name.as_str()),
            ("1:1-1", "b")
        );
    }

    #[test]
    fn what_tools_get_wrong_is_no_reason_to_stop() {
        let bom = br#"{"bomFormat":"CycloneDX","specVersion":"9.9","metadata":{},"components":[
            {"name":"a","version":1.5,"licenses":"MIT","hashes":{},"properties":null,"supplier":"me","purl":"pkg:npm/a@1.5"},
            {"type":"library"}]}"#;
        let sbom = read(bom, "bom.json").unwrap();
        assert_eq!(sbom.inventory.packages.len(), 1);
        assert!(
            sbom.inventory
                .problems
                .iter()
                .any(|problem| problem.what.contains("9.9"))
        );
    }
}
