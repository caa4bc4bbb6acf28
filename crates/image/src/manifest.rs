//! The JSON documents of the OCI image specification and of docker archives, as far as they are needed.

use seaworthy_model::Platform;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A descriptor (OCI image spec, descriptor.md).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) platform: Option<DescribedPlatform>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// `platform` of a descriptor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DescribedPlatform {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
}

impl From<&DescribedPlatform> for Platform {
    fn from(described: &DescribedPlatform) -> Self {
        Self {
            os: described.os.clone(),
            architecture: described.architecture.clone(),
            variant: described.variant.clone().filter(|variant| !variant.is_empty()),
        }
    }
}

/// An index or a manifest: which of both shows in the fields present.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) artifact_type: String,
    pub(crate) manifests: Option<Vec<Descriptor>>,
    pub(crate) config: Option<Descriptor>,
    pub(crate) layers: Option<Vec<Descriptor>>,
}

/// An element of a docker archive's `manifest.json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DockerManifest {
    pub(crate) config: String,
    pub(crate) repo_tags: Option<Vec<String>>,
    pub(crate) layers: Vec<String>,
}

/// The part of an image config that is needed (OCI image spec, config.md).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
    pub(crate) rootfs: RootFs,
    pub(crate) history: Option<Vec<History>>,
}

/// `rootfs` of a config.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RootFs {
    pub(crate) diff_ids: Vec<String>,
}

/// One element of `history`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct History {
    pub(crate) created_by: Option<String>,
    pub(crate) empty_layer: bool,
}

/// Media types of configs that belong to images; everything else (a chart, a signature, a WASM module) is none.
pub(crate) fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
            | "application/octet-stream"
    )
}
