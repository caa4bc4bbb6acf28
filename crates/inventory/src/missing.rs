//! Files that a first pass had no reason to read, gathered while the merged view is looked through.

use crate::entry::Kind;
use crate::layer::LayerContents;
use crate::selection::Reread;
use crate::tree::{NodeId, Stored};
use std::collections::{BTreeMap, HashMap};

/// Files to be read in a second pass.
#[derive(Default)]
pub(crate) struct Missing {
    by_layer: BTreeMap<usize, Vec<MissingFile>>,
    /// What each of them is in the tree, by layer and name.
    pub(crate) nodes: HashMap<(usize, String), NodeId>,
}

/// One of them.
struct MissingFile {
    /// Index into the layer's entries.
    entry: usize,
    seen_as: String,
    companion: Option<Vec<u8>>,
}

impl Missing {
    /// Adds a file that is to be read under a name.
    pub(crate) fn add(&mut self, node: NodeId, stored: Stored, seen_as: &str, companion: Option<Vec<u8>>) {
        let layer = stored.layer as usize;
        if self.nodes.insert((layer, seen_as.to_owned()), node).is_none() {
            self.by_layer.entry(layer).or_default().push(MissingFile {
                entry: stored.entry as usize,
                seen_as: seen_as.to_owned(),
                companion,
            });
        }
    }

    /// The files of each layer as a second pass finds them.
    pub(crate) fn rereads(&self, layers: &[&LayerContents]) -> Vec<(usize, Vec<Reread>)> {
        let by_layer = self.by_layer.iter();
        by_layer
            .filter_map(|(layer, files)| Some((*layer, rereads(layers.get(*layer)?, files))))
            .collect()
    }
}

/// The files as a second pass finds them: by path, and by which of the files with this path they are.
fn rereads(contents: &LayerContents, files: &[MissingFile]) -> Vec<Reread> {
    let path_of = |entry: usize| contents.entries.get(entry).map(|entry| contents.path(entry));
    let mut met: HashMap<Vec<u8>, u32> = files
        .iter()
        .filter_map(|file| Some((path_of(file.entry)?, 0)))
        .collect();
    let mut occurrences: HashMap<usize, u32> = files.iter().map(|file| (file.entry, 0)).collect();
    let mut path = Vec::new();
    for (at, entry) in contents.entries.iter().enumerate() {
        if !matches!(entry.kind, Kind::File(_)) {
            continue;
        }
        contents.path_into(entry, &mut path);
        if let Some(count) = met.get_mut(&path) {
            if let Some(occurrence) = occurrences.get_mut(&at) {
                *occurrence = *count;
            }
            *count = count.saturating_add(1);
        }
    }
    let mut rereads = Vec::with_capacity(files.len());
    for file in files {
        if let Some(stored) = path_of(file.entry) {
            rereads.push(Reread {
                stored,
                occurrence: occurrences.get(&file.entry).copied().unwrap_or_default(),
                seen_as: file.seen_as.clone(),
                companion: file.companion.clone(),
            });
        }
    }
    rereads
}
