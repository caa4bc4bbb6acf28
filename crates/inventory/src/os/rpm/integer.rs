//! Integers at an offset of foreign bytes: `None` wherever the bytes end before them.

/// The order of bytes in an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The 16-bit integer at `offset`.
    pub(super) fn u16(self, bytes: &[u8], offset: usize) -> Option<u16> {
        let bytes = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    /// The 32-bit integer at `offset`.
    pub(super) fn u32(self, bytes: &[u8], offset: usize) -> Option<u32> {
        let bytes = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    /// The 32-bit integer at `offset`, as a size or an index.
    pub(super) fn size(self, bytes: &[u8], offset: usize) -> Option<usize> {
        self.u32(bytes, offset).and_then(|value| usize::try_from(value).ok())
    }
}

/// The pages of a file that were read already: what makes a cycle of pages end.
pub(super) struct Seen(Vec<u64>);

impl Seen {
    /// None of `pages` pages was read.
    pub(super) fn new(pages: usize) -> Self {
        Self(vec![0; pages.div_ceil(64)])
    }

    /// Marks the page as read; `false` if it was already, or is beyond the file.
    pub(super) fn insert(&mut self, page: usize) -> bool {
        let bit = 1u64 << (page % 64);
        match self.0.get_mut(page / 64) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    /// Whether the page was read.
    pub(super) fn contains(&self, page: usize) -> bool {
        self.0
            .get(page / 64)
            .is_some_and(|word| word & (1u64 << (page % 64)) != 0)
    }
}
