//! SPDX 3.0 in JSON-LD, in the flat form that its own context gives: a `@graph` of typed elements, or one element alone.

use super::{Bill, Component, Format, Role, Unreadable, first_of};
use seaworthy_model::{Effect, Problem, limits};
use serde_json::Value;
use std::collections::HashMap;

pub(super) fn read(bytes: &[u8]) -> Result<Bill, Unreadable> {
    let value: Value = first_of(bytes, "SPDX 3.0 document")?;
    from_value(&value)
}

pub(super) fn from_value(value: &Value) -> Result<Bill, Unreadable> {
    let single = std::slice::from_ref(value);
    let elements = value
        .get("@graph")
        .and_then(Value::as_array)
        .map_or(single, Vec::as_slice);
    if !elements
        .iter()
        .any(|element| kind(element).starts_with("Spdx") || kind(element).starts_with("software_"))
    {
        return Err(Unreadable::Unknown("JSON-LD without an element of SPDX 3.0"));
    }
    let mut bill = Bill::new(Format::Spdx);
    let mut depends: HashMap<&str, Vec<String>> = HashMap::new();
    for element in elements {
        match kind(element) {
            "SpdxDocument" => bill.subject = Some(text(element, "name").to_owned()).filter(|name| !name.is_empty()),
            "Relationship" | "LifecycleScopedRelationship" if text(element, "relationshipType") == "dependsOn" => {
                let to = element.get("to").and_then(Value::as_array).into_iter().flatten();
                depends
                    .entry(text(element, "from"))
                    .or_default()
                    .extend(to.filter_map(Value::as_str).map(str::to_owned));
            }
            _ => {}
        }
    }
    for element in elements.iter().filter(|element| kind(element) == "software_Package") {
        if bill.components.len() >= limits::PACKAGES {
            let what = format!("more than {} packages; the rest was not looked at", limits::PACKAGES);
            bill.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            break;
        }
        let mut component = component(element);
        if let Some(on) = depends.remove(component.reference.as_str()) {
            component.depends_on = on;
        }
        bill.components.push(component);
    }
    Ok(bill)
}

/// The type of an element, without the profile that older drafts write in front with a slash.
fn kind(element: &Value) -> &str {
    let kind = match element.get("type") {
        Some(kind) => kind,
        None => element.get("@type").unwrap_or(&Value::Null),
    };
    kind.as_str().unwrap_or_default()
}

fn text<'a>(element: &'a Value, name: &str) -> &'a str {
    element.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn component(element: &Value) -> Component {
    let id = match text(element, "spdxId") {
        "" => text(element, "@id"),
        id => id,
    };
    let mut component = Component {
        reference: id.to_owned(),
        name: text(element, "name").to_owned(),
        version: text(element, "software_packageVersion").to_owned(),
        purl: text(element, "software_packageUrl").to_owned(),
        ..Component::default()
    };
    let identifiers = element
        .get("externalIdentifier")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for identifier in identifiers {
        let value = text(identifier, "identifier");
        match text(identifier, "externalIdentifierType") {
            "packageUrl" | "packageURL" | "purl" if component.purl.is_empty() => value.clone_into(&mut component.purl),
            "cpe23" | "cpe22" if component.cpe.is_empty() => value.clone_into(&mut component.cpe),
            _ => {}
        }
    }
    component.role = match text(element, "software_primaryPurpose") {
        "operatingSystem" => Role::System,
        "container" | "file" | "device" | "firmware" | "model" | "data" if component.purl.is_empty() => Role::Holder,
        _ => Role::Package,
    };
    component
}

#[cfg(test)]
mod tests {
    use crate::sbom::read;

    #[test]
    fn elements_of_a_graph() {
        let text = br#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
            {"type":"SpdxDocument","spdxId":"urn:d","name":"d"},
            {"type":"software_Package","spdxId":"urn:os","name":"alpine","software_packageVersion":"3.20.1","software_primaryPurpose":"operatingSystem"},
            {"type":"software_Package","spdxId":"urn:a","name":"musl","software_packageVersion":"1.2.5-r0","software_packageUrl":"pkg:apk/alpine/musl@1.2.5-r0"},
            {"type":"software_Package","spdxId":"urn:b","name":"zlib","externalIdentifier":[{"externalIdentifierType":"packageUrl","identifier":"pkg:apk/alpine/zlib@1.3-r0"}]},
            {"type":"Relationship","spdxId":"urn:r","from":"urn:b","to":["urn:a"],"relationshipType":"dependsOn"}]}"#;
        let sbom = read(text, "a").unwrap();
        assert_eq!(sbom.subject.as_deref(), Some("d"));
        assert_eq!(sbom.inventory.distribution.unwrap().version, "3.20.1");
        let packages = sbom.inventory.packages;
        assert_eq!(packages.len(), 2);
        assert_eq!(
            (packages[1].name.as_str(), packages[1].depends_on.join(",").as_str()),
            ("zlib", "musl")
        );
    }

    #[test]
    fn json_ld_of_another_kind_is_refused() {
        assert!(read(br#"{"@context":"https://schema.org","@type":"Person"}"#, "a").is_err());
    }
}
