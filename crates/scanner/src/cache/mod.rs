//! What was learned from layers, kept by their digests, so that a second scan reads only what is new.
//!
//! Kept are only results of content whose digest was verified when it was read: an image that lies about a digest finds
//! what the honest layer with that digest holds, and leaves nothing behind. See `docs/decisions/0004-what-is-kept-between-scans.md`.

mod key;
mod store;

pub(crate) use key::{LayerKey, Selected};
pub use store::{Removed, writable_by_others};

use crate::cache::store::Store;
use seaworthy_inventory::{LayerContents, Reread};
use seaworthy_model::{Digest, ImageMetadata, Inventory};
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::Path;

/// Results of earlier scans in a directory. Any number of processes may use it at once; none waits for another.
#[derive(Debug)]
pub struct Cache {
    store: Store,
}

impl Cache {
    /// The cache in this directory, which is made when the first result is kept.
    pub fn new(directory: &Path) -> Self {
        Self::with_limit(directory, seaworthy_model::limits::CACHE_BYTES)
    }

    /// The same, with another size above which what was not used for longest is removed.
    pub fn with_limit(directory: &Path, bytes: u64) -> Self {
        Self {
            store: Store::new(directory, bytes),
        }
    }

    /// What was learned from a layer.
    pub(crate) fn layer(&self, key: &LayerKey, selected: &Selected) -> Option<LayerContents> {
        LayerContents::decode(&self.store.get(&selected.layer(key))?)
    }

    /// Keeps what was learned from a layer whose digest was verified.
    pub(crate) fn keep_layer(&self, key: &LayerKey, selected: &Selected, contents: &LayerContents) {
        if let Some(bytes) = contents.encode() {
            self.store.put(&selected.layer(key), &bytes);
        }
    }

    /// What certain files of a layer said when they were read again.
    pub(crate) fn again(&self, key: &LayerKey, wanted: &[Reread]) -> Option<LayerContents> {
        LayerContents::decode(&self.store.get(&key::again(key, wanted))?)
    }

    /// Keeps what certain files of a layer said.
    pub(crate) fn keep_again(&self, key: &LayerKey, wanted: &[Reread], contents: &LayerContents) {
        if let Some(bytes) = contents.encode() {
            self.store.put(&key::again(key, wanted), &bytes);
        }
    }

    /// The merged inventory of exactly these layers.
    pub(crate) fn inventory(&self, image: &ImageMetadata, selected: &Selected) -> Option<Inventory> {
        serde_json::from_slice(&self.store.get(&selected.image(image)?)?).ok()
    }

    /// Keeps the merged inventory of layers that were all verified.
    pub(crate) fn keep_inventory(&self, image: &ImageMetadata, selected: &Selected, inventory: &Inventory) {
        if let (Some(key), Ok(bytes)) = (selected.image(image), serde_json::to_vec(inventory)) {
            self.store.put(&key, &bytes);
        }
    }

    /// A manifest or config with this digest. Its bytes are verified here, whoever wrote them.
    pub fn document(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = self.store.get(&key::document(digest))?;
        (Sha256::digest(&bytes).as_slice() == digest.as_bytes()).then_some(bytes)
    }

    /// Keeps a manifest or config; bytes with another digest are not kept.
    pub fn keep_document(&self, digest: &Digest, bytes: &[u8]) {
        if Sha256::digest(bytes).as_slice() == digest.as_bytes() {
            self.store.put(&key::document(digest), bytes);
        }
    }

    /// Removes what was not used for longest when there is too much; called when a scan is done.
    pub(crate) fn trim(&self) {
        self.store.trim();
    }

    /// Removes everything that is kept.
    ///
    /// # Errors
    /// When something cannot be removed. What is not there is no error.
    pub fn clean(&self) -> io::Result<Removed> {
        self.store.clean()
    }
}

#[cfg(test)]
mod tests;
