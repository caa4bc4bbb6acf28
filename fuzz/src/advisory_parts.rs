//! An advisory file in its parts: frames inflated and without checksums, so that mutations reach what lies behind them.
//!
//! The layout is that of `docs/decisions/0002-advisory-file-layout.md`; should the two drift apart, the seeds no longer
//! open and the target says so.

use crate::{part, put_part};
use sha2::{Digest, Sha256};

const SIGNATURE: &[u8; 8] = b"\x89SWADV\r\n";
const HEADER: usize = 56;
const HASHED: usize = 24;

/// One frame.
pub struct Part {
    /// 0 section, 1 vectors, 2 facts.
    pub kind: u8,
    pub records: u64,
    /// The number of the frame that is its dictionary, plus 1.
    pub base: u64,
    pub name: Vec<u8>,
    pub inflated: Vec<u8>,
}

/// Writes parts as [`read`] reads them.
pub fn put(parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.push(part.kind);
        out.push(part.base as u8);
        out.extend((part.records as u32).to_le_bytes());
        put_part(&mut out, &part.name);
        put_part(&mut out, &part.inflated);
    }
    out
}

/// Reads parts from an input, as many as there are.
pub fn read(mut bytes: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some((&[kind, base, a, b, c, d], rest)) = bytes.split_first_chunk::<6>()
        && let Some((name, rest)) = part(rest)
        && let Some((inflated, rest)) = part(rest)
        && parts.len() < 64
    {
        parts.push(Part {
            kind,
            records: u32::from_le_bytes([a, b, c, d]).into(),
            base: base.into(),
            name: name.to_vec(),
            inflated: inflated.to_vec(),
        });
        bytes = rest;
    }
    parts
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The file of these parts, with right checksums.
pub fn assemble(parts: &[Part]) -> Vec<u8> {
    let mut index = vec![0, 0, 0]; // built, sources, feeds
    put_number(&mut index, parts.len() as u64);
    let mut frames = Vec::new();
    for part in parts {
        let base = usize::try_from(part.base)
            .ok()
            .and_then(|base| parts.get(base.checked_sub(1)?))
            .map_or(&[][..], |base| &base.inflated);
        let compressed = zstd::bulk::Compressor::with_dictionary(1, base)
            .and_then(|mut compressor| compressor.compress(&part.inflated))
            .expect("compressing does not fail");
        index.push(part.kind);
        put_number(&mut index, part.name.len() as u64);
        index.extend(&part.name);
        for number in [
            frames.len() as u64,
            compressed.len() as u64,
            part.inflated.len() as u64,
            part.records,
            part.base,
        ] {
            put_number(&mut index, number);
        }
        index.extend(Sha256::digest(&compressed));
        frames.extend(compressed);
    }
    let mut file = SIGNATURE.to_vec();
    file.extend(seaworthy_advisories::file::FORMAT.to_le_bytes());
    file.extend((index.len() as u32).to_le_bytes());
    file.extend(((HEADER + index.len() + frames.len()) as u64).to_le_bytes());
    let hash = Sha256::new().chain_update(&file).chain_update(&index).finalize();
    file.extend(hash);
    file.extend(index);
    file.extend(frames);
    file
}

/// Right length and checksum of header and index for any bytes, so that mutations of the index reach its reader.
pub fn seal(file: &mut [u8]) {
    let length = file.len() as u64;
    let Some(field) = file.get(12..16).and_then(|field| field.first_chunk::<4>()) else {
        return;
    };
    let index = usize::try_from(u32::from_le_bytes(*field)).unwrap_or(usize::MAX);
    let Some(end) = HEADER.checked_add(index).filter(|end| *end <= file.len()) else {
        return;
    };
    file[..8].copy_from_slice(SIGNATURE);
    file[16..HASHED].copy_from_slice(&length.to_le_bytes());
    let hash = Sha256::new()
        .chain_update(&file[..HASHED])
        .chain_update(&file[HEADER..end])
        .finalize();
    file[HASHED..HEADER].copy_from_slice(&hash);
}

/// The parts of a sound file without bases; `None` when the layout is another one.
pub fn dismantle(file: &[u8]) -> Option<Vec<Part>> {
    let index_length = u32::from_le_bytes(*file.get(12..)?.first_chunk::<4>()?) as usize;
    let index = file.get(HEADER..HEADER + index_length)?;
    let frames = file.get(HEADER + index_length..)?;
    let mut at = 0usize;
    let byte = |at: &mut usize| {
        let byte = index.get(*at).copied();
        *at += 1;
        byte
    };
    let number = |at: &mut usize| {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = byte(at)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Some(number)
    };
    let text = |at: &mut usize| {
        let length = number(at)? as usize;
        let text = index.get(*at..*at + length)?;
        *at += length;
        Some(text)
    };
    number(&mut at)?;
    for _ in 0..number(&mut at)? {
        byte(&mut at)?;
        byte(&mut at)?;
        number(&mut at)?;
        number(&mut at)?;
    }
    for _ in 0..number(&mut at)? {
        text(&mut at)?;
        byte(&mut at)?;
        number(&mut at)?;
        number(&mut at)?;
        for _ in 0..number(&mut at)? {
            text(&mut at)?;
            number(&mut at)?;
        }
        byte(&mut at)?;
        number(&mut at)?;
    }
    let mut parts: Vec<Part> = Vec::new();
    for _ in 0..number(&mut at)? {
        let kind = byte(&mut at)?;
        let name = text(&mut at)?.to_vec();
        let offset = number(&mut at)? as usize;
        let compressed = number(&mut at)? as usize;
        let inflated = number(&mut at)? as usize;
        let records = number(&mut at)?;
        let base = number(&mut at)?;
        at += 32;
        let dictionary = match base.checked_sub(1) {
            Some(base) => parts.get(base as usize)?.inflated.clone(),
            None => Vec::new(),
        };
        let inflated = zstd::bulk::Decompressor::with_dictionary(&dictionary)
            .ok()?
            .decompress(frames.get(offset..offset + compressed)?, inflated)
            .ok()?;
        parts.push(Part {
            kind,
            records,
            base,
            name,
            inflated,
        });
    }
    Some(parts)
}
