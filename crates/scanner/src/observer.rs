//! What a scan tells of itself while it runs: its steps, the bytes of each layer, and where the time went.

use seaworthy_image::{Progress, Spent};
use seaworthy_model::{Digest, Inventory};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a scan does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The image is looked for, its manifest and config are read.
    Opening,
    /// Layers are read.
    Reading {
        /// All layers of the image; 0 for directories.
        layers: usize,
        /// Those of them whose results were kept by an earlier scan.
        known: usize,
        /// Stored bytes of the others, 0 where unknown.
        bytes: u64,
    },
    /// The layers are read and are merged.
    Merging,
    /// The packages are known and are matched.
    Matching {
        /// How many they are.
        packages: usize,
    },
}

/// One layer that is being read.
#[derive(Clone, Debug)]
pub struct LayerProgress {
    /// Its place in the image, counted from 0.
    pub index: usize,
    /// Digest of the blob, or of the uncompressed layer.
    pub digest: Option<Digest>,
    /// Stored bytes, 0 where unknown.
    pub size: u64,
    read: Arc<Progress>,
    /// Bytes that the counter had when the layer began: a compressed archive has one counter for all.
    from: u64,
}

impl LayerProgress {
    pub(crate) fn new(index: usize, digest: Option<Digest>, size: u64, read: Arc<Progress>) -> Self {
        let from = read.bytes();
        Self {
            index,
            digest,
            size,
            read,
            from,
        }
    }

    /// Stored bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.read.bytes().saturating_sub(self.from)
    }
}

/// Told how far a scan is; the calls come from the threads that scan.
pub trait Observer: Send + Sync {
    /// A step begins.
    fn step(&self, step: &Step) {
        let _ = step;
    }
    /// A layer begins to be read.
    fn layer(&self, layer: LayerProgress) {
        let _ = layer;
    }
    /// The layer at this index was read.
    fn layer_read(&self, index: usize) {
        let _ = index;
    }
    /// All was read; this is what it says, before anything is matched.
    fn inventory(&self, inventory: &Inventory) {
        let _ = inventory;
    }
}

/// An observer that nobody listens to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// Where the time of one scan went; said at debug level.
#[derive(Debug)]
pub(crate) struct Phases {
    started: Instant,
    last: Instant,
    text: String,
    /// Summed over threads: what came before the uncompressed bytes.
    spent: Mutex<Spent>,
    /// Summed over threads: walking and analysing.
    walked: AtomicU64,
}

impl Phases {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            last: now,
            text: String::new(),
            spent: Mutex::default(),
            walked: AtomicU64::new(0),
        }
    }

    /// What went by since the last call belongs to this phase.
    pub(crate) fn end(&mut self, phase: &str) {
        let now = Instant::now();
        let separator = if self.text.is_empty() { "" } else { ", " };
        self.text.push_str(&format!(
            "{separator}{phase} {}",
            milliseconds(now.duration_since(self.last))
        ));
        self.last = now;
    }

    /// A layer was walked in this time, without what it took to wait for its bytes.
    pub(crate) fn walked(&self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.walked.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// This went into the bytes of layers.
    pub(crate) fn spent(&self, more: Spent) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.fetching += more.fetching;
        spent.hashing += more.hashing;
        spent.inflating += more.inflating;
    }

    pub(crate) fn say(&self) {
        let spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        tracing::debug!(
            "time: {}; all {}; over all threads: fetch {}, hash {}, inflate {}, walk and analyse {}",
            self.text,
            milliseconds(self.started.elapsed()),
            milliseconds(spent.fetching),
            milliseconds(spent.hashing),
            milliseconds(spent.inflating),
            milliseconds(Duration::from_micros(self.walked.load(Ordering::Relaxed)))
        );
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
