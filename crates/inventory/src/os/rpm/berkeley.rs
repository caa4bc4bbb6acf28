//! The Berkeley DB hash database (`Packages`, rpm up to 4.15): a metadata page, hash pages with pairs of key and value,
//! and chains of overflow pages for values that do not fit. (Page layouts of `db_page.h` in Berkeley DB 5.3.)
//!
//! Either byte order is read: a database has that of the machine that made it. Every page is looked at once, in the
//! order of the file instead of that of the buckets, so a damaged bucket hides nothing; an overflow page belongs to one
//! chain only, which ends cycles and bounds the work.

use std::borrow::Cow;

use super::Packages;
use super::integer::{ByteOrder, Seen};

const HASH_MAGIC: u32 = 0x0006_1561;
const BTREE_MAGIC: u32 = 0x0005_3162;
const MAGIC_OFFSET: usize = 12;

const PAGE_HEADER_BYTES: usize = 26;

const PAGE_INVALID: u8 = 0;
const PAGE_DUPLICATE: u8 = 1;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH_META: u8 = 8;
const PAGE_HASH: u8 = 13;

const ITEM_KEY_DATA: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;

/// Whether the file is a Berkeley database of any kind.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    magic(bytes).is_some()
}

fn magic(bytes: &[u8]) -> Option<(u32, ByteOrder)> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .filter_map(|order| Some((order.u32(bytes, MAGIC_OFFSET)?, order)))
        .find(|(magic, _)| matches!(*magic, HASH_MAGIC | BTREE_MAGIC))
}

struct Database<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
    page_bytes: usize,
    /// Pages that are in the file.
    pages: usize,
    /// Overflow pages that a value was read from.
    seen: Seen,
    /// Pairs of key and value met on hash pages.
    pairs: usize,
}

/// Reads every package of the database.
pub(super) fn read(bytes: &[u8], packages: &mut Packages<'_>) {
    let Some((magic, order)) = magic(bytes) else { return };
    if magic != HASH_MAGIC {
        return packages.incomplete("a Berkeley B-tree is no rpm database of packages, no package was read");
    }
    let (Some(page_bytes), Some(encryption), Some(last_page)) =
        (order.size(bytes, 20), bytes.get(24), order.size(bytes, 32))
    else {
        return packages.incomplete("the Berkeley database ends inside its metadata, no package was read");
    };
    if !page_bytes.is_power_of_two() || !(512..=65536).contains(&page_bytes) {
        return packages.incomplete(format!(
            "the Berkeley database has pages of {page_bytes} bytes, no package was read"
        ));
    }
    if *encryption != 0 {
        return packages.incomplete("the Berkeley database is encrypted, no package was read");
    }
    let in_file = bytes.len() / page_bytes;
    let declared = last_page.saturating_add(1);
    if declared > in_file || !bytes.len().is_multiple_of(page_bytes) {
        packages.incomplete(format!(
            "the Berkeley database is cut off: it has {in_file} whole pages of {declared}"
        ));
    } else if declared < in_file {
        packages.uncertain(format!(
            "the Berkeley database has {in_file} pages but names only {declared}, the rest was not read"
        ));
    }
    let pages = declared.min(in_file);
    let mut database = Database {
        bytes,
        order,
        page_bytes,
        pages,
        seen: Seen::new(pages),
        pairs: 0,
    };
    database.read_pages(packages);
    database.tell_lost_pages(packages);
    // Writers keep this number without a lock on it, so alone it proves nothing.
    if let Some(pairs) = order.size(bytes, 88).filter(|pairs| database.pairs < *pairs) {
        packages.uncertain(format!(
            "the Berkeley database has {} entries but counts {pairs}",
            database.pairs
        ));
    }
}

impl<'a> Database<'a> {
    fn page(&self, number: usize) -> Option<&'a [u8]> {
        if number >= self.pages {
            return None;
        }
        self.bytes
            .get(number.checked_mul(self.page_bytes)?..)?
            .get(..self.page_bytes)
    }

    fn read_pages(&mut self, packages: &mut Packages<'_>) {
        // Page 0 is the metadata.
        for number in 1..self.pages {
            let Some(page) = self.page(number) else { break };
            match page.get(25).copied().unwrap_or_default() {
                PAGE_HASH | PAGE_HASH_UNSORTED => self.read_hash_page(number, page, packages),
                // An overflow page is read with the value that it belongs to.
                PAGE_INVALID | PAGE_DUPLICATE | PAGE_OVERFLOW | PAGE_HASH_META => {}
                kind => packages.incomplete(format!(
                    "Berkeley page {number} has the unknown type {kind} and was not read"
                )),
            }
        }
    }

    fn read_hash_page(&mut self, number: usize, page: &'a [u8], packages: &mut Packages<'_>) {
        let entries = self.order.u16(page, 20).map_or(0, usize::from);
        self.pairs += entries / 2;
        if !entries.is_multiple_of(2) {
            packages.incomplete(format!(
                "Berkeley page {number} has a key without a value, a package may be missing"
            ));
        }
        // Items grow down from the page's end, so each ends where the one before it starts.
        let mut end = self.page_bytes;
        let mut key: &[u8] = &[];
        for index in 0..entries {
            let start = self.order.u16(page, PAGE_HEADER_BYTES + 2 * index).map(usize::from);
            let Some(item) = start.and_then(|start| page.get(start..end)) else {
                return packages.incomplete(format!(
                    "Berkeley page {number} is damaged, its packages were not all read"
                ));
            };
            end -= item.len();
            if index % 2 == 0 {
                key = item.get(1..).unwrap_or_default();
                continue;
            }
            match (item.first().copied(), item.get(1..).unwrap_or_default()) {
                // The value of key 0 is no header but the last number given to a package.
                (Some(ITEM_KEY_DATA), value) => {
                    if key.iter().any(|byte| *byte != 0) {
                        packages.add(value, || format!("Berkeley page {number}"));
                    }
                }
                (Some(ITEM_OFF_PAGE), _) => match self.overflow(item) {
                    Ok(value) => packages.add(&value, || format!("Berkeley page {number}")),
                    Err(what) => packages.incomplete(format!("Berkeley page {number}: {what}, a package was not read")),
                },
                _ => packages.incomplete(format!(
                    "Berkeley page {number} has an item of an unknown type, a package was not read"
                )),
            }
        }
    }

    /// The value that an item says lies in overflow pages.
    fn overflow(&mut self, item: &[u8]) -> Result<Cow<'a, [u8]>, String> {
        let (Some(first), Some(length)) = (self.order.size(item, 4), self.order.size(item, 8)) else {
            return Err("an item is cut off".to_owned());
        };
        if length > self.bytes.len() {
            return Err(format!("a value of {length} bytes is larger than the file"));
        }
        let mut value: Cow<'a, [u8]> = Cow::Borrowed(&[]);
        let mut number = first;
        while number != 0 {
            let page = self
                .page(number)
                .ok_or_else(|| format!("overflow page {number} is beyond the file"))?;
            if page.get(25) != Some(&PAGE_OVERFLOW) {
                return Err(format!("page {number} is no overflow page"));
            }
            if !self.seen.insert(number) {
                return Err(format!("overflow page {number} is linked twice"));
            }
            let used = self.order.u16(page, 22).map_or(0, usize::from);
            let data = page.get(PAGE_HEADER_BYTES..).and_then(|data| data.get(..used));
            let data = data.ok_or_else(|| format!("overflow page {number} is damaged"))?;
            if value.is_empty() {
                value = Cow::Borrowed(data);
            } else {
                value.to_mut().extend_from_slice(data);
            }
            number = self.order.size(page, 16).unwrap_or(0);
        }
        if value.len() != length {
            return Err(format!("a value has {} bytes of {length}", value.len()));
        }
        Ok(value)
    }

    /// Overflow pages that no value led to are those of a value whose hash page is damaged.
    fn tell_lost_pages(&self, packages: &mut Packages<'_>) {
        let lost = (1..self.pages)
            .filter(|number| !self.seen.contains(*number))
            .filter(|number| self.page(*number).and_then(|page| page.get(25)) == Some(&PAGE_OVERFLOW))
            .count();
        if lost > 0 {
            packages.incomplete(format!(
                "{lost} pages of the Berkeley database belong to no package, some may be missing"
            ));
        }
    }
}
