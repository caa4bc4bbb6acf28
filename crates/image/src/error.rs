//! What can keep an image from being read: one variant a fact, advice apart in [`Error::hint`].

use seaworthy_model::Digest;
use std::io;
use std::path::PathBuf;

/// Why an image, or one of its layers, could not be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum Error {
    #[error("cannot open {path}")]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read {what}")]
    Read { what: String, source: io::Error },
    #[error("{path} is not an image: {why}")]
    NotAnImage { path: PathBuf, why: String },
    #[error("{path} is empty")]
    Empty { path: PathBuf },
    #[error("{what} is larger than {limit} bytes")]
    TooLarge { what: String, limit: u64 },
    #[error("{what} is not valid JSON for its kind")]
    Json { what: String, source: serde_json::Error },
    #[error("{what} lists more than {limit} values")]
    TooManyValues { what: String, limit: usize },
    #[error("{what} names {name}, which is not in the image")]
    MissingBlob { what: String, name: String },
    #[error("{what} has no sha256 digest: {digest}")]
    BadDigest { what: String, digest: String },
    #[error("{what} has the digest {actual}, not {expected} as promised")]
    WrongDigest {
        what: String,
        expected: Digest,
        actual: Digest,
    },
    #[error("{what} has {actual} bytes, not {expected} as promised")]
    WrongSize { what: String, expected: u64, actual: u64 },
    #[error("the config lists {diff_ids} layers and the manifest {layers}")]
    LayerCount { diff_ids: usize, layers: usize },
    #[error("the image has {layers} layers, more than {limit}")]
    TooManyLayers { layers: usize, limit: usize },
    #[error("no image for {wanted} in {path}; it has {}", offered.join(", "))]
    NoPlatform {
        path: PathBuf,
        wanted: String,
        offered: Vec<String>,
    },
    #[error("{path} holds {} images and no selector picks one: {}", names.len(), names.join(", "))]
    Ambiguous { path: PathBuf, names: Vec<String> },
    #[error("{path} holds no image named {wanted}; it has {}", names.join(", "))]
    NoSuchImage {
        path: PathBuf,
        wanted: String,
        names: Vec<String>,
    },
    #[error("indexes are nested deeper than {limit} levels")]
    IndexDepth { limit: usize },
    #[error("{what} inflates to more than {ratio} times its size")]
    Bomb { what: String, ratio: u64 },
    #[error("{what} is not a tar archive, nor one compressed with gzip or zstd")]
    NotATar { what: String },
    #[error("{what} stayed open for reading when the scan ended")]
    Interrupted { what: String },
    #[error(transparent)]
    Registry(#[from] seaworthy_registry::Error),
    #[error("{reference} is not an image but an artifact of type {kind}")]
    Artifact { reference: String, kind: String },
    #[error("{reference} has a manifest of schema 1, which has been out of use since 2017")]
    SchemaOne { reference: String },
    #[error("{reference} has a manifest that can be read in two ways: {why}")]
    AmbiguousManifest { reference: String, why: String },
    #[error("{daemon}: {why}")]
    Daemon { daemon: &'static str, why: String },
    #[error("cannot set up the network")]
    Network { source: io::Error },
    #[error("{}", not_opened(.reference, .tried, .cause))]
    NotOpened {
        reference: String,
        tried: Vec<Tried>,
        cause: Option<Box<Self>>,
    },
}

/// What one source answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The source: `docker`, `registry ghcr.io`.
    pub source: String,
    /// Its answer in few words: `not running`, `not found`.
    pub answer: String,
}

/// The message of an image that no source has, with what was tried on a line of its own.
fn not_opened(reference: &str, tried: &[Tried], cause: &Option<Box<Error>>) -> String {
    let mut text = match cause {
        Some(cause) => format!("unable to read image {reference:?}: {cause}"),
        None => format!("unable to find image {reference:?}"),
    };
    if !tried.is_empty() {
        let tried: Vec<String> = tried
            .iter()
            .map(|tried| format!("{} ({})", tried.source, tried.answer))
            .collect();
        text.push_str("\n  tried: ");
        text.push_str(&tried.join(", "));
    }
    text
}

impl Error {
    /// What the user can do about it, where that is more than the message says.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path; to scan an image by its name use `seaworthy image NAME` without --input".into()
            }
            Self::NotAnImage { .. } | Self::NotATar { .. } => {
                "expected is the output of `docker save`, an OCI archive or an OCI layout directory; \
                for an unpacked file system use `seaworthy rootfs DIR`"
                    .into()
            }
            Self::Empty { .. } => "was the download or `docker save` interrupted? write it again".into(),
            Self::MissingBlob { .. } | Self::WrongDigest { .. } | Self::WrongSize { .. } => {
                "the image is damaged or was altered: save or pull it again".into()
            }
            Self::NoPlatform { .. } => "choose one of them with --platform".into(),
            Self::Ambiguous { .. } | Self::NoSuchImage { .. } => {
                "add the name or digest: --input DIR:TAG or --input DIR@sha256:…".into()
            }
            Self::Registry(error) => return error.hint(),
            Self::Read { source, .. } => {
                let registry = source
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<seaworthy_registry::Error>());
                let is_damage = matches!(
                    source.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
                );
                return match registry {
                    Some(error) => error.hint(),
                    None if is_damage => Some("the image is damaged or was cut off: save or pull it again".into()),
                    None => None,
                };
            }
            Self::Artifact { .. } => {
                "charts, signatures, attestations and modules hold no packages; name the image that they belong to"
                    .into()
            }
            Self::SchemaOne { .. } => "pull the image with a current tool and push it again".into(),
            Self::NotOpened { cause: Some(cause), .. } => return cause.hint(),
            Self::NotOpened { .. } => "check the spelling, `docker pull` it first, or log in if it is private".into(),
            Self::Bomb { .. } => "this is a decompression bomb or nearly empty data; nothing of it was trusted".into(),
            _ => return None,
        })
    }
}
