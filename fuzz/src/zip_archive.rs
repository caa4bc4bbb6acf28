//! A zip archive with one stored entry. APPNOTE.TXT 6.3.

/// The archive.
pub fn stored(name: &str, content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let size = content.len() as u32;
    let mut shared = Vec::new();
    shared.extend(20u16.to_le_bytes()); // version needed
    shared.extend([0; 8]); // flags, method, time, date
    shared.extend(crc.sum().to_le_bytes());
    shared.extend(size.to_le_bytes());
    shared.extend(size.to_le_bytes());
    shared.extend((name.len() as u16).to_le_bytes());
    shared.extend([0; 2]); // length of the extra field

    let mut archive = b"PK\x03\x04".to_vec();
    archive.extend(&shared);
    archive.extend(name.as_bytes());
    archive.extend(content);
    let directory = archive.len() as u32;
    archive.extend(b"PK\x01\x02\x14\0");
    archive.extend(&shared);
    archive.extend([0; 14]); // comment, disk, attributes, offset of the local header
    archive.extend(name.as_bytes());
    let directory_size = archive.len() as u32 - directory;
    archive.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    archive.extend(directory_size.to_le_bytes());
    archive.extend(directory.to_le_bytes());
    archive.extend([0; 2]);
    archive
}
