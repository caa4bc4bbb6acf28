//! A zip archive read forwards: entries are taken as they come by, and count only where the directory at the end says that
//! they exist and what they are. APPNOTE.TXT 6.3.10.
//!
//! Nothing is held but a window, what was taken, and the directory's records of it. Entries that do not matter are passed
//! over by their size, or, where that stands behind them, by looking for the next header.

use std::io::{self, Read};
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::content::Content;

/// Bytes that are looked through at once.
const WINDOW: usize = 128 << 10;
const LOCAL: &[u8] = b"PK\x03\x04";
const RECORD: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const STORED: u16 = 0;
/// Sizes and offsets that stand in an extra field.
const ELSEWHERE: u32 = u32::MAX;

/// How signatures begin. A literal alone is found many times faster than a choice of signatures.
static BEGINNING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("PK").ok());

/// Where the next signature begins.
fn signature(window: &[u8]) -> Option<usize> {
    let mut beginnings = BEGINNING
        .iter()
        .flat_map(|pattern| pattern.find_iter(window))
        .map(|found| found.start());
    let is_signature = |at: &usize| {
        let bytes = window.get(*at..).unwrap_or_default();
        [LOCAL, RECORD, END, END_64]
            .iter()
            .any(|known| bytes.starts_with(known))
    };
    beginnings.find(is_signature)
}

/// What stands before an entry, or in the directory about one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    /// Where the entry begins: as counted here for an entry, as stated for a record.
    pub(super) offset: u64,
}

impl Header {
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    pub(super) fn is_stored(&self) -> bool {
        self.method == STORED
    }

    /// Whether sizes and checksum stand behind the entry.
    pub(super) fn is_open(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// What is made of an archive that is read forwards.
pub(super) trait Visitor {
    /// An entry whose content `content` stands at.
    fn entry(&mut self, header: &Header, content: &mut Content<'_>);
    /// Whether the entry's content matters; otherwise it is passed over.
    fn wants(&self, name: &[u8]) -> bool;
    /// A directory begins: what was said of an earlier one does not hold.
    fn directory(&mut self);
    /// One record of the directory.
    fn record(&mut self, header: &Header);
}

/// The directory that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    /// What has to be added to the offsets that records state: the length of a script before the archive.
    pub(super) shift: u64,
    pub(super) records: u64,
    /// Where it ends.
    end: u64,
}

/// Bytes that may follow a directory: readers look for its end so far from the end of the file.
const BEHIND: u64 = 64 << 10;

/// Reads an archive to its end.
///
/// # Errors
/// What is wrong with the directory.
pub(super) fn read(content: &mut Content<'_>, most: usize, visitor: &mut impl Visitor) -> Result<Directory, String> {
    let begin = content.position();
    let mut directory = Err("there is none, the archive is no zip archive or is cut off".to_owned());
    loop {
        let window = content.peek(WINDOW);
        if window.is_empty() {
            let end = content.position().saturating_sub(begin);
            return directory.and_then(|directory: Directory| {
                let is_last = end.saturating_sub(directory.end) <= BEHIND;
                is_last
                    .then_some(directory)
                    .ok_or_else(|| "it is not at the end, the archive is cut off".to_owned())
            });
        }
        let Some(at) = signature(window) else {
            // The last bytes may be the beginning of a signature.
            let passed = if window.len() < WINDOW {
                window.len()
            } else {
                window.len().saturating_sub(LOCAL.len() - 1)
            };
            content.skip(passed as u64);
            continue;
        };
        content.skip(at as u64);
        let offset = content.position().saturating_sub(begin);
        if content.peek(4).starts_with(LOCAL) {
            match local(content, offset) {
                Some((length, header)) => {
                    content.skip(length);
                    if visitor.wants(&header.name) {
                        visitor.entry(&header, content);
                    } else if !header.is_open() && !header.is_encrypted() {
                        content.skip(header.compressed);
                    }
                }
                None => content.skip(4),
            }
        } else {
            let here = content.position();
            let found = read_directory(content, begin, most, visitor);
            if content.position() == here {
                content.skip(4);
            }
            match found {
                Ok(found) => directory = Ok(found),
                // What looks like a directory inside an entry is none.
                Err(error) if directory.is_err() => directory = Err(error),
                Err(_) => {}
            }
        }
    }
}

/// The header that `content` stands at, and its length.
fn local(content: &mut Content<'_>, offset: u64) -> Option<(u64, Header)> {
    let fixed = content.peek(30);
    let (name, extra) = (usize::from(u16_at(fixed, 26)?), usize::from(u16_at(fixed, 28)?));
    let length = 30 + name + extra;
    let window = content.peek(length);
    let mut header = Header {
        name: window.get(30..30 + name)?.to_vec(),
        flags: u16_at(window, 6)?,
        method: u16_at(window, 8)?,
        crc: u32_at(window, 14)?,
        compressed: u64::from(u32_at(window, 18)?),
        size: u64::from(u32_at(window, 22)?),
        offset,
    };
    wide(window.get(30 + name..length)?, &mut header, false);
    Some((length as u64, header))
}

/// Sizes and offset of the zip64 extra field, for those that stand there.
fn wide(extra: &[u8], header: &mut Header, in_directory: bool) {
    let mut rest = extra;
    while let (Some(id), Some(size)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let Some(field) = rest.get(4..4 + usize::from(size)) else {
            return;
        };
        if id == 1 {
            let mut at = 0;
            let mut take = |value: &mut u64| {
                if *value == u64::from(ELSEWHERE)
                    && let Some(found) = u64_at(field, at)
                {
                    *value = found;
                    at += 8;
                }
            };
            take(&mut header.size);
            take(&mut header.compressed);
            if in_directory {
                take(&mut header.offset);
            }
            return;
        }
        rest = rest.get(4 + usize::from(size)..).unwrap_or_default();
    }
}

/// Reads the directory that `content` stands at, up to the end record behind it, which must end the file.
fn read_directory(
    content: &mut Content<'_>,
    begin: u64,
    most: usize,
    visitor: &mut impl Visitor,
) -> Result<Directory, String> {
    let start = content.position().saturating_sub(begin);
    let mut records = 0u64;
    visitor.directory();
    while content.peek(4).starts_with(RECORD) {
        if records >= most as u64 {
            return Err(format!("it has more than {most} entries"));
        }
        let cut = || "a record of it is cut off".to_owned();
        let fixed = content.peek(46);
        let lengths = (u16_at(fixed, 28), u16_at(fixed, 30), u16_at(fixed, 32));
        let (Some(name), Some(extra), Some(comment)) = lengths else {
            return Err(cut());
        };
        let (name, extra) = (usize::from(name), usize::from(extra));
        let length = 46 + name + extra + usize::from(comment);
        let window = content.peek(length);
        if window.len() < length {
            return Err(cut());
        }
        let header = (|| {
            let mut header = Header {
                name: window.get(46..46 + name)?.to_vec(),
                flags: u16_at(window, 8)?,
                method: u16_at(window, 10)?,
                crc: u32_at(window, 16)?,
                compressed: u64::from(u32_at(window, 20)?),
                size: u64::from(u32_at(window, 24)?),
                offset: u64::from(u32_at(window, 42)?),
            };
            wide(window.get(46 + name..46 + name + extra)?, &mut header, true);
            Some(header)
        })();
        let header = header.ok_or_else(cut)?;
        content.skip(length as u64);
        visitor.record(&header);
        records += 1;
    }
    let end_of_records = content.position().saturating_sub(begin);
    let (mut stated, mut offset, mut size) = (None, None, None);
    if content.peek(4).starts_with(END_64) {
        let window = content.peek(56);
        let length = u64_at(window, 4).ok_or("its end is cut off")?;
        (stated, size, offset) = (u64_at(window, 32), u64_at(window, 40), u64_at(window, 48));
        content.skip(length.saturating_add(12));
        if content.peek(4).starts_with(LOCATOR_64) {
            content.skip(20);
        }
    }
    let window = content.peek(22);
    if !window.starts_with(END) {
        return Err("it is damaged or has no end".to_owned());
    }
    let short = (
        u16_at(window, 10),
        u32_at(window, 12),
        u32_at(window, 16),
        u16_at(window, 20),
    );
    let (Some(count), Some(short_size), Some(short_offset), Some(comment)) = short else {
        return Err("its end is cut off".to_owned());
    };
    content.skip(22 + u64::from(comment));
    let stated = stated.unwrap_or(u64::from(count));
    let size = size.unwrap_or(u64::from(short_size));
    let offset = offset.unwrap_or(u64::from(short_offset));
    if stated != records || size != end_of_records.saturating_sub(start) {
        return Err(format!("it has {records} entries where its end states {stated}"));
    }
    let shift = start
        .checked_sub(offset)
        .ok_or("it does not lie where its end states")?;
    let end = content.position().saturating_sub(begin);
    Ok(Directory { shift, records, end })
}

/// Counts and sums what is read through it.
pub(super) struct Checked<R> {
    inner: R,
    crc: flate2::Crc,
}

impl<R: Read> Checked<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            crc: flate2::Crc::new(),
        }
    }

    pub(super) fn crc(&self) -> u32 {
        self.crc.sum()
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.crc.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
