//! An unpacked root file system, walked like one layer. Links are reported, never followed; other file systems are not entered.

use seaworthy_model::{Effect, Problem, limits};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A directory that is the root of a file system.
#[derive(Debug)]
pub struct RootDirectory {
    root: PathBuf,
    device: u64,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file with its size in bytes.
    File {
        /// Size in bytes.
        size: u64,
        /// Whether any execute bit is set.
        executable: bool,
    },
    /// A symbolic link with its target as written.
    SymbolicLink {
        /// The target as written.
        target: Vec<u8>,
    },
    /// A device, socket or pipe.
    Other,
}

/// One entry below the root.
#[derive(Debug)]
pub struct DirectoryEntry<'a> {
    /// Path relative to the root, without a leading slash.
    pub path: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    full: &'a Path,
}

impl DirectoryEntry<'_> {
    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn open(&self) -> io::Result<impl Read + use<>> {
        File::open(self.full)
    }
}

/// Directories of a running machine that hold no files of its own.
const VIRTUAL: [&str; 3] = ["proc", "sys", "dev"];

impl RootDirectory {
    /// Opens a directory.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn open(path: &Path) -> Result<Self, crate::Error> {
        let error = |source| crate::Error::Open {
            path: path.to_owned(),
            source,
        };
        let metadata = fs::metadata(path).map_err(error)?;
        if !metadata.is_dir() {
            return Err(error(io::Error::new(io::ErrorKind::NotADirectory, "not a directory")));
        }
        Ok(Self {
            root: path.to_owned(),
            device: metadata.dev(),
        })
    }

    /// Opens a regular file below the root by its path relative to it; a link is refused.
    ///
    /// # Errors
    /// As the operating system says, or when it is no regular file.
    pub fn open_file(&self, path: &Path) -> io::Result<impl Read + use<>> {
        let full = self.root.join(path);
        if !fs::symlink_metadata(&full)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        File::open(full)
    }

    /// Calls `visit` for every entry, parents before children, names in byte order; `skip` decides by path what is left out
    /// with everything below it. Directories that cannot be read are returned as problems.
    ///
    /// # Errors
    /// Only what `visit` returns.
    pub fn walk(
        &self,
        skip: &dyn Fn(&[u8]) -> bool,
        visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> io::Result<()>,
    ) -> io::Result<Vec<Problem>> {
        let mut problems = Vec::new();
        let mut pending = vec![PathBuf::new()];
        let mut entries = 0u64;
        while let Some(directory) = pending.pop() {
            let shown = directory.display().to_string();
            let listing = match fs::read_dir(self.root.join(&directory)) {
                Ok(listing) => listing,
                Err(error) => {
                    let what = format!("cannot list this directory: {error}; nothing below it was read");
                    incomplete(&mut problems, &shown, &what);
                    continue;
                }
            };
            let mut names = Vec::new();
            for entry in listing {
                match entry {
                    Ok(entry) => names.push(entry.file_name()),
                    Err(error) => incomplete(
                        &mut problems,
                        &shown,
                        &format!("cannot list all of this directory: {error}"),
                    ),
                }
            }
            names.sort();
            let mut below = Vec::new();
            for name in names {
                let path = directory.join(&name);
                let bytes = path.as_os_str().as_bytes();
                if skip(bytes)
                    || (directory.as_os_str().is_empty()
                        && self.root == Path::new("/")
                        && VIRTUAL.iter().any(|virtual_name| name == *virtual_name))
                {
                    continue;
                }
                entries += 1;
                if entries > limits::LAYER_ENTRIES {
                    problems.push(Problem::of_artifact(
                        Effect::Incomplete,
                        format!("more than {} entries; the rest was not read", limits::LAYER_ENTRIES),
                    ));
                    return Ok(problems);
                }
                let full = self.root.join(&path);
                let metadata = match fs::symlink_metadata(&full) {
                    Ok(metadata) => metadata,
                    // Gone since it was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => {
                        let shown = path.display().to_string();
                        incomplete(&mut problems, &shown, &format!("cannot be looked at: {error}"));
                        continue;
                    }
                };
                let kind = if metadata.is_dir() {
                    if metadata.dev() == self.device {
                        if path.components().count() <= limits::PATH_DEPTH {
                            below.push(path.clone());
                        } else {
                            let shown = path.display().to_string();
                            incomplete(
                                &mut problems,
                                &shown,
                                "nested deeper than is read; nothing below it was read",
                            );
                        }
                    } else if problems.len() < limits::PROBLEMS {
                        problems.push(Problem::at_path(
                            path.display().to_string(),
                            Effect::Note,
                            "another file system is mounted here; it was not entered",
                        ));
                    }
                    EntryKind::Directory
                } else if metadata.is_file() {
                    EntryKind::File {
                        size: metadata.len(),
                        executable: metadata.permissions().mode() & 0o111 != 0,
                    }
                } else if metadata.is_symlink() {
                    EntryKind::SymbolicLink {
                        target: fs::read_link(&full)
                            .map(|target| target.as_os_str().as_bytes().to_vec())
                            .unwrap_or_default(),
                    }
                } else {
                    EntryKind::Other
                };
                visit(&DirectoryEntry {
                    path: bytes,
                    kind,
                    full: &full,
                })?;
            }
            below.reverse();
            pending.append(&mut below);
        }
        Ok(problems)
    }
}

/// Says that something was not read, as long as that is not said too often.
fn incomplete(problems: &mut Vec<Problem>, path: &str, what: &str) {
    if problems.len() < limits::PROBLEMS {
        problems.push(Problem::at_path(path, Effect::Incomplete, what));
    }
}
