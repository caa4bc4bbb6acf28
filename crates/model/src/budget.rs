//! A bound on what is read between two points, as a reader.
//!
//! The headers of an archive's next member come with a stated length of their own (GNU long names, pax records), and are read
//! whole by whoever parses them: this is what keeps that from being all the memory there is.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;

/// Bytes of a block of a tar archive.
const BLOCK: u64 = 512;

/// The bytes that may still be read; shared with the reader that spends them.
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicU64>);

impl Budget {
    /// Allows the rest of a tar member of which so many bytes are stored, and the headers of the next.
    pub fn allow_member(&self, stored: u64) {
        let content = stored.div_ceil(BLOCK).saturating_mul(BLOCK);
        self.0
            .store(content.saturating_add(limits::TAR_HEADER_BYTES), Ordering::Relaxed);
    }

    /// Allows everything.
    pub fn lift(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }
}

/// A reader that fails when its budget is spent.
#[derive(Debug)]
pub struct Budgeted<R> {
    inner: R,
    left: Budget,
}

impl<R> Budgeted<R> {
    /// A reader that may read the headers of a tar archive's first member, and its budget.
    pub fn new(inner: R) -> (Self, Budget) {
        let left = Budget(Arc::default());
        left.allow_member(0);
        let reader = Self {
            inner,
            left: left.clone(),
        };
        (reader, left)
    }
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.0.load(Ordering::Relaxed);
        if left == 0 && !buffer.is_empty() {
            let what = format!(
                "the headers of a member take more than {} bytes",
                limits::TAR_HEADER_BYTES
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left.0.store(left.saturating_sub(count as u64), Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Budgeted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::Budgeted;
    use crate::limits::TAR_HEADER_BYTES;
    use std::io::{self, Read};

    #[test]
    fn ends_where_the_budget_does_and_goes_on_with_a_new_one() {
        let (mut reader, budget) = Budgeted::new(io::repeat(1));
        let read = |reader: &mut Budgeted<io::Repeat>| {
            let mut bytes = Vec::new();
            let ended = reader.take(10 * TAR_HEADER_BYTES).read_to_end(&mut bytes);
            (bytes.len() as u64, ended.is_err())
        };
        assert_eq!(read(&mut reader), (TAR_HEADER_BYTES, true));
        budget.allow_member(513);
        assert_eq!(read(&mut reader), (1024 + TAR_HEADER_BYTES, true));
        budget.lift();
        assert_eq!(read(&mut reader), (10 * TAR_HEADER_BYTES, false));
    }
}
