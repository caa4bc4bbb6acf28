//! A layer as a container build leaves it: the difference that installing packages makes, sorted by path.
//!
//! What differs from a real `apt-get install`: maintainer scripts do not run, so there are no files that only they make
//! (users, alternatives, byte-compiled Python, the loader's cache) and no `Conffiles` in `dpkg/status`.

use crate::debian;
use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::Path;
use tar::{EntryType, Header};

/// Directories that are links into `usr` on a merged system.
const MERGED: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

struct Entry {
    kind: EntryType,
    mode: u32,
    owner: (u64, u64),
    modified: u64,
    link: String,
    content: Vec<u8>,
}

impl Entry {
    const fn new(kind: EntryType, mode: u32) -> Self {
        Self {
            kind,
            mode,
            owner: (0, 0),
            modified: 0,
            link: String::new(),
            content: Vec::new(),
        }
    }
}

/// What is installed so far, over all layers.
#[derive(Default)]
pub(crate) struct System {
    status: BTreeMap<String, String>,
    merged: BTreeSet<&'static str>,
}

impl System {
    /// Packages installed.
    pub(crate) fn packages(&self) -> usize {
        self.status.len()
    }
}

/// The entries of one layer.
#[derive(Default)]
pub(crate) struct Layer {
    entries: BTreeMap<String, Entry>,
}

impl Layer {
    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) {
        let mut entry = Entry::new(EntryType::Regular, 0o644);
        entry.content = content.to_vec();
        self.insert(path.to_owned(), entry);
    }

    /// Unpacks a package into the layer and notes it in `system`.
    pub(crate) fn install(&mut self, archive: &Path, system: &mut System) -> Result<()> {
        let control = debian::control(archive)?;
        let mut list = String::new();
        debian::files(archive, &mut |entry| {
            let raw = String::from_utf8(entry.path_bytes().into_owned()).context("a name is not UTF-8")?;
            let raw = raw.trim_start_matches("./").trim_end_matches('/');
            list.push_str(if raw.is_empty() { "/." } else { "/" });
            list.push_str(raw);
            list.push('\n');
            let header = entry.header();
            let mut found = Entry::new(header.entry_type(), header.mode()? & 0o7777);
            found.owner = (header.uid()?, header.gid()?);
            found.modified = header.mtime()?;
            let link = entry
                .link_name_bytes()
                .map(|link| String::from_utf8_lossy(&link).into_owned());
            found.link = link.unwrap_or_default();
            if found.kind.is_hard_link() {
                found.link = self.merged(found.link.trim_start_matches("./"), system);
            }
            entry.read_to_end(&mut found.content)?;
            let is_root = raw.is_empty();
            let is_merged_directory = MERGED.contains(&raw) && found.kind.is_dir();
            if !is_root && !is_merged_directory {
                let path = self.merged(raw, system);
                self.insert(path, found);
            }
            Ok(())
        })?;
        let info = |suffix: &str| format!("var/lib/dpkg/info/{}.{suffix}", control.info_name);
        self.file(&info("list"), list.as_bytes());
        for file in &control.files {
            let mut entry = Entry::new(EntryType::Regular, file.mode & 0o7777);
            entry.content.clone_from(&file.content);
            self.insert(info(&file.name), entry);
        }
        system.status.insert(control.info_name, control.status);
        Ok(())
    }

    /// Where a path of a package lands on a merged system; makes the link in the layer that needs it first.
    fn merged(&mut self, path: &str, system: &mut System) -> String {
        let Some(top) = MERGED
            .into_iter()
            .find(|top| path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/')))
        else {
            return path.to_owned();
        };
        if system.merged.insert(top) {
            let mut link = Entry::new(EntryType::Symlink, 0o777);
            link.link = format!("usr/{top}");
            self.entries.insert(top.to_owned(), link);
        }
        format!("usr/{path}")
    }

    fn insert(&mut self, path: String, entry: Entry) {
        for (end, _) in path.match_indices('/') {
            if let Some(parent) = path.get(..end)
                && !self.entries.contains_key(parent)
            {
                self.entries
                    .insert(parent.to_owned(), Entry::new(EntryType::Directory, 0o755));
            }
        }
        // Directories are shared; the first package's attributes stay, as dpkg does.
        if entry.kind.is_dir() && self.entries.contains_key(&path) {
            return;
        }
        self.entries.insert(path, entry);
    }

    /// Adds `dpkg/status` as it is after this layer's packages.
    pub(crate) fn finish(&mut self, system: &System) {
        let status: Vec<&str> = system.status.values().map(String::as_str).collect();
        self.file("var/lib/dpkg/status", status.join("\n").as_bytes());
    }

    /// Of files that are one file, the first in the archive must carry the content.
    fn order_hard_links(&mut self) {
        let mut first_of: BTreeMap<String, String> = BTreeMap::new();
        for (path, entry) in self.entries.iter().filter(|(_, entry)| entry.kind.is_hard_link()) {
            if path < first_of.get(&entry.link).unwrap_or(&entry.link) {
                first_of.insert(entry.link.clone(), path.clone());
            }
        }
        for (target, first) in first_of {
            let Some(holder) = self.entries.remove(&target) else {
                continue;
            };
            let mut link = Entry::new(EntryType::Link, holder.mode);
            (link.owner, link.modified, link.link) = (holder.owner, holder.modified, first.clone());
            self.entries.insert(target.clone(), link);
            for entry in self
                .entries
                .values_mut()
                .filter(|entry| entry.kind.is_hard_link() && entry.link == target)
            {
                entry.link.clone_from(&first);
            }
            self.entries.insert(first, holder);
        }
    }

    /// Writes the layer's tar archive and returns its diff id (without `sha256:`).
    pub(crate) fn write(mut self, path: &Path) -> Result<String> {
        self.order_hard_links();
        let file = std::fs::File::create(path).with_context(|| format!("create {}", path.display()))?;
        let mut builder = tar::Builder::new(Hashed {
            inner: io::BufWriter::new(file),
            hash: Sha256::new(),
        });
        for (path, entry) in &self.entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(entry.kind);
            header.set_mode(entry.mode);
            header.set_uid(entry.owner.0);
            header.set_gid(entry.owner.1);
            header.set_mtime(entry.modified);
            header.set_size(entry.content.len() as u64);
            let written = if entry.link.is_empty() {
                builder.append_data(&mut header, path, entry.content.as_slice())
            } else {
                builder.append_link(&mut header, path, &entry.link)
            };
            written.with_context(|| format!("write {path}"))?;
        }
        let mut hashed = builder.into_inner()?;
        hashed.inner.flush()?;
        Ok(hex(&hashed.hash.finalize()))
    }
}

/// Hashes what it writes.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
