//! A manifest or an index as a registry served it: bytes, their digest, and what the registry calls them.

use crate::Error;
use seaworthy_model::Digest;

/// What is asked for: image manifests and indexes, of OCI and of Docker; schema 1 is not.
pub const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// A manifest or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The bytes that the digest is of.
    pub bytes: Vec<u8>,
    /// The digest, computed here.
    pub digest: Digest,
    /// `Content-Type` as the registry gave it, without parameters.
    pub media_type: String,
    /// The host that served it: a mirror, or the registry.
    pub host: String,
}

impl Document {
    /// Refuses answers that cannot be JSON, before somebody wonders about a parser's message.
    pub(crate) fn check(self, what: &str) -> Result<Self, Error> {
        let first = self.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{') {
            return Ok(self);
        }
        let kind = if self.media_type.is_empty() {
            "unnamed"
        } else {
            &self.media_type
        };
        Err(Error::Malformed {
            why: format!("it is no JSON document (content type {kind})"),
            host: self.host,
            what: what.to_owned(),
        })
    }
}
