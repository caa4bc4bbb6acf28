//! Seeds of programs: small ones of each format, with what is looked for in the parts where it is looked for.

use crate::Corpus;
use flate2::{Compression, write::ZlibEncoder};
use std::io::Write;

/// Where the first part lies, in the file and in memory.
const START: usize = 1024;

pub fn programs(corpus: &Corpus) {
    let texts = texts();
    let mut contents = vec![("go", go()), ("old-go", old_go()), ("rust", rust())];
    for (name, text) in &texts {
        contents.push((name, text.clone().into_bytes()));
    }
    for (name, content) in &contents {
        for big_endian in [false, true] {
            for wide in [false, true] {
                let program = elf(content, &note(big_endian), wide, big_endian);
                let form = format!(
                    "{name}-elf-{}-{}",
                    if wide { 64 } else { 32 },
                    if big_endian { "be" } else { "le" }
                );
                // Each path looks for other texts.
                for which in 0..if wide && !big_endian { 5 } else { 1 } {
                    corpus.choose("binary", &form, which, &program);
                }
            }
        }
        let thin = mach_o(content);
        corpus.choose("binary", &format!("{name}-mach-o"), 0, &thin);
        corpus.choose("binary", &format!("{name}-universal"), 0, &universal(&thin));
        corpus.choose("binary", &format!("{name}-pe"), 2, &pe(content, &version_resource()));
    }
}

/// Texts by which programs are known.
fn texts() -> [(&'static str, String); 3] {
    [
        (
            "python",
            "\0\0Python 3.11.4 (main)\0python3.11\0\x003.11.4\0libpython3.11.so.1.0\0".to_owned(),
        ),
        ("nginx", "\0nginx version: nginx/1.25.3\0nginx/1.25.3\0\0".to_owned()),
        ("openssl", "\0OpenSSL 3.0.11 19 Sep 2023\0OPENSSL_3.0.0\0\0".to_owned()),
    ]
}

/// Build information behind its header.
fn go() -> Vec<u8> {
    let modules = "path\tx/cmd\nmod\tx\t(devel)\t\ndep\ta\tv1.0.0\th1:\n=>\tfork/a\tv1.2.0\th1:\nbuild\t-ldflags=\"-X main.version=3.4.5\"\n";
    let mut bytes = b"\xff Go buildinf:\x08\x02".to_vec();
    bytes.resize(32, 0);
    for text in ["go1.22.3", modules] {
        let mut length = text.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// Build information with addresses of the headers of its strings.
fn old_go() -> Vec<u8> {
    let mut bytes = b"\xff Go buildinf:\x08\0".to_vec();
    let texts = [("go1.16.3", 128usize), ("path\tx\nmod\tx\tv1.0.0\th1:\n", 160)];
    for (index, _) in texts.iter().enumerate() {
        bytes.extend((START as u64 + 32 + index as u64 * 16).to_le_bytes());
    }
    for (text, at) in texts {
        bytes.extend((START as u64 + at as u64).to_le_bytes());
        bytes.extend((text.len() as u64).to_le_bytes());
    }
    for (text, at) in texts {
        bytes.resize(at, 0);
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// The list of crates that `cargo auditable` leaves.
fn rust() -> Vec<u8> {
    let list = br#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io","root":true,"dependencies":[1]},{"name":"b","version":"2.0.0","source":"registry","kind":"build"}]}"#;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(list).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// The note about the package that a program is of.
fn note(big_endian: bool) -> Vec<u8> {
    let text = br#"{"type":"deb","os":"debian","name":"x","version":"1.0-1","architecture":"amd64"}"#;
    let mut bytes = Vec::new();
    for word in [4, text.len() as u32, 0xcafe_1a7e] {
        bytes.extend(if big_endian {
            word.to_be_bytes()
        } else {
            word.to_le_bytes()
        });
    }
    bytes.extend(b"FDO\0");
    bytes.extend(text);
    bytes
}

/// A program with constants, variables and notes. System V ABI, chapters 4 and 5.
fn elf(content: &[u8], note: &[u8], wide: bool, big_endian: bool) -> Vec<u8> {
    let mut bytes = vec![0u8; START];
    bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1 + u8::from(wide), 1 + u8::from(big_endian), 1]);
    let mut put = |at: usize, size: usize, value: u64| {
        let all = value.to_le_bytes();
        for index in 0..size {
            bytes[at + index] = all[if big_endian { size - 1 - index } else { index }];
        }
    };
    let (word, table, length) = if wide { (8, 64, 56) } else { (4, 52, 32) };
    put(if wide { 32 } else { 28 }, word, table as u64);
    put(if wide { 54 } else { 42 }, 2, length as u64);
    put(if wide { 56 } else { 44 }, 2, 3);
    let size = content.len() as u64;
    let parts = [
        (1, 4, START as u64, size),
        (1, 6, START as u64 + size, size),
        (4, 4, 512, note.len() as u64),
    ];
    for (index, (kind, flags, offset, size)) in parts.into_iter().enumerate() {
        let at = table + index * length;
        put(at, 4, kind);
        let places = if wide { (4, 8, 16, 32) } else { (24, 4, 8, 16) };
        put(at + places.0, 4, flags);
        put(at + places.1, word, offset);
        put(at + places.2, word, offset);
        put(at + places.3, word, size);
    }
    bytes[512..512 + note.len()].copy_from_slice(note);
    bytes.extend(content);
    bytes.extend(content);
    bytes
}

/// A program of macOS with constants, variables and the section of `cargo auditable`. `mach-o/loader.h`.
fn mach_o(content: &[u8]) -> Vec<u8> {
    let sections = [
        ("__rodata", "__TEXT"),
        ("__go_buildinfo", "__DATA"),
        (".dep-v0", "__DATA"),
    ];
    let mut bytes = Vec::new();
    for word in [0xfeed_facfu32, 0x0100_0007, 3, 2, 1, 72 + 80 * 3, 0, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0x19u32.to_le_bytes());
    bytes.extend((72 + 80 * 3u32).to_le_bytes());
    bytes.resize(32 + 64, 0);
    bytes.extend(3u32.to_le_bytes());
    bytes.extend([0; 4]);
    for (index, (section, segment)) in sections.iter().enumerate() {
        let start = bytes.len();
        bytes.extend(section.as_bytes());
        bytes.resize(start + 16, 0);
        bytes.extend(segment.as_bytes());
        bytes.resize(start + 32, 0);
        let offset = START + index * content.len();
        bytes.extend((offset as u64).to_le_bytes());
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend((offset as u32).to_le_bytes());
        bytes.resize(start + 80, 0);
    }
    bytes.resize(START, 0);
    for _ in sections {
        bytes.extend(content);
    }
    bytes
}

/// The same program for two architectures.
fn universal(thin: &[u8]) -> Vec<u8> {
    let mut bytes = b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec();
    for index in 0..2 {
        for word in [7, 3, (256 + index * thin.len()) as u32, thin.len() as u32, 0] {
            bytes.extend(word.to_be_bytes());
        }
    }
    bytes.resize(256, 0);
    bytes.extend(thin);
    bytes.extend(thin);
    bytes
}

/// The version resource of an assembly, as far as it is looked at.
fn version_resource() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in [
        ("FileVersion", "8.0.4.0"),
        ("OriginalFilename", "Library.dll"),
        ("ProductVersion", "8.0.4+abc"),
    ] {
        bytes.extend([0; 6]);
        bytes.extend(key.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend([0; 2]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(value.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend([0; 2]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// A program of Windows that is managed, with constants, variables, crates and resources.
fn pe(content: &[u8], resources: &[u8]) -> Vec<u8> {
    let mut bytes = b"MZ".to_vec();
    bytes.resize(0x3c, 0);
    bytes.extend(0x40u32.to_le_bytes());
    bytes.extend(b"PE\0\0\x64\x86\x04\0");
    bytes.resize(0x40 + 20, 0);
    bytes.extend(240u16.to_le_bytes());
    bytes.resize(0x40 + 24, 0);
    bytes.extend(0x20bu16.to_le_bytes());
    bytes.resize(0x40 + 24 + 112 + 14 * 8, 0);
    bytes.extend(1u32.to_le_bytes());
    bytes.resize(0x40 + 24 + 240, 0);
    let mut offset = START;
    let sections = [
        (&b".rdata\0\0"[..], content, 0x4000_0040u32),
        (b".data\0\0\0", content, 0xc000_0040),
        (b".dep-v0\0", content, 0x4000_0040),
        (b".rsrc\0\0\0", resources, 0x4000_0040),
    ];
    for (name, content, flags) in sections {
        bytes.extend(name);
        for word in [content.len(), offset, content.len(), offset, 0, 0, 0] {
            bytes.extend((word as u32).to_le_bytes());
        }
        bytes.extend(flags.to_le_bytes());
        offset += content.len();
    }
    bytes.resize(START, 0);
    for (_, content, _) in sections {
        bytes.extend(content);
    }
    bytes
}
