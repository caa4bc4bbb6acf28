//! Chunks of bytes that one thread hands to another, which hands the empty buffers back.
//!
//! A few chunks are under way at a time: a reader that falls behind makes the writer wait, and nothing piles up.

use crate::progress::add;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Instant;

/// Chunks under way between the two threads.
const CHUNKS: usize = 4;

/// The end that gives. Dropping it is the end of the stream.
#[derive(Debug)]
pub(crate) struct Giver {
    full: SyncSender<io::Result<Vec<u8>>>,
    empty: Receiver<Vec<u8>>,
}

/// The end that takes. Dropping it makes the other side stop.
#[derive(Debug)]
pub(crate) struct Taker {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
    /// Bytes of the chunks that were received, for whoever cannot reach this any more.
    received: Arc<AtomicU64>,
    /// Nanoseconds spent waiting for chunks.
    waited: Arc<AtomicU64>,
    ended: bool,
    /// When there is nothing more to be had.
    deadline: Option<Instant>,
}

/// Both ends.
pub(crate) fn handover() -> (Giver, Taker) {
    let (full_sender, full) = sync_channel(CHUNKS);
    let (empty, empty_receiver) = channel();
    let giver = Giver {
        full: full_sender,
        empty: empty_receiver,
    };
    let taker = Taker {
        full,
        empty,
        current: Vec::new(),
        at: 0,
        received: Arc::default(),
        waited: Arc::default(),
        ended: false,
        deadline: None,
    };
    (giver, taker)
}

impl Giver {
    /// A chunk of up to `size` bytes, fewer only at the end of `reader`, and what kept it from being longer.
    pub(crate) fn fill(&self, reader: &mut impl Read, size: usize) -> (Vec<u8>, Option<io::Error>) {
        let mut chunk = self.empty.try_recv().unwrap_or_default();
        chunk.resize(size, 0);
        let mut filled = 0;
        let mut failure = None;
        while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        chunk.truncate(filled);
        (chunk, failure)
    }

    /// A buffer that came back from the other end.
    pub(crate) fn spent(&self) -> Option<Vec<u8>> {
        self.empty.try_recv().ok()
    }

    /// Hands over a chunk, or why there is none; `false` when nobody listens any more.
    pub(crate) fn give(&self, chunk: io::Result<Vec<u8>>) -> bool {
        self.full.send(chunk).is_ok()
    }

    /// Hands over all of `reader` in chunks of at most this size, each as soon as there is something: a slow reader must not
    /// keep what came already, nor notice late that nobody listens any more.
    pub(crate) fn give_all(&self, reader: &mut impl Read, size: usize) {
        loop {
            let mut chunk = self.empty.try_recv().unwrap_or_default();
            chunk.resize(size, 0);
            match reader.read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => {
                    chunk.truncate(count);
                    if !self.give(Ok(chunk)) {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.give(Err(error));
                    return;
                }
            }
        }
    }
}

impl Taker {
    /// The next chunk as it was handed over, `None` at the end.
    pub(crate) fn chunk(&mut self) -> Option<io::Result<Vec<u8>>> {
        self.full.recv().ok()
    }

    /// Ends with [`io::ErrorKind::TimedOut`] where a chunk is asked for after this.
    pub(crate) const fn until(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Hands a buffer back.
    pub(crate) fn give_back(&self, spent: Vec<u8>) {
        // The other side is gone when the stream has ended: the buffer is then of no use.
        let _ = self.empty.send(spent);
    }

    /// Counts the bytes of the chunks that were received.
    pub(crate) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// Counts the nanoseconds spent waiting for chunks.
    pub(crate) fn waited(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.waited)
    }
}

impl BufRead for Taker {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.current.len() && !self.ended {
            let spent = std::mem::take(&mut self.current);
            if spent.capacity() > 0 {
                self.give_back(spent);
            }
            self.at = 0;
            let waiting = Instant::now();
            if self.deadline.is_some_and(|deadline| waiting >= deadline) {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the time for the scan is up"));
            }
            let received = self.full.recv();
            add(&self.waited, waiting.elapsed());
            match received {
                Ok(Ok(chunk)) => {
                    self.received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                    self.current = chunk;
                }
                Ok(Err(error)) => {
                    self.ended = true;
                    return Err(error);
                }
                Err(_) => self.ended = true,
            }
        }
        Ok(self.current.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.current.len());
    }
}

impl Read for Taker {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::handover;
    use std::io::{self, Read};
    use std::sync::atomic::Ordering;

    #[test]
    fn everything_arrives_in_order_and_a_failure_last() {
        let bytes: Vec<u8> = (0..10_007u32).map(|at| (at % 251) as u8).collect();
        let (giver, mut taker) = handover();
        let (arrived, received) = std::thread::scope(|scope| {
            scope.spawn(|| {
                let giver = giver;
                giver.give_all(&mut bytes.as_slice(), 100);
                giver.give(Err(io::Error::other("cut")));
            });
            let mut arrived = Vec::new();
            assert_eq!(taker.read_to_end(&mut arrived).unwrap_err().to_string(), "cut");
            (arrived, taker.received().load(Ordering::Relaxed))
        });
        assert_eq!((arrived.len() as u64, arrived == bytes), (received, true));
    }

    #[test]
    fn after_its_time_no_chunk_is_had() {
        let (giver, mut taker) = handover();
        giver.give(Ok(vec![1, 2]));
        giver.give(Ok(vec![3]));
        let mut byte = [0];
        assert_eq!(taker.read(&mut byte).unwrap(), 1);
        taker.until(Some(std::time::Instant::now()));
        assert_eq!(taker.read(&mut byte).unwrap(), 1, "what is there already");
        assert_eq!(taker.read(&mut byte).unwrap_err().kind(), io::ErrorKind::TimedOut);
        taker.until(None);
        assert_eq!((taker.read(&mut byte).unwrap(), byte), (1, [3]));
    }

    #[test]
    fn nobody_who_listens_stops_the_giver() {
        let (giver, taker) = handover();
        drop(taker);
        giver.give_all(&mut io::repeat(0), 10);
    }
}
