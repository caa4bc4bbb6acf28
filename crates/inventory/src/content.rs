//! The content of a large file as it comes out of its layer: read forwards, looked at in a bounded window.
//!
//! What the layer itself fails with is kept apart from what the file holds, because the one fails the layer and the other
//! is a problem of the file.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read};

use sha1::{Digest, Sha1};

/// Bytes asked of the layer at once.
const CHUNK: usize = 128 << 10;

/// A file that is read forwards.
pub struct Content<'a> {
    inner: &'a mut dyn Read,
    size: u64,
    /// Bytes taken from `inner`.
    taken: u64,
    buffer: Vec<u8>,
    start: usize,
    failure: Option<io::Error>,
    /// The size is not known: the end is no failure.
    open: bool,
    /// Of what was taken so far, where it was asked for.
    sha1: Option<Sha1>,
}

impl<'a> Content<'a> {
    /// A content that ends where `inner` does.
    pub(crate) fn until_end(inner: &'a mut dyn Read) -> Self {
        Self {
            open: true,
            ..Self::new(inner, u64::MAX)
        }
    }

    /// The content of a file with this size.
    pub fn new(inner: &'a mut dyn Read, size: u64) -> Self {
        Self {
            inner,
            size,
            taken: 0,
            buffer: Vec::new(),
            start: 0,
            failure: None,
            open: false,
            sha1: None,
        }
    }

    /// Sums up the content, of which nothing may have been consumed.
    pub(crate) fn begin_sha1(&mut self) {
        if self.position() == 0 {
            let mut sum = Sha1::new();
            sum.update(self.window());
            self.sha1 = Some(sum);
        }
    }

    /// The checksum as packages state it, `sha1:<hex>`, once the content was read to its end.
    pub(crate) fn finish_sha1(&mut self) -> Option<String> {
        if self.failure.is_some() || !self.peek(1).is_empty() {
            return None;
        }
        let sum = self.sha1.take()?.finalize();
        let mut text = String::from("sha1:");
        for byte in sum.iter() {
            let _ = write!(text, "{byte:02x}");
        }
        Some(text)
    }

    /// The file's size as its layer states it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes were consumed.
    pub fn position(&self) -> u64 {
        self.taken.saturating_sub(self.window().len() as u64)
    }

    /// The bytes that are buffered and not consumed.
    pub fn window(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The next bytes: at least `wanted` of them, or all that are left.
    pub fn peek(&mut self, wanted: usize) -> &[u8] {
        while self.window().len() < wanted && self.more(wanted) {}
        self.window()
    }

    /// Reads another chunk behind the window, for a window of at least `wanted` bytes; `false` at the end.
    pub fn more(&mut self, wanted: usize) -> bool {
        let left = self.size.saturating_sub(self.taken);
        if left == 0 || self.failure.is_some() {
            return false;
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let held = self.buffer.len();
        // The first look at a file is small: most are not read on.
        let chunk = if self.taken == 0 {
            wanted
        } else {
            wanted.saturating_sub(held).max(CHUNK)
        };
        let chunk = chunk.min(usize::try_from(left).unwrap_or(usize::MAX));
        let outcome = self.inner.take(chunk as u64).read_to_end(&mut self.buffer);
        let read = self.buffer.len().saturating_sub(held);
        if let Some(sum) = &mut self.sha1 {
            sum.update(self.buffer.get(held..).unwrap_or_default());
        }
        self.taken = self.taken.saturating_add(read as u64);
        match outcome {
            Err(error) => self.failure = Some(error),
            Ok(_) if read < chunk && self.open => self.size = self.taken,
            Ok(_) if read < chunk => {
                self.failure = Some(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is cut off"));
            }
            Ok(_) => {}
        }
        read > 0
    }

    /// Passes over bytes; fewer where the file ends before.
    pub fn skip(&mut self, count: u64) {
        let mut left = count;
        loop {
            let held = self.window().len() as u64;
            let now = held.min(left);
            self.start = self.start.saturating_add(usize::try_from(now).unwrap_or(0));
            left = left.saturating_sub(now);
            if left == 0 || !self.more(1) {
                return;
            }
        }
    }

    /// What the layer failed with.
    pub fn failure(self) -> Option<io::Error> {
        self.failure
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Content<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.window().is_empty() {
            self.more(CHUNK);
        }
        Ok(self.window())
    }

    fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.buffer.len());
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Content};
    use std::io::Read;

    #[test]
    fn windows_skips_and_reads_agree() {
        let bytes: Vec<u8> = (0..CHUNK * 3 + 7).map(|at| (at % 251) as u8).collect();
        let mut inner = bytes.as_slice();
        let mut content = Content::new(&mut inner, bytes.len() as u64);
        assert_eq!(content.peek(16), &bytes[..16]);
        content.skip(CHUNK as u64 + 3);
        assert_eq!(content.position(), CHUNK as u64 + 3);
        assert_eq!(content.peek(100)[..100], bytes[CHUNK + 3..CHUNK + 103]);
        let mut rest = Vec::new();
        content.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, bytes[CHUNK + 3..]);
        assert_eq!(content.peek(5), b"");
        content.skip(9);
        assert!(content.failure().is_none());
    }

    #[test]
    fn a_checksum_covers_what_was_skipped_and_what_was_looked_at_before() {
        let bytes = vec![b'a'; 1_000_000];
        let mut inner = bytes.as_slice();
        let mut content = Content::new(&mut inner, bytes.len() as u64);
        content.peek(64);
        content.begin_sha1();
        content.skip(300_000);
        assert_eq!(content.finish_sha1(), None, "not read to its end");
        content.skip(u64::MAX);
        // FIPS 180-2, appendix A.3.
        let expected = "sha1:34aa973cd4c4daa4f61eeb2bdbad27316534016f";
        assert_eq!(content.finish_sha1().as_deref(), Some(expected));
    }

    #[test]
    fn a_file_that_is_cut_off_fails_its_layer() {
        let mut inner = b"abc".as_slice();
        let mut content = Content::new(&mut inner, 10);
        assert_eq!(content.peek(10), b"abc");
        assert!(content.failure().is_some());
    }
}
