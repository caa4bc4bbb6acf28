//! Right checksums for the headers of a tar stream: without them nearly every mutation ends at the first header.

const BLOCK: usize = 512;

/// Rewrites the checksum of every header, following the sizes that the headers state.
pub fn seal(tar: &mut [u8]) {
    let mut at = 0usize;
    while let Some(header) = tar.get_mut(at..).and_then(|rest| rest.get_mut(..BLOCK)) {
        if header.iter().all(|byte| *byte == 0) {
            at += BLOCK;
            continue;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = header[124..136].iter().filter(|byte| (b'0'..=b'7').contains(byte));
        let size = digits.fold(0usize, |size, digit| {
            size.saturating_mul(8).saturating_add((digit - b'0').into())
        });
        at = at
            .saturating_add(BLOCK)
            .saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
    }
}
