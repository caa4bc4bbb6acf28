//! An image whose manifest and config have been read and whose layers wait to be streamed.

use crate::Error;
use crate::blobs::{Blobs, Place};
use crate::layer::LayerStream;
use crate::manifest::{Config, read};
use seaworthy_model::{Digest, ImageMetadata, LayerDigests, Platform, Problem, limits};
use std::sync::Arc;

/// Where a layer lies and what was promised of it.
#[derive(Clone, Debug)]
pub(crate) struct LayerPlace {
    pub(crate) place: Place,
    /// Digest of the stored bytes, from the manifest or from the name that the archive gives the blob.
    pub(crate) digest: Option<Digest>,
    /// Digest of the uncompressed bytes, from the config.
    pub(crate) diff_id: Option<Digest>,
}

/// An image ready to be read.
#[derive(Debug)]
pub struct Image {
    metadata: ImageMetadata,
    problems: Vec<Problem>,
    blobs: Arc<Blobs>,
    layers: Vec<LayerPlace>,
    platforms: Vec<Platform>,
}

impl Image {
    /// Joins config and layer places; `config_bytes` have the digest `image_id`.
    pub(crate) fn new(
        blobs: Blobs,
        what: &str,
        (config_bytes, image_id): (Vec<u8>, Digest),
        places: Vec<(Place, Option<Digest>)>,
        mut metadata: ImageMetadata,
    ) -> Result<Self, Error> {
        let called = format!("the config of {what}");
        let config: Config = read(&config_bytes, &called)?;
        metadata.config = read(&config_bytes, &called)?;
        metadata.image_id = Some(image_id);
        if places.len() > limits::LAYERS {
            return Err(Error::TooManyLayers {
                layers: places.len(),
                limit: limits::LAYERS,
            });
        }
        let diff_ids = &config.rootfs.diff_ids;
        if diff_ids.len() != places.len() {
            return Err(Error::LayerCount {
                diff_ids: diff_ids.len(),
                layers: places.len(),
            });
        }
        if !config.os.is_empty() || !config.architecture.is_empty() {
            metadata.platform = Some(Platform {
                os: config.os,
                architecture: config.architecture,
                variant: config.variant,
            });
        }
        let mut commands = config
            .history
            .unwrap_or_default()
            .into_iter()
            .filter(|step| !step.empty_layer)
            .map(|step| step.created_by);
        let mut layers = Vec::with_capacity(places.len());
        for ((place, digest), diff_id) in places.into_iter().zip(diff_ids) {
            let Some(diff_id) = Digest::parse(diff_id) else {
                return Err(Error::BadDigest {
                    what: format!("a diff id in the config of {what}"),
                    digest: diff_id.clone(),
                });
            };
            metadata.layers.push(LayerDigests {
                digest,
                diff_id: Some(diff_id),
                size: place.size,
                created_by: commands.next().flatten(),
            });
            layers.push(LayerPlace {
                place,
                digest,
                diff_id: Some(diff_id),
            });
        }
        Ok(Self {
            metadata,
            problems: Vec::new(),
            blobs: Arc::new(blobs),
            layers,
            platforms: Vec::new(),
        })
    }

    /// Adds the platforms that the same name offers.
    #[must_use]
    pub(crate) fn with_platforms(mut self, platforms: Vec<Platform>) -> Self {
        self.platforms = platforms;
        self
    }

    /// The platforms that the same name offers, this one among them.
    pub(crate) fn platforms(&self) -> Vec<Platform> {
        if self.platforms.is_empty() {
            self.metadata.platform.iter().cloned().collect()
        } else {
            self.platforms.clone()
        }
    }

    /// Adds what the reader of a source noticed.
    #[must_use]
    pub(crate) fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems.extend(problems);
        self
    }

    /// What manifest and config say.
    pub const fn metadata(&self) -> &ImageMetadata {
        &self.metadata
    }

    /// What was odd about the image as a whole.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The streams that must be read to see the layers with these indexes, lowest layer first.
    ///
    /// A layer that occurs twice is streamed once. Streams may be read at the same time; an archive that is compressed
    /// as a whole has only one, which yields its layers in the archive's order.
    pub fn streams(&self, wanted: &[usize]) -> Vec<LayerStream> {
        let mut targets: Vec<(Vec<usize>, LayerPlace)> = Vec::new();
        for &index in wanted {
            let Some(layer) = self.layers.get(index) else { continue };
            match targets.iter_mut().find(|(_, other)| {
                other.place == layer.place && other.digest == layer.digest && other.diff_id == layer.diff_id
            }) {
                Some((indexes, _)) => indexes.push(index),
                None => targets.push((vec![index], layer.clone())),
            }
        }
        if self.blobs.random_access() {
            // The largest first: whoever reads on several threads begins with it.
            let mut places: Vec<_> = targets.iter().map(|(_, layer)| layer.place.clone()).collect();
            places.sort_by_key(|place| std::cmp::Reverse(place.size));
            self.blobs.expect(&places);
            targets
                .into_iter()
                .map(|target| LayerStream::new(Arc::clone(&self.blobs), vec![target]))
                .collect()
        } else {
            targets.sort_by_key(|(_, layer)| layer.place.offset);
            vec![LayerStream::new(Arc::clone(&self.blobs), targets)]
        }
    }
}
