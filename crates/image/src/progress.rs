//! How far the reading of layers is, and what its time went to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes of stored blobs read so far, shared with whoever shows progress, and the time that took.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    fetching: AtomicU64,
    hashing: AtomicU64,
    inflating: AtomicU64,
}

/// What the time of layers went to, each summed over the threads that did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Until the stored bytes were there: a disk or a network.
    pub fetching: Duration,
    /// Hashing what is stored, or what came of it.
    pub hashing: Duration,
    /// Making what is stored into what it stands for.
    pub inflating: Duration,
}

impl Progress {
    /// Stored bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What it took so far.
    pub fn spent(&self) -> Spent {
        let of = |counter: &AtomicU64| Duration::from_nanos(counter.load(Ordering::Relaxed));
        Spent {
            fetching: of(&self.fetching),
            hashing: of(&self.hashing),
            inflating: of(&self.inflating),
        }
    }

    pub(crate) fn add_bytes(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Fetches, and counts the time.
    pub(crate) fn fetch<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(&self.fetching, work)
    }

    /// Hashes, and counts the time.
    pub(crate) fn hash<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(&self.hashing, work)
    }

    /// Inflates, and counts the time but for what `others` says was something else.
    pub(crate) fn inflate<T>(&self, others: impl Fn() -> Duration, work: impl FnOnce() -> T) -> T {
        let (started, before) = (Instant::now(), others());
        let done = work();
        let other = others().saturating_sub(before);
        add(&self.inflating, started.elapsed().saturating_sub(other));
        done
    }
}

fn timed<T>(counter: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    add(counter, started.elapsed());
    done
}

/// Adds to a counter of nanoseconds.
pub(crate) fn add(counter: &AtomicU64, time: Duration) {
    counter.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
