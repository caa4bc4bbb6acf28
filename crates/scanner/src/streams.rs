//! Layers are read in parallel, the largest first, until one fails or the time is up.

use crate::Error;
use crate::observer::{LayerProgress, Observer, Phases};
use seaworthy_image::{Image, LayerReader, Progress};
use seaworthy_inventory::{LayerContents, Selection, read_layer};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What bounds one scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Layers read at the same time.
    pub(crate) threads: usize,
    /// When to give up.
    pub(crate) deadline: Option<Instant>,
}

impl Bounds {
    /// Whether the time is up.
    pub(crate) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Ends reading when the time is up.
pub(crate) struct Timed<R> {
    inner: R,
    deadline: Option<Instant>,
}

impl<R> Timed<R> {
    pub(crate) const fn new(inner: R, deadline: Option<Instant>) -> Self {
        Self { inner, deadline }
    }
}

impl<R: Read> Read for Timed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the time for the scan is up"));
        }
        self.inner.read(buffer)
    }
}

/// What reading layers needs to know.
pub(crate) struct Streams<'a> {
    pub(crate) image: &'a Image,
    pub(crate) bounds: Bounds,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) phases: &'a Phases,
}

/// The contents of a layer, with the indexes of all layers that are this one.
pub(crate) type ReadLayer = (Vec<usize>, LayerContents);

impl Streams<'_> {
    /// Reads the wanted layers. `keep` is given each whose digest was verified, on the thread that read it.
    pub(crate) fn read(
        &self,
        wanted: &[usize],
        selection: &Selection,
        keep: &(dyn Fn(&[usize], &LayerContents) + Sync),
    ) -> Result<Vec<ReadLayer>, Error> {
        let mut streams = self.image.streams(wanted);
        // Taken from the end: the largest first, so that the last core is not left alone with it.
        streams.sort_by_key(seaworthy_image::LayerStream::size);
        let threads = self.bounds.threads.min(streams.len()).max(1);
        let queue = Mutex::new(streams);
        let results = Mutex::new(Vec::new());
        let failure = Mutex::new(None);
        let work = || {
            loop {
                let next = lock(&queue).pop();
                let Some(stream) = next else { return };
                let progress = Arc::new(Progress::default());
                let read = stream.read(&progress, |index, reader| {
                    self.walk(index, reader, selection, &progress)
                });
                self.phases.spent(progress.spent());
                for (indexes, result) in read {
                    match result {
                        Ok(contents) => {
                            keep(&indexes, &contents);
                            for index in &indexes {
                                self.observer.layer_read(*index);
                            }
                            lock(&results).push((indexes, contents));
                        }
                        Err(error) => {
                            lock(&queue).clear();
                            lock(&failure).get_or_insert(error);
                            return;
                        }
                    }
                }
            }
        };
        if threads == 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 1..threads {
                    scope.spawn(work);
                }
                work();
            });
        }
        let read = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(_) if self.bounds.is_over() => Err(Error::TimedOut {
                reached: format!(
                    "{} of {} layers that had to be read were read",
                    read.iter().map(|(indexes, _)| indexes.len()).sum::<usize>(),
                    wanted.len()
                ),
            }),
            Some(error) => Err(Error::Image(error)),
            None => Ok(read),
        }
    }

    fn walk(
        &self,
        index: usize,
        reader: &mut LayerReader,
        selection: &Selection,
        progress: &Arc<Progress>,
    ) -> io::Result<LayerContents> {
        let started = Instant::now();
        let layer = self.image.metadata().layers.get(index);
        let digest = layer.and_then(|layer| layer.digest.or(layer.diff_id));
        let size = layer.map_or(0, |layer| layer.size);
        self.observer
            .layer(LayerProgress::new(index, digest, size, Arc::clone(progress)));
        reader.until(self.bounds.deadline);
        let contents = read_layer(&mut *reader, selection);
        let (total, waited) = (started.elapsed(), reader.waited());
        self.phases.walked(total.saturating_sub(waited));
        tracing::debug!(
            layer = index,
            digest = %digest.map(|digest| digest.to_string()).unwrap_or_default(),
            stored_bytes = size,
            entries = contents.as_ref().map_or(0, |contents| contents.entry_count),
            ?waited,
            walked = ?total.saturating_sub(waited),
            "layer read"
        );
        contents
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
