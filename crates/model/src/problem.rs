//! What could not be read, understood or trusted: bad input is data, and it travels to the report.

use crate::Digest;
use serde::{Deserialize, Serialize};

/// What a problem does to the trust in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Something was seen that changes nothing in the result.
    Note,
    /// A finding or its absence is less certain than usual.
    Uncertain,
    /// Something was not read: the image must not be called clean.
    Incomplete,
}

/// Where a problem was met.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// A path inside the image or root directory, without a leading slash.
    Path(String),
    /// A layer or another blob.
    Digest(Digest),
    /// A path inside a certain layer.
    PathInLayer {
        /// The path without a leading slash.
        path: String,
        /// The layer's blob digest.
        layer: Digest,
    },
    /// The scanned thing as a whole.
    Artifact,
}

/// One thing that went wrong on the way, said so that a reader knows where, what and with which effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// Where it was met.
    pub subject: Subject,
    /// What happened and what was therefore not read: one line, lower case, no full stop.
    pub what: String,
    /// What it does to the trust in the report.
    pub effect: Effect,
}

impl Problem {
    /// A problem with a file of the image.
    pub fn at_path(path: impl Into<String>, effect: Effect, what: impl Into<String>) -> Self {
        Self {
            subject: Subject::Path(path.into()),
            what: what.into(),
            effect,
        }
    }

    /// A problem with the scanned thing as a whole.
    pub fn of_artifact(effect: Effect, what: impl Into<String>) -> Self {
        Self {
            subject: Subject::Artifact,
            what: what.into(),
            effect,
        }
    }

    /// A problem with a layer or another blob.
    pub fn of_blob(digest: Digest, effect: Effect, what: impl Into<String>) -> Self {
        Self {
            subject: Subject::Digest(digest),
            what: what.into(),
            effect,
        }
    }

    /// The same problem, said of this layer: a path becomes a path in the layer, the whole becomes the layer.
    #[must_use]
    pub fn in_layer(mut self, layer: Digest) -> Self {
        self.subject = match self.subject {
            Subject::Path(path) | Subject::PathInLayer { path, .. } => Subject::PathInLayer { path, layer },
            Subject::Digest(_) | Subject::Artifact => Subject::Digest(layer),
        };
        self
    }
}
