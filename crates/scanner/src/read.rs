//! From an opened image or directory to its inventory: layers in parallel, then one merge.

use crate::{Error, Observer};
use seaworthy_image::{EntryKind, Image, Progress, RootDirectory};
use seaworthy_inventory::{LayerContents, Reread, Selection, merge, read_layer};
use seaworthy_model::{Effect, Inventory, LayerRef, Problem};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

/// What bounds one scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Layers read at the same time.
    pub(crate) threads: usize,
    /// When to give up.
    pub(crate) deadline: Option<Instant>,
}

/// Ends reading when the time is up.
struct Timed<R> {
    inner: R,
    deadline: Option<Instant>,
}

impl<R: Read> Read for Timed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the time for the scan is up"))
            }
            _ => self.inner.read(buffer),
        }
    }
}

/// Reads every layer of an image and merges them.
pub(crate) fn image(
    image: &Image,
    selection: &Selection,
    bounds: Bounds,
    observer: &dyn Observer,
) -> Result<Inventory, Error> {
    let layers = &image.metadata().layers;
    observer.reading(layers.len(), layers.iter().map(|layer| layer.size).sum());
    let all: Vec<usize> = (0..layers.len()).collect();
    let contents = stream(image, &all, &|_| selection.clone(), bounds, observer.progress())?;
    let mut by_layer: Vec<Option<LayerContents>> = layers.iter().map(|_| None).collect();
    let mut shared: Vec<Option<usize>> = vec![None; layers.len()];
    for (indexes, contents) in contents {
        let Some((first, rest)) = indexes.split_first() else {
            continue;
        };
        if let Some(slot) = by_layer.get_mut(*first) {
            *slot = Some(contents);
        }
        for other in rest {
            if let Some(slot) = shared.get_mut(*other) {
                *slot = Some(*first);
            }
        }
    }
    let mut ordered = Vec::with_capacity(layers.len());
    for (index, _) in layers.iter().enumerate() {
        let from = shared.get(index).copied().flatten().unwrap_or(index);
        match by_layer.get(from).and_then(Option::as_ref) {
            Some(contents) => ordered.push(contents),
            None => return Err(Error::LayerLost { index }),
        }
    }
    let refs: Vec<LayerRef> = layers
        .iter()
        .map(|layer| LayerRef {
            digest: layer.digest,
            diff_id: layer.diff_id,
        })
        .collect();
    observer.merging();
    let mut inventory = merge(&ordered, &refs, &mut |index, wanted: Vec<Reread>| {
        let only = Selection {
            only: Some(wanted),
            ..Selection::default()
        };
        let again = stream(image, &[index], &|_| only.clone(), bounds, &Progress::default());
        match again {
            Ok(contents) => contents
                .into_iter()
                .next()
                .map(|(_, contents)| contents)
                .ok_or_else(|| lost(index)),
            Err(error) => Err(Problem::of_artifact(
                Effect::Incomplete,
                format!("files behind links could not be read: {error}"),
            )),
        }
    });
    inventory.problems.extend(image.problems().iter().cloned());
    Ok(inventory)
}

fn lost(index: usize) -> Problem {
    Problem::of_artifact(
        Effect::Incomplete,
        format!("layer {index} could not be read a second time"),
    )
}

type Read1 = (Vec<usize>, LayerContents);

/// Streams the wanted layers, the largest first, on all cores.
fn stream(
    image: &Image,
    wanted: &[usize],
    selection: &(dyn Fn(usize) -> Selection + Sync),
    bounds: Bounds,
    progress: &Progress,
) -> Result<Vec<Read1>, Error> {
    let mut streams = image.streams(wanted);
    // Taken from the end: the largest first, so that the last core is not left alone with it.
    streams.sort_by_key(seaworthy_image::LayerStream::size);
    let threads = bounds.threads.min(streams.len()).max(1);
    let queue = Mutex::new(streams);
    let results = Mutex::new(Vec::new());
    let failure = Mutex::new(None);
    let work = || {
        loop {
            let next = lock(&queue).pop();
            let Some(stream) = next else { return };
            let read = stream.read(progress, |index, reader| {
                let timed = Timed {
                    inner: reader,
                    deadline: bounds.deadline,
                };
                read_layer(timed, &selection(index))
            });
            for (indexes, result) in read {
                match result {
                    Ok(contents) => lock(&results).push((indexes, contents)),
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
    let failure = failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match failure {
        Some(error) if bounds.deadline.is_some_and(|deadline| Instant::now() >= deadline) => Err(Error::TimedOut {
            source: Box::new(error),
        }),
        Some(error) => Err(Error::Image(error)),
        None => Ok(results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Reads a root directory as one layer.
pub(crate) fn root_directory(
    path: &Path,
    selection: &Selection,
    bounds: Bounds,
    observer: &dyn Observer,
) -> Result<Inventory, Error> {
    let root = RootDirectory::open(path)?;
    observer.reading(1, 0);
    let contents = walk(&root, selection, bounds)?;
    let refs = [LayerRef {
        digest: None,
        diff_id: None,
    }];
    observer.merging();
    let inventory = merge(&[&contents], &refs, &mut |_, wanted: Vec<Reread>| {
        let only = Selection {
            only: Some(wanted),
            ..Selection::default()
        };
        walk(&root, &only, bounds).map_err(|error| {
            Problem::of_artifact(
                Effect::Incomplete,
                format!("files behind links could not be read: {error}"),
            )
        })
    });
    Ok(inventory)
}

fn walk(root: &RootDirectory, selection: &Selection, bounds: Bounds) -> Result<LayerContents, Error> {
    let mut contents = LayerContents::new();
    let mut problems = Vec::new();
    let skip = |path: &[u8]| selection.skip_directories.iter().any(|pattern| pattern.matches(path));
    let walked = root.walk(&skip, &mut |entry| {
        match &entry.kind {
            EntryKind::Directory => contents.add_directory(entry.path, selection),
            EntryKind::SymbolicLink { target } => contents.add_symbolic_link(entry.path, target.clone(), selection),
            EntryKind::Other => {}
            EntryKind::File { size, .. } => {
                let open = || -> io::Result<Box<dyn Read>> {
                    Ok(Box::new(Timed {
                        inner: entry.open()?,
                        deadline: bounds.deadline,
                    }))
                };
                match contents.add_file(entry.path, *size, open, selection) {
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(error),
                    Err(error) => problems.push(Problem::at_path(
                        String::from_utf8_lossy(entry.path),
                        Effect::Incomplete,
                        format!("cannot read this file: {error}"),
                    )),
                    Ok(()) => {}
                }
            }
        }
        Ok(())
    });
    contents.problems.extend(problems);
    match walked {
        Ok(problems) => contents.problems.extend(problems),
        Err(source) => return Err(Error::Directory { source }),
    }
    Ok(contents)
}
