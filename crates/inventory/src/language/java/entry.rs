//! One entry of a zip archive, read as the class loader does: where the central directory says, and checked against its
//! size and checksum. APPNOTE.TXT 6.3.10.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipFileHeaderRecord, ZipSliceArchive};

/// The content of an entry.
pub(super) struct Content<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// What makes other programs read something else there.
    pub(super) doubt: Option<&'static str>,
}

/// Reads an entry of at most `cap` bytes; what is read, also in vain, is taken from `budget`.
pub(super) fn read<'a>(
    archive: &'a ZipSliceArchive<&[u8]>,
    record: &ZipFileHeaderRecord<'_>,
    cap: u64,
    budget: &mut u64,
) -> Result<Content<'a>, String> {
    if record.flags().is_encrypted() {
        return Err("it is encrypted".to_owned());
    }
    let entry = archive
        .get_entry(record.wayfinder())
        .map_err(|error| error.to_string())?;
    let local = entry.local_header();
    let doubt = if local.file_path().as_bytes() != record.file_path().as_bytes() {
        Some("its own header has another name than the directory")
    } else if local.compression_method() != record.compression_method() {
        Some("its own header has another compression method than the directory")
    } else {
        None
    };
    let cap = cap.min(*budget);
    let too_large = || format!("it is larger than the {cap} bytes that may still be read");
    let bytes = match record.compression_method() {
        CompressionMethod::STORE => {
            let stored = entry.data();
            let length = stored.len() as u64;
            if length > cap {
                return Err(too_large());
            }
            *budget = budget.saturating_sub(length);
            io::copy(&mut entry.verifying_reader(stored), &mut io::sink()).map_err(|error| error.to_string())?;
            Cow::Borrowed(stored)
        }
        CompressionMethod::DEFLATE => {
            let mut content = Vec::new();
            let reader = entry.verifying_reader(DeflateDecoder::new(entry.data()));
            let outcome = reader.take(cap.saturating_add(1)).read_to_end(&mut content);
            *budget = budget.saturating_sub(content.len() as u64);
            outcome.map_err(|error| error.to_string())?;
            if content.len() as u64 > cap {
                return Err(too_large());
            }
            Cow::Owned(content)
        }
        other => return Err(format!("unknown compression method {other:?}")),
    };
    Ok(Content { bytes, doubt })
}
