//! containerd's images: names from its image service, manifests and layers from its content store, by digest.
//!
//! Messages are those of `containerd.services.images.v1` and `containerd.services.content.v1`, as far as they are needed.

use super::grpc::{Grpc, Messages, error};
use crate::Error;
use crate::blobs::{Place, RemoteBlobs};
use crate::remote::Remote;
use crate::source::{Answer, Request};
use prost::Message;
use seaworthy_model::{Digest, limits};
use seaworthy_registry::Document;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};
use std::sync::Arc;

#[derive(Clone, PartialEq, Message)]
struct GetImageRequest {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetImageResponse {
    #[prost(message, optional, tag = "1")]
    image: Option<StoredImage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StoredImage {
    #[prost(message, optional, tag = "3")]
    target: Option<Target>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Target {
    #[prost(string, tag = "1")]
    media_type: String,
    #[prost(string, tag = "2")]
    digest: String,
}

#[derive(Clone, PartialEq, Message)]
struct ReadContentRequest {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(int64, tag = "2")]
    offset: i64,
    #[prost(int64, tag = "3")]
    size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadContentResponse {
    #[prost(int64, tag = "1")]
    offset: i64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) data: bytes::Bytes,
}

const GET_IMAGE: &str = "containerd.services.images.v1.Images/Get";
const READ_CONTENT: &str = "containerd.services.content.v1.Content/Read";

/// Opens the image of a name that containerd has in one of its namespaces.
pub(crate) fn open(request: &Request<'_>) -> Result<Answer, Error> {
    let options = request.options;
    let mut why = "not running".to_owned();
    for path in &options.daemons.containerd {
        match Grpc::connect(path, &options.network, options.deadline) {
            Ok(grpc) => return ask(&grpc, request),
            // A socket that may not be used says more than one that is not there.
            Err(reason) if reason != "not running" => why = reason,
            Err(_) => {}
        }
    }
    Ok(Answer::Absent(why))
}

fn ask(grpc: &Grpc, request: &Request<'_>) -> Result<Answer, Error> {
    for namespace in &request.options.daemons.containerd_namespaces {
        let store = Store {
            grpc: grpc.clone(),
            namespace: namespace.clone(),
        };
        for name in names(request) {
            if let Some(target) = store.target(&name)? {
                return image(&store, &name, target, request);
            }
        }
    }
    Ok(Answer::Absent("no such image".into()))
}

/// What containerd may call the image: normalised by its clients, as it was written, or by the id of its config, which is
/// how Kubernetes names it besides.
fn names(request: &Request<'_>) -> Vec<String> {
    let mut names = vec![request.text.to_owned()];
    match request.reference {
        Some(reference) => {
            names.insert(0, reference.normalized());
            // Kubernetes keeps an image under its tag and under its digest, not under both at once.
            names.extend(
                reference
                    .digest()
                    .map(|digest| format!("{}/{}@{digest}", reference.host(), reference.repository())),
            );
        }
        None if !request.text.contains(':') => names.push(format!("sha256:{}", request.text)),
        None => {}
    }
    names.dedup();
    names
}

fn image(store: &Store, name: &str, target: Target, request: &Request<'_>) -> Result<Answer, Error> {
    let Some(digest) = Digest::parse(&target.digest) else {
        return Err(Error::BadDigest {
            what: format!("{name} in containerd"),
            digest: target.digest,
        });
    };
    let bytes = store.small(digest)?;
    let shown = format!("{name} in containerd ({})", store.namespace);
    let fetch = |digest| store.small(digest);
    let remote = Remote {
        shown: &shown,
        reference: request.reference,
        platform: request.options.platform.as_ref(),
        cache: None,
        manifest: &fetch,
        config: &fetch,
    };
    let top = Document {
        bytes,
        digest,
        media_type: target.media_type,
        host: String::new(),
    };
    match remote.image(top, Arc::new(store.clone())) {
        Ok(image) => Ok(Answer::Found(Box::new(image))),
        // Somebody else may have the platform.
        Err(Error::NoPlatform { offered, .. }) => Ok(Answer::Absent(format!("has it for {}", offered.join(", ")))),
        Err(error) => Err(error),
    }
}

/// The content of one namespace.
#[derive(Clone, Debug)]
struct Store {
    grpc: Grpc,
    namespace: String,
}

impl Store {
    fn target(&self, name: &str) -> Result<Option<Target>, Error> {
        let request = GetImageRequest { name: name.to_owned() };
        let Some(mut messages) = self.grpc.call(GET_IMAGE, &self.namespace, &request)? else {
            return Ok(None);
        };
        let response: Option<GetImageResponse> = messages.next()?;
        Ok(response.and_then(|response| response.image?.target))
    }

    /// A manifest or config, whole and verified.
    fn small(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        let what = format!("{digest} in containerd");
        let mut bytes = Vec::new();
        self.content(digest)?
            .take(limits::MANIFEST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Read {
                what: what.clone(),
                source,
            })?;
        if bytes.len() as u64 > limits::MANIFEST_BYTES {
            return Err(Error::TooLarge {
                what,
                limit: limits::MANIFEST_BYTES,
            });
        }
        let actual = Digest::from_bytes(Sha256::digest(&bytes).into());
        if actual != digest {
            return Err(Error::WrongDigest {
                what,
                expected: digest,
                actual,
            });
        }
        Ok(bytes)
    }

    fn content(&self, digest: Digest) -> Result<Content, Error> {
        let request = ReadContentRequest {
            digest: digest.to_string(),
            offset: 0,
            size: 0,
        };
        let messages = self.grpc.call(READ_CONTENT, &self.namespace, &request)?;
        let messages = messages.ok_or_else(|| {
            error(&format!(
                "it has the image without {digest}: contents are deleted after unpacking, or another platform's \
                were never fetched; `ctr images pull` fetches them"
            ))
        })?;
        Ok(Content {
            messages,
            current: bytes::Bytes::new(),
        })
    }
}

impl RemoteBlobs for Store {
    fn open(&self, place: &Place) -> Result<Box<dyn Read + Send>, Error> {
        let digest = Digest::parse(&place.name).ok_or_else(|| Error::BadDigest {
            what: "a layer".into(),
            digest: place.name.clone(),
        })?;
        Ok(Box::new(self.content(digest)?))
    }
}

/// A blob as a reader.
#[derive(Debug)]
struct Content {
    messages: Messages,
    current: bytes::Bytes,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let next: Option<ReadContentResponse> = self.messages.next().map_err(io::Error::other)?;
            match next {
                Some(response) => self.current = response.data,
                None => return Ok(0),
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
