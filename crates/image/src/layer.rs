//! One pass over layer blobs: read and hash on one thread, inflate on another, hand the uncompressed bytes to the caller's.
//! A layer that is not compressed is read on one and hashed on another.
//!
//! They run at the same time, so that a single large layer still uses two cores, which inflating alone would not. Which digest is verified:
//! the blob's where one is promised; otherwise (layers of old docker archives) the diff id, which is then the only
//! promise there is. See `docs/decisions/0001-which-digests-are-verified.md`.

use crate::Error;
use crate::blobs::{Blobs, Place};
use crate::compression::Compression;
use crate::handover::{Giver, Taker, handover};
use crate::image::LayerPlace;
use crate::progress::Progress;
use seaworthy_model::{Digest, limits};
use sha2::{Digest as _, Sha256};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Bytes handed over at a time: small enough for the L2 cache, large enough to make hand-over cheap.
const CHUNK: usize = 256 << 10;
/// The same of stored bytes.
const STORED_CHUNK: usize = 128 << 10;
/// The same of layers that are not compressed: hashing them is all the work, and each hand-over interrupts it.
const PLAIN_CHUNK: usize = 512 << 10;
/// Stored bytes from which a thread of their own is worth its start.
const APART: u64 = 1 << 20;

/// One or more layers that are read one after another.
#[derive(Debug)]
pub struct LayerStream {
    blobs: Arc<Blobs>,
    targets: Vec<(Vec<usize>, LayerPlace)>,
}

/// The uncompressed bytes of one layer.
#[derive(Debug)]
pub struct LayerReader(Taker);

impl LayerReader {
    /// Ends with [`io::ErrorKind::TimedOut`] when more is asked for after this.
    pub const fn until(&mut self, deadline: Option<Instant>) {
        self.0.until(deadline);
    }

    /// The time that was spent waiting for bytes.
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.0.waited().load(Ordering::Relaxed))
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Counts and, where asked, hashes what passes.
struct Metered<'a, R> {
    inner: R,
    hash: Option<&'a Mutex<Sha256>>,
    count: &'a AtomicU64,
    progress: &'a Progress,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.progress.fetch(|| self.inner.read(buffer))?;
        if let (Some(hash), Some(bytes)) = (self.hash, buffer.get(..count)) {
            self.progress.hash(|| {
                hash.lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .update(bytes);
            });
        }
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        self.progress.add_bytes(count);
        Ok(count)
    }
}

impl LayerStream {
    pub(crate) const fn new(blobs: Arc<Blobs>, targets: Vec<(Vec<usize>, LayerPlace)>) -> Self {
        Self { blobs, targets }
    }

    /// Stored bytes of all its layers, by which work can be ordered.
    pub fn size(&self) -> u64 {
        self.targets.iter().map(|(_, layer)| layer.place.size).sum()
    }

    /// Streams every layer through `visit` and returns, for the indexes that share each layer, what it made of it.
    ///
    /// What `visit` leaves unread is still hashed. Its result is dropped when the layer turns out not to be what was
    /// promised.
    pub fn read<R>(
        self,
        progress: &Progress,
        mut visit: impl FnMut(usize, &mut LayerReader) -> io::Result<R>,
    ) -> Vec<(Vec<usize>, Result<R, Error>)> {
        if let Blobs::Export { export, .. } = self.blobs.as_ref() {
            return export.read(self.targets, progress, visit);
        }
        let mut results = Vec::with_capacity(self.targets.len());
        if self.blobs.random_access() {
            for (indexes, layer) in self.targets {
                let index = indexes.first().copied().unwrap_or(0);
                let result = match self.blobs.open_blob(&layer.place) {
                    Ok(stored) => one(stored, &layer, progress, |reader| visit(index, reader)),
                    Err(error) => Err(error),
                };
                results.push((indexes, result));
            }
            return results;
        }
        let opened = self.blobs.stream().map_or_else(
            || Err(io::Error::other("it cannot be read from its beginning")),
            crate::blobs::Stream::open,
        );
        let mut archive = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let path = self.blobs.path();
                let again = |source| Error::Open {
                    path: path.to_owned(),
                    source,
                };
                for (indexes, _) in self.targets {
                    results.push((indexes, Err(again(io::Error::new(error.kind(), error.to_string())))));
                }
                return results;
            }
        };
        let mut position = 0u64;
        for (indexes, layer) in self.targets {
            let index = indexes.first().copied().unwrap_or(0);
            let gap = layer.place.offset.saturating_sub(position);
            let skipped = io::copy(&mut archive.by_ref().take(gap), &mut io::sink());
            let result = match skipped {
                Ok(_) => {
                    let result = one(archive.by_ref().take(layer.place.size), &layer, progress, |reader| {
                        visit(index, reader)
                    });
                    position = layer.place.offset + layer.place.size;
                    result
                }
                Err(source) => Err(Error::Read {
                    what: layer.place.name.clone(),
                    source,
                }),
            };
            results.push((indexes, result));
        }
        results
    }
}

/// Streams one layer. The stored bytes are always drained, so that the position in a shared archive stays right.
fn one<R>(
    stored: impl Read + Send,
    layer: &LayerPlace,
    progress: &Progress,
    visit: impl FnOnce(&mut LayerReader) -> io::Result<R>,
) -> Result<R, Error> {
    // Without a blob digest the diff id is the only promise; see the module's comment.
    let expected_diff_id = if layer.digest.is_none() { layer.diff_id } else { None };
    let (visited, actual, uncompressed) = streamed(stored, layer, expected_diff_id.is_some(), progress, visit)?;
    let what = || format!("layer {}", layer.place.name);
    if let Some(expected) = layer.digest
        && expected != actual
    {
        return Err(Error::WrongDigest {
            what: what(),
            expected,
            actual,
        });
    }
    if let (Some(expected), Some(actual)) = (expected_diff_id, uncompressed)
        && expected != actual
    {
        return Err(Error::WrongDigest {
            what: format!("{} uncompressed", what()),
            expected,
            actual,
        });
    }
    visited.map_err(|source| Error::Read { what: what(), source })
}

/// Streams a member of an export that may be a layer, and returns the diff id that it turns out to have.
pub(crate) fn unverified<R>(
    stored: impl Read + Send,
    (name, size): (String, u64),
    progress: &Progress,
    visit: impl FnOnce(&mut LayerReader) -> io::Result<R>,
) -> Result<(R, Digest), Error> {
    let layer = LayerPlace {
        place: Place { name, offset: 0, size },
        digest: None,
        diff_id: None,
    };
    let (visited, stored, diff_id) = streamed(stored, &layer, true, progress, visit)?;
    let visited = visited.map_err(|source| Error::Read {
        what: format!("layer {}", layer.place.name),
        source,
    })?;
    Ok((visited, diff_id.unwrap_or(stored)))
}

/// What the visitor made of a layer, the digest of the stored bytes and, where asked, of the uncompressed ones.
type Streamed<R> = (io::Result<R>, Digest, Option<Digest>);

/// Streams one layer, and verifies nothing.
fn streamed<R>(
    stored: impl Read + Send,
    layer: &LayerPlace,
    diff_id: bool,
    progress: &Progress,
    visit: impl FnOnce(&mut LayerReader) -> io::Result<R>,
) -> Result<Streamed<R>, Error> {
    let what = format!("layer {}", layer.place.name);
    let (giver, taker) = handover();
    let mut reader = LayerReader(taker);
    let (visited, produced) = std::thread::scope(|scope| {
        let what = what.as_str();
        // Moved in: the channel closes when the producer ends, whatever the reason.
        let producer = scope.spawn(move || produce(stored, layer, what, progress, &giver, diff_id));
        let visited = visit(&mut reader);
        // Drain what the visitor did not read, so that the digest covers the whole blob; unless the time is up, when
        // nothing is kept anyway.
        let timed_out = visited
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        let drained = if timed_out {
            Ok(0)
        } else {
            io::copy(&mut reader, &mut io::sink())
        };
        drop(reader);
        (visited.and_then(|value| drained.map(|_| value)), producer.join())
    });
    let produced = produced.unwrap_or_else(|_| Err(Error::Interrupted { what: what.clone() }));
    let (actual, uncompressed) = match produced {
        // The producer stops when nobody listens any more: the visitor's error is the reason.
        Err(Error::Interrupted { .. }) if visited.is_err() => {
            return match visited {
                Err(source) => Err(Error::Read { what, source }),
                Ok(_) => Err(Error::Interrupted { what }),
            };
        }
        produced => produced?,
    };
    Ok((visited, actual, uncompressed))
}

/// Reads, hashes and inflates; returns the digest of the stored bytes and, where asked, of the uncompressed ones.
fn produce(
    stored: impl Read + Send,
    layer: &LayerPlace,
    what: &str,
    progress: &Progress,
    giver: &Giver,
    diff_id: bool,
) -> Result<(Digest, Option<Digest>), Error> {
    let hash = Mutex::new(Sha256::new());
    let count = AtomicU64::new(0);
    let metered = Metered {
        inner: stored,
        hash: layer.digest.is_some().then_some(&hash),
        count: &count,
        progress,
    };
    let mut stored = BufReader::with_capacity(STORED_CHUNK, metered);
    let compression = stored
        .fill_buf()
        .and_then(Compression::readable)
        .map_err(|source| Error::Read {
            what: what.to_owned(),
            source,
        })?;
    let wrong_size = |actual: u64| Error::WrongSize {
        what: what.to_owned(),
        expected: layer.place.size,
        actual,
    };
    if compression == Compression::None && layer.place.size >= APART {
        // Its digest is that of the whole, which another thread makes.
        stored.get_mut().hash = None;
        let digest = std::thread::scope(|scope| {
            let (ahead, taker) = handover();
            scope.spawn(move || ahead.give_all(&mut stored, PLAIN_CHUNK));
            pass_on(taker, giver, what, progress)
        })?;
        let stored_bytes = count.load(Ordering::Relaxed);
        return if stored_bytes == layer.place.size {
            Ok((digest, diff_id.then_some(digest)))
        } else {
            Err(wrong_size(stored_bytes))
        };
    }
    let inflation = Inflation {
        what,
        compression,
        giver,
        diff_id,
        progress,
    };
    let diff_id = if compression == Compression::None || layer.place.size < APART {
        // On this thread it fetches and hashes too.
        let others = || progress.spent().fetching + progress.spent().hashing;
        inflation.run(stored, &count, others)?
    } else {
        std::thread::scope(|scope| {
            let (ahead, taker) = handover();
            scope.spawn(move || ahead.give_all(&mut stored, STORED_CHUNK));
            let (received, waited) = (taker.received(), taker.waited());
            let waited = || Duration::from_nanos(waited.load(Ordering::Relaxed));
            inflation.run(taker, &received, waited)
        })?
    };
    let stored_bytes = count.load(Ordering::Relaxed);
    if stored_bytes != layer.place.size {
        return Err(wrong_size(stored_bytes));
    }
    let digest = hash
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .finalize();
    Ok((Digest::from_bytes(digest.into()), diff_id))
}

/// Hashes the chunks of a layer that is not compressed between who reads and who walks; returns their digest.
fn pass_on(mut taker: Taker, giver: &Giver, what: &str, progress: &Progress) -> Result<Digest, Error> {
    let mut hash = Sha256::new();
    let mut total = 0u64;
    while let Some(chunk) = taker.chunk() {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(source) => {
                giver.give(Err(io::Error::new(source.kind(), source.to_string())));
                let what = what.to_owned();
                return Err(Error::Read { what, source });
            }
        };
        total += chunk.len() as u64;
        if total > limits::LAYER_BYTES {
            return Err(too_large(giver, what));
        }
        progress.hash(|| hash.update(&chunk));
        if !giver.give(Ok(chunk)) {
            return Err(Error::Interrupted { what: what.to_owned() });
        }
        while let Some(spent) = giver.spent() {
            taker.give_back(spent);
        }
    }
    Ok(Digest::from_bytes(hash.finalize().into()))
}

/// Ends a layer that has more bytes than any may have.
fn too_large(giver: &Giver, what: &str) -> Error {
    giver.give(Err(io::Error::other("the layer is larger than allowed")));
    Error::TooLarge {
        what: what.to_owned(),
        limit: limits::LAYER_BYTES,
    }
}

/// What becomes of stored bytes.
struct Inflation<'a> {
    what: &'a str,
    compression: Compression,
    giver: &'a Giver,
    /// Whether the uncompressed bytes are hashed.
    diff_id: bool,
    progress: &'a Progress,
}

impl Inflation<'_> {
    /// Hands all of it over; returns the digest of the uncompressed bytes, where asked. `count` tells how many stored bytes
    /// went in, `others` what time they took on this thread.
    fn run(
        self,
        stored: impl BufRead + Send,
        count: &AtomicU64,
        others: impl Fn() -> Duration,
    ) -> Result<Option<Digest>, Error> {
        let failed = |source: io::Error| Error::Read {
            what: self.what.to_owned(),
            source,
        };
        let mut reader = self.compression.decoder(stored).map_err(failed)?;
        let mut diff_hash = self.diff_id.then(Sha256::new);
        let mut total = 0u64;
        loop {
            let (chunk, failure) = self.progress.inflate(&others, || self.giver.fill(&mut reader, CHUNK));
            total += chunk.len() as u64;
            if let Some(hash) = &mut diff_hash {
                self.progress.hash(|| hash.update(&chunk));
            }
            if total > limits::LAYER_BYTES {
                return Err(too_large(self.giver, self.what));
            }
            let ratio = self.compression.max_ratio();
            if self.compression != Compression::None
                && total > limits::RATIO_FLOOR
                && total / ratio > count.load(Ordering::Relaxed)
            {
                self.giver
                    .give(Err(io::Error::other("the layer inflates beyond all measure")));
                return Err(Error::Bomb {
                    what: self.what.to_owned(),
                    ratio,
                });
            }
            if let Some(error) = failure {
                self.giver.give(Err(io::Error::new(error.kind(), error.to_string())));
                return Err(failed(error));
            }
            if chunk.is_empty() {
                return Ok(diff_hash.map(|hash| Digest::from_bytes(hash.finalize().into())));
            }
            if !self.giver.give(Ok(chunk)) {
                return Err(Error::Interrupted {
                    what: self.what.to_owned(),
                });
            }
        }
    }
}
