//! GitHub's dependency snapshot: manifests with resolved package URLs (REST API, dependency submission).

use super::{Bill, Component, Format, Unreadable, first_of};
use seaworthy_model::{Effect, Problem, limits};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Snapshot {
    #[serde(default)]
    manifests: BTreeMap<String, Manifest>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    file: Option<SourceFile>,
    #[serde(default)]
    resolved: BTreeMap<String, Resolved>,
}

#[derive(Deserialize)]
struct SourceFile {
    #[serde(default)]
    source_location: Option<String>,
}

#[derive(Deserialize)]
struct Resolved {
    #[serde(default)]
    package_url: Option<String>,
    #[serde(default)]
    relationship: Option<String>,
    #[serde(default)]
    scope: Option<String>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Bill, Unreadable> {
    let snapshot: Snapshot = first_of(bytes, "dependency snapshot")?;
    let mut bill = Bill::new(Format::GitHub);
    for (name, manifest) in snapshot.manifests {
        let path = manifest.file.and_then(|file| file.source_location).unwrap_or(name);
        for (_, resolved) in manifest.resolved {
            if bill.components.len() >= limits::PACKAGES {
                let what = format!("more than {} packages; the rest was not looked at", limits::PACKAGES);
                bill.problems.push(Problem::of_artifact(Effect::Incomplete, what));
                return Ok(bill);
            }
            let Some(purl) = resolved.package_url else { continue };
            let mut component = Component {
                purl,
                ..Component::default()
            };
            component.add_property("aquasecurity:trivy:FilePath", &path);
            if let Some(relationship) = resolved.relationship {
                component.add_property("seaworthy:Relationship", &relationship);
            }
            if resolved.scope.as_deref() == Some("development") {
                component.add_property("seaworthy:Dev", "true");
            }
            bill.components.push(component);
        }
    }
    Ok(bill)
}

#[cfg(test)]
mod tests {
    use crate::sbom::read;
    use seaworthy_model::Relationship;

    #[test]
    fn resolved_packages_are_listed_with_their_manifest() {
        let text = br#"{"version":0,"manifests":{"m":{"name":"npm","file":{"source_location":"a/package-lock.json"},"resolved":{
            "x":{"package_url":"pkg:npm/x@1","relationship":"direct","scope":"development"}}}}}"#;
        let package = read(text, "s").unwrap().inventory.packages.remove(0);
        assert_eq!((package.path.as_str(), package.dev), ("a/package-lock.json", true));
        assert_eq!(package.relationship, Relationship::Direct);
    }
}
