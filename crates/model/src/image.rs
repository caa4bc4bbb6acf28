//! What is known of an image before its layers are read.

use crate::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Operating system, architecture and variant, in Go's names as the OCI image specification demands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7`, `v8`; `None` accepts any.
    pub variant: Option<String>,
}

impl Platform {
    /// The platform of this machine; Linux, since containers on other systems run in a Linux machine.
    pub fn of_this_machine() -> Self {
        let (architecture, variant) = match std::env::consts::ARCH {
            "x86_64" => ("amd64", None),
            "x86" => ("386", None),
            "aarch64" => ("arm64", None),
            "arm" => ("arm", Some("v7")),
            "powerpc64" => ("ppc64le", None),
            "loongarch64" => ("loong64", None),
            other => (other, None),
        };
        Self {
            os: "linux".into(),
            architecture: architecture.into(),
            variant: variant.map(Into::into),
        }
    }

    /// Whether an image for `offered` is what this platform asks for: a variant asked for must be the one offered,
    /// with arm64's only variant `v8` implied.
    pub fn accepts(&self, offered: &Self) -> bool {
        let implied = |platform: &Self| match (platform.architecture.as_str(), &platform.variant) {
            ("arm64", None) => Some("v8".to_owned()),
            ("arm", None) => Some("v7".to_owned()),
            (_, variant) => variant.clone(),
        };
        self.os == offered.os
            && self.architecture == offered.architecture
            && (self.variant.is_none() || implied(self) == implied(offered))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(formatter, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(os), Some(architecture), variant, None)
                if !os.is_empty() && !architecture.is_empty() && variant != Some("") =>
            {
                Ok(Self {
                    os: os.to_lowercase(),
                    architecture: architecture.to_lowercase(),
                    variant: variant.map(str::to_lowercase),
                })
            }
            _ => Err(format!(
                "not a platform: {text:?}, write os/arch or os/arch/variant, for example linux/arm64"
            )),
        }
    }
}

/// The digests of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDigests {
    /// Digest of the blob as stored; `None` for sources that store no blobs under a digest.
    pub digest: Option<Digest>,
    /// Digest of the uncompressed layer as the config states it.
    pub diff_id: Option<Digest>,
    /// Size of the blob as stored, in bytes.
    pub size: u64,
    /// The command that made it (`history[].created_by`), where the config says.
    pub created_by: Option<String>,
}

/// What manifest and config say of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageMetadata {
    /// Digest of the config blob, which is the image id.
    pub image_id: Option<Digest>,
    /// Digest of the manifest.
    pub manifest_digest: Option<Digest>,
    /// `name:tag` as the archive or daemon lists them.
    pub repo_tags: Vec<String>,
    /// `name@sha256:…`.
    pub repo_digests: Vec<String>,
    /// The platform the config states.
    pub platform: Option<Platform>,
    /// The layers, lowest first.
    pub layers: Vec<LayerDigests>,
    /// The config as it was written.
    pub config: serde_json::Value,
}
