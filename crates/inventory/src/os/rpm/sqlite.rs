//! A read-only walk over the table `Packages(hnum, blob)` of an SQLite database (`rpmdb.sqlite`, rpm from 4.16 on),
//! with its write-ahead log. ("Database File Format" of the SQLite manual.)
//!
//! Every page is read at most once, whether as part of a tree or of an overflow chain, and the payloads together are
//! never more than the file and its log: cycles end, and work is linear in the bytes given.

use std::borrow::Cow;

use super::Packages;
use super::integer::{ByteOrder, Seen};
use super::sqlite_wal::Log;

const MAGIC: &[u8] = b"SQLite format 3\0";
const ORDER: ByteOrder = ByteOrder::Big;
const DATABASE_HEADER_BYTES: usize = 100;
const INTERIOR_TABLE: u8 = 5;
const LEAF_TABLE: u8 = 13;
/// The table of all tables.
const SCHEMA_ROOT: u32 = 1;

/// Whether the file is an SQLite database.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads every package of the database.
pub(super) fn read(bytes: &[u8], log: Option<&[u8]>, packages: &mut Packages<'_>) {
    let page_bytes = match ORDER.u16(bytes, 16).map(usize::from) {
        Some(1) => 65536,
        Some(size) if size.is_power_of_two() && size >= 512 => size,
        _ => return packages.incomplete("the SQLite database has an impossible page size, no package was read"),
    };
    let log_bytes = log.map_or(0, <[u8]>::len);
    let log = match Log::read(log.unwrap_or_default(), page_bytes) {
        Ok((log, torn)) => {
            if let Some(what) = torn {
                packages.uncertain(format!("the write-ahead log was read up to a point: {what}"));
            }
            log
        }
        Err(what) => {
            packages.uncertain(format!("the write-ahead log was not used, as SQLite would not: {what}"));
            Log::default()
        }
    };
    let reserved = log
        .page(1)
        .unwrap_or(bytes)
        .get(20)
        .map_or(0, |reserved| usize::from(*reserved));
    let usable = page_bytes - reserved;
    if usable < 480 {
        return packages.incomplete("the SQLite database has impossible reserved bytes, no package was read");
    }
    let in_file = bytes.len() / page_bytes;
    let declared = declared_pages(bytes, &log);
    if log.database_pages.is_none() && declared.is_some_and(|declared| declared > in_file) {
        packages.incomplete(format!(
            "the SQLite database is cut off after {in_file} pages of {}",
            declared.unwrap_or(0)
        ));
    }
    let pages = log.database_pages.unwrap_or(in_file);
    let mut database = Database {
        bytes,
        seen: Seen::new(pages.min((bytes.len() + log_bytes) / page_bytes).saturating_add(1)),
        log,
        page_bytes,
        usable,
        payload_left: bytes.len().saturating_add(log_bytes),
    };
    database.read_packages(packages);
}

/// The number of pages that the header states, where it is to be trusted: when the counter of the last writer that knew
/// the field is the counter of the last change.
fn declared_pages(bytes: &[u8], log: &Log<'_>) -> Option<usize> {
    let header = log.page(1).unwrap_or(bytes);
    (ORDER.u32(header, 24)? == ORDER.u32(header, 92)?)
        .then(|| ORDER.size(header, 28))
        .flatten()
}

struct Database<'a> {
    bytes: &'a [u8],
    log: Log<'a>,
    page_bytes: usize,
    /// Bytes of a page without the reserved ones at its end.
    usable: usize,
    seen: Seen,
    /// Bytes of payload that may still be read.
    payload_left: usize,
}

/// Why a part of the database was not read.
type Damage = String;

impl<'a> Database<'a> {
    fn read_packages(&mut self, packages: &mut Packages<'_>) {
        let mut root = None;
        let mut damage = Vec::new();
        self.walk(SCHEMA_ROOT, &mut damage, |row| {
            if let Some(found) = packages_root(&row) {
                root = Some(found);
            }
            root.is_none()
        });
        let Some(root) = root else {
            for what in damage {
                packages.incomplete(what);
            }
            return packages.incomplete("the SQLite database has no table Packages, no package was read");
        };
        damage.clear();
        let mut number = 0usize;
        self.walk(root, &mut damage, |row| {
            number += 1;
            match header_blob(&row) {
                Some(blob) => packages.add(blob, || format!("row {number} of table Packages")),
                None => packages.incomplete(format!(
                    "row {number} of table Packages is damaged, its package was not listed"
                )),
            }
            !packages.full
        });
        for what in damage {
            packages.incomplete(what);
        }
    }

    /// The content of a page, whose number is from 1 on, if it was not read before.
    fn page(&mut self, number: u32) -> Result<&'a [u8], Damage> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let page = self.log.page(number).or_else(|| {
            let start = index.checked_sub(1)?.checked_mul(self.page_bytes)?;
            self.bytes.get(start..)?.get(..self.page_bytes)
        });
        let page =
            page.ok_or_else(|| format!("SQLite page {number} is beyond the file, what it holds was not read"))?;
        if !self.seen.insert(index) {
            return Err(format!(
                "SQLite page {number} is linked twice, what it holds was not read again"
            ));
        }
        Ok(page)
    }

    /// Calls `row` with the record of every row of the table with this root, in order, until it says stop.
    fn walk(&mut self, root: u32, damage: &mut Vec<Damage>, mut row: impl FnMut(Cow<'a, [u8]>) -> bool) {
        let mut pages = vec![root];
        while let Some(number) = pages.pop() {
            let page = match self.page(number) {
                Ok(page) => page,
                Err(what) => {
                    tell(damage, what);
                    continue;
                }
            };
            let start = if number == 1 { DATABASE_HEADER_BYTES } else { 0 };
            let usable = page.get(..self.usable).unwrap_or(page);
            let kind = usable.get(start).copied().unwrap_or_default();
            let header_bytes = match kind {
                INTERIOR_TABLE => 12,
                LEAF_TABLE => 8,
                _ => {
                    tell(
                        damage,
                        format!("SQLite page {number} is no page of a table, what it holds was not read"),
                    );
                    continue;
                }
            };
            let cells = ORDER.u16(usable, start + 3).map_or(0, usize::from);
            // A cell takes at least four bytes and its pointer two.
            if cells > (self.usable - 8) / 6 {
                tell(
                    damage,
                    format!("SQLite page {number} has impossibly many cells and was not read"),
                );
                continue;
            }
            let pointers = (0..cells).map(|index| ORDER.u16(usable, start + header_bytes + 2 * index).map(usize::from));
            if kind == INTERIOR_TABLE {
                let first = pages.len();
                for pointer in pointers {
                    // A child that is impossible, or one that was read already, is told when its turn comes.
                    match pointer.and_then(|pointer| ORDER.u32(usable, pointer)) {
                        Some(child) => pages.push(child),
                        None => tell(
                            damage,
                            format!("a cell of SQLite page {number} is damaged, what it leads to was not read"),
                        ),
                    }
                }
                pages.extend(ORDER.u32(usable, start + 8));
                if let Some(children) = pages.get_mut(first..) {
                    children.reverse();
                }
                continue;
            }
            for pointer in pointers {
                match pointer
                    .ok_or(String::new())
                    .and_then(|pointer| self.payload(usable, pointer))
                {
                    Ok(payload) => {
                        if !row(payload) {
                            return;
                        }
                    }
                    Err(what) => {
                        tell(
                            damage,
                            format!("a row on SQLite page {number} is damaged and was not read{what}"),
                        );
                        if self.payload_left == 0 {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// The record of the leaf cell at this place of a page.
    fn payload(&mut self, page: &'a [u8], pointer: usize) -> Result<Cow<'a, [u8]>, Damage> {
        let cell = page.get(pointer..).unwrap_or_default();
        let (length, cell) = varint(cell).ok_or(String::new())?;
        let (_row_id, cell) = varint(cell).ok_or(String::new())?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > self.payload_left {
            self.payload_left = 0;
            return Err(
                ": it is larger than what is left of the file; the rest of the table was not read either".to_owned(),
            );
        }
        self.payload_left -= length;
        let local = self.local_bytes(length);
        let (start, rest) = cell.split_at_checked(local).ok_or(String::new())?;
        if local == length {
            return Ok(Cow::Borrowed(start));
        }
        let mut payload = Vec::with_capacity(length);
        payload.extend_from_slice(start);
        let mut next = ORDER.u32(rest, 0).ok_or(String::new())?;
        while payload.len() < length {
            let page = self.page(next).map_err(|what| format!(": {what}"))?;
            let (link, data) = page
                .get(..self.usable)
                .unwrap_or(page)
                .split_at_checked(4)
                .ok_or(String::new())?;
            let wanted = (length - payload.len()).min(data.len());
            payload.extend_from_slice(data.get(..wanted).unwrap_or_default());
            next = ORDER.u32(link, 0).unwrap_or(0);
        }
        Ok(Cow::Owned(payload))
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

/// Keeps one problem of the tree; their number is bounded by the report's cap too.
fn tell(damage: &mut Vec<Damage>, what: Damage) {
    if damage.len() <= seaworthy_model::limits::PROBLEMS {
        damage.push(what);
    }
}

/// A variable-length integer of one to nine bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
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

/// A column's value: its serial type and its bytes.
struct Column<'r> {
    kind: u64,
    value: &'r [u8],
}

impl<'r> Column<'r> {
    fn blob(&self) -> Option<&'r [u8]> {
        (self.kind >= 12 && self.kind.is_multiple_of(2)).then_some(self.value)
    }

    fn text(&self) -> Option<&'r [u8]> {
        (self.kind >= 13 && !self.kind.is_multiple_of(2)).then_some(self.value)
    }

    fn integer(&self) -> Option<u64> {
        match self.kind {
            1..=6 => Some(self.value.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))),
            9 => Some(1),
            _ => None,
        }
    }
}

/// The columns of a record, until it ends or makes no sense.
fn columns(record: &[u8]) -> impl Iterator<Item = Column<'_>> {
    let (mut types, mut values) = varint(record)
        .and_then(|(header_bytes, types)| {
            let header_bytes = usize::try_from(header_bytes).ok()?;
            let types = types.get(..header_bytes.checked_sub(record.len() - types.len())?)?;
            Some((types, record.get(header_bytes..)?))
        })
        .unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, rest) = varint(types)?;
        types = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let (value, rest) = values.split_at_checked(usize::try_from(length).ok()?)?;
        values = rest;
        Some(Column { kind, value })
    })
}

/// The root page of the table Packages, if the row of the schema (type, name, tbl_name, rootpage, sql) is its.
fn packages_root(row: &[u8]) -> Option<u32> {
    let mut columns = columns(row);
    let (kind, name) = (columns.next()?.text()?, columns.next()?.text()?);
    if kind != b"table" || !name.eq_ignore_ascii_case(b"Packages") {
        return None;
    }
    u32::try_from(columns.nth(1)?.integer()?).ok()
}

/// The blob of a row of Packages (hnum, blob); hnum is the row's number and stored as null.
fn header_blob(row: &[u8]) -> Option<&[u8]> {
    columns(row).nth(1)?.blob()
}
