//! The JSON documents of the OCI image specification and of docker archives, as far as they are needed.

use crate::Error;
use seaworthy_model::{Platform, limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Reads a JSON document, unless it has more values than any honest one: millions of empty objects fit into a few
/// megabytes, and take hundreds once they are read.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Error> {
    let (mut values, mut quoted, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'{' | b'[' if !quoted => values += 1,
            _ => {}
        }
    }
    if values > limits::MANIFEST_VALUES {
        return Err(Error::TooManyValues {
            what: what.to_owned(),
            limit: limits::MANIFEST_VALUES,
        });
    }
    serde_json::from_slice(bytes).map_err(|source| Error::Json {
        what: what.to_owned(),
        source,
    })
}

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
    pub(crate) schema_version: u64,
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

/// Media types of layers that are file systems: OCI's and Docker's, foreign ones too.
fn is_layer(media_type: &str) -> bool {
    media_type.is_empty() || media_type.contains("tar") || media_type == "application/octet-stream"
}

impl Manifest {
    /// The kind of artifact that a manifest describes in place of an image: by its type, its config, or layers that are no
    /// file systems (signatures and attestations come with the config of an image).
    pub(crate) fn artifact(&self) -> Option<&str> {
        if !self.artifact_type.is_empty() {
            return Some(&self.artifact_type);
        }
        let config = self.config.as_ref().map(|config| config.media_type.as_str());
        if let Some(config) = config.filter(|config| !is_image_config(config)) {
            return Some(config);
        }
        let layers = self.layers.as_deref().unwrap_or_default();
        let first = layers.first()?;
        let none = layers.iter().all(|layer| !is_layer(&layer.media_type));
        none.then_some(first.media_type.as_str())
    }
}

/// What an index has for a platform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Nothing that is an image.
    Empty,
    /// Images, none of which is for the platform.
    Missing {
        /// The platforms there are.
        offered: Vec<Platform>,
    },
    /// Those that fit, the best first, by their places in the list.
    Fitting(Vec<usize>),
}

/// The platforms of an index, without the attestations of BuildKit, which sit there as "unknown/unknown".
pub(crate) fn platforms(manifests: &[Descriptor]) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = Vec::new();
    for described in manifests
        .iter()
        .filter(|image| is_image(image))
        .filter_map(|image| image.platform.as_ref())
    {
        let platform = Platform::from(described);
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    platforms
}

fn is_image(descriptor: &Descriptor) -> bool {
    descriptor
        .platform
        .as_ref()
        .is_none_or(|platform| platform.os != "unknown")
}

/// Chooses from an index; `asked` tells whether somebody named the platform.
pub(crate) fn choose(manifests: &[Descriptor], wanted: &Platform, asked: bool) -> Choice {
    let images = || manifests.iter().enumerate().filter(|(_, image)| is_image(image));
    let platform = |image: &Descriptor| image.platform.as_ref().map(Platform::from);
    let mut fitting: Vec<usize> = images()
        .filter(|(_, image)| platform(image).is_some_and(|platform| wanted.accepts(&platform)))
        .map(|(index, _)| index)
        .collect();
    if fitting.is_empty() {
        fitting.extend(
            images()
                .filter(|(_, image)| image.platform.is_none())
                .map(|(index, _)| index),
        );
    }
    if fitting.is_empty() && !asked && images().count() == 1 {
        // The only image there is: nobody asked for another platform.
        fitting.extend(images().map(|(index, _)| index));
    }
    if fitting.is_empty() {
        return match images().count() {
            0 => Choice::Empty,
            _ => Choice::Missing {
                offered: platforms(manifests),
            },
        };
    }
    if wanted.variant.is_none() {
        // Where no variant was asked for, the one that is usually meant goes before special ones.
        let usual = |index: &usize| {
            let platform = manifests.get(*index).and_then(platform);
            let variant = platform.as_ref().and_then(|platform| platform.variant.as_deref());
            match (wanted.architecture.as_str(), variant) {
                (_, None) | ("arm", Some("v7")) | ("arm64", Some("v8")) | ("amd64", Some("v1")) => 0,
                _ => 1,
            }
        };
        fitting.sort_by_key(usual);
    }
    Choice::Fitting(fitting)
}

#[cfg(test)]
mod tests {
    use super::{Choice, DescribedPlatform, Descriptor, Manifest, choose, read};
    use crate::Error;

    fn index(platforms: &[&str]) -> Vec<Descriptor> {
        let described = platforms.iter().map(|text| {
            let mut parts = text.split('/').map(str::to_owned);
            let platform = (!text.is_empty()).then(|| DescribedPlatform {
                os: parts.next().unwrap_or_default(),
                architecture: parts.next().unwrap_or_default(),
                variant: parts.next(),
            });
            Descriptor {
                platform,
                ..Descriptor::default()
            }
        });
        described.collect()
    }

    #[test]
    fn the_platform_and_its_variant_decide() {
        let all = [
            "linux/arm/v6",
            "linux/arm/v7",
            "linux/arm64/v8",
            "linux/amd64",
            "unknown/unknown",
        ];
        for (offered, wanted, asked, expected) in [
            (&all[..], "linux/amd64", true, "[3]"),
            (&all[..], "linux/arm", true, "[1, 0]"),
            (&all[..], "linux/arm/v6", true, "[0]"),
            (&all[..], "linux/arm/v5", true, "missing 4"),
            (&all[..], "linux/arm64", true, "[2]"),
            (&all[..], "windows/amd64", false, "missing 4"),
            (&["linux/s390x"][..], "linux/amd64", false, "[0]"),
            (&["linux/s390x"][..], "linux/amd64", true, "missing 1"),
            (&["unknown/unknown"][..], "linux/amd64", false, "empty"),
            (&[""][..], "linux/amd64", true, "[0]"),
            (&["", "linux/amd64"][..], "linux/amd64", true, "[1]"),
            (&["linux/amd64/v3", "linux/amd64"][..], "linux/amd64", true, "[1, 0]"),
            (&[][..], "linux/amd64", true, "empty"),
        ] {
            let shown = match choose(&index(offered), &wanted.parse().unwrap(), asked) {
                Choice::Empty => "empty".to_owned(),
                Choice::Missing { offered } => format!("missing {}", offered.len()),
                Choice::Fitting(indexes) => format!("{indexes:?}"),
            };
            assert_eq!(shown, expected, "{wanted} of {offered:?}");
        }
    }

    #[test]
    fn a_document_of_millions_of_values_is_not_read() {
        let many = format!("{{\"layers\":[{}]}}", vec!["{}"; 300_000].join(","));
        let refused = read::<Manifest>(many.as_bytes(), "x");
        assert!(matches!(refused, Err(Error::TooManyValues { .. })));
        // Commas within strings are no values.
        let text = format!("{{\"mediaType\":\"\\\"{}\"}}", ",[{".repeat(300_000));
        assert!(read::<Manifest>(text.as_bytes(), "x").is_ok());
    }

    #[test]
    fn charts_signatures_and_attestations_are_no_images() {
        let image = "application/vnd.oci.image.config.v1+json";
        for (config, layers, expected) in [
            (image, &["application/vnd.oci.image.layer.v1.tar+gzip"][..], None),
            (
                image,
                &["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"][..],
                None,
            ),
            (image, &[][..], None),
            (
                image,
                &["application/vnd.dev.cosign.simplesigning.v1+json"][..],
                Some("application/vnd.dev.cosign.simplesigning.v1+json"),
            ),
            (
                image,
                &["application/vnd.in-toto+json"][..],
                Some("application/vnd.in-toto+json"),
            ),
            (
                "application/vnd.cncf.helm.config.v1+json",
                &["x.tar"][..],
                Some("application/vnd.cncf.helm.config.v1+json"),
            ),
        ] {
            let descriptor = |media_type: &str| Descriptor {
                media_type: media_type.to_owned(),
                ..Descriptor::default()
            };
            let manifest = Manifest {
                config: Some(descriptor(config)),
                layers: Some(layers.iter().map(|layer| descriptor(layer)).collect()),
                ..Manifest::default()
            };
            assert_eq!(manifest.artifact(), expected);
        }
    }
}
