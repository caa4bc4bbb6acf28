//! Builds a layer's tar archive entry by entry, also with names and links that no honest tool writes.

use tar::{EntryType, Header};

/// A layer under construction; entries keep the order of the calls.
#[derive(Debug, Default)]
pub struct LayerBuilder {
    tar: Vec<u8>,
}

impl LayerBuilder {
    /// An empty layer.
    pub fn new() -> Self {
        Self::default()
    }

    /// A regular file.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path.as_bytes(), EntryType::Regular, b"", content.as_ref(), 0o644)
    }

    /// A regular file with execute permission.
    #[must_use]
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path.as_bytes(), EntryType::Regular, b"", content.as_ref(), 0o755)
    }

    /// A directory.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.entry(path.as_bytes(), EntryType::Directory, b"", b"", 0o755)
    }

    /// A symbolic link.
    #[must_use]
    pub fn symbolic_link(self, path: &str, target: &str) -> Self {
        self.entry(path.as_bytes(), EntryType::Symlink, target.as_bytes(), b"", 0o777)
    }

    /// A hard link to a path of this layer or a lower one.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path.as_bytes(), EntryType::Link, target.as_bytes(), b"", 0o644)
    }

    /// The marker that removes `path` from lower layers.
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let (directory, name) = path
            .rsplit_once('/')
            .map_or(("", path), |(directory, name)| (directory, name));
        let separator = if directory.is_empty() { "" } else { "/" };
        self.file(&format!("{directory}{separator}.wh.{name}"), b"")
    }

    /// The marker that hides everything in lower layers below `directory`.
    #[must_use]
    pub fn opaque(self, directory: &str) -> Self {
        self.file(&format!("{directory}/.wh..wh..opq"), b"")
    }

    /// Any entry, names and all as given; names over 100 bytes get a GNU long-name entry.
    #[must_use]
    pub fn entry(mut self, path: &[u8], kind: EntryType, link: &[u8], content: &[u8], mode: u32) -> Self {
        if path.len() > 100 {
            let mut long = path.to_vec();
            long.push(0);
            self.raw(b"././@LongLink", EntryType::GNULongName, b"", &long, 0o644);
        }
        if link.len() > 100 {
            let mut long = link.to_vec();
            long.push(0);
            self.raw(b"././@LongLink", EntryType::GNULongLink, b"", &long, 0o644);
        }
        self.raw(
            path.get(..path.len().min(100)).unwrap_or(path),
            kind,
            link.get(..link.len().min(100)).unwrap_or(link),
            content,
            mode,
        );
        self
    }

    fn raw(&mut self, path: &[u8], kind: EntryType, link: &[u8], content: &[u8], mode: u32) {
        let mut header = Header::new_gnu();
        if let Some(name) = header.as_old_mut().name.get_mut(..path.len()) {
            name.copy_from_slice(path);
        }
        if let Some(name) = header.as_old_mut().linkname.get_mut(..link.len()) {
            name.copy_from_slice(link);
        }
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        self.tar.extend_from_slice(header.as_bytes());
        self.tar.extend_from_slice(content);
        self.tar.resize(self.tar.len().next_multiple_of(512), 0);
    }

    /// The finished tar archive.
    pub fn into_tar(mut self) -> Vec<u8> {
        self.tar.resize(self.tar.len() + 1024, 0);
        self.tar
    }
}
