//! Header and index of an advisory file: what is in it, where, and how it is verified.
//!
//! The header has 56 bytes: signature (8), format (4), length of the index (4), length of the file (8), SHA-256 of all
//! before and of the index (32); numbers are little-endian. The index follows, then the frames. Opening a file reads and
//! verifies header and index only; each frame has its own SHA-256 in the index.

use super::bytes::{Cursor, Malformed, put_number, put_signed, put_text};
use super::identifier::Identifier;
use crate::error::Error;
use crate::record::{FeedSummary, SourceId};
use seaworthy_model::limits;
use sha2::{Digest as _, Sha256};

/// The first bytes: not text, and damaged by every transfer that takes them for text.
const SIGNATURE: [u8; 8] = *b"\x89SWADV\r\n";
/// The format that this version writes. It reads format 1 too, which has no weaknesses.
pub const FORMAT: u32 = 2;
const HEADER: usize = 56;
const HASHED: usize = 24;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The statements of one release or language.
    Section = 0,
    /// CVSS vectors and EPSS percentiles that facts refer to.
    Vectors = 1,
    /// Facts about a run of ids; its name is the first of them.
    Facts = 2,
}

/// One zstd frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Where it starts, counted from the end of the index.
    pub(crate) offset: u64,
    pub(crate) compressed: u32,
    pub(crate) inflated: u32,
    pub(crate) sha256: [u8; 32],
    /// Records, vectors or ids in it.
    pub(crate) records: u64,
    /// The frame whose inflated bytes are its dictionary.
    pub(crate) base: Option<usize>,
}

/// How much a source gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSummary {
    /// The source.
    pub source: SourceId,
    /// Its newest date, seconds since 1970-01-01 UTC.
    pub newest: Option<i64>,
    /// Records, or for sources of facts the ids about which it states one.
    pub records: u64,
}

/// The table of contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// The newest fact, seconds since 1970-01-01 UTC.
    pub(crate) built: i64,
    pub(crate) sources: Vec<SourceSummary>,
    pub(crate) feeds: Vec<FeedSummary>,
    pub(crate) frames: Vec<Frame>,
}

/// The order of facts: CVEs by year and number, then other ids by text.
pub(crate) fn fact_order(id: &str) -> (u32, &str) {
    Identifier::of_cve(id).map_or((u32::MAX, id), |packed| (packed.0, ""))
}

fn put_date(out: &mut Vec<u8>, date: Option<i64>) {
    out.push(date.is_some().into());
    put_signed(out, date.unwrap_or(0));
}

fn date(cursor: &mut Cursor<'_>) -> Result<Option<i64>, Malformed> {
    let present = cursor.byte()? != 0;
    cursor.signed().map(|date| present.then_some(date))
}

/// The checksum in a header; nothing of what is none.
pub(super) fn checksum(file: &[u8]) -> &[u8] {
    file.get(HASHED..HEADER).unwrap_or_default()
}

impl Index {
    /// The frames of releases and languages.
    pub(crate) fn sections(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(|frame| frame.kind == Kind::Section)
    }

    /// How many ids there are facts about.
    pub(crate) fn ids(&self) -> u64 {
        self.frames
            .iter()
            .filter(|frame| frame.kind == Kind::Facts)
            .map(|frame| frame.records)
            .sum()
    }

    /// Header and index, followed by nothing; `frames` bytes are to follow.
    pub(super) fn encode(&self, frames: u64) -> Result<Vec<u8>, Error> {
        let mut index = Vec::new();
        put_signed(&mut index, self.built);
        put_number(&mut index, self.sources.len() as u64);
        for source in &self.sources {
            index.push(source.source as u8);
            put_date(&mut index, source.newest);
            put_number(&mut index, source.records);
        }
        put_number(&mut index, self.feeds.len() as u64);
        for feed in &self.feeds {
            put_text(&mut index, &feed.feed);
            index.push(feed.source.map_or(0, |source| source as u8));
            put_number(&mut index, feed.read);
            put_number(&mut index, feed.kept);
            put_number(&mut index, feed.refused.len() as u64);
            for (reason, count) in &feed.refused {
                put_text(&mut index, reason);
                put_number(&mut index, *count);
            }
            put_date(&mut index, feed.newest);
        }
        put_number(&mut index, self.frames.len() as u64);
        for frame in &self.frames {
            index.push(frame.kind as u8);
            put_text(&mut index, &frame.name);
            for number in [
                frame.offset,
                frame.compressed.into(),
                frame.inflated.into(),
                frame.records,
            ] {
                put_number(&mut index, number);
            }
            put_number(&mut index, frame.base.map_or(0, |base| base as u64 + 1));
            index.extend_from_slice(&frame.sha256);
        }
        let length = u32::try_from(index.len()).map_err(|_| Error::Unwritable("its index is too long".to_owned()))?;
        let mut out = Vec::with_capacity(HEADER + index.len());
        out.extend_from_slice(&SIGNATURE);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(HEADER as u64 + u64::from(length) + frames).to_le_bytes());
        let sha256 = Sha256::new().chain_update(&out).chain_update(&index).finalize();
        out.extend_from_slice(&sha256);
        out.extend_from_slice(&index);
        Ok(out)
    }

    /// Reads and verifies header and index; also gives where the frames start.
    pub(super) fn decode(bytes: &[u8], origin: &str) -> Result<(Self, usize), Error> {
        let foreign = || Error::Foreign {
            origin: origin.to_owned(),
        };
        let found = bytes.len() as u64;
        let length = |expected| Error::Length {
            origin: origin.to_owned(),
            expected,
            found,
        };
        let damaged = |what: &str| Error::Damaged {
            origin: origin.to_owned(),
            part: "its index".to_owned(),
            what: what.to_owned(),
        };
        let rest = bytes.strip_prefix(&SIGNATURE).ok_or_else(foreign)?;
        let short = || length(HEADER as u64);
        let (&format, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let format = u32::from_le_bytes(format);
        if !(1..=FORMAT).contains(&format) {
            return Err(Error::Format {
                origin: origin.to_owned(),
                found: format,
                supported: FORMAT,
            });
        }
        let (&index_length, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (&file_length, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let (sha256, rest) = rest.split_first_chunk::<32>().ok_or_else(short)?;
        let file_length = u64::from_le_bytes(file_length);
        if file_length != found {
            return Err(length(file_length));
        }
        let index_length = u32::from_le_bytes(index_length) as usize;
        let (index, _) = rest
            .split_at_checked(index_length)
            .ok_or_else(|| damaged("it is longer than the file"))?;
        let hashed = Sha256::new()
            .chain_update(bytes.get(..HASHED).unwrap_or(&[]))
            .chain_update(index)
            .finalize();
        if hashed.as_slice() != sha256 {
            return Err(damaged("its checksum is wrong"));
        }
        let start = HEADER + index_length;
        let index = Self::decode_index(index, found - start as u64).map_err(|Malformed(what)| damaged(what))?;
        Ok((index, start))
    }

    fn decode_index(bytes: &[u8], frame_bytes: u64) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let mut index = Self {
            built: cursor.signed()?,
            ..Self::default()
        };
        for _ in 0..cursor.count(256)? {
            let source =
                crate::ecosystem::source_with_number(cursor.byte()?).ok_or(Malformed("it names an unknown source"))?;
            index.sources.push(SourceSummary {
                source,
                newest: date(&mut cursor)?,
                records: cursor.number()?,
            });
        }
        for _ in 0..cursor.count(limits::ADVISORY_SECTIONS)? {
            let mut feed = FeedSummary {
                feed: cursor.text()?.to_owned(),
                ..FeedSummary::default()
            };
            feed.source = crate::ecosystem::source_with_number(cursor.byte()?);
            feed.read = cursor.number()?;
            feed.kept = cursor.number()?;
            for _ in 0..cursor.count(bytes.len())? {
                let reason = cursor.text()?.to_owned();
                feed.refused.insert(reason, cursor.number()?);
            }
            feed.newest = date(&mut cursor)?;
            index.feeds.push(feed);
        }
        for _ in 0..cursor.count(limits::ADVISORY_SECTIONS)? {
            index.frames.push(Self::decode_frame(&mut cursor, frame_bytes)?);
        }
        cursor.end()?;
        for frame in &index.frames {
            let base = frame.base.map(|base| index.frames.get(base));
            if base.is_some_and(|base| base.is_none_or(|base| base.base.is_some())) {
                return Err(Malformed("a section rests on one that is not there"));
            }
        }
        Ok(index)
    }

    fn decode_frame(cursor: &mut Cursor<'_>, frame_bytes: u64) -> Result<Frame, Malformed> {
        let kind = match cursor.byte()? {
            0 => Kind::Section,
            1 => Kind::Vectors,
            2 => Kind::Facts,
            _ => return Err(Malformed("it names an unknown kind of section")),
        };
        let name = cursor.text()?.to_owned();
        let offset = cursor.number()?;
        let compressed = cursor.number32()?;
        let inflated = cursor.number32()?;
        let records = cursor.number()?;
        let base = cursor.number32()?.checked_sub(1).map(|base| base as usize);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(cursor.take(32)?);
        if offset
            .checked_add(compressed.into())
            .is_none_or(|end| end > frame_bytes)
        {
            return Err(Malformed("a section lies outside of the file"));
        }
        if u64::from(inflated) > limits::ADVISORY_SECTION_BYTES {
            return Err(Malformed("a section is larger than the limit"));
        }
        Ok(Frame {
            kind,
            name,
            offset,
            compressed,
            inflated,
            sha256,
            records,
            base,
        })
    }
}
