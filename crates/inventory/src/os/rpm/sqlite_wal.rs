//! The write-ahead log of an SQLite database (`-wal`): frames with newer contents of pages. ("WAL-mode file format" of
//! the SQLite manual.)
//!
//! A frame counts when its salts are the log's, its checksum continues that of all frames before it, and a frame at or
//! after it commits. What follows the first frame that fails is left over from an older log, or was never finished.

use std::collections::HashMap;

use super::integer::ByteOrder;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const MAGIC_LITTLE: u32 = 0x377f_0682;
const MAGIC_BIG: u32 = 0x377f_0683;
const VERSION: u32 = 3_007_000;

/// The committed frames of a log.
#[derive(Default)]
pub(super) struct Log<'a> {
    /// Page number to its newest committed content.
    pages: HashMap<u32, &'a [u8]>,
    bytes: usize,
    /// Pages of the database after the last commit.
    pub(super) database_pages: Option<usize>,
}

impl<'a> Log<'a> {
    /// The newest committed content of a page.
    pub(super) fn page(&self, number: u32) -> Option<&'a [u8]> {
        self.pages.get(&number).copied()
    }

    /// Bytes of the whole log.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads the log of a database with pages of this size; the error says why it cannot be used.
    pub(super) fn read(bytes: &'a [u8], page_bytes: usize) -> Result<(Self, Option<&'static str>), &'static str> {
        let mut log = Self {
            bytes: bytes.len(),
            ..Self::default()
        };
        if bytes.is_empty() {
            return Ok((log, None));
        }
        let order = ByteOrder::Big;
        let (Some(header), Some(magic)) = (bytes.get(..HEADER_BYTES), order.u32(bytes, 0)) else {
            return Err("it ends inside its header");
        };
        // The magic says in which byte order the checksums were reckoned; all fields are big-endian.
        let checksum_order = match magic {
            MAGIC_LITTLE => ByteOrder::Little,
            MAGIC_BIG => ByteOrder::Big,
            _ => return Err("it has no log's magic"),
        };
        if order.u32(header, 4) != Some(VERSION) {
            return Err("it has an unknown version");
        }
        if order.size(header, 8) != Some(page_bytes) {
            return Err("its pages have another size than the database's");
        }
        let mut sum = Checksum {
            order: checksum_order,
            first: 0,
            second: 0,
        };
        sum.add(header.get(..24).unwrap_or_default());
        if !sum.equals(order.u32(header, 24), order.u32(header, 28)) {
            return Err("the checksum of its header is wrong");
        }
        let salts = header.get(16..24).unwrap_or_default();
        let mut pending: Vec<(u32, &'a [u8])> = Vec::new();
        let mut torn = None;
        let frames = bytes.get(HEADER_BYTES..).unwrap_or_default();
        let mut frames = frames.chunks(FRAME_HEADER_BYTES + page_bytes);
        for frame in frames.by_ref() {
            let Some((frame_header, page)) = frame
                .split_at_checked(FRAME_HEADER_BYTES)
                .filter(|(_, page)| page.len() == page_bytes)
            else {
                torn = Some("its last frame is cut off");
                break;
            };
            if frame_header.get(8..16) != Some(salts) {
                // An older log's frames; but where newer ones follow, this one was damaged.
                if frames.any(|frame| frame.get(8..16) == Some(salts)) {
                    torn = Some("a frame is damaged");
                }
                break;
            }
            sum.add(frame_header.get(..8).unwrap_or_default());
            sum.add(page);
            let number = order.u32(frame_header, 0).unwrap_or(0);
            if number == 0 || !sum.equals(order.u32(frame_header, 16), order.u32(frame_header, 20)) {
                torn = Some("the checksum of a frame is wrong");
                break;
            }
            pending.push((number, page));
            if let Some(pages @ 1..) = order.size(frame_header, 4) {
                log.pages.extend(pending.drain(..));
                log.database_pages = Some(pages);
            }
        }
        if torn.is_none() && !pending.is_empty() {
            torn = Some("its last transaction is not committed");
        }
        Ok((log, torn))
    }
}

/// The running checksum over headers and pages.
struct Checksum {
    order: ByteOrder,
    first: u32,
    second: u32,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let (pairs, _) = bytes.as_chunks::<8>();
        for pair in pairs {
            let (Some(first), Some(second)) = (self.order.u32(pair, 0), self.order.u32(pair, 4)) else {
                return;
            };
            self.first = self.first.wrapping_add(first).wrapping_add(self.second);
            self.second = self.second.wrapping_add(second).wrapping_add(self.first);
        }
    }

    fn equals(&self, first: Option<u32>, second: Option<u32>) -> bool {
        first == Some(self.first) && second == Some(self.second)
    }
}
