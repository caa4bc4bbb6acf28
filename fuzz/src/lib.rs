//! What the fuzz targets share: containers around the bytes that they get, and what must hold whatever those are.

pub mod advisory_parts;
mod bill;
pub mod feed_directory;
pub mod oci_parts;
pub mod root;
pub mod scratch;
pub mod source_tree;
pub mod tar_headers;
pub mod zip_archive;

pub use bill::bill;

/// Splits an input into the byte that chooses a variant and the rest.
pub fn choice(bytes: &[u8]) -> Option<(usize, &[u8])> {
    bytes.split_first().map(|(&first, rest)| (first.into(), rest))
}

/// Splits off a part whose length stands before it (four bytes, little-endian); a length that is too large takes all.
pub fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    Some(rest.split_at(length.min(rest.len())))
}

/// Writes a part as [`part`] reads it.
pub fn put_part(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}
