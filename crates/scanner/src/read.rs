//! From an opened image to its inventory: what is known of its layers, the others in parallel, then one merge.

use crate::Error;
use crate::cache::{Cache, LayerKey, Selected};
use crate::observer::{Observer, Phases, Step, Unobserved};
use crate::streams::{Bounds, Streams};
use seaworthy_image::Image;
use seaworthy_inventory::{Again, LayerContents, Reread, Selection, merge};
use seaworthy_model::{Effect, ImageMetadata, Inventory, LayerRef, Problem};
use std::collections::HashMap;
use std::sync::Arc;

/// What reading an image needs to know.
pub(crate) struct Reading<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) bounds: Bounds,
    pub(crate) cache: Option<&'a Cache>,
    pub(crate) observer: &'a dyn Observer,
}

impl Reading<'_> {
    /// The inventory of an image, from the cache as far as it is there.
    pub(crate) fn image(&self, image: &Image, phases: &mut Phases) -> Result<Inventory, Error> {
        let metadata = image.metadata();
        let selected = Selected::of(self.selection);
        let layers = metadata.layers.len();
        let known = self.cache.and_then(|cache| cache.inventory(metadata, &selected));
        let mut inventory = if let Some(inventory) = known {
            self.observer.step(&Step::Reading {
                layers,
                known: layers,
                bytes: 0,
            });
            phases.end("known inventory");
            inventory
        } else {
            let contents = self.layers(image, &selected, phases)?;
            let (inventory, whole) = self.merge(image, &contents, phases);
            if self.bounds.is_over() {
                return Err(Error::TimedOut {
                    reached: "every layer was read, they were being merged".into(),
                });
            }
            if let Some(cache) = self.cache {
                if whole {
                    cache.keep_inventory(metadata, &selected, &inventory);
                }
                cache.trim();
                phases.end("keep");
            }
            inventory
        };
        inventory.problems.extend(image.problems().iter().cloned());
        Ok(inventory)
    }

    /// The contents of every layer, lowest first.
    fn layers(
        &self,
        image: &Image,
        selected: &Selected,
        phases: &mut Phases,
    ) -> Result<Vec<Arc<LayerContents>>, Error> {
        let layers = &image.metadata().layers;
        let mut slots: Vec<Option<Arc<LayerContents>>> = vec![None; layers.len()];
        if let Some(cache) = self.cache {
            let mut found: HashMap<LayerKey, Option<Arc<LayerContents>>> = HashMap::new();
            for (slot, layer) in slots.iter_mut().zip(layers) {
                if let Some(key) = LayerKey::of(layer) {
                    let known = found
                        .entry(key)
                        .or_insert_with(|| cache.layer(&key, selected).map(Arc::new));
                    slot.clone_from(known);
                }
            }
            phases.end("known layers");
        }
        let missing: Vec<usize> = slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_none())
            .map(|(index, _)| index)
            .collect();
        self.observer.step(&Step::Reading {
            layers: layers.len(),
            known: layers.len() - missing.len(),
            bytes: missing
                .iter()
                .filter_map(|index| layers.get(*index))
                .map(|layer| layer.size)
                .sum(),
        });
        if !missing.is_empty() {
            let keep = |indexes: &[usize], contents: &LayerContents| {
                let key = indexes.first().and_then(|index| LayerKey::of(layers.get(*index)?));
                if let (Some(cache), Some(key)) = (self.cache, key) {
                    cache.keep_layer(&key, selected, contents);
                }
            };
            let streams = Streams {
                image,
                bounds: self.bounds,
                observer: self.observer,
                phases,
            };
            for (indexes, contents) in streams.read(&missing, self.selection, &keep)? {
                let contents = Arc::new(contents);
                for index in indexes {
                    if let Some(slot) = slots.get_mut(index) {
                        *slot = Some(Arc::clone(&contents));
                    }
                }
            }
            phases.end("read layers");
        }
        slots
            .into_iter()
            .enumerate()
            .map(|(index, slot)| slot.ok_or(Error::LayerLost { index }))
            .collect()
    }

    /// Merges the layers; also tells whether every file that was asked for again could be read.
    fn merge(&self, image: &Image, contents: &[Arc<LayerContents>], phases: &mut Phases) -> (Inventory, bool) {
        self.observer.step(&Step::Merging);
        let ordered: Vec<&LayerContents> = contents.iter().map(AsRef::as_ref).collect();
        let mut whole = true;
        let inventory = merge(&ordered, &references(image.metadata()), &mut |index, wanted| {
            let contents = self.again(image, index, wanted, phases);
            whole &= contents.is_ok();
            contents
        });
        phases.end("merge");
        (inventory, whole)
    }

    /// Reads files of one layer that a first pass had no reason to read.
    fn again(
        &self,
        image: &Image,
        index: usize,
        wanted: Vec<Reread>,
        phases: &Phases,
    ) -> Result<LayerContents, Problem> {
        let key = image.metadata().layers.get(index).and_then(LayerKey::of);
        let kept = self.cache.zip(key.as_ref());
        if let Some((cache, key)) = kept
            && let Some(contents) = cache.again(key, &wanted)
        {
            return Ok(contents);
        }
        let only = Selection {
            only: Some(Again::new(wanted)),
            ..Selection::default()
        };
        let streams = Streams {
            image,
            bounds: self.bounds,
            observer: &Unobserved,
            phases,
        };
        let keep = |_: &[usize], contents: &LayerContents| {
            if let (Some((cache, key)), Some(wanted)) = (kept, &only.only) {
                cache.keep_again(key, wanted.wanted(), contents);
            }
        };
        match streams.read(&[index], &only, &keep) {
            Ok(contents) => contents
                .into_iter()
                .next()
                .map(|(_, contents)| contents)
                .ok_or_else(|| {
                    Problem::of_artifact(
                        Effect::Incomplete,
                        format!("layer {index} could not be read a second time"),
                    )
                }),
            Err(error) => Err(Problem::of_artifact(
                Effect::Incomplete,
                format!("files behind links could not be read: {error}"),
            )),
        }
    }
}

fn references(image: &ImageMetadata) -> Vec<LayerRef> {
    let layers = image.layers.iter();
    layers
        .map(|layer| LayerRef {
            digest: layer.digest,
            diff_id: layer.diff_id,
        })
        .collect()
}
