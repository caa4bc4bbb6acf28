//! The entries of one layer and their names, packed: there are millions of them.
//!
//! All names lie in one piece of memory. A directory's is kept once for the entries in it that follow each other, as
//! archives list them.

use crate::layer::LayerContents;
use crate::path::split;

/// A name among all names of a layer. None is longer than a path may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) start: u32,
    pub(crate) length: u16,
}

impl Name {
    /// The name of nothing: the root's.
    pub(crate) const EMPTY: Self = Self { start: 0, length: 0 };
}

/// What one entry of a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    /// A file; the index into [`LayerContents::files`] when it was read.
    File(Option<u32>),
    /// The index of its target into [`LayerContents::targets`].
    SymbolicLink(u32),
    /// The same of a hard link, which is to a normalised path of the same layer or a lower one.
    HardLink(u32),
    /// A device or pipe: it hides what lies below and holds nothing.
    Other,
}

/// One entry in the layer's order. A layer has up to millions: names lie in one piece of memory, and a directory's is
/// kept once for the entries in it that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Index into [`LayerContents::directories`].
    pub(crate) directory: u32,
    /// The last part of the path.
    pub(crate) name: Name,
    pub(crate) kind: Kind,
}

impl LayerContents {
    /// The bytes of a name of this layer.
    pub(crate) fn name(&self, name: Name) -> &[u8] {
        let start = name.start as usize;
        self.names
            .get(start..start.saturating_add(name.length as usize))
            .unwrap_or_default()
    }

    /// The directory of an entry.
    pub(crate) fn directory(&self, entry: &Entry) -> Option<Name> {
        self.directories.get(entry.directory as usize).copied()
    }

    /// The target of a link.
    pub(crate) fn target(&self, index: u32) -> Name {
        self.targets.get(index as usize).copied().unwrap_or(Name::EMPTY)
    }

    /// Writes the whole path of an entry into `path`.
    pub(crate) fn path_into(&self, entry: &Entry, path: &mut Vec<u8>) {
        path.clear();
        path.extend_from_slice(self.name(self.directory(entry).unwrap_or(Name::EMPTY)));
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(self.name(entry.name));
    }

    /// The whole path of an entry.
    pub(crate) fn path(&self, entry: &Entry) -> Vec<u8> {
        let mut path = Vec::new();
        self.path_into(entry, &mut path);
        path
    }

    /// Keeps a name; `None` where there are more bytes of names than one layer may have.
    fn keep_name(&mut self, bytes: &[u8]) -> Option<Name> {
        let name = Name {
            start: u32::try_from(self.names.len()).ok()?,
            length: u16::try_from(bytes.len()).ok()?,
        };
        name.start.checked_add(u32::from(name.length))?;
        self.names.extend_from_slice(bytes);
        Some(name)
    }

    /// Keeps the target of a link.
    pub(crate) fn keep_target(&mut self, target: &[u8]) -> Option<u32> {
        let index = u32::try_from(self.targets.len()).ok()?;
        let name = self.keep_name(target)?;
        self.targets.push(name);
        Some(index)
    }

    /// Keeps an entry.
    pub(crate) fn keep_entry(&mut self, path: &[u8], kind: Kind) -> Option<()> {
        let (directory, name) = split(path);
        let last = self.directories.last().copied();
        if last.is_none_or(|last| self.name(last) != directory) {
            let directory = self.keep_name(directory)?;
            self.directories.push(directory);
        }
        let entry = Entry {
            directory: u32::try_from(self.directories.len() - 1).ok()?,
            name: self.keep_name(name)?,
            kind,
        };
        self.entries.push(entry);
        Some(())
    }
}
