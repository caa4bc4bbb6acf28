//! Where the named parts of an image lie: ranges of an archive, files of a directory, or blobs behind a socket.

use crate::Error;
use crate::compression::{Compression, decoder, unread};
use crate::daemon::Export;
use crate::tar_index::TarIndex;
use seaworthy_model::{Digest, limits};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Begins a stream again.
type Reopen = dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync;

/// A tar stream that can be read from its beginning as often as needed, and only so.
#[derive(Clone)]
pub(crate) struct Stream(Arc<Reopen>);

impl Stream {
    /// A stream that `reopen` begins again; its bytes come uncompressed.
    pub(crate) fn new(reopen: impl Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(reopen))
    }

    /// Begins the stream.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        (self.0)()
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Stream")
    }
}

/// What is inflated of a whole archive, which fails where it would go beyond all measure.
struct AtMost<R>(io::Take<R>);

impl<R: Read> Read for AtMost<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        if count == 0 && self.0.limit() == 0 && !buffer.is_empty() {
            let what = "the archive inflates beyond all measure";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        Ok(count)
    }
}

/// Blobs that somebody else keeps under their digests: a registry, a content store.
pub(crate) trait RemoteBlobs: std::fmt::Debug + Send + Sync {
    /// The blob at a place, as it is stored. The name of the place is the digest.
    fn open(&self, place: &Place) -> Result<Box<dyn Read + Send>, Error>;

    /// These blobs will be opened soon, probably in this order.
    fn expect(&self, places: &[Place]) {
        let _ = places;
    }
}

/// A place that holds manifest, config and layers under names.
#[derive(Debug)]
pub(crate) enum Blobs {
    /// A tar archive that can be entered anywhere.
    Archive { path: PathBuf, index: TarIndex },
    /// A tar archive that can only be read from its beginning: one compressed as a whole, or one that a daemon writes.
    Streamed {
        path: PathBuf,
        stream: Stream,
        index: TarIndex,
    },
    /// A directory (OCI layout).
    Directory { path: PathBuf },
    /// What a daemon exports when a layer must be read; only layers can be read from it.
    Export { name: PathBuf, export: Export },
    /// Blobs behind a socket, by digest.
    Remote { name: PathBuf, blobs: Arc<dyn RemoteBlobs> },
}

/// One blob's place in its container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Name inside the container, for messages.
    pub(crate) name: String,
    /// Offset of the content in the (uncompressed) archive; 0 in a directory.
    pub(crate) offset: u64,
    /// Length in bytes.
    pub(crate) size: u64,
}

impl Blobs {
    /// Opens an archive file or a directory.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let open = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let metadata = std::fs::metadata(path).map_err(open)?;
        if metadata.is_dir() {
            return Ok(Self::Directory { path: path.to_owned() });
        }
        if !metadata.is_file() {
            let why = "it is neither a file nor a directory (pipes and devices cannot be read twice; save it to a file first)";
            return Err(Error::NotAnImage {
                path: path.to_owned(),
                why: why.into(),
            });
        }
        let mut file = File::open(path).map_err(open)?;
        if metadata.len() == 0 {
            return Err(Error::Empty { path: path.to_owned() });
        }
        let mut head = Vec::with_capacity(8);
        Read::by_ref(&mut file).take(8).read_to_end(&mut head).map_err(open)?;
        file.seek(SeekFrom::Start(0)).map_err(open)?;
        if let Some(name) = unread(&head) {
            return Err(Error::NotAnImage {
                path: path.to_owned(),
                why: format!("it is compressed with {name}; gzip, zstd and uncompressed archives are read"),
            });
        }
        let path = path.to_owned();
        if Compression::of(&head) == Compression::None {
            let index = TarIndex::of_file(file, &path)?;
            Ok(Self::Archive { path, index })
        } else {
            drop(file);
            let again = path.clone();
            let most = Compression::of(&head).most(metadata.len());
            let stream = Stream::new(move || Ok(Box::new(AtMost(decoder(File::open(&again)?)?.take(most)))));
            Self::streamed(path, stream)
        }
    }

    /// Reads a stream once to know its members.
    pub(crate) fn streamed(path: PathBuf, stream: Stream) -> Result<Self, Error> {
        let reader = stream.open().map_err(|source| Error::Open {
            path: path.clone(),
            source,
        })?;
        let index = TarIndex::of_stream(reader, &path)?;
        Ok(Self::Streamed { path, stream, index })
    }

    /// The whole archive from its beginning, where that is the only way to read it.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        match self {
            Self::Streamed { stream, .. } => Some(stream),
            _ => None,
        }
    }

    /// Tells what will be opened soon, to those who can prepare for it.
    pub(crate) fn expect(&self, places: &[Place]) {
        if let Self::Remote { blobs, .. } = self {
            blobs.expect(places);
        }
    }

    /// The path (or name) that the user gave.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Archive { path, .. }
            | Self::Streamed { path, .. }
            | Self::Directory { path }
            | Self::Export { name: path, .. }
            | Self::Remote { name: path, .. } => path,
        }
    }

    /// Whether blobs can be read in any order and at the same time.
    pub(crate) const fn random_access(&self) -> bool {
        !matches!(self, Self::Streamed { .. } | Self::Export { .. })
    }

    /// Finds a blob by name; names that leave the container do not exist.
    pub(crate) fn find(&self, name: &str) -> Option<Place> {
        match self {
            Self::Archive { index, .. } | Self::Streamed { index, .. } => index.find(name),
            // What is there shows when it is opened; the manifest tells the size.
            Self::Remote { .. } | Self::Export { .. } => None,
            Self::Directory { path } => {
                let safe = !name.is_empty()
                    && name
                        .split('/')
                        .all(|part| !part.is_empty() && part != "." && part != "..");
                let metadata = safe.then(|| std::fs::metadata(path.join(name)).ok()).flatten()?;
                metadata.is_file().then(|| Place {
                    name: name.to_owned(),
                    offset: 0,
                    size: metadata.len(),
                })
            }
        }
    }

    /// Opens a blob of a container with random access; its bytes as stored.
    pub(crate) fn open_blob(&self, place: &Place) -> Result<Box<dyn Read + Send>, Error> {
        let (path, offset) = match self {
            Self::Archive { path, .. } | Self::Streamed { path, .. } => (path.clone(), place.offset),
            Self::Directory { path } => (path.join(&place.name), 0),
            Self::Remote { blobs, .. } => return blobs.open(place),
            Self::Export { name, .. } => {
                return Err(Error::Open {
                    path: name.clone(),
                    source: io::Error::other("an export can only be read from its beginning"),
                });
            }
        };
        let mut file = File::open(&path).map_err(|source| Error::Open {
            path: path.clone(),
            source,
        })?;
        if offset > 0 {
            file.seek(SeekFrom::Start(offset))
                .map_err(|source| Error::Open { path, source })?;
        }
        Ok(Box::new(file.take(place.size)))
    }

    /// The content of a small blob (manifest, index, config), whole, and its digest; verified where `expected` is given.
    pub(crate) fn small(&self, name: &str, expected: Option<Digest>) -> Result<Option<(Vec<u8>, Digest)>, Error> {
        let Some(place) = self.find(name) else { return Ok(None) };
        if place.size > limits::MANIFEST_BYTES {
            return Err(Error::TooLarge {
                what: place.name,
                limit: limits::MANIFEST_BYTES,
            });
        }
        let bytes = match self {
            Self::Streamed { index, .. } => index.small(&place).unwrap_or_default().to_vec(),
            _ => {
                let mut bytes = Vec::with_capacity(usize::try_from(place.size).unwrap_or(0));
                let mut reader = self.open_blob(&place)?;
                reader.read_to_end(&mut bytes).map_err(|source| Error::Read {
                    what: place.name.clone(),
                    source,
                })?;
                bytes
            }
        };
        if bytes.len() as u64 != place.size {
            return Err(Error::WrongSize {
                what: place.name,
                expected: place.size,
                actual: bytes.len() as u64,
            });
        }
        let actual = Digest::from_bytes(Sha256::digest(&bytes).into());
        match expected {
            Some(expected) if expected != actual => Err(Error::WrongDigest {
                what: place.name,
                expected,
                actual,
            }),
            _ => Ok(Some((bytes, actual))),
        }
    }

    /// Like [`Blobs::small`] for a blob that `what` says must be there.
    pub(crate) fn required(
        &self,
        what: &str,
        name: &str,
        expected: Option<Digest>,
    ) -> Result<(Vec<u8>, Digest), Error> {
        self.small(name, expected)?.ok_or_else(|| Error::MissingBlob {
            what: what.to_owned(),
            name: name.to_owned(),
        })
    }
}
