//! What Bitnami says of its images: `opt/bitnami/.bitnami_components.json`, and one SPDX document for each component
//! (`opt/bitnami/<component>/.spdx-<component>.spdx`, JSON).
//!
//! The documents also list what is inside a component (Go modules, Python packages), each by a package URL.

use std::collections::BTreeMap;

use seaworthy_model::{Ecosystem, Effect, limits};
use serde::Deserialize;

use super::{json, listing};
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "bitnami",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    let Some(below) = path.strip_prefix("opt/bitnami/") else {
        return false;
    };
    let name = below.rsplit('/').next().unwrap_or(below);
    below == ".bitnami_components.json" || (name.starts_with(".spdx-") && name.ends_with(".spdx"))
}

#[derive(Deserialize)]
struct Component {
    #[serde(default)]
    arch: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Vec<SpdxPackage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let outcome = if file.name() == ".bitnami_components.json" {
        json::object::<BTreeMap<String, Component>>(file.bytes).map(|components| {
            for (name, component) in components {
                if let Some(package) = listing::add(report, Ecosystem::Bitnami, &name, &component.version, file.path) {
                    package.arch = component.arch;
                }
            }
        })
    } else {
        json::object::<Document>(file.bytes).map(|document| {
            let references = document.packages.iter().flat_map(|package| &package.external_refs);
            for reference in references.filter(|reference| reference.reference_type == "purl") {
                add(report, &reference.reference_locator, file.path);
            }
        })
    };
    if let Err(error) = outcome {
        let what = format!("Bitnami's list could not be read, its packages are not listed: {error}");
        listing::problem(report, file.path, Effect::Incomplete, what);
    }
}

/// Adds the package of a package URL: `pkg:type/namespace/name@version?arch=…`.
fn add(report: &mut FileReport, purl: &str, path: &str) {
    let Some((kind, rest)) = purl.strip_prefix("pkg:").and_then(|rest| rest.split_once('/')) else {
        return;
    };
    let (rest, qualifiers) = rest
        .split('#')
        .next()
        .unwrap_or(rest)
        .split_once('?')
        .unwrap_or((rest, ""));
    let (Some((name, version)), Some(ecosystem)) = (rest.rsplit_once('@'), Ecosystem::from_purl_type(kind)) else {
        return;
    };
    let name = decoded(name);
    let name = match ecosystem {
        Ecosystem::Maven => name.replacen('/', ":", 1),
        _ => name,
    };
    let arch = qualifiers
        .split('&')
        .find_map(|one| one.strip_prefix("arch="))
        .unwrap_or("");
    if let Some(package) = listing::add(report, ecosystem, &name, &decoded(version), path) {
        arch.clone_into(&mut package.arch);
    }
}

/// Percent-encoding undone; what is none is left as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn components_and_documents() {
        for (path, text, expected) in [
            (
                "opt/bitnami/.bitnami_components.json",
                r#"{"redis": {"arch": "amd64", "version": "7.2.4-1"}}"#,
                "redis 7.2.4-1",
            ),
            (
                "opt/bitnami/redis/.spdx-redis.spdx",
                r#"{"packages": [{"externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:golang/github.com/a/b@v1.0%2Bincompatible?arch=amd64"}]}]}"#,
                "github.com/a/b v1.0+incompatible",
            ),
        ] {
            assert!((ANALYZER.wants)(path));
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            let found: Vec<_> = report
                .packages
                .iter()
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            assert_eq!(found, [expected]);
        }
    }
}
