//! GitHub's dependency snapshot, as the dependency submission API takes it.

use crate::json::text;
use crate::result::group;
use crate::{Error, Options, identity, problems};
use seaworthy_model::{Package, Relationship, ScanReport};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The run of a workflow that a snapshot belongs to, from its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workflow {
    /// `GITHUB_REF`.
    pub reference: String,
    /// `GITHUB_SHA`.
    pub commit: String,
    /// `GITHUB_WORKFLOW` and `GITHUB_JOB`.
    pub correlator: String,
    /// `GITHUB_RUN_ID`.
    pub run: String,
}

/// Writes the snapshot: every package, whether or not something was found in it.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let mut manifests = Map::new();
    for group in group(report, options) {
        let ids: HashMap<&str, String> = group
            .packages
            .iter()
            .map(|package| (package.name.as_str(), identity::package_id(package)))
            .collect();
        let mut resolved = Map::new();
        for package in &group.packages {
            // Two versions of one package are two entries.
            let key = if resolved.contains_key(&package.name) {
                identity::package_id(package)
            } else {
                package.name.clone()
            };
            resolved.insert(key, entry(report, package, &ids));
        }
        let mut manifest = Map::new();
        manifest.insert("name".into(), json!(group.kind));
        if !group.aggregated && group.class == seaworthy_model::PackageClass::Language {
            manifest.insert("file".into(), json!({ "source_location": group.target }));
        }
        manifest.insert("resolved".into(), Value::Object(resolved));
        manifests.insert(group.target.clone(), Value::Object(manifest));
    }
    let mut metadata = Map::new();
    if let Some(image) = &report.image {
        let named = [
            ("RepoTag", image.repo_tags.first()),
            ("RepoDigest", image.repo_digests.first()),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                metadata.insert(format!("aquasecurity:trivy:{name}"), json!(value));
            }
        }
    }
    // Eight keys with one value each are all that the API takes.
    let problems = problems::weighty(report);
    if let Some(worst) = problems.first() {
        let more = match problems.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let said = format!("{}: {}{more}", problems::effect(worst), problems::line(worst));
        metadata.insert("seaworthy:problem".into(), json!(said));
    }
    if let Some(text) = problems::end_of_life(report) {
        metadata.insert("seaworthy:endOfLife".into(), json!(text));
    }
    let workflow = options.workflow.clone().unwrap_or_default();
    text::to_vec(&json!({
        "version": 0,
        "detector": {
            "name": "seaworthy",
            "version": env!("CARGO_PKG_VERSION"),
            "url": "https://github.com/seaworthy-dev/seaworthy",
        },
        "metadata": metadata,
        "ref": workflow.reference,
        "sha": workflow.commit,
        "job": { "correlator": workflow.correlator, "id": workflow.run },
        "scanned": report.created_at,
        "manifests": manifests,
    }))
}

fn entry(report: &ScanReport, package: &Package, ids: &HashMap<&str, String>) -> Value {
    let mut fields = Map::new();
    if let Some(purl) = identity::package_url(package, report.inventory.distribution.as_ref()) {
        fields.insert("package_url".into(), json!(purl));
    }
    let relationship = match package.relationship {
        Relationship::Indirect => "indirect",
        _ => "direct",
    };
    fields.insert("relationship".into(), json!(relationship));
    let on: Vec<&String> = package
        .depends_on
        .iter()
        .filter_map(|name| ids.get(name.as_str()))
        .collect();
    if !on.is_empty() {
        fields.insert("dependencies".into(), json!(on));
    }
    fields.insert(
        "scope".into(),
        json!(if package.dev { "development" } else { "runtime" }),
    );
    Value::Object(fields)
}
