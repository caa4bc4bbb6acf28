//! A table of the members of an image archive: names, offsets, links. Only headers are read where the file allows it.

use crate::Error;
use crate::blobs::Place;
use seaworthy_model::{Budgeted, limits};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Members of an image archive: an image has a few per layer, so this is far above any real one.
const MEMBERS: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    File { offset: u64, size: u64 },
    Link(String),
}

/// Bytes that an archive stores of a member: of sparse files fewer than they have.
pub(crate) fn stored_size(entry: &tar::Entry<'_, impl Read>) -> io::Result<u64> {
    if entry.header().entry_type().is_gnu_sparse() {
        entry.header().entry_size()
    } else {
        Ok(entry.size())
    }
}

/// The members of a tar archive by name.
#[derive(Debug, Default)]
pub(crate) struct TarIndex {
    members: HashMap<String, Member>,
    /// The contents of small members, kept where the archive cannot be entered a second time cheaply; by offset.
    small: HashMap<u64, Vec<u8>>,
}

impl TarIndex {
    /// Reads the headers of an uncompressed archive, seeking over the contents.
    pub(crate) fn of_file(file: File, path: &Path) -> Result<Self, Error> {
        let length = file
            .metadata()
            .map_err(|source| Error::Open {
                path: path.to_owned(),
                source,
            })?
            .len();
        let (file, budget) = Budgeted::new(file);
        let mut archive = tar::Archive::new(file);
        let mut index = Self::default();
        let entries = archive.entries_with_seek().map_err(|source| read_error(path, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| index.reading(path, source))?;
            // What is stored of it is seeked over.
            budget.allow_member(0);
            let end = entry.raw_file_position().saturating_add(entry.size());
            if end > length {
                let missing =
                    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the archive ends inside this member");
                let what = format!("{} in {}", String::from_utf8_lossy(&entry.path_bytes()), path.display());
                return Err(Error::Read { what, source: missing });
            }
            index.add(&entry, path)?;
        }
        Ok(index)
    }

    /// Reads a whole stream, keeping the contents of members that may be JSON.
    pub(crate) fn of_stream(reader: impl Read, path: &Path) -> Result<Self, Error> {
        let (reader, budget) = Budgeted::new(BufReader::with_capacity(1 << 18, reader));
        let mut archive = tar::Archive::new(reader);
        let mut index = Self::default();
        let mut kept = 0u64;
        for entry in archive.entries().map_err(|source| read_error(path, source))? {
            let mut entry = entry.map_err(|source| index.reading(path, source))?;
            let (offset, size) = (entry.raw_file_position(), entry.size());
            budget.allow_member(stored_size(&entry).map_err(|source| read_error(path, source))?);
            index.add(&entry, path)?;
            if entry.header().entry_type().is_file() && size <= limits::MANIFEST_BYTES {
                let mut head = [0u8; 1];
                let count = entry.read(&mut head).map_err(|source| read_error(path, source))?;
                // Only JSON objects and arrays are asked for whole; everything else is a layer.
                let json =
                    count == 1 && (head == *b"{" || head == *b"[" || head.first().is_some_and(u8::is_ascii_whitespace));
                if json && kept + size <= 8 * limits::MANIFEST_BYTES {
                    let mut bytes = head.to_vec();
                    entry
                        .read_to_end(&mut bytes)
                        .map_err(|source| read_error(path, source))?;
                    kept += size;
                    index.small.insert(offset, bytes);
                }
            }
        }
        budget.lift();
        // The checksum of the compression stands behind the end of the archive.
        let rest = archive.into_inner().take(limits::LAYER_BYTES);
        io::copy(&mut { rest }, &mut io::sink()).map_err(|source| read_error(path, source))?;
        Ok(index)
    }

    fn add(&mut self, entry: &tar::Entry<'_, impl Read>, path: &Path) -> Result<(), Error> {
        if self.members.len() >= MEMBERS {
            return Err(Error::NotAnImage {
                path: path.to_owned(),
                why: format!("it has more than {MEMBERS} members"),
            });
        }
        let Some(name) = std::str::from_utf8(&entry.path_bytes())
            .ok()
            .and_then(|name| clean("", name))
        else {
            return Ok(());
        };
        let kind = entry.header().entry_type();
        let member = if kind.is_file() || kind.is_contiguous() {
            Member::File {
                offset: entry.raw_file_position(),
                size: entry.size(),
            }
        } else if kind.is_symlink() || kind.is_hard_link() {
            let target = entry
                .link_name_bytes()
                .map(|target| String::from_utf8_lossy(&target).into_owned());
            let base = if kind.is_symlink() {
                name.rsplit_once('/').map_or("", |(base, _)| base)
            } else {
                ""
            };
            match target.and_then(|target| clean(base, &target)) {
                Some(target) => Member::Link(target),
                None => return Ok(()),
            }
        } else {
            return Ok(());
        };
        self.members.insert(name, member);
        Ok(())
    }

    /// Finds a member by name, through links.
    pub(crate) fn find(&self, name: &str) -> Option<Place> {
        let mut name = clean("", name)?;
        for _ in 0..limits::LINK_DEPTH {
            match self.members.get(&name)? {
                Member::File { offset, size } => {
                    return Some(Place {
                        name,
                        offset: *offset,
                        size: *size,
                    });
                }
                Member::Link(target) => name.clone_from(target),
            }
        }
        None
    }

    /// The content of a small member of a compressed archive.
    pub(crate) fn small(&self, place: &Place) -> Option<&[u8]> {
        self.small.get(&place.offset).map(Vec::as_slice)
    }

    fn reading(&self, path: &Path, source: std::io::Error) -> Error {
        let told = matches!(
            source.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::FileTooLarge
        );
        if self.members.is_empty() && !told {
            Error::NotATar {
                what: path.display().to_string(),
            }
        } else {
            read_error(path, source)
        }
    }
}

fn read_error(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        what: path.display().to_string(),
        source,
    }
}

/// `name` relative to the folder `base`, without `.` and `..`; `None` when it leaves the archive.
fn clean(base: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = if name.starts_with('/') {
        Vec::new()
    } else {
        base.split('/').filter(|part| !part.is_empty()).collect()
    };
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn names_are_cleaned_and_may_not_leave_the_archive() {
        assert_eq!(clean("", "./a//b/").as_deref(), Some("a/b"));
        assert_eq!(clean("", "/a").as_deref(), Some("a"));
        assert_eq!(clean("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(clean("", "../c"), None);
        assert_eq!(clean("", "."), None);
    }
}
