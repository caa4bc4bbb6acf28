//! What a JSON report says of the scanned thing as a whole: its distribution, manifest and layers, and problems.

use crate::identity;
use seaworthy_model::{Digest, Effect, PackageClass, Problem, ScanReport, Subject};
use serde::Serialize;
use serde_json::Value;

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata<'a> {
    /// Sum of the uncompressed layers, as `docker image inspect` counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "OS", skip_serializing_if = "Option::is_none")]
    os: Option<OperatingSystem<'a>>,
    #[serde(rename = "ImageID", skip_serializing_if = "Option::is_none")]
    image_id: Option<Digest>,
    #[serde(rename = "DiffIDs", skip_serializing_if = "Vec::is_empty")]
    diff_ids: Vec<Digest>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    repo_tags: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    repo_digests: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_config: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Layer>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OperatingSystem<'a> {
    family: &'a str,
    name: &'a str,
    #[serde(rename = "EOSL", skip_serializing_if = "std::ops::Not::not")]
    end_of_life: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Layer {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(rename = "DiffID", skip_serializing_if = "Option::is_none")]
    diff_id: Option<Digest>,
}

impl<'a> Metadata<'a> {
    pub(super) fn of(report: &'a ScanReport) -> Self {
        let inventory = &report.inventory;
        let os = match &inventory.distribution {
            Some(distribution) => Some(OperatingSystem {
                family: identity::family_name(distribution),
                name: &distribution.version,
                end_of_life: report.end_of_life == Some(true),
            }),
            // Packages of a distribution that nothing names.
            None => inventory.packages_of(PackageClass::Os).next().map(|_| OperatingSystem {
                family: "none",
                name: "",
                end_of_life: false,
            }),
        };
        let Some(image) = &report.image else {
            return Self { os, ..Self::default() };
        };
        let sizes = &inventory.layer_sizes;
        Self {
            size: (!sizes.is_empty()).then(|| sizes.iter().sum()),
            os,
            image_id: image.image_id,
            diff_ids: image.layers.iter().filter_map(|layer| layer.diff_id).collect(),
            repo_tags: &image.repo_tags,
            repo_digests: &image.repo_digests,
            reference: image.repo_tags.first().map(String::as_str),
            image_config: Some(&image.config).filter(|config| !config.is_null()),
            layers: image
                .layers
                .iter()
                .enumerate()
                .map(|(index, layer)| Layer {
                    size: sizes.get(index).copied(),
                    digest: layer.digest,
                    diff_id: layer.diff_id,
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ProblemEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    what: &'a str,
    effect: Effect,
}

impl<'a> ProblemEntry<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        let (path, digest) = match &problem.subject {
            Subject::Path(path) => (Some(path.as_str()), None),
            Subject::Digest(digest) => (None, Some(*digest)),
            Subject::PathInLayer { path, layer } => (Some(path.as_str()), Some(*layer)),
            // The whole of it: every entry names a place.
            Subject::Artifact => (Some("/"), None),
        };
        Self {
            path,
            digest,
            what: &problem.what,
            effect: problem.effect,
        }
    }
}
