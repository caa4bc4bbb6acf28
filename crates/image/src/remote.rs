//! An image of which manifest, config and layers are known by digest: from its manifest or index to what can be streamed.
//!
//! Shared by registries and content stores, which differ in how a digest is asked for.

use crate::blobs::{Blobs, Place, RemoteBlobs};
use crate::manifest::{Choice, Descriptor, Manifest, choose, platforms, read};
use crate::network::DocumentCache;
use crate::{Error, Image};
use seaworthy_model::{Digest, ImageMetadata, Platform, limits};
use seaworthy_registry::{Document, Reference};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// What is asked while an image is opened.
pub(crate) struct Remote<'a> {
    /// The name for messages.
    pub(crate) shown: &'a str,
    /// The reference; absent where the image is known by its id alone.
    pub(crate) reference: Option<&'a Reference>,
    /// The platform asked for; `None` takes this machine's.
    pub(crate) platform: Option<&'a Platform>,
    pub(crate) cache: Option<&'a dyn DocumentCache>,
    /// Fetches a manifest.
    pub(crate) manifest: &'a Fetch<'a>,
    /// Fetches a config.
    pub(crate) config: &'a Fetch<'a>,
}

/// Fetches a document by its digest, which is verified.
pub(crate) type Fetch<'a> = dyn Fn(Digest) -> Result<Vec<u8>, Error> + 'a;

impl Remote<'_> {
    /// The image that a manifest or index describes.
    pub(crate) fn image(&self, top: Document, blobs: Arc<dyn RemoteBlobs>) -> Result<Image, Error> {
        let mut offered = Vec::new();
        let top_digest = top.digest;
        let (manifest, manifest_digest) = self.image_manifest(top, &mut offered)?;
        if let Some(kind) = manifest.artifact() {
            return Err(Error::Artifact {
                reference: self.shown.to_owned(),
                kind: kind.chars().take(limits::SHOWN_NAME_BYTES).collect(),
            });
        }
        let layers = manifest.layers.unwrap_or_default();
        if layers.len() > limits::LAYERS {
            return Err(Error::TooManyLayers {
                layers: layers.len(),
                limit: limits::LAYERS,
            });
        }
        let Some(config) = manifest.config else {
            return Err(Error::NotAnImage {
                path: self.shown.into(),
                why: "its manifest has no config".into(),
            });
        };
        let config_digest = digest_of(&config)?;
        let config = self.document(config_digest, self.config)?;
        let mut places = Vec::with_capacity(layers.len());
        for layer in &layers {
            let digest = digest_of(layer)?;
            let place = Place {
                name: digest.to_string(),
                offset: 0,
                size: layer.size,
            };
            places.push((place, Some(digest)));
        }
        let tag = self.reference.and_then(|reference| {
            let tag = reference.tag()?;
            Some(format!("{}:{tag}", reference.familiar_name()))
        });
        let pinned = self
            .reference
            .map(|reference| format!("{}@{top_digest}", reference.familiar_name()));
        let metadata = ImageMetadata {
            manifest_digest: Some(manifest_digest),
            repo_tags: tag.into_iter().collect(),
            repo_digests: pinned.into_iter().collect(),
            ..ImageMetadata::default()
        };
        let blobs = Blobs::Remote {
            name: PathBuf::from(self.shown),
            blobs,
        };
        let image = Image::new(blobs, self.shown, (config, config_digest), places, metadata)?.with_platforms(offered);
        if let (Some(wanted), Some(platform)) = (self.platform, &image.metadata().platform)
            && !wanted.accepts(platform)
        {
            return Err(Error::NoPlatform {
                path: self.shown.into(),
                wanted: wanted.to_string(),
                offered: vec![platform.to_string()],
            });
        }
        Ok(image)
    }

    /// From what the reference names to the manifest of the image for the platform, through indexes.
    fn image_manifest(&self, top: Document, offered: &mut Vec<Platform>) -> Result<(Manifest, Digest), Error> {
        let own = Platform::of_this_machine();
        let wanted = self.platform.unwrap_or(&own);
        let (mut bytes, mut digest, mut media_type) = (top.bytes, top.digest, top.media_type);
        for _ in 0..=limits::INDEX_DEPTH {
            let manifest = parse(&bytes, &media_type, self.shown)?;
            let Some(manifests) = &manifest.manifests else {
                return Ok((manifest, digest));
            };
            if manifests.len() > limits::INDEX_MANIFESTS {
                return Err(Error::TooLarge {
                    what: format!("the list of manifests of {}", self.shown),
                    limit: limits::INDEX_MANIFESTS as u64,
                });
            }
            let here = platforms(manifests);
            if !here.is_empty() {
                *offered = here;
            }
            let chosen = match choose(manifests, wanted, self.platform.is_some()) {
                Choice::Fitting(indexes) => indexes.first().and_then(|index| manifests.get(*index)),
                Choice::Empty => None,
                Choice::Missing { offered } => {
                    return Err(Error::NoPlatform {
                        path: self.shown.into(),
                        wanted: wanted.to_string(),
                        offered: offered.iter().map(ToString::to_string).collect(),
                    });
                }
            };
            let Some(chosen) = chosen else {
                return Err(Error::NotAnImage {
                    path: self.shown.into(),
                    why: "its index lists no image".into(),
                });
            };
            digest = digest_of(chosen)?;
            media_type.clone_from(&chosen.media_type);
            bytes = self.document(digest, self.manifest)?;
        }
        Err(Error::IndexDepth {
            limit: limits::INDEX_DEPTH,
        })
    }

    /// A document from the cache, or else fetched and kept.
    fn document(&self, digest: Digest, fetch: &Fetch<'_>) -> Result<Vec<u8>, Error> {
        let known = self.cache.and_then(|cache| cache.get(digest));
        let sound = known.filter(|bytes| digest.as_bytes() == Sha256::digest(bytes).as_slice());
        if let Some(bytes) = sound {
            return Ok(bytes);
        }
        let bytes = fetch(digest)?;
        if let Some(cache) = self.cache {
            cache.put(digest, &bytes);
        }
        Ok(bytes)
    }
}

/// Reads a manifest or an index; one that can be taken for both is refused, so that everybody reads the same.
pub(crate) fn parse(bytes: &[u8], media_type: &str, shown: &str) -> Result<Manifest, Error> {
    let manifest: Manifest = read(bytes, &format!("the manifest of {shown}"))?;
    let schema_one =
        media_type.starts_with("application/vnd.docker.distribution.manifest.v1") || manifest.schema_version == 1;
    if schema_one && manifest.layers.is_none() && manifest.manifests.is_none() {
        return Err(Error::SchemaOne {
            reference: shown.to_owned(),
        });
    }
    let ambiguous = |why: &str| Error::AmbiguousManifest {
        reference: shown.to_owned(),
        why: why.to_owned(),
    };
    if manifest.manifests.is_some() && (manifest.layers.is_some() || manifest.config.is_some()) {
        return Err(ambiguous("it lists both manifests and layers"));
    }
    let is_index = |kind: &str| kind.contains("image.index") || kind.contains("manifest.list");
    let is_manifest = |kind: &str| kind.contains("image.manifest") || kind.contains("distribution.manifest.v2");
    for kind in [manifest.media_type.as_str(), media_type] {
        if (is_index(kind) && manifest.manifests.is_none()) || (is_manifest(kind) && manifest.manifests.is_some()) {
            return Err(ambiguous("its media type says something else than its content"));
        }
    }
    if manifest.manifests.is_none() && manifest.config.is_none() && manifest.layers.is_none() {
        return Err(Error::NotAnImage {
            path: shown.into(),
            why: "it is no manifest".into(),
        });
    }
    Ok(manifest)
}

/// For fuzzing alone: what a hostile registry's document goes through before anything is asked because of it.
#[doc(hidden)]
pub fn read_foreign_manifest(bytes: &[u8], media_type: &str, wanted: &Platform) -> Result<usize, Error> {
    let manifest = parse(bytes, media_type, "a name")?;
    if let Some(manifests) = &manifest.manifests {
        let offered = platforms(manifests).len();
        if let Choice::Fitting(indexes) = choose(manifests, wanted, true) {
            for index in indexes.iter().filter_map(|index| manifests.get(*index)) {
                digest_of(index)?;
            }
        }
        return Ok(offered);
    }
    let layers = manifest.layers.as_deref().unwrap_or_default();
    for descriptor in layers.iter().chain(&manifest.config) {
        digest_of(descriptor)?;
    }
    Ok(layers.len() + usize::from(manifest.artifact().is_some()))
}

pub(crate) fn digest_of(descriptor: &Descriptor) -> Result<Digest, Error> {
    Digest::parse(&descriptor.digest).ok_or_else(|| Error::BadDigest {
        what: format!("a descriptor of type {:?}", short(&descriptor.media_type)),
        digest: short(&descriptor.digest),
    })
}

/// A foreign text, short enough to be shown.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(limits::SHOWN_NAME_BYTES).collect()
}
