//! A read-only walk over the table `Packages(hnum, blob)` of an SQLite database (`rpmdb.sqlite`, rpm from 4.16 on),
//! with its write-ahead log. ("Database File Format" of the SQLite manual.)
//!
//! Every page is read at most once, whether as part of a tree or of an overflow chain, and the payloads together are
//! never more than the file and its log: cycles end, and work is linear in the bytes given.

use super::Packages;
use super::integer::ByteOrder;
use super::sqlite_tree::{Tree, varint};
use super::sqlite_wal::Log;

const MAGIC: &[u8] = b"SQLite format 3\0";
const ORDER: ByteOrder = ByteOrder::Big;
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
    let mut tree = Tree::new(
        bytes,
        log,
        page_bytes,
        usable,
        pages.min((bytes.len() + log_bytes) / page_bytes),
    );
    read_packages(&mut tree, packages);
}

fn read_packages(tree: &mut Tree<'_>, packages: &mut Packages<'_>) {
    let mut root = None;
    let damage = tree.walk(SCHEMA_ROOT, |row| {
        root = packages_root(&row);
        root.is_none()
    });
    if root.is_none() {
        packages.incomplete("the SQLite database has no table Packages, no package was read");
    }
    damage.into_iter().for_each(|what| packages.incomplete(what));
    let Some(root) = root else { return };
    let mut number = 0usize;
    let damage = tree.walk(root, |row| {
        number += 1;
        match header_blob(&row) {
            Some(blob) => packages.add(blob, || format!("row {number} of table Packages")),
            None => {
                packages.incomplete(format!(
                    "row {number} of table Packages is damaged, its package was not listed"
                ));
            }
        }
        !packages.full
    });
    damage.into_iter().for_each(|what| packages.incomplete(what));
}

/// The number of pages that the header states, where it is to be trusted: when the counter of the last writer that knew
/// the field is the counter of the last change.
fn declared_pages(bytes: &[u8], log: &Log<'_>) -> Option<usize> {
    let header = log.page(1).unwrap_or(bytes);
    (ORDER.u32(header, 24)? == ORDER.u32(header, 92)?)
        .then(|| ORDER.size(header, 28))
        .flatten()
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
