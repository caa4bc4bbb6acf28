//! One layer: a tar stream becomes the list of what it changes, with the wanted files already analysed.
//!
//! Paths are normalised here once (no leading `/` or `./`, no `..`); what a name means in the end is decided in
//! [`crate::merge`], because links and whiteouts reach across layers. OCI image spec, layer.md.

use crate::analyzer::{File, FileReport};
use crate::pattern::Pattern;
use crate::tar_stream::TarStream;
use crate::wanted::Wanted;
use seaworthy_model::{Budgeted, Effect, Problem, limits};
use std::io::{self, Read};

/// What decides which files of a layer are read.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of directories that are left out with everything below them (`--skip-dirs`).
    pub skip_directories: Vec<Pattern>,
    /// Patterns of files that are left out (`--skip-files`).
    pub skip_files: Vec<Pattern>,
    /// Further paths to read, with the path under which each is analysed (second pass: targets of links).
    pub only: Option<Vec<Reread>>,
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

/// A name among all names of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    start: u32,
    length: u32,
}

/// What one entry of a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    /// A file; the index into [`LayerContents::files`] when it was read.
    File(Option<u32>),
    SymbolicLink(Name),
    /// A hard link to this normalised path of the same layer or a lower one.
    HardLink(Name),
    /// A device or pipe: it hides what lies below and holds nothing.
    Other,
}

/// One entry in the layer's order. A layer has up to millions: their names lie in one piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Name,
    pub(crate) kind: Kind,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadFile {
    /// The path under which analyzers saw it.
    pub(crate) seen_as: String,
    pub(crate) report: FileReport,
    /// The bytes of a companion (`-wal`), kept for the file it belongs to.
    pub(crate) kept: Option<Vec<u8>>,
}

/// Everything that one layer adds, changes and removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerContents {
    pub(crate) entries: Vec<Entry>,
    /// Paths of entries and targets of links, one after the other.
    pub(crate) names: Vec<u8>,
    pub(crate) files: Vec<ReadFile>,
    /// Paths that the layer removes from lower layers.
    pub(crate) whiteouts: Vec<Vec<u8>>,
    /// Directories whose content in lower layers is hidden.
    pub(crate) opaque: Vec<Vec<u8>>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Entries seen.
    pub entry_count: u64,
    /// Uncompressed bytes of all files.
    pub bytes: u64,
    /// Bytes of the uncompressed tar archive; 0 for directories.
    pub tar_bytes: u64,
    pub(crate) name_bytes: usize,
    pub(crate) kept_bytes: u64,
    pub(crate) full: bool,
}

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const AUFS: &[u8] = b".wh..wh.";

/// Reads one layer's tar stream to its end.
///
/// # Errors
/// When the stream ends early or is no tar archive. What single files hold never fails the layer.
pub fn read_layer(reader: impl Read, selection: &Selection) -> io::Result<LayerContents> {
    let mut contents = LayerContents::default();
    let (reader, budget) = Budgeted::new(reader);
    let mut archive = tar::Archive::new(TarStream::new(reader));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let header = entry.header();
        let kind = header.entry_type();
        let size = entry.size();
        // A sparse file is larger than what is stored of it.
        let stored = if kind.is_gnu_sparse() {
            header.entry_size()?
        } else {
            size
        };
        budget.allow_member(stored);
        let Some(path) = contents.accept(&entry.path_bytes(), selection) else {
            continue;
        };
        if kind.is_dir() {
            contents.push(&path, Kind::Directory);
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            contents.file(path, size, &mut entry, selection)?;
        } else if kind.is_symlink() {
            let target = entry
                .link_name_bytes()
                .map(|target| target.into_owned())
                .unwrap_or_default();
            contents.link(&path, &target, Kind::SymbolicLink);
        } else if kind.is_hard_link() {
            let target = entry
                .link_name_bytes()
                .map(|target| target.into_owned())
                .unwrap_or_default();
            match normalize(&target) {
                Some(target) => contents.link(&path, &target, Kind::HardLink),
                None => contents.push(&path, Kind::Other),
            }
        } else if kind.is_character_special() || kind.is_block_special() || kind.is_fifo() {
            contents.push(&path, Kind::Other);
        } else {
            let shown = String::from_utf8_lossy(&path).into_owned();
            let what = format!("entry of unknown type {:?} was not read", char::from(kind.as_byte()));
            contents.problem(Problem::at_path(shown, Effect::Note, what));
        }
    }
    budget.lift();
    let (end, tar_bytes) = archive.into_inner().finish()?;
    contents.tar_bytes = tar_bytes;
    if let Some(problem) = end.problem(tar_bytes) {
        contents.problem(problem);
    }
    Ok(contents)
}

impl LayerContents {
    /// A layer built entry by entry (root directories); see the `add_…` functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory of a root directory walk.
    pub fn add_directory(&mut self, path: &[u8], selection: &Selection) {
        if let Some(path) = self.accept(path, selection) {
            self.push(&path, Kind::Directory);
        }
    }

    /// Adds a regular file; it is read only when an analyzer wants it.
    ///
    /// # Errors
    /// When reading fails.
    pub fn add_file(
        &mut self,
        path: &[u8],
        size: u64,
        open: impl FnOnce() -> io::Result<Box<dyn Read>>,
        selection: &Selection,
    ) -> io::Result<()> {
        match self.accept(path, selection) {
            Some(path) => self.file(
                path,
                size,
                &mut Lazy {
                    open: Some(open),
                    reader: None,
                },
                selection,
            ),
            None => Ok(()),
        }
    }

    /// Adds a symbolic link.
    pub fn add_symbolic_link(&mut self, path: &[u8], target: Vec<u8>, selection: &Selection) {
        if let Some(path) = self.accept(path, selection) {
            self.link(&path, &target, Kind::SymbolicLink);
        }
    }

    /// Counts the entry, normalises its name and sorts out markers, skipped paths and names that cannot be.
    fn accept(&mut self, raw: &[u8], selection: &Selection) -> Option<Vec<u8>> {
        self.entry_count += 1;
        if self.full {
            return None;
        }
        if self.entry_count > limits::LAYER_ENTRIES || self.name_bytes > limits::LAYER_NAME_BYTES {
            self.full = true;
            self.problem(Problem::of_artifact(
                Effect::Incomplete,
                format!(
                    "the layer has more than {} entries or {} bytes of names; the rest of it was not read",
                    limits::LAYER_ENTRIES,
                    limits::LAYER_NAME_BYTES
                ),
            ));
            return None;
        }
        let Some(path) = normalize(raw) else {
            let shown =
                String::from_utf8_lossy(raw.get(..raw.len().min(limits::SHOWN_NAME_BYTES)).unwrap_or(raw)).into_owned();
            if !matches!(raw, b"" | b"." | b"./" | b"/") {
                let too_long = raw.len() > limits::PATH_BYTES;
                let (effect, why) = if too_long {
                    (
                        Effect::Incomplete,
                        "the path is longer than any system allows; the entry was not read",
                    )
                } else {
                    (Effect::Note, "the path leaves the image; the entry was not read")
                };
                self.problem(Problem::at_path(shown, effect, why));
            }
            return None;
        };
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(&path);
        if name == OPAQUE {
            self.opaque.push(parent(&path).to_vec());
            return None;
        }
        if name.starts_with(AUFS) {
            // Metadata of aufs (`.wh..wh.plnk`, `.wh..wh.aufs`): neither files nor whiteouts.
            return None;
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            // `.wh.` alone hides nothing, or it would hide its whole directory; `.wh...` and `.wh.…/..` name a parent.
            if !hidden.is_empty() && hidden != b"." && hidden != b".." {
                let mut target = parent(&path).to_vec();
                if !target.is_empty() {
                    target.push(b'/');
                }
                target.extend_from_slice(hidden);
                self.whiteouts.push(target);
            }
            return None;
        }
        if selection.skips(&path) {
            return None;
        }
        Some(path)
    }

    /// The bytes of a name of this layer.
    pub(crate) fn name(&self, name: Name) -> &[u8] {
        let start = name.start as usize;
        self.names
            .get(start..start.saturating_add(name.length as usize))
            .unwrap_or_default()
    }

    /// Keeps a name; `None` where there are more bytes of names than one layer may have.
    pub(crate) fn keep_name(&mut self, bytes: &[u8]) -> Option<Name> {
        let name = Name {
            start: u32::try_from(self.names.len()).ok()?,
            length: u32::try_from(bytes.len()).ok()?,
        };
        name.start.checked_add(name.length)?;
        self.names.extend_from_slice(bytes);
        Some(name)
    }

    fn push(&mut self, path: &[u8], kind: Kind) {
        self.name_bytes += path.len() + 64;
        // `accept` has stopped long before names do not fit.
        if let Some(path) = self.keep_name(path) {
            self.entries.push(Entry { path, kind });
        }
    }

    fn link(&mut self, path: &[u8], target: &[u8], kind: fn(Name) -> Kind) {
        if target.len() > limits::PATH_BYTES {
            let shown = String::from_utf8_lossy(path).into_owned();
            let what = "the target of the link is longer than any system allows; the link was not read";
            self.problem(Problem::at_path(shown, Effect::Incomplete, what));
            return;
        }
        self.name_bytes += target.len();
        if let Some(target) = self.keep_name(target) {
            self.push(path, kind(target));
        }
    }

    /// How many of the first `before` entries have this path.
    pub(crate) fn occurrences(&self, path: &[u8], before: usize) -> usize {
        let entries = self.entries.iter().take(before);
        entries.filter(|entry| self.name(entry.path) == path).count()
    }

    fn problem(&mut self, problem: Problem) {
        if self.problems.len() < limits::PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn file(&mut self, path: Vec<u8>, size: u64, content: &mut dyn Read, selection: &Selection) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(size);
        let seen: Vec<(String, Option<&[u8]>)> = match &selection.only {
            None => std::str::from_utf8(&path)
                .map(|path| vec![(path.to_owned(), None)])
                .unwrap_or_default(),
            Some(only) => {
                let named: Vec<&Reread> = only.iter().filter(|wanted| wanted.stored == path).collect();
                // The count is only worth its time where the path is asked for.
                let occurrence = if named.is_empty() {
                    0
                } else {
                    self.occurrences(&path, self.entries.len())
                };
                named
                    .into_iter()
                    .filter(|wanted| wanted.occurrence as usize == occurrence)
                    .map(|wanted| (wanted.seen_as.clone(), wanted.companion.as_deref()))
                    .collect()
            }
        };
        let mut bytes: Option<Vec<u8>> = None;
        let mut first = None;
        for (seen_as, companion) in seen {
            let wanted = Wanted::of(&seen_as);
            if wanted.is_nothing() {
                continue;
            }
            if wanted.is_only_streamed() {
                // What is streamed is read once: a second name for it says nothing new.
                if first.is_none() && bytes.is_none() {
                    let mut report = FileReport::default();
                    wanted.stream(&seen_as, size, content, &mut report)?;
                    if report != FileReport::default() {
                        first = u32::try_from(self.files.len()).ok();
                        let kept = None;
                        self.files.push(ReadFile { seen_as, report, kept });
                    }
                }
                continue;
            }
            let max = wanted.max_bytes();
            let what = match self.refusal(size, max) {
                Some(what) => Err(what),
                None => match &mut bytes {
                    Some(bytes) => Ok(&*bytes),
                    None => {
                        let mut read = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
                        content.take(size).read_to_end(&mut read)?;
                        if (read.len() as u64) < size {
                            let shown = String::from_utf8_lossy(&path);
                            return Err(io::Error::new(
                                io::ErrorKind::UnexpectedEof,
                                format!("it ends inside {shown}"),
                            ));
                        }
                        Ok(&*bytes.insert(read))
                    }
                },
            };
            let mut report = FileReport::default();
            let mut kept = None;
            match what {
                Ok(bytes) => {
                    wanted.analyze(
                        &File {
                            path: &seen_as,
                            bytes,
                            companion,
                        },
                        &mut report,
                    );
                    if wanted.companion {
                        self.kept_bytes += size;
                        kept = Some(bytes.clone());
                    }
                }
                Err(what) => report
                    .problems
                    .push(Problem::at_path(seen_as.clone(), Effect::Incomplete, what)),
            }
            let index = u32::try_from(self.files.len()).ok();
            self.files.push(ReadFile { seen_as, report, kept });
            first = first.or(index);
        }
        self.push(&path, Kind::File(first));
        Ok(())
    }

    /// Why a file of this size is not read.
    fn refusal(&self, size: u64, max: u64) -> Option<String> {
        if size > max {
            Some(format!(
                "the file has {size} bytes, more than the {max} that are read; it was not read"
            ))
        } else if self.kept_bytes.saturating_add(size) > limits::KEPT_BYTES {
            Some("too many bytes of this layer are held already; the file was not read".to_owned())
        } else {
            None
        }
    }
}

impl Selection {
    fn skips(&self, path: &[u8]) -> bool {
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

/// Opens a file when the first byte is asked for.
struct Lazy<F> {
    open: Option<F>,
    reader: Option<Box<dyn Read>>,
}

impl<F: FnOnce() -> io::Result<Box<dyn Read>>> Read for Lazy<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(open) = self.open.take() {
            self.reader = Some(open()?);
        }
        self.reader.as_mut().map_or(Ok(0), |reader| reader.read(buffer))
    }
}

/// The directory of a normalised path; empty for the root.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    path.iter()
        .rposition(|byte| *byte == b'/')
        .and_then(|at| path.get(..at))
        .unwrap_or_default()
}

/// `path` without leading `/`, `./`, doubled slashes and `.`; `None` for the root itself, for names that contain `..`
/// or NUL, and for names that no system would create.
pub(crate) fn normalize(path: &[u8]) -> Option<Vec<u8>> {
    if path.len() > limits::PATH_BYTES || path.contains(&0) {
        return None;
    }
    let mut normal = Vec::with_capacity(path.len());
    let mut depth = 0usize;
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            part => {
                depth += 1;
                if !normal.is_empty() {
                    normal.push(b'/');
                }
                normal.extend_from_slice(part);
            }
        }
    }
    (!normal.is_empty() && depth <= limits::PATH_DEPTH).then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn names_are_normalised() {
        for (raw, normal) in [
            ("./a/b", Some("a/b")),
            ("/a//b/", Some("a/b")),
            ("a/./b", Some("a/b")),
            ("a/../b", None),
            ("../b", None),
            (".", None),
            ("", None),
            ("...", Some("...")),
        ] {
            assert_eq!(normalize(raw.as_bytes()).as_deref(), normal.map(str::as_bytes), "{raw}");
        }
    }
}
