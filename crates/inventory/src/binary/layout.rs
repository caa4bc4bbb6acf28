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
}

/// Headers, segments, sections and load commands that are looked at; real programs have under a hundred.
const COUNT: usize = 1024;

impl Layout {
    /// Reads the headers at the beginning of a file; `None` when it is no program.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let mut layout = match head.get(..4)? {
            b"\x7fELF" => Self::elf(head)?,
            [0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe] => Self::mach_o(head, 0)?,
            [b'M', b'Z', ..] => Self::pe(head)?,
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

    fn elf(head: &[u8]) -> Option<Self> {
        let wide = *head.get(4)? == 2;
        let integers = Integers {
            bytes: head,
            big_endian: *head.get(5)? == 2,
        };
        let word = |at: usize| {
            if wide {
                integers.u64(at)
            } else {
                integers.u32(at).map(u64::from)
            }
        };
        let table = usize::try_from(word(if wide { 32 } else { 28 })?).ok()?;
        let entry = usize::from(integers.u16(if wide { 54 } else { 42 })?);
        let count = usize::from(integers.u16(if wide { 56 } else { 44 })?).min(COUNT);
        let mut layout = Self {
            big_endian: integers.big_endian,
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

    fn mach_o(head: &[u8], base: u64) -> Option<Self> {
        let head_bytes = head.get(usize::try_from(base).ok()?..)?;
        let big_endian = head_bytes.first() == Some(&0xfe);
        let integers = Integers {
            bytes: head_bytes,
            big_endian,
        };
        let wide = integers.u32(0)? & 1 != 0;
        let count = (integers.u32(16)? as usize).min(COUNT);
        let mut at = if wide { 32usize } else { 28 };
        let mut layout = Self {
            big_endian,
            ..Self::default()
        };
        for _ in 0..count {
            let (Some(command), Some(size)) = (integers.u32(at), integers.u32(at.checked_add(4)?)) else {
                break;
            };
            if matches!(command, SEGMENT | SEGMENT_64) {
                let sections = (integers
                    .u32(at + if command == SEGMENT_64 { 64 } else { 48 })
                    .unwrap_or(0) as usize)
                    .min(COUNT);
                let (first, length) = if command == SEGMENT_64 { (72, 80) } else { (56, 68) };
                for index in 0..sections {
                    let section = at.checked_add(first)?.checked_add(index * length)?;
                    layout.mach_o_section(&integers, section, command == SEGMENT_64, base);
                }
            }
            at = at.checked_add((size as usize).max(8))?;
        }
        Some(layout)
    }

    fn mach_o_section(&mut self, integers: &Integers<'_>, at: usize, wide: bool, base: u64) {
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
        let offset = base.saturating_add(u64::from(offset));
        let purpose = match (name(at.saturating_add(16)), name(at)) {
            (_, b".dep-v0") => Purpose::Auditable,
            (_, b"__rodata" | b"__const" | b"__cstring") => Purpose::Constants,
            (b"__DATA" | b"__DATA_CONST", b"__go_buildinfo" | b"__data" | b"__noptrdata") => Purpose::Variables,
            _ => return,
        };
        self.part(purpose, offset, size, address);
    }

    fn pe(head: &[u8]) -> Option<Self> {
        let integers = Integers {
            bytes: head,
            big_endian: false,
        };
        let header = integers.u32(0x3c)? as usize;
        if head.get(header..header.checked_add(4)?)? != b"PE\0\0" {
            return None;
        }
        let sections = usize::from(integers.u16(header + 6)?).min(COUNT);
        let optional = usize::from(integers.u16(header + 20)?);
        let at = header.checked_add(24)?;
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
    use super::Layout;

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
            assert_eq!(Layout::of(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn every_cut_of_a_real_program_is_survived() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let head = &program[..4096];
        assert!(Layout::of(head).is_some_and(|layout| !layout.parts.is_empty()));
        for cut in 0..2048 {
            let _ = Layout::of(&head[..cut]);
        }
    }
}
