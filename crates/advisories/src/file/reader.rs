//! An opened advisory file: frames are verified and inflated when they are first asked for.

use super::bytes::Malformed;
use super::facts::{Block, Vectors};
use super::index::{self, Frame, Index, Kind, fact_order};
use super::map;
use super::once::Once;
use super::section::Section;
use crate::error::Error;
use crate::record::Facts;
use memmap2::Mmap;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::path::Path;
use zstd::bulk::Decompressor;

thread_local! {
    /// For frames without a base, of which a search needs dozens: each new one would cost more than inflating with it.
    static ALONE: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Static(&'static [u8]),
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Static(bytes) => bytes,
        }
    }
}

/// An advisory file whose header and index are verified.
#[derive(Debug)]
pub(crate) struct AdvisoryFile {
    origin: String,
    bytes: Bytes,
    index: Index,
    /// Where the frames start.
    start: usize,
    /// By frame; only those of kind section are ever filled.
    sections: Vec<Once<Section>>,
    vectors: Once<Vectors>,
    blocks: Vec<Run>,
}

/// Facts about a run of ids.
#[derive(Debug)]
struct Run {
    /// The first id, as facts are ordered.
    first: (u32, String),
    frame: usize,
    block: Once<Block>,
}

impl AdvisoryFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let map = map::map(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::of(path.display().to_string(), Bytes::Mapped(map))
    }

    pub(crate) fn of_static(bytes: &'static [u8], origin: &str) -> Result<Self, Error> {
        Self::of(origin.to_owned(), Bytes::Static(bytes))
    }

    fn of(origin: String, bytes: Bytes) -> Result<Self, Error> {
        let (index, start) = Index::decode(bytes.get(), &origin)?;
        let sections = index.frames.iter().map(|_| Once::default()).collect();
        let facts = index.frames.iter().enumerate();
        let mut blocks: Vec<Run> = facts
            .filter(|(_, frame)| frame.kind == Kind::Facts)
            .map(|(at, frame)| {
                let (number, text) = fact_order(&frame.name);
                Run {
                    first: (number, text.to_owned()),
                    frame: at,
                    block: Once::default(),
                }
            })
            .collect();
        blocks.sort_by(|a, b| a.first.cmp(&b.first));
        Ok(Self {
            origin,
            bytes,
            index,
            start,
            sections,
            vectors: Once::default(),
            blocks,
        })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) const fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.get().len()
    }

    /// The checksum of header and index, which has those of all frames in it.
    pub(crate) fn checksum(&self) -> &[u8] {
        index::checksum(self.bytes.get())
    }

    fn damaged(&self, frame: &Frame, what: impl Into<String>) -> Error {
        let part = match frame.kind {
            Kind::Section => format!("section {}", frame.name),
            Kind::Vectors => "the CVSS vectors".to_owned(),
            Kind::Facts => format!("the facts from {}", frame.name),
        };
        Error::Damaged {
            origin: self.origin.clone(),
            part,
            what: what.into(),
        }
    }

    /// The compressed bytes of a frame, verified.
    fn verified(&self, frame: &Frame) -> Result<&[u8], Error> {
        let start = usize::try_from(frame.offset)
            .ok()
            .and_then(|offset| offset.checked_add(self.start));
        let bytes = start
            .and_then(|start| {
                self.bytes
                    .get()
                    .get(start..start.checked_add(frame.compressed as usize)?)
            })
            .ok_or_else(|| self.damaged(frame, "it lies outside of the file"))?;
        if Sha256::digest(bytes).as_slice() != frame.sha256 {
            return Err(self.damaged(frame, "its checksum is wrong"));
        }
        Ok(bytes)
    }

    fn inflate(&self, frame: &Frame) -> Result<Vec<u8>, Error> {
        let failed = |error: std::io::Error| self.damaged(frame, format!("it does not inflate: {error}"));
        let bytes = self.verified(frame)?;
        let size = frame.inflated as usize;
        let inflated = match frame.base {
            Some(base) => {
                // Bases have no base themselves: the index is refused otherwise.
                let base = self
                    .index
                    .frames
                    .get(base)
                    .ok_or_else(|| self.damaged(frame, "its base is missing"))?;
                let base = self.inflate(base)?;
                Decompressor::with_dictionary(&base).and_then(|mut one| one.decompress(bytes, size))
            }
            None => ALONE.with_borrow_mut(|kept| {
                let one = match kept {
                    Some(one) => one,
                    None => kept.insert(Decompressor::new()?),
                };
                one.decompress(bytes, size)
            }),
        };
        let inflated = inflated.map_err(failed)?;
        if inflated.len() != frame.inflated as usize {
            return Err(self.damaged(frame, "it is shorter than the index says"));
        }
        Ok(inflated)
    }

    /// Whether the file has a section of this name.
    pub(crate) fn has_section(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.index
            .frames
            .iter()
            .position(|frame| frame.kind == Kind::Section && frame.name == name)
    }

    /// The section of this name, `None` when the file has none.
    pub(crate) fn section(&self, name: &str) -> Result<Option<&Section>, Error> {
        self.position(name).map(|at| self.section_at(at)).transpose()
    }

    fn section_at(&self, at: usize) -> Result<&Section, Error> {
        let (Some(cell), Some(frame)) = (self.sections.get(at), self.index.frames.get(at)) else {
            return Err(Error::Damaged {
                origin: self.origin.clone(),
                part: "its index".to_owned(),
                what: "a section is missing".to_owned(),
            });
        };
        cell.get_or_make(|| {
            let section =
                Section::decode(&self.inflate(frame)?).map_err(|Malformed(what)| self.damaged(frame, what))?;
            if section.records() != frame.records {
                return Err(self.damaged(frame, "it does not have as many records as the index says"));
            }
            Ok(section)
        })
    }

    fn vectors(&self) -> Result<Option<&Vectors>, Error> {
        let Some(frame) = self.index.frames.iter().find(|frame| frame.kind == Kind::Vectors) else {
            return Ok(None);
        };
        let make = || Vectors::decode(&self.inflate(frame)?).map_err(|Malformed(what)| self.damaged(frame, what));
        self.vectors.get_or_make(make).map(Some)
    }

    fn block(&self, number: usize, vectors: &Vectors) -> Result<Option<&Block>, Error> {
        let run = self.blocks.get(number);
        let Some((run, frame)) = run.and_then(|run| Some((run, self.index.frames.get(run.frame)?))) else {
            return Ok(None);
        };
        let made = run.block.get_or_make(|| {
            let block =
                Block::decode(&self.inflate(frame)?, vectors).map_err(|Malformed(what)| self.damaged(frame, what))?;
            if block.len() as u64 != frame.records {
                return Err(self.damaged(frame, "it does not have as many ids as the index says"));
            }
            Ok(block)
        });
        made.map(Some)
    }

    /// How many blocks of facts there are, the oldest ids in the first.
    pub(crate) const fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The block that has the facts about an id, if any are there.
    pub(crate) fn block_of(&self, id: &str) -> Option<usize> {
        let order = fact_order(id);
        self.blocks
            .partition_point(|run| (run.first.0, run.first.1.as_str()) <= order)
            .checked_sub(1)
    }

    /// Whether a block needs no more work.
    pub(crate) fn is_ready(&self, number: usize) -> bool {
        self.blocks.get(number).is_none_or(|run| run.block.is_made())
    }

    /// Inflates a block before an id of it is asked for.
    pub(crate) fn prepare_block(&self, number: usize) -> Result<(), Error> {
        if let Some(vectors) = self.vectors()? {
            self.block(number, vectors)?;
        }
        Ok(())
    }

    /// What is known of an id; nothing when the file has no facts about it.
    pub(crate) fn facts(&self, id: &str) -> Result<Facts, Error> {
        let Some(number) = self.block_of(id) else {
            return Ok(Facts::default());
        };
        let Some(vectors) = self.vectors()? else {
            return Ok(Facts::default());
        };
        Ok(self
            .block(number, vectors)?
            .and_then(|block| block.facts(id, vectors))
            .unwrap_or_default())
    }

    /// Verifies, inflates and decodes everything.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        for (at, frame) in self.index.frames.iter().enumerate() {
            if frame.kind == Kind::Section {
                self.section_at(at)?;
            }
        }
        if let Some(vectors) = self.vectors()? {
            for number in 0..self.blocks.len() {
                self.block(number, vectors)?;
            }
        } else if let Some(frame) = self.blocks.first().and_then(|run| self.index.frames.get(run.frame)) {
            return Err(self.damaged(frame, "the vectors that it refers to are missing"));
        }
        Ok(())
    }
}
