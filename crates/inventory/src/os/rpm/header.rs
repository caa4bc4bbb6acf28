//! rpm's package header as databases hold it: the number of index entries, the bytes of the store, the entries (tag,
//! type, offset, count; all big-endian) and the store. ("RPM Package format" of the rpm manual, section Header; a
//! database leaves the magic out.)
//!
//! Offsets and counts are foreign: a value that does not lie in the store is as good as missing, and the header says
//! that it is damaged.

use std::borrow::Cow;
use std::cell::Cell;

use seaworthy_model::limits;

use super::integer::ByteOrder;

/// The tags that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Name,
    Version,
    Release,
    Epoch,
    Arch,
    Vendor,
    License,
    SourceRpm,
    ProvideName,
    RequireName,
    DirIndexes,
    BaseNames,
    DirNames,
    ModularityLabel,
}

impl Tag {
    const COUNT: usize = 14;

    /// The tag with this number in a header.
    const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1000 => Self::Name,
            1001 => Self::Version,
            1002 => Self::Release,
            1003 => Self::Epoch,
            1011 => Self::Vendor,
            1014 => Self::License,
            1022 => Self::Arch,
            1044 => Self::SourceRpm,
            1047 => Self::ProvideName,
            1049 => Self::RequireName,
            1116 => Self::DirIndexes,
            1117 => Self::BaseNames,
            1118 => Self::DirNames,
            5096 => Self::ModularityLabel,
            _ => return None,
        })
    }
}

/// Type of a value: 32-bit integers.
const INT32: u32 = 4;
/// Type of a value: one string, ended by a zero byte.
const STRING: u32 = 6;
/// Type of a value: that many strings, one after another.
const STRING_ARRAY: u32 = 8;
/// Type of a value: one string for each locale, the first of them untranslated.
const I18N_STRING: u32 = 9;

const ENTRY_BYTES: usize = 16;

/// Where a value lies in the store.
#[derive(Clone, Copy)]
struct Entry {
    kind: u32,
    offset: u32,
    count: u32,
}

/// One package header.
pub(super) struct Header<'a> {
    entries: [Option<Entry>; Tag::COUNT],
    store: &'a [u8],
    damaged: Cell<bool>,
}

impl<'a> Header<'a> {
    /// Reads the index; the error says what is wrong with it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        // Headers of package files start with a magic and four reserved bytes; those of databases do not.
        let bytes = bytes
            .strip_prefix(b"\x8e\xad\xe8\x01")
            .and_then(|rest| rest.get(4..))
            .unwrap_or(bytes);
        let order = ByteOrder::Big;
        let (Some(count), Some(store_bytes)) = (order.size(bytes, 0), order.size(bytes, 4)) else {
            return Err("the header is shorter than its preamble");
        };
        let body = bytes.get(8..).unwrap_or_default();
        let index_bytes = count
            .checked_mul(ENTRY_BYTES)
            .ok_or("the header's index is larger than the header")?;
        let (index, store) = body
            .split_at_checked(index_bytes)
            .ok_or("the header's index is larger than the header")?;
        let store = store.get(..store_bytes).ok_or("the header's store is cut off")?;
        if count == 0 {
            return Err("the header is empty");
        }
        let mut entries = [None; Tag::COUNT];
        for entry in index.chunks_exact(ENTRY_BYTES) {
            let Some(tag) = order.u32(entry, 0).and_then(Tag::from_number) else {
                continue;
            };
            if let (Some(kind), Some(offset), Some(count)) =
                (order.u32(entry, 4), order.u32(entry, 8), order.u32(entry, 12))
                && let Some(slot) = entries.get_mut(tag as usize)
            {
                // What was added when the package was installed comes last and replaces what the package said.
                *slot = Some(Entry { kind, offset, count });
            }
        }
        Ok(Self {
            entries,
            store,
            damaged: Cell::new(false),
        })
    }

    /// Whether a value that was asked for does not lie in the store or has a type that its tag cannot have.
    pub(super) fn damaged(&self) -> bool {
        self.damaged.get()
    }

    fn entry(&self, tag: Tag) -> Option<Entry> {
        self.entries.get(tag as usize).copied().flatten()
    }

    /// The store from the value's place on.
    fn value(&self, entry: Entry) -> &'a [u8] {
        let value = usize::try_from(entry.offset)
            .ok()
            .and_then(|offset| self.store.get(offset..));
        if value.is_none() {
            self.damaged.set(true);
        }
        value.unwrap_or_default()
    }

    /// The text of a tag with one string; empty where there is none, cut where it is longer than any real one.
    pub(super) fn text(&self, tag: Tag) -> Cow<'a, str> {
        let bytes = self.texts(tag).next().unwrap_or_default();
        let bytes = bytes.get(..limits::VALUE_BYTES).map_or(bytes, |cut| {
            self.damaged.set(true);
            cut
        });
        match String::from_utf8_lossy(bytes) {
            Cow::Borrowed("(none)") => Cow::Borrowed(""),
            text => text,
        }
    }

    /// The strings of a tag.
    pub(super) fn texts(&self, tag: Tag) -> impl Iterator<Item = &'a [u8]> {
        let (mut rest, mut left) = match self.entry(tag) {
            Some(entry) if matches!(entry.kind, STRING | STRING_ARRAY | I18N_STRING) => {
                (self.value(entry), if entry.kind == STRING { 1 } else { entry.count })
            }
            Some(_) => {
                self.damaged.set(true);
                (&[] as &[u8], 0)
            }
            None => (&[] as &[u8], 0),
        };
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            let (text, after) = rest.split_at_checked(end)?;
            rest = after.get(1..).unwrap_or_default();
            Some(text)
        })
    }

    /// The first integer of a tag.
    pub(super) fn integer(&self, tag: Tag) -> Option<u32> {
        self.integers(tag).next()
    }

    /// The integers of a tag.
    pub(super) fn integers(&self, tag: Tag) -> impl Iterator<Item = u32> {
        let (values, count) = match self.entry(tag) {
            Some(entry) if entry.kind == INT32 => {
                (self.value(entry), usize::try_from(entry.count).unwrap_or(usize::MAX))
            }
            Some(_) => {
                self.damaged.set(true);
                (&[] as &[u8], 0)
            }
            None => (&[] as &[u8], 0),
        };
        let (words, _) = values.as_chunks::<4>();
        words.iter().take(count).map(|word| u32::from_be_bytes(*word))
    }
}
