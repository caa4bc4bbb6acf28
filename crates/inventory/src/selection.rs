//! Which files of a layer are read: all that an analyzer wants but those left out, or certain ones once more.

use std::collections::HashMap;

use crate::pattern::Pattern;

/// What decides which files of a layer are read.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of directories that are left out with everything below them (`--skip-dirs`).
    pub skip_directories: Vec<Pattern>,
    /// Patterns of files that are left out (`--skip-files`).
    pub skip_files: Vec<Pattern>,
    /// Further paths to read, with the path under which each is analysed (second pass: targets of links).
    pub only: Option<Again>,
}

/// A file that a first pass did not read, because its own name gave no reason to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reread {
    /// The path as the layer's archive writes it, normalised.
    pub stored: Vec<u8>,
    /// Which occurrence of that path in the layer, counted from 0.
    pub occurrence: u32,
    /// The path under which analyzers see it.
    pub seen_as: String,
    /// The content of its companion file, where it has one.
    pub companion: Option<Vec<u8>>,
}

/// Files that are read once more, found by the path that the layer's archive has for them.
#[derive(Clone, Debug, Default)]
pub struct Again {
    wanted: Vec<Reread>,
    by_path: HashMap<Vec<u8>, Vec<usize>>,
}

impl Again {
    /// These files.
    pub fn new(wanted: Vec<Reread>) -> Self {
        let mut by_path: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (at, file) in wanted.iter().enumerate() {
            by_path.entry(file.stored.clone()).or_default().push(at);
        }
        Self { wanted, by_path }
    }

    /// All of them.
    pub fn wanted(&self) -> &[Reread] {
        &self.wanted
    }

    /// Those that are stored under a path; `None` where there are none.
    pub(crate) fn of_path(&self, path: &[u8]) -> Option<impl Iterator<Item = &Reread>> {
        let places = self.by_path.get(path)?;
        Some(places.iter().filter_map(|at| self.wanted.get(*at)))
    }
}

impl Selection {
    pub(crate) fn skips(&self, path: &[u8]) -> bool {
        if self.skip_files.iter().any(|pattern| pattern.matches(path)) {
            return true;
        }
        if self.skip_directories.is_empty() {
            return false;
        }
        let ends = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        ends.into_iter()
            .filter_map(|end| path.get(..end))
            .any(|prefix| self.skip_directories.iter().any(|pattern| pattern.matches(prefix)))
    }
}
