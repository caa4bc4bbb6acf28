//! The rows of an SQLite table: a tree of pages, with overflow pages for rows that do not fit. ("B-tree Pages" of the
//! SQLite manual's file format.)
//!
//! Every page is read at most once, and the payloads together are never more than the file and its log: cycles end, and
//! the work is linear in the bytes given. A page whose cells leave bytes of it unexplained is told: that is what a
//! damaged cell count looks like.

use std::borrow::Cow;

use seaworthy_model::limits;

use super::integer::{ByteOrder, Seen};
use super::sqlite_wal::Log;

const ORDER: ByteOrder = ByteOrder::Big;
/// What page 1 starts with.
const DATABASE_HEADER_BYTES: usize = 100;
const INTERIOR_TABLE: u8 = 5;
const LEAF_TABLE: u8 = 13;
const LEAST_CELL_BYTES: usize = 4;

/// The pages of a database and what was read of them.
pub(super) struct Tree<'a> {
    bytes: &'a [u8],
    log: Log<'a>,
    page_bytes: usize,
    /// Bytes of a page without the reserved ones at its end.
    usable: usize,
    seen: Seen,
    /// Bytes of payload that may still be read.
    payload_left: usize,
}

/// What is wrong with a part of the tree, and what was therefore not read.
type Damage = String;

/// Where a page has its cells.
struct Page<'a> {
    usable: &'a [u8],
    kind: u8,
    /// Where the page's own header starts.
    start: usize,
    /// Where the pointers to the cells start.
    pointers: usize,
    cells: usize,
}

impl<'a> Page<'a> {
    fn read(usable: &'a [u8], number: u32) -> Result<Self, Damage> {
        let start = if number == 1 { DATABASE_HEADER_BYTES } else { 0 };
        let kind = usable.get(start).copied().unwrap_or_default();
        let header_bytes = match kind {
            INTERIOR_TABLE => 12,
            LEAF_TABLE => 8,
            _ => {
                return Err(format!(
                    "SQLite page {number} is no page of a table, what it holds was not read"
                ));
            }
        };
        let cells = ORDER.u16(usable, start + 3).map_or(0, usize::from);
        // Each cell has a pointer of two bytes too.
        if cells > (usable.len() - 8) / (LEAST_CELL_BYTES + 2) {
            return Err(format!(
                "SQLite page {number} has impossibly many cells and was not read"
            ));
        }
        Ok(Self {
            usable,
            kind,
            start,
            pointers: start + header_bytes,
            cells,
        })
    }

    /// The bytes from each cell on; none where its pointer is wrong.
    fn cells(&self) -> impl Iterator<Item = &'a [u8]> {
        let (usable, pointers) = (self.usable, self.pointers);
        (0..self.cells).map(move |index| {
            let pointer = ORDER.u16(usable, pointers + 2 * index).map(usize::from);
            pointer.and_then(|pointer| usable.get(pointer..)).unwrap_or_default()
        })
    }

    /// The page that comes after those of the cells.
    fn last_child(&self) -> Option<u32> {
        ORDER.u32(self.usable, self.start + 8)
    }

    /// Whether cells of this many bytes, free blocks and fragments are all that is in the page's content area.
    fn is_filled(&self, cell_bytes: usize) -> bool {
        let content = match ORDER.u16(self.usable, self.start + 5).map(usize::from) {
            Some(0) => 65536,
            Some(content) => content,
            None => return false,
        };
        let mut bytes = cell_bytes
            + self
                .usable
                .get(self.start + 7)
                .map_or(0, |fragments| usize::from(*fragments));
        let mut block = ORDER.u16(self.usable, self.start + 1).map_or(0, usize::from);
        while block != 0 {
            let (Some(next), Some(length)) = (ORDER.u16(self.usable, block), ORDER.u16(self.usable, block + 2)) else {
                return false;
            };
            bytes += usize::from(length);
            // Free blocks are in the order of the page.
            if next != 0 && usize::from(next) <= block {
                return false;
            }
            block = usize::from(next);
        }
        content.checked_add(bytes) == Some(self.usable.len())
    }
}

impl<'a> Tree<'a> {
    /// The tree pages of a database of which `pages` are known to be there.
    pub(super) fn new(bytes: &'a [u8], log: Log<'a>, page_bytes: usize, usable: usize, pages: usize) -> Self {
        let payload_left = bytes.len().saturating_add(log.bytes());
        // Pages are counted from 1.
        Self {
            bytes,
            log,
            page_bytes,
            usable,
            seen: Seen::new(pages.saturating_add(1)),
            payload_left,
        }
    }

    /// The usable bytes of a page, if it was not read before.
    fn page(&mut self, number: u32) -> Result<&'a [u8], Damage> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let page = self.log.page(number).or_else(|| {
            let start = index.checked_sub(1)?.checked_mul(self.page_bytes)?;
            self.bytes.get(start..)?.get(..self.page_bytes)
        });
        let usable = page
            .and_then(|page| page.get(..self.usable))
            .ok_or_else(|| format!("SQLite page {number} is beyond the file, what it holds was not read"))?;
        if !self.seen.insert(index) {
            return Err(format!(
                "SQLite page {number} is linked twice, what it holds was not read again"
            ));
        }
        Ok(usable)
    }

    /// Calls `row` with the record of every row of the table with this root, in order, until it says stop; tells what
    /// could not be read.
    pub(super) fn walk(&mut self, root: u32, mut row: impl FnMut(Cow<'a, [u8]>) -> bool) -> Vec<Damage> {
        let mut damage = Vec::new();
        // More of them would not be kept in the report either.
        let mut tell = |what| {
            if damage.len() <= limits::PROBLEMS {
                damage.push(what);
            }
        };
        let mut numbers = vec![root];
        while let Some(number) = numbers.pop() {
            let page = match self.page(number).and_then(|usable| Page::read(usable, number)) {
                Ok(page) => page,
                Err(what) => {
                    tell(what);
                    continue;
                }
            };
            let mut cell_bytes = 0usize;
            if page.kind == INTERIOR_TABLE {
                let first = numbers.len();
                for cell in page.cells() {
                    // A child that is beyond the file, or was read already, is told when its turn comes.
                    match interior_cell(cell) {
                        Some((child, bytes)) => {
                            numbers.push(child);
                            cell_bytes += bytes;
                        }
                        None => tell(format!(
                            "SQLite page {number} has a damaged cell, what it leads to was not read"
                        )),
                    }
                }
                numbers.extend(page.last_child());
                if let Some(children) = numbers.get_mut(first..) {
                    children.reverse();
                }
            } else {
                for cell in page.cells() {
                    match self.leaf_cell(cell) {
                        Ok((payload, bytes)) => {
                            cell_bytes += bytes;
                            if !row(payload) {
                                return damage;
                            }
                        }
                        Err(what) => tell(format!("SQLite page {number} has a row that was not read: {what}")),
                    }
                }
            }
            if !page.is_filled(cell_bytes) {
                tell(format!("SQLite page {number} is damaged, rows may be missing"));
            }
        }
        damage
    }

    /// The record of a leaf's cell, and the bytes that the cell has in its page.
    fn leaf_cell(&mut self, cell: &'a [u8]) -> Result<(Cow<'a, [u8]>, usize), Damage> {
        let cut = || "it is cut off".to_owned();
        let (length, rest) = varint(cell).ok_or_else(cut)?;
        let (_row_id, rest) = varint(rest).ok_or_else(cut)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(left) = self.payload_left.checked_sub(length) else {
            return Err("the rows have more bytes than the file".to_owned());
        };
        self.payload_left = left;
        let local = self.local_bytes(length);
        let head_bytes = cell.len() - rest.len();
        let (start, rest) = rest.split_at_checked(local).ok_or_else(cut)?;
        if local == length {
            return Ok((Cow::Borrowed(start), (head_bytes + local).max(LEAST_CELL_BYTES)));
        }
        let mut next = ORDER.u32(rest, 0).ok_or_else(cut)?;
        let mut payload = Vec::with_capacity(length);
        payload.extend_from_slice(start);
        while payload.len() < length {
            let (link, data) = self.page(next)?.split_at_checked(4).ok_or_else(cut)?;
            let wanted = (length - payload.len()).min(data.len());
            payload.extend_from_slice(data.get(..wanted).unwrap_or_default());
            next = ORDER.u32(link, 0).unwrap_or(0);
        }
        Ok((Cow::Owned(payload), head_bytes + local + 4))
    }

    /// How much of a payload lies in the page of a leaf, the rest being in overflow pages.
    fn local_bytes(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (length - least) % (self.usable - 4);
        if local <= most { local } else { least }
    }
}

/// The child that an interior page's cell leads to, and the cell's bytes.
fn interior_cell(cell: &[u8]) -> Option<(u32, usize)> {
    let child = ORDER.u32(cell, 0)?;
    let (_key, rest) = varint(cell.get(4..)?)?;
    Some((child, cell.len() - rest.len()))
}

/// A variable-length integer of one to nine bytes, and what follows it.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some(((value << 8) | u64::from(*byte), bytes.get(9..)?));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}
