//! An image in a registry: manifest and config at once, layers straight from the socket when they are asked for.
//!
//! The layers that come next are fetched ahead while others are inflated, as far as their buffers reach. Addresses that a
//! manifest names for its layers (`urls`) are not followed: layers come from the registry, or not at all.

use crate::blobs::{Blobs, Place, RemoteBlobs};
use crate::manifest::{Choice, Descriptor, Manifest, choose, platforms, read};
use crate::network::{DocumentCache, Network};
use crate::source::{Answer, Request};
use crate::{Error, Image};
use bytes::Bytes;
use seaworthy_model::{Digest, ImageMetadata, Platform, limits};
use seaworthy_registry::{BlobStream, Document, Error as RegistryError, Repository};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::path::PathBuf;
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
    let source = Source {
        network,
        repository: &repository,
        cache: request.options.documents.as_deref(),
        shown: &shown,
    };
    let mut offered = Vec::new();
    let top_digest = top.digest;
    let (manifest, manifest_digest) = source.image_manifest(top, request.options.platform.as_ref(), &mut offered)?;
    if let Some(kind) = manifest.artifact() {
        return Err(Error::Artifact {
            reference: shown,
            kind: kind.chars().take(limits::SHOWN_NAME_BYTES).collect(),
        });
    }
    let layers = manifest.layers.unwrap_or_default();
    if layers.len() > limits::LAYERS {
        return Err(Error::TooManyLayers {
            layers: layers.len(),
            limit: limits::LAYERS,
        });
    }
    let Some(config) = manifest.config else {
        return Err(Error::NotAnImage {
            path: shown.into(),
            why: "its manifest has no config".into(),
        });
    };
    let config_digest = digest_of(&config)?;
    let config = source.document(config_digest, || {
        network.wait(repository.small_blob(config_digest))?.map_err(Error::from)
    })?;
    let mut places = Vec::with_capacity(layers.len());
    for layer in &layers {
        let digest = digest_of(layer)?;
        let place = Place {
            name: digest.to_string(),
            offset: 0,
            size: layer.size,
        };
        places.push((place, Some(digest)));
    }
    let name = reference.familiar_name();
    let metadata = ImageMetadata {
        manifest_digest: Some(manifest_digest),
        repo_tags: reference.tag().map(|tag| format!("{name}:{tag}")).into_iter().collect(),
        repo_digests: vec![format!("{name}@{top_digest}")],
        ..ImageMetadata::default()
    };
    let blobs = Blobs::Remote {
        name: PathBuf::from(&shown),
        blobs: Arc::new(RegistryBlobs {
            network: network.clone(),
            repository,
            ahead: Mutex::default(),
        }),
    };
    let image = Image::new(blobs, &shown, (config, config_digest), places, metadata)?.with_platforms(offered);
    if let (Some(wanted), Some(platform)) = (&request.options.platform, &image.metadata().platform)
        && !wanted.accepts(platform)
    {
        return Err(Error::NoPlatform {
            path: shown.into(),
            wanted: wanted.to_string(),
            offered: vec![platform.to_string()],
        });
    }
    Ok(Answer::Found(Box::new(image)))
}

/// What is asked while an image is opened.
struct Source<'a> {
    network: &'a Network,
    repository: &'a Repository,
    cache: Option<&'a dyn DocumentCache>,
    shown: &'a str,
}

impl Source<'_> {
    /// From what the reference names to the manifest of the image for the platform, through indexes.
    fn image_manifest(
        &self,
        top: Document,
        platform: Option<&Platform>,
        offered: &mut Vec<Platform>,
    ) -> Result<(Manifest, Digest), Error> {
        let own = Platform::of_this_machine();
        let wanted = platform.unwrap_or(&own);
        let (mut bytes, mut digest, mut media_type) = (top.bytes, top.digest, top.media_type);
        for _ in 0..=limits::INDEX_DEPTH {
            let manifest = parse(&bytes, &media_type, self.shown)?;
            let Some(manifests) = &manifest.manifests else {
                return Ok((manifest, digest));
            };
            if manifests.len() > limits::INDEX_MANIFESTS {
                return Err(Error::TooLarge {
                    what: format!("the list of manifests of {}", self.shown),
                    limit: limits::INDEX_MANIFESTS as u64,
                });
            }
            let here = platforms(manifests);
            if !here.is_empty() {
                *offered = here;
            }
            let chosen = match choose(manifests, wanted, platform.is_some()) {
                Choice::Fitting(indexes) => indexes.first().and_then(|index| manifests.get(*index)),
                Choice::Empty => None,
                Choice::Missing { offered } => {
                    return Err(Error::NoPlatform {
                        path: self.shown.into(),
                        wanted: wanted.to_string(),
                        offered: offered.iter().map(ToString::to_string).collect(),
                    });
                }
            };
            let Some(chosen) = chosen else {
                return Err(Error::NotAnImage {
                    path: self.shown.into(),
                    why: "its index lists no image".into(),
                });
            };
            digest = digest_of(chosen)?;
            media_type.clone_from(&chosen.media_type);
            bytes = self.document(digest, || {
                let document = self.network.wait(self.repository.manifest_at(digest))??;
                Ok(document.bytes)
            })?;
        }
        Err(Error::IndexDepth {
            limit: limits::INDEX_DEPTH,
        })
    }

    /// A document from the cache, or else fetched and kept.
    fn document(&self, digest: Digest, fetch: impl FnOnce() -> Result<Vec<u8>, Error>) -> Result<Vec<u8>, Error> {
        let known = self.cache.and_then(|cache| cache.get(digest));
        let sound = known.filter(|bytes| digest.as_bytes() == Sha256::digest(bytes).as_slice());
        if let Some(bytes) = sound {
            return Ok(bytes);
        }
        let bytes = fetch()?;
        if let Some(cache) = self.cache {
            cache.put(digest, &bytes);
        }
        Ok(bytes)
    }
}

/// Reads a manifest or an index; one that can be taken for both is refused, so that everybody reads the same.
pub(crate) fn parse(bytes: &[u8], media_type: &str, shown: &str) -> Result<Manifest, Error> {
    let manifest: Manifest = read(bytes, &format!("the manifest of {shown}"))?;
    let schema_one =
        media_type.starts_with("application/vnd.docker.distribution.manifest.v1") || manifest.schema_version == 1;
    if schema_one && manifest.layers.is_none() && manifest.manifests.is_none() {
        return Err(Error::SchemaOne {
            reference: shown.to_owned(),
        });
    }
    let ambiguous = |why: &str| Error::AmbiguousManifest {
        reference: shown.to_owned(),
        why: why.to_owned(),
    };
    if manifest.manifests.is_some() && (manifest.layers.is_some() || manifest.config.is_some()) {
        return Err(ambiguous("it lists both manifests and layers"));
    }
    let is_index = |kind: &str| kind.contains("image.index") || kind.contains("manifest.list");
    let is_manifest = |kind: &str| kind.contains("image.manifest") || kind.contains("distribution.manifest.v2");
    for kind in [manifest.media_type.as_str(), media_type] {
        if (is_index(kind) && manifest.manifests.is_none()) || (is_manifest(kind) && manifest.manifests.is_some()) {
            return Err(ambiguous("its media type says something else than its content"));
        }
    }
    if manifest.manifests.is_none() && manifest.config.is_none() && manifest.layers.is_none() {
        return Err(Error::NotAnImage {
            path: shown.into(),
            why: "what the registry sent is no manifest".into(),
        });
    }
    Ok(manifest)
}

/// For fuzzing alone: what a hostile registry's document goes through before anything is asked because of it.
#[doc(hidden)]
pub fn read_foreign_manifest(bytes: &[u8], media_type: &str, wanted: &Platform) -> Result<usize, Error> {
    let manifest = parse(bytes, media_type, "a name")?;
    if let Some(manifests) = &manifest.manifests {
        let offered = platforms(manifests).len();
        if let Choice::Fitting(indexes) = choose(manifests, wanted, true) {
            for index in indexes.iter().filter_map(|index| manifests.get(*index)) {
                digest_of(index)?;
            }
        }
        return Ok(offered);
    }
    let layers = manifest.layers.as_deref().unwrap_or_default();
    for descriptor in layers.iter().chain(&manifest.config) {
        digest_of(descriptor)?;
    }
    Ok(layers.len() + usize::from(manifest.artifact().is_some()))
}

fn digest_of(descriptor: &Descriptor) -> Result<Digest, Error> {
    Digest::parse(&descriptor.digest).ok_or_else(|| Error::BadDigest {
        what: format!("a descriptor of type {:?}", short(&descriptor.media_type)),
        digest: short(&descriptor.digest),
    })
}

fn short(text: &str) -> String {
    text.chars().take(limits::SHOWN_NAME_BYTES).collect()
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
