//! The bytes of a layer on their way to the tar reader: counted, and their end told apart from an end that was cut.
//!
//! A tar archive ends with two blocks of zeros (POSIX.1-2017, pax, "ustar Interchange Format"). A stream that ends where
//! the next header would stand reads like a shorter archive, and one block of zeros in the middle hides what follows it.

use seaworthy_model::{Effect, Problem};
use std::io::{self, Read};

/// Bytes of a tar block.
const BLOCK: usize = 512;

/// A reader that knows how much passed and whether it has ended.
pub(crate) struct TarStream<R> {
    inner: R,
    count: u64,
    ended: bool,
}

/// How a tar archive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its marker.
    Marked,
    /// Without one: at the beginning, or between two entries.
    Unmarked,
    /// A block of zeros stands in front of more.
    Hidden,
}

impl End {
    /// What is to be said of an archive of so many bytes that ended so.
    pub(crate) fn problem(self, bytes: u64) -> Option<Problem> {
        let what = match self {
            Self::Marked => return None,
            Self::Unmarked if bytes == 0 => "the layer is empty, not even an empty archive: it may have been cut off",
            Self::Unmarked => {
                "the layer ends without an end-of-archive marker: entries behind the last one may be missing"
            }
            Self::Hidden => "a block of zeros stands between two entries; what follows it was not read",
        };
        Some(Problem::of_artifact(Effect::Incomplete, what))
    }
}

impl<R: Read> TarStream<R> {
    pub(crate) const fn new(inner: R) -> Self {
        Self {
            inner,
            count: 0,
            ended: false,
        }
    }

    /// To be called when the tar reader found no further entry: reads the rest and says how the archive ended, and how
    /// many bytes it has.
    pub(crate) fn finish(mut self) -> io::Result<(End, u64)> {
        // The tar reader stops at the end of the stream or behind the first block of zeros.
        if self.ended {
            return Ok((End::Unmarked, self.count));
        }
        let mut block = Vec::with_capacity(BLOCK);
        self.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        let end = if block.iter().all(|byte| *byte == 0) {
            End::Marked
        } else {
            End::Hidden
        };
        io::copy(&mut self, &mut io::sink())?;
        Ok((end, self.count))
    }
}

impl<R: Read> Read for TarStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.ended = count == 0 && !buffer.is_empty();
        self.count = self.count.saturating_add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{End, TarStream};
    use crate::{Selection, read_layer};
    use seaworthy_model::Effect;
    use seaworthy_testkit::LayerBuilder;
    use tar::EntryType;

    fn end(tar: &[u8]) -> (End, u64) {
        let mut archive = tar::Archive::new(TarStream::new(tar));
        for entry in archive.entries().unwrap() {
            entry.unwrap();
        }
        archive.into_inner().finish().unwrap()
    }

    #[test]
    fn headers_that_claim_all_memory_are_refused() {
        let huge = vec![b'1'; 2 << 20];
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let tar = LayerBuilder::new()
                .file("a", vec![b'a'; 3 << 20])
                .entry(b"header", kind, b"", &huge, 0o644)
                .file("b", "b")
                .into_tar();
            let error = read_layer(tar.as_slice(), &Selection::default()).unwrap_err();
            assert!(
                error.to_string().contains("the headers of a member"),
                "{kind:?}: {error}"
            );
        }
    }

    #[test]
    fn a_cut_between_two_entries_is_no_end() {
        let zeros = vec![0u8; 700];
        let tar = LayerBuilder::new().file("a", &zeros).file("b", "b").into_tar();
        let (first, whole) = (512 + 1024, tar.len());
        assert_eq!(whole, first + 1024 + 1024);
        for (length, expected) in [
            (whole, End::Marked),
            (whole - 512, End::Marked),
            (whole - 1024, End::Unmarked),
            (first, End::Unmarked),
            (0, End::Unmarked),
        ] {
            assert_eq!(end(&tar[..length]), (expected, length as u64), "{length}");
        }
    }

    #[test]
    fn what_stands_behind_a_lone_block_of_zeros_is_missed_and_said_so() {
        let mut tar = LayerBuilder::new().file("a", "a").into_tar();
        tar.truncate(tar.len() - 512);
        tar.extend(LayerBuilder::new().file("b", "b").into_tar());
        assert_eq!(end(&tar).0, End::Hidden);
        let contents = read_layer(&tar[..], &Selection::default()).unwrap();
        assert!(
            contents
                .problems
                .iter()
                .any(|problem| problem.effect == Effect::Incomplete),
            "{:?}",
            contents.problems
        );
    }

    #[test]
    fn an_empty_layer_is_not_silence() {
        let contents = read_layer(&[][..], &Selection::default()).unwrap();
        assert_eq!(contents.problems.len(), 1);
        assert_eq!(contents.problems[0].effect, Effect::Incomplete);
        let whole = LayerBuilder::new().file("a", "a").into_tar();
        let contents = read_layer(&whole[..], &Selection::default()).unwrap();
        assert_eq!((contents.problems.len(), contents.tar_bytes), (0, whole.len() as u64));
    }
}
