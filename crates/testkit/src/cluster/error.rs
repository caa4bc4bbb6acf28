//! Why there is no control plane.

use std::io;
use std::path::PathBuf;

/// Why there is no control plane.
#[derive(Debug)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum Error {
    Missing { hint: String },
    NoSuchPart { part: String },
    Start { program: String, source: io::Error },
    Write { path: PathBuf, source: io::Error },
    Refused { what: String, said: String },
    NotReady { what: String, logs: String },
    Keys { said: String },
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { hint } => write!(formatter, "the programs of a control plane are missing: {hint}"),
            Self::NoSuchPart { part } => write!(formatter, "there is no part {part} of a control plane"),
            Self::Start { program, source } => write!(formatter, "cannot start {program}: {source}"),
            Self::Write { path, source } => write!(formatter, "cannot write {}: {source}", path.display()),
            Self::Refused { what, said } => write!(formatter, "{what} was refused: {said}"),
            Self::NotReady { what, logs } => write!(formatter, "it never held that {what}\n{logs}"),
            Self::Keys { said } => write!(formatter, "cannot make the key of the service accounts: {said}"),
        }
    }
}

impl std::error::Error for Error {}
