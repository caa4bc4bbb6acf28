//! What can go wrong with feeds and with the advisory file: one variant per fact, advice apart in [`Error::hint`].

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory could not be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A feed as a whole is not in the form that it should have.
    #[error("cannot read feed {feed}: {what}")]
    Feed {
        /// The feed's path below the feed directory.
        feed: String,
        /// What is wrong, and where.
        what: String,
    },
    /// A feed directory without a single feed.
    #[error("no feeds in {}", .0.display())]
    NoFeeds(PathBuf),
    /// The file is something else.
    #[error("cannot open advisory file {origin}: it is not an advisory file (it does not start with its signature)")]
    Foreign {
        /// The path, or `built in`.
        origin: String,
    },
    /// The file was written in a later format.
    #[error("cannot open advisory file {origin}: it has format {found}, this version reads formats up to {supported}")]
    Format {
        /// The path, or `built in`.
        origin: String,
        /// The format of the file.
        found: u32,
        /// The latest format that is read.
        supported: u32,
    },
    /// The file is shorter or longer than its header says.
    #[error("cannot open advisory file {origin}: it should have {expected} bytes and has {found}")]
    Length {
        /// The path, or `built in`.
        origin: String,
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A part of the file is not what was written.
    #[error("advisory file {origin} is damaged in {part}: {what}")]
    Damaged {
        /// The path, or `built in`.
        origin: String,
        /// The section, or `its index`.
        part: String,
        /// What is wrong with it.
        what: String,
    },
    /// The facts do not fit into the format.
    #[error("cannot write the advisory file: {0}")]
    Unwritable(String),
}

impl Error {
    /// What a user can do about it, where something can be done.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => {
                Some("give a file made by `seaworthy db build`, or leave --db out to use the built-in data")
            }
            Self::Format { .. } => Some("update seaworthy, or make the file again with `seaworthy db build`"),
            Self::Length { .. } | Self::Damaged { .. } => {
                Some("make the file again with `seaworthy db build`, or leave --db out to use the built-in data")
            }
            Self::NoFeeds(_) => {
                Some("the directory should hold osv/, alpine/, debian/, … as their publishers serve them")
            }
            Self::Read { .. } | Self::Feed { .. } | Self::Unwritable(_) => None,
        }
    }
}
