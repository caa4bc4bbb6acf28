//! What could not be read, understood or trusted: bad input is data, and it travels to the report.

use crate::{Digest, limits};
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

    /// Adds the problem to those of one layer or file; after [`limits::PROBLEMS`] of them one more says that the rest is not
    /// listed, and counts as something that was not read: what is dropped may have been that.
    pub fn add_to(self, problems: &mut Vec<Self>) {
        match problems.len() {
            count if count < limits::PROBLEMS => problems.push(self),
            limits::PROBLEMS => {
                let what = format!("more than {} problems, the rest is not listed", limits::PROBLEMS);
                problems.push(Self {
                    subject: self.subject,
                    what,
                    effect: Effect::Incomplete,
                });
            }
            _ => {}
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

#[cfg(test)]
mod tests {
    use super::{Effect, Problem};
    use crate::limits::PROBLEMS;

    #[test]
    fn harmless_problems_do_not_hide_that_something_was_not_read() {
        let mut problems = Vec::new();
        for at in 0..PROBLEMS + 10 {
            Problem::at_path(at.to_string(), Effect::Note, "odd").add_to(&mut problems);
        }
        assert_eq!(problems.len(), PROBLEMS + 1);
        assert_eq!(problems.last().unwrap().effect, Effect::Incomplete);
    }
}
