//! Where the parts of a program lie in its file, as far as the headers at its beginning say: ELF program headers, Mach-O
//! load commands, PE section headers.
//!
//! The section table of ELF stands at the end of the file, behind what one would want to find by it, and may be stripped;
//! segments are enough. System V ABI, chapter 5; `mach-o/loader.h`; PE format (Microsoft).

use super::integers::Integers;

/// What a part of the file is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Constants: strings, tables, what was linked in.
    Constants,
    /// Initial values of variables.
    Variables,
    /// Exactly the list of crates that `cargo auditable` leaves.
    Auditable,
    /// Windows resources.
    Resources,
    /// All that programs hold: its headers lie where they are not read.
    Unknown,
}

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) purpose: Purpose,
    pub(super) offset: u64,
    pub(super) size: u64,
    /// Where it is in memory.
    pub(super) address: u64,
}

/// The parts of a program, by offset.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) parts: Vec<Part>,
    /// Offsets and sizes of ELF notes.
    pub(super) notes: Vec<(u64, u64)>,
    pub(super) big_endian: bool,
    /// Whether it is an assembly of .NET.
    pub(super) managed: bool,
    /// Where the signature of a PE program stands if it is one, when its headers were not read.
    pub(super) signature: Option<u64>,
}

/// Headers, segments, sections and load commands that are looked at; real programs have under a hundred. Where there are
/// more, what they lead to is looked for everywhere.
const COUNT: usize = 1024;

impl Layout {
    /// Reads the headers at the beginning of a file of `size` bytes; `None` when it is no program, so that no kernel and no
    /// loader would take it: what it begins with is damaged or leads behind its end.
    pub(super) fn of(head: &[u8], size: u64) -> Option<Self> {
        let mut layout = match head.get(..4)? {
            b"\x7fELF" => Self::elf(head, size)?,
            [0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe] => Self::mach_o(head, size)?,
            [b'M', b'Z', ..] => Self::pe(head, size)?,
            _ => return None,
        };
        layout.parts.retain(|part| part.size > 0);
        layout.parts.sort_by_key(|part| part.offset);
        Some(layout)
    }

    /// The offset in the file of what is at this address.
    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        self.parts.iter().find_map(|part| {
            let within = address.checked_sub(part.address)?;
            (within < part.size).then(|| part.offset.checked_add(within)).flatten()
        })
    }

    fn part(&mut self, purpose: Purpose, offset: u64, size: u64, address: u64) {
        self.parts.push(Part {
            purpose,
            offset,
            size,
            address,
        });
    }

    /// Headers of this many bytes at `offset`: `None` behind the end of the file, else whether they are all in the head.
    fn are_near(head: &[u8], size: u64, offset: u64, length: u64) -> Option<bool> {
        let end = offset.checked_add(length).filter(|end| *end <= size)?;
        Some(end <= head.len() as u64)
    }

    /// A program about which no more is known.
    fn unknown(size: u64, big_endian: bool) -> Self {
        let mut layout = Self {
            big_endian,
            ..Self::default()
        };
        layout.part(Purpose::Unknown, 0, size, 0);
        layout
    }

    fn elf(head: &[u8], size: u64) -> Option<Self> {
        let wide = match *head.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let big_endian = match *head.get(5)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let integers = Integers {
            bytes: head,
            big_endian,
        };
        let word = |at: usize| {
            if wide {
                integers.u64(at)
            } else {
                integers.u32(at).map(u64::from)
            }
        };
        let table = word(if wide { 32 } else { 28 })?;
        let entry = usize::from(integers.u16(if wide { 54 } else { 42 })?);
        let count = usize::from(integers.u16(if wide { 56 } else { 44 })?);
        let length = (entry as u64).saturating_mul(count as u64);
        // `patchelf` moves the program headers of libraries to their end.
        if !Self::are_near(head, size, table, length)? || count > COUNT {
            return Some(Self::unknown(size, big_endian));
        }
        let table = usize::try_from(table).ok()?;
        let mut layout = Self {
            big_endian,
            ..Self::default()
        };
        let mut executable = Vec::new();
        for index in 0..count {
            let at = table.checked_add(index.checked_mul(entry)?)?;
            let Some(kind) = integers.u32(at) else { break };
            let (flags, offset, address, size) = if wide {
                (at + 4, at + 8, at + 16, at + 32)
            } else {
                (at + 24, at + 4, at + 8, at + 16)
            };
            let (Some(flags), Some(offset), Some(address), Some(size)) =
                (integers.u32(flags), word(offset), word(address), word(size))
            else {
                break;
            };
            match kind {
                LOAD if flags & 2 != 0 => layout.part(Purpose::Variables, offset, size, address),
                LOAD if flags & 1 != 0 => executable.push((offset, size, address)),
                LOAD => layout.part(Purpose::Constants, offset, size, address),
                NOTE => layout.notes.push((offset, size)),
                _ => {}
            }
        }
        // Older linkers put constants and code into one segment.
        if !layout.parts.iter().any(|part| part.purpose == Purpose::Constants) {
            for (offset, size, address) in executable {
                layout.part(Purpose::Constants, offset, size, address);
            }
        }
        Some(layout)
    }

    fn mach_o(head: &[u8], file_size: u64) -> Option<Self> {
        let big_endian = head.first() == Some(&0xfe);
        let integers = Integers {
            bytes: head,
            big_endian,
        };
        let wide = integers.u32(0)? & 1 != 0;
        let count = integers.u32(16)? as usize;
        let commands = u64::from(integers.u32(20)?);
        let mut at = if wide { 32usize } else { 28 };
        if !Self::are_near(head, file_size, at as u64, commands)? || count > COUNT {
            return Some(Self::unknown(file_size, big_endian));
        }
        let mut layout = Self {
            big_endian,
            ..Self::default()
        };
        for _ in 0..count {
            let (Some(command), Some(size)) = (integers.u32(at), integers.u32(at.checked_add(4)?)) else {
                break;
            };
            if matches!(command, SEGMENT | SEGMENT_64) {
                let sections = integers
                    .u32(at + if command == SEGMENT_64 { 64 } else { 48 })
                    .unwrap_or(0) as usize;
                if sections > COUNT {
                    return Some(Self::unknown(file_size, big_endian));
                }
                let (first, length) = if command == SEGMENT_64 { (72, 80) } else { (56, 68) };
                for index in 0..sections {
                    let section = at.checked_add(first)?.checked_add(index * length)?;
                    layout.mach_o_section(&integers, section, command == SEGMENT_64);
                }
            }
            at = at.checked_add((size as usize).max(8))?;
        }
        Some(layout)
    }

    fn mach_o_section(&mut self, integers: &Integers<'_>, at: usize, wide: bool) {
        let name = |at: usize| {
            let bytes = integers.bytes.get(at..at.saturating_add(16)).unwrap_or_default();
            bytes.split(|byte| *byte == 0).next().unwrap_or_default()
        };
        let fields = if wide {
            (integers.u64(at + 32), integers.u64(at + 40), integers.u32(at + 48))
        } else {
            let wide = |value: Option<u32>| value.map(u64::from);
            (
                wide(integers.u32(at + 32)),
                wide(integers.u32(at + 36)),
                integers.u32(at + 40),
            )
        };
        let (Some(address), Some(size), Some(offset)) = fields else {
            return;
        };
        let offset = u64::from(offset);
        let purpose = match (name(at.saturating_add(16)), name(at)) {
            (_, b".dep-v0") => Purpose::Auditable,
            (_, b"__rodata" | b"__const" | b"__cstring") => Purpose::Constants,
            (b"__DATA" | b"__DATA_CONST", b"__go_buildinfo" | b"__data" | b"__noptrdata") => Purpose::Variables,
            _ => return,
        };
        self.part(purpose, offset, size, address);
    }

    fn pe(head: &[u8], file_size: u64) -> Option<Self> {
        let integers = Integers {
            bytes: head,
            big_endian: false,
        };
        let header = integers.u32(0x3c)? as usize;
        let unread = || Self {
            signature: Some(header as u64),
            ..Self::unknown(file_size, false)
        };
        if !Self::are_near(head, file_size, header as u64, 24)? {
            return Some(unread());
        }
        if head.get(header..header.checked_add(4)?)? != b"PE\0\0" {
            return None;
        }
        let sections = usize::from(integers.u16(header + 6)?);
        let optional = usize::from(integers.u16(header + 20)?);
        let at = header.checked_add(24)?;
        let length = (optional as u64).saturating_add(sections as u64 * 40);
        if !Self::are_near(head, file_size, at as u64, length)? || sections > COUNT {
            return Some(unread());
        }
        let wide = integers.u16(at)? == 0x20b;
        let base = if wide {
            integers.u64(at + 24)?
        } else {
            u64::from(integers.u32(at + 28)?)
        };
        // The fifteenth data directory is the header of the common language runtime.
        let runtime = at + if wide { 112 } else { 96 } + 14 * 8;
        let mut layout = Self {
            managed: integers.u32(runtime).is_some_and(|address| address != 0),
            ..Self::default()
        };
        for index in 0..sections {
            let section = at.checked_add(optional)?.checked_add(index * 40)?;
            let (Some(address), Some(size), Some(offset), Some(flags)) = (
                integers.u32(section + 12),
                integers.u32(section + 16),
                integers.u32(section + 20),
                integers.u32(section + 36),
            ) else {
                break;
            };
            let name = head.get(section..section + 8).unwrap_or_default();
            let purpose = match name {
                b".dep-v0\0" => Purpose::Auditable,
                b".rsrc\0\0\0" => Purpose::Resources,
                _ if flags & PE_WRITE != 0 && flags & PE_DATA != 0 => Purpose::Variables,
                _ if flags & PE_DATA != 0 => Purpose::Constants,
                _ => continue,
            };
            layout.part(
                purpose,
                u64::from(offset),
                u64::from(size),
                base.saturating_add(u64::from(address)),
            );
        }
        Some(layout)
    }
}

const LOAD: u32 = 1;
const NOTE: u32 = 4;
const SEGMENT: u32 = 0x1;
const SEGMENT_64: u32 = 0x19;
const PE_DATA: u32 = 0x40;
const PE_WRITE: u32 = 0x8000_0000;

#[cfg(test)]
mod tests {
    use super::{Layout, Purpose};

    fn of(head: &[u8]) -> Option<Layout> {
        Layout::of(head, head.len() as u64)
    }

    #[test]
    fn what_is_no_program_has_no_layout() {
        for bytes in [
            b"".as_slice(),
            b"\x7fELF",
            b"MZ",
            b"MZ\0\0\0\0",
            b"#!/bin/sh\n",
            b"\xfe\xed\xfa\xce",
        ] {
            assert_eq!(of(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn every_cut_of_a_real_program_is_survived() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let head = &program[..4096];
        assert!(Layout::of(head, program.len() as u64).is_some_and(|layout| !layout.parts.is_empty()));
        for cut in 0..2048 {
            let _ = of(&head[..cut]);
        }
    }

    /// An ELF file of 64 bits that says its program headers are there.
    fn elf(table: u64, count: u16) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(64, 0);
        bytes[32..40].copy_from_slice(&table.to_le_bytes());
        bytes[54] = 56;
        bytes[56..58].copy_from_slice(&count.to_le_bytes());
        bytes
    }

    #[test]
    fn headers_that_are_not_read_leave_everything_to_be_looked_through() {
        let unknown = |bytes: &[u8], size: u64| {
            let layout = Layout::of(bytes, size)?;
            Some(
                layout
                    .parts
                    .iter()
                    .any(|part| part.purpose == Purpose::Unknown && part.size == size),
            )
        };
        assert_eq!(unknown(&elf(1 << 20, 2), 2 << 20), Some(true), "headers at the end");
        assert_eq!(unknown(&elf(64, 1100), 2 << 20), Some(true), "more than is read");
        assert_eq!(unknown(&elf(64, 0), 64), Some(false), "an object file has none");
        for (table, size) in [(1 << 20, 1000), (u64::MAX, 1000), (64, 64)] {
            assert_eq!(unknown(&elf(table, 1), size), None, "{table}: they lead behind the end");
        }
        let mut mach = b"\xcf\xfa\xed\xfe".to_vec();
        mach.resize(32, 0);
        mach[16] = 1;
        mach[20..24].copy_from_slice(&(1u32 << 20).to_le_bytes());
        assert_eq!(unknown(&mach, 2 << 20), Some(true));
        assert_eq!(unknown(&mach, 1 << 20), None, "its commands end behind it");
    }
}
