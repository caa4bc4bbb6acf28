//! One layer: a tar stream becomes the list of what it changes, with the wanted files already analysed.
//!
//! Paths are normalised here once (no leading `/` or `./`, no `..`); what a name means in the end is decided in
//! [`crate::merge`], because links and whiteouts reach across layers. OCI image spec, layer.md.

use crate::analyzer::{File, FileReport};
use crate::entry::{Entry, Kind, Name};
use crate::path::{normalize, parent};
use crate::selection::Selection;
use crate::tar_stream::TarStream;
use crate::wanted::Wanted;
use seaworthy_model::{Budgeted, Effect, Problem, limits};
use std::collections::HashMap;
use std::io::{self, Read};

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
    /// Names of entries, paths of their directories and targets of links, one after the other.
    pub(crate) names: Vec<u8>,
    /// The directories of entries; one that is left and entered again is there again.
    pub(crate) directories: Vec<Name>,
    /// The targets of links.
    pub(crate) targets: Vec<Name>,
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
    /// Bytes that what was found takes, roughly.
    pub(crate) report_bytes: usize,
    /// How often each path that is read again was met, while the layer is read.
    pub(crate) met: HashMap<Vec<u8>, u32>,
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
    (contents.met, contents.report_bytes) = (HashMap::new(), 0);
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
        if self.entry_count > limits::LAYER_ENTRIES
            || self.name_bytes > limits::LAYER_NAME_BYTES
            || self.report_bytes > limits::LAYER_REPORT_BYTES
        {
            self.full = true;
            self.problem(Problem::of_artifact(
                Effect::Incomplete,
                format!(
                    "the layer has more than {} entries, {} bytes of names or {} bytes of findings in them; the rest of it \
                     was not read",
                    limits::LAYER_ENTRIES,
                    limits::LAYER_NAME_BYTES,
                    limits::LAYER_REPORT_BYTES
                ),
            ));
            return None;
        }
        let Some(path) = normalize(raw) else {
            let shown =
                String::from_utf8_lossy(raw.get(..raw.len().min(limits::SHOWN_NAME_BYTES)).unwrap_or(raw)).into_owned();
            let is_root = raw.split(|byte| *byte == b'/').all(|part| matches!(part, b"" | b"."));
            if !is_root {
                let what =
                    "the path leaves the image, or is longer or deeper than any system allows; the entry was not read";
                self.problem(Problem::at_path(shown, Effect::Incomplete, what));
            }
            return None;
        };
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(&path);
        if name == OPAQUE {
            self.name_bytes += path.len() + 64;
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
                self.name_bytes += target.len() + 64;
                self.whiteouts.push(target);
            }
            return None;
        }
        if selection.skips(&path) {
            return None;
        }
        Some(path)
    }

    fn push(&mut self, path: &[u8], kind: Kind) {
        self.name_bytes += path.len() + 64;
        // `accept` has stopped long before names do not fit.
        let _ = self.keep_entry(path, kind);
    }

    fn link(&mut self, path: &[u8], target: &[u8], kind: fn(u32) -> Kind) {
        if target.len() > limits::PATH_BYTES {
            let shown = String::from_utf8_lossy(path).into_owned();
            let what = "the target of the link is longer than any system allows; the link was not read";
            self.problem(Problem::at_path(shown, Effect::Incomplete, what));
            return;
        }
        self.name_bytes += target.len();
        if let Some(target) = self.keep_target(target) {
            self.push(path, kind(target));
        }
    }

    fn problem(&mut self, problem: Problem) {
        problem.add_to(&mut self.problems);
    }

    /// The names under which a file is analysed now, each with the companion it has.
    fn names_of<'a>(&mut self, path: &[u8], selection: &'a Selection) -> Vec<(String, Option<&'a [u8]>)> {
        let Some(again) = &selection.only else {
            // Names that are no text are rare, and what they are called decides nothing: analyzers look at their ends.
            return vec![(String::from_utf8_lossy(path).into_owned(), None)];
        };
        let Some(named) = again.of_path(path) else {
            return Vec::new();
        };
        let met = self.met.entry(path.to_vec()).or_default();
        let occurrence = *met;
        *met = met.saturating_add(1);
        named
            .filter(|wanted| wanted.occurrence == occurrence)
            .map(|wanted| (wanted.seen_as.clone(), wanted.companion.as_deref()))
            .collect()
    }

    fn file(&mut self, path: Vec<u8>, size: u64, content: &mut dyn Read, selection: &Selection) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(size);
        let seen = self.names_of(&path, selection);
        let mut bytes: Option<Vec<u8>> = None;
        let (mut first, mut streamed) = (None, false);
        for (seen_as, companion) in seen {
            let wanted = Wanted::of(&seen_as);
            if wanted.is_nothing() {
                continue;
            }
            if wanted.is_only_streamed() {
                // What is streamed is read once: a second name for it says nothing new.
                if !streamed && bytes.is_none() {
                    streamed = true;
                    let mut report = FileReport::default();
                    wanted.stream(&seen_as, size, content, &mut report)?;
                    if report != FileReport::default() {
                        first = u32::try_from(self.files.len()).ok();
                        let kept = None;
                        self.keep(ReadFile { seen_as, report, kept });
                    }
                }
                continue;
            }
            let max = wanted.max_bytes();
            let what = match self.refusal(size, max) {
                Some(what) => Err(what),
                None if streamed => {
                    Err("it was read as another kind of file already, and not under this name".to_owned())
                }
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
                    if selection.only.is_some() || wanted.companion {
                        self.kept_bytes = self.kept_bytes.saturating_add(size);
                    }
                    if wanted.companion {
                        kept = Some(bytes.clone());
                    }
                }
                Err(what) => report
                    .problems
                    .push(Problem::at_path(seen_as.clone(), Effect::Incomplete, what)),
            }
            let index = u32::try_from(self.files.len()).ok();
            self.keep(ReadFile { seen_as, report, kept });
            first = first.or(index);
        }
        self.push(&path, Kind::File(first));
        Ok(())
    }

    /// Keeps what was found in a file, and counts what that takes.
    fn keep(&mut self, file: ReadFile) {
        let FileReport {
            packages,
            problems,
            owned,
            ..
        } = &file.report;
        let texts = packages.iter().map(|package| {
            let texts = [&package.name, &package.version, &package.path, &package.source_name];
            size_of_val(package) + texts.iter().map(|text| text.len()).sum::<usize>()
        });
        let others = owned
            .iter()
            .map(|owned| size_of_val(owned) + owned.path.len() + owned.package.len());
        let said = problems.iter().map(|problem| size_of_val(problem) + problem.what.len());
        let bytes = texts.chain(others).chain(said).sum::<usize>() + file.seen_as.len() + size_of::<ReadFile>();
        self.report_bytes = self.report_bytes.saturating_add(bytes);
        self.files.push(file);
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
