//! The keys under which results are kept: everything that decides about a result is in its key.

use seaworthy_inventory::analyzer::ANALYZERS;
use seaworthy_inventory::{Reread, Selection};
use seaworthy_model::{Digest, ImageMetadata, LayerDigests};
use sha2::{Digest as _, Sha256};

/// The digest over everything that decides about a result.
pub(super) type Key = [u8; 32];

/// The verified digest of a layer.
///
/// The two kinds are kept apart: bytes may be a gzip file and a tar archive at once, which hold different files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LayerKey {
    /// The digest of the blob as it is stored.
    Blob(Digest),
    /// The digest of the uncompressed archive, where no blob digest is promised and this one is verified instead.
    Uncompressed(Digest),
}

impl LayerKey {
    /// The digest that is verified when the layer is read; `None` when there is none to verify.
    pub(crate) fn of(layer: &LayerDigests) -> Option<Self> {
        match (layer.digest, layer.diff_id) {
            (Some(digest), _) => Some(Self::Blob(digest)),
            (None, Some(diff_id)) => Some(Self::Uncompressed(diff_id)),
            (None, None) => None,
        }
    }

    const fn name(&self) -> (&'static str, &Digest) {
        match self {
            Self::Blob(digest) => ("blob", digest),
            Self::Uncompressed(digest) => ("uncompressed", digest),
        }
    }
}

/// A hash of fields that cannot run into each other.
struct Fields(Sha256);

impl Fields {
    /// Fields of one kind of result of this program.
    fn of(kind: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add(kind.as_bytes());
        fields
    }

    fn of_analysis(kind: &str) -> Self {
        let mut fields = Self::of(kind);
        fields.add(env!("CARGO_PKG_VERSION").as_bytes());
        fields.add(env!("SEAWORTHY_INVENTORY_SOURCES").as_bytes());
        for analyzer in ANALYZERS {
            fields.add(analyzer.name.as_bytes());
            fields.add(&analyzer.version.to_le_bytes());
        }
        fields
    }

    fn add(&mut self, field: &[u8]) {
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field);
    }

    fn add_layer(&mut self, layer: &LayerKey) {
        let (kind, digest) = layer.name();
        self.add(kind.as_bytes());
        self.add(digest.as_bytes());
    }

    fn key(self) -> Key {
        self.0.finalize().into()
    }
}

/// What is left out of layers, as a part of keys.
#[derive(Clone, Debug)]
pub(crate) struct Selected(Vec<Vec<u8>>);

impl Selected {
    /// The part that a first pass with this selection has.
    pub(crate) fn of(selection: &Selection) -> Self {
        let texts = |kind: &str, patterns: &[seaworthy_inventory::Pattern]| -> Vec<Vec<u8>> {
            let mut texts: Vec<Vec<u8>> = patterns
                .iter()
                .map(|pattern| format!("{kind}{}", pattern.as_str()).into_bytes())
                .collect();
            texts.sort();
            texts.dedup();
            texts
        };
        let mut all = texts("d", &selection.skip_directories);
        all.extend(texts("f", &selection.skip_files));
        Self(all)
    }

    fn add_to(&self, fields: &mut Fields) {
        fields.add(&(self.0.len() as u64).to_le_bytes());
        for pattern in &self.0 {
            fields.add(pattern);
        }
    }

    /// The key of one layer.
    pub(super) fn layer(&self, layer: &LayerKey) -> Key {
        let mut fields = Fields::of_analysis("layer");
        fields.add_layer(layer);
        self.add_to(&mut fields);
        fields.key()
    }

    /// The key of the merged layers of an image; `None` when a layer has no digest that is verified.
    pub(super) fn image(&self, image: &ImageMetadata) -> Option<Key> {
        let mut fields = Fields::of_analysis("image");
        self.add_to(&mut fields);
        for layer in &image.layers {
            fields.add_layer(&LayerKey::of(layer)?);
            // The inventory names both digests of a package's layer.
            fields.add(
                layer
                    .diff_id
                    .as_ref()
                    .map_or(&[], |digest| digest.as_bytes().as_slice()),
            );
        }
        Some(fields.key())
    }
}

/// The key of files of a layer that are read again.
pub(super) fn again(layer: &LayerKey, wanted: &[Reread]) -> Key {
    let mut fields = Fields::of_analysis("again");
    fields.add_layer(layer);
    for file in wanted {
        fields.add(&file.stored);
        fields.add(&file.occurrence.to_le_bytes());
        fields.add(file.seen_as.as_bytes());
        // Absent and empty are different.
        fields.add(&[u8::from(file.companion.is_some())]);
        fields.add(file.companion.as_deref().unwrap_or_default());
    }
    fields.key()
}

/// The key of a manifest or config.
pub(super) fn document(digest: &Digest) -> Key {
    let mut fields = Fields::of("document");
    fields.add(digest.as_bytes());
    fields.key()
}

#[cfg(test)]
mod tests {
    use super::{LayerKey, Selected};
    use seaworthy_inventory::{Pattern, Selection};
    use seaworthy_model::Digest;
    use std::collections::BTreeSet;

    #[test]
    fn what_decides_about_a_result_is_in_its_key() {
        let selection = |directories: &[&str], files: &[&str]| Selection {
            skip_directories: directories.iter().map(|text| Pattern::new(text)).collect(),
            skip_files: files.iter().map(|text| Pattern::new(text)).collect(),
            only: None,
        };
        let (one, two) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        let selections = [
            selection(&[], &[]),
            selection(&["a"], &[]),
            selection(&[], &["a"]),
            selection(&["a", "b"], &[]),
            selection(&["a"], &["b"]),
            selection(&["ab"], &[]),
        ];
        let mut keys = BTreeSet::new();
        for selection in &selections {
            for layer in [LayerKey::Blob(one), LayerKey::Uncompressed(one), LayerKey::Blob(two)] {
                keys.insert(Selected::of(selection).layer(&layer));
            }
        }
        assert_eq!(keys.len(), selections.len() * 3);
        // The order of flags does not matter.
        assert_eq!(
            Selected::of(&selection(&["a", "b"], &[])).layer(&LayerKey::Blob(one)),
            Selected::of(&selection(&["/b", "a", "a"], &[])).layer(&LayerKey::Blob(one))
        );
    }
}
