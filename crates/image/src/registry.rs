//! An image in a registry: manifest and config at once, layers straight from the socket when they are asked for.
//!
//! The layers that come next are fetched ahead while others are inflated, as far as their buffers reach. Addresses that a
//! manifest names for its layers (`urls`) are not followed: layers come from the registry, or not at all.

use crate::Error;
use crate::blobs::{Place, RemoteBlobs};
use crate::network::Network;
use crate::remote::{Remote, short};
use crate::source::{Answer, Request};
use bytes::Bytes;
use seaworthy_model::{Digest, limits};
use seaworthy_registry::{BlobStream, Error as RegistryError, Repository};
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Layers whose connections are opened before somebody reads them.
const AHEAD: usize = 2;

/// Opens the image that a reference names in its registry.
pub(crate) fn open(request: &Request<'_>) -> Result<Answer, Error> {
    let Some(reference) = request.reference else {
        return Ok(Answer::Absent("an image id, which no registry knows".into()));
    };
    let network = &request.options.network;
    let repository = network
        .client()?
        .repository(reference)
        .with_deadline(request.options.deadline);
    let shown = reference.to_string();
    let top = match network.wait(repository.manifest())? {
        Ok(document) => document,
        Err(error) if error.is_absent() => return Ok(Answer::Absent(error.word())),
        Err(error) => return Err(error.into()),
    };
    let remote = Remote {
        shown: &shown,
        reference: Some(reference),
        platform: request.options.platform.as_ref(),
        cache: request.options.documents.as_deref(),
        manifest: &|digest| Ok(network.wait(repository.manifest_at(digest))??.bytes),
        config: &|digest| network.wait(repository.small_blob(digest))?.map_err(Error::from),
    };
    let blobs = RegistryBlobs {
        network: network.clone(),
        repository: repository.clone(),
        ahead: Mutex::default(),
    };
    let image = remote.image(top, Arc::new(blobs))?;
    Ok(Answer::Found(Box::new(image)))
}

/// The layers of one image in a registry.
#[derive(Debug)]
struct RegistryBlobs {
    network: Network,
    repository: Repository,
    ahead: Mutex<Ahead>,
}

/// What is fetched before it is asked for.
#[derive(Debug, Default)]
struct Ahead {
    expected: VecDeque<Place>,
    started: HashMap<String, Feed>,
}

impl RegistryBlobs {
    fn start(&self, place: &Place) -> Result<Feed, Error> {
        let digest = Digest::parse(&place.name).ok_or_else(|| Error::BadDigest {
            what: "a layer".into(),
            digest: short(&place.name),
        })?;
        let stream = self.repository.blob(digest, place.size);
        let (feed, task) = feed(stream);
        self.network.spawn(task)?;
        Ok(feed)
    }

    fn ahead(&self) -> std::sync::MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RemoteBlobs for RegistryBlobs {
    fn open(&self, place: &Place) -> Result<Box<dyn Read + Send>, Error> {
        let mut ahead = self.ahead();
        ahead.expected.retain(|other| other.name != place.name);
        let feed = match ahead.started.remove(&place.name) {
            Some(feed) => feed,
            None => self.start(place)?,
        };
        while ahead.started.len() < AHEAD {
            let Some(next) = ahead.expected.pop_front() else { break };
            let feed = self.start(&next)?;
            ahead.started.insert(next.name, feed);
        }
        Ok(Box::new(feed))
    }

    fn expect(&self, places: &[Place]) {
        let mut ahead = self.ahead();
        ahead
            .started
            .retain(|name, _| places.iter().any(|place| place.name == *name));
        let started = &ahead.started;
        let open = places.iter().filter(|place| !started.contains_key(&place.name));
        ahead.expected = open.cloned().collect();
    }
}

/// The reader's end of a blob that a task receives; dropping it ends the task.
#[derive(Debug)]
struct Feed {
    chunks: UnboundedReceiver<Result<Bytes, RegistryError>>,
    /// Free bytes of the buffer, in units of [`UNIT`].
    free: Arc<Semaphore>,
    current: Bytes,
    /// Units that `current` holds.
    held: u32,
    ended: bool,
}

/// Bytes for which one permit stands.
const UNIT: usize = 1024;

/// The units of a chunk; one larger than the whole buffer takes all of it.
fn units(bytes: usize) -> u32 {
    let all = limits::BLOB_BUFFER_BYTES / UNIT;
    u32::try_from(bytes.div_ceil(UNIT).clamp(1, all)).unwrap_or(u32::MAX)
}

/// A feed, and the task that fills it.
fn feed(mut stream: BlobStream) -> (Feed, impl Future<Output = ()> + Send) {
    let (sender, chunks) = unbounded_channel();
    let free = Arc::new(Semaphore::new(limits::BLOB_BUFFER_BYTES / UNIT));
    let room = Arc::clone(&free);
    let task = async move {
        loop {
            let next = tokio::select! {
                // Nobody reads any more.
                () = sender.closed() => return,
                next = stream.next() => next,
            };
            let (chunk, last) = match next {
                Ok(Some(chunk)) => (Ok(chunk), false),
                Ok(None) => return,
                Err(error) => (Err(error), true),
            };
            if let Ok(chunk) = &chunk {
                match room.acquire_many(units(chunk.len())).await {
                    Ok(permit) => permit.forget(),
                    Err(_) => return,
                }
            }
            if sender.send(chunk).is_err() || last {
                return;
            }
        }
    };
    let feed = Feed {
        chunks,
        free,
        current: Bytes::new(),
        held: 0,
        ended: false,
    };
    (feed, task)
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.free.close();
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            if self.ended {
                return Ok(0);
            }
            self.free
                .add_permits(usize::try_from(std::mem::take(&mut self.held)).unwrap_or(0));
            match self.chunks.blocking_recv() {
                Some(Ok(chunk)) => {
                    self.held = units(chunk.len());
                    self.current = chunk;
                }
                Some(Err(error)) => {
                    self.ended = true;
                    let kind = match error {
                        RegistryError::TimedOut { .. } => io::ErrorKind::TimedOut,
                        _ => io::ErrorKind::Other,
                    };
                    return Err(io::Error::new(kind, error));
                }
                None => self.ended = true,
            }
        }
        let count = self.current.len().min(buffer.len());
        let head = self.current.split_to(count);
        if let Some(target) = buffer.get_mut(..count) {
            target.copy_from_slice(&head);
        }
        Ok(count)
    }
}
