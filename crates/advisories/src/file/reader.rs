//! An opened advisory file: frames are verified and inflated when they are first asked for.

use super::bytes::Malformed;
use super::facts::{Block, Vectors};
use super::index::{Frame, Index, Kind, fact_order};
use super::map;
use super::section::Section;
use crate::error::Error;
use crate::record::Facts;
use memmap2::Mmap;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::sync::OnceLock;

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
    sections: Vec<OnceLock<Section>>,
    vectors: OnceLock<Vectors>,
    /// Frames of facts, in the order of their ids.
    fact_frames: Vec<usize>,
    blocks: Vec<OnceLock<Block>>,
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
        let sections = index.frames.iter().map(|_| OnceLock::new()).collect();
        let mut fact_frames: Vec<usize> = Vec::new();
        fact_frames.extend(
            index
                .frames
                .iter()
                .enumerate()
                .filter(|(_, frame)| frame.kind == Kind::Facts)
                .map(|(at, _)| at),
        );
        fact_frames.sort_by_key(|&at| index.frames.get(at).map(|frame| fact_order(&frame.name)));
        let blocks = fact_frames.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            origin,
            bytes,
            index,
            start,
            sections,
            vectors: OnceLock::new(),
            fact_frames,
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
        let base = match frame.base {
            Some(base) => {
                // Bases have no base themselves: the index is refused otherwise.
                let base = self
                    .index
                    .frames
                    .get(base)
                    .ok_or_else(|| self.damaged(frame, "its base is missing"))?;
                self.inflate(base)?
            }
            None => Vec::new(),
        };
        let mut decompressor = zstd::bulk::Decompressor::with_dictionary(&base).map_err(failed)?;
        let inflated = decompressor
            .decompress(bytes, frame.inflated as usize)
            .map_err(failed)?;
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
        if let Some(section) = cell.get() {
            return Ok(section);
        }
        let section = Section::decode(&self.inflate(frame)?).map_err(|Malformed(what)| self.damaged(frame, what))?;
        if section.records() != frame.records {
            return Err(self.damaged(frame, "it does not have as many records as the index says"));
        }
        Ok(cell.get_or_init(|| section))
    }

    fn vectors(&self) -> Result<Option<&Vectors>, Error> {
        if let Some(vectors) = self.vectors.get() {
            return Ok(Some(vectors));
        }
        let Some(frame) = self.index.frames.iter().find(|frame| frame.kind == Kind::Vectors) else {
            return Ok(None);
        };
        let vectors = Vectors::decode(&self.inflate(frame)?).map_err(|Malformed(what)| self.damaged(frame, what))?;
        Ok(Some(self.vectors.get_or_init(|| vectors)))
    }

    fn block(&self, number: usize, vectors: &Vectors) -> Result<Option<&Block>, Error> {
        let Some(cell) = self.blocks.get(number) else {
            return Ok(None);
        };
        if let Some(block) = cell.get() {
            return Ok(Some(block));
        }
        let Some(frame) = self.fact_frames.get(number).and_then(|&at| self.index.frames.get(at)) else {
            return Ok(None);
        };
        let block =
            Block::decode(&self.inflate(frame)?, vectors).map_err(|Malformed(what)| self.damaged(frame, what))?;
        if block.len() as u64 != frame.records {
            return Err(self.damaged(frame, "it does not have as many ids as the index says"));
        }
        Ok(Some(cell.get_or_init(|| block)))
    }

    /// What is known of an id; nothing when the file has no facts about it.
    pub(crate) fn facts(&self, id: &str) -> Result<Facts, Error> {
        let name = |at: &usize| {
            self.index
                .frames
                .get(*at)
                .map(|frame| frame.name.as_str())
                .unwrap_or("")
        };
        let number = self
            .fact_frames
            .partition_point(|at| fact_order(name(at)) <= fact_order(id));
        let Some(number) = number.checked_sub(1) else {
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
        } else if let Some(frame) = self.fact_frames.first().and_then(|&at| self.index.frames.get(at)) {
            return Err(self.damaged(frame, "the vectors that it refers to are missing"));
        }
        Ok(())
    }
}
