//! rpm's own "ndb" format (`Packages.db`, SUSE): a file header, pages of slots, and the blobs that the slots point to.
//! All integers are little-endian. (Written down only in rpm's source, `lib/backend/ndb/rpmpkg.c`.)
//!
//! Blobs of a sound file do not overlap, so the bytes of all of them are bounded by the file's.

use super::Packages;
use super::integer::ByteOrder;

const ORDER: ByteOrder = ByteOrder::Little;
const MAGIC: &[u8] = b"RpmP";
const SLOT_MAGIC: &[u8] = b"Slot";
const BLOB_MAGIC: &[u8] = b"BlbS";
const PAGE_BYTES: usize = 4096;
/// The file header takes the place of the first two slots.
const HEADER_BYTES: usize = 32;
const SLOT_BYTES: usize = 16;
/// Blobs start at multiples of it.
const BLOCK_BYTES: usize = 16;
const BLOB_HEADER_BYTES: usize = 16;

/// Whether the file is an ndb database.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads every package of the database.
pub(super) fn read(bytes: &[u8], packages: &mut Packages<'_>) {
    let (Some(version), Some(slot_pages)) = (ORDER.u32(bytes, 4), ORDER.size(bytes, 12)) else {
        return packages.incomplete("the ndb database ends inside its header, no package was read");
    };
    if version != 0 {
        return packages.incomplete(format!("ndb version {version} is not known, no package was read"));
    }
    let slots_end = slot_pages.saturating_mul(PAGE_BYTES);
    if slots_end == 0 || slots_end > bytes.len() {
        packages.incomplete(format!(
            "the ndb database has {} bytes, its {slot_pages} slot pages do not fit",
            bytes.len()
        ));
    }
    let slots = bytes.get(HEADER_BYTES..slots_end.min(bytes.len())).unwrap_or_default();
    let mut blob_bytes_left = bytes.len();
    for (index, slot) in slots.chunks_exact(SLOT_BYTES).enumerate() {
        if !slot.starts_with(SLOT_MAGIC) {
            packages.incomplete(format!("ndb slot {index} is damaged, its package was not read"));
            continue;
        }
        let (Some(package), Some(block)) = (ORDER.u32(slot, 4), ORDER.size(slot, 8)) else {
            continue;
        };
        if package == 0 || block == 0 {
            continue;
        }
        match blob(bytes, block, package) {
            Some(blob) if blob.len() > blob_bytes_left => {
                return packages.incomplete("the packages of the ndb database overlap, the rest was not read");
            }
            Some(blob) => {
                blob_bytes_left -= blob.len();
                packages.add(blob, || format!("ndb package {package}"));
            }
            None => packages.incomplete(format!("ndb package {package} is damaged or cut off and was not read")),
        }
    }
}

/// The blob at a block, if it says that it is this package's.
fn blob(bytes: &[u8], block: usize, package: u32) -> Option<&[u8]> {
    let bytes = bytes.get(block.checked_mul(BLOCK_BYTES)?..)?;
    if !bytes.starts_with(BLOB_MAGIC) || ORDER.u32(bytes, 4) != Some(package) {
        return None;
    }
    let length = ORDER.size(bytes, 12)?;
    bytes.get(BLOB_HEADER_BYTES..)?.get(..length)
}
