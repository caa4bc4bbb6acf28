//! Why a scan gave no report.

use seaworthy_inventory::sbom::Unreadable;
use std::io;
use std::path::PathBuf;

/// Why a scan gave no report.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum Error {
    #[error(transparent)]
    Image(#[from] seaworthy_image::Error),
    #[error("cannot scan {name}")]
    Unread {
        name: String,
        source: seaworthy_image::Error,
    },
    #[error(transparent)]
    Advisories(#[from] seaworthy_advisories::error::Error),
    #[error("the scan took longer than allowed: {reached}")]
    TimedOut { reached: String },
    #[error("cannot read the directory")]
    Directory { source: io::Error },
    #[error("layer {index} gave no result")]
    LayerLost { index: usize },
    #[error("cannot read {}", path.display())]
    Bill { path: PathBuf, source: io::Error },
    #[error("{} is larger than {limit} bytes", path.display())]
    BillTooLarge { path: PathBuf, limit: u64 },
    #[error("cannot scan {}", path.display())]
    NoBill { path: PathBuf, source: Unreadable },
}

impl Error {
    /// The same error, said of this input where it names only a part of it.
    pub(crate) fn of(self, name: String) -> Self {
        match self {
            Self::Image(source) => Self::Unread { name, source },
            other => other,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image(error) | Self::Unread { source: error, .. } => error.hint(),
            Self::Advisories(error) => error.hint().map(str::to_owned),
            Self::TimedOut { .. } => Some("give it more time with --timeout, for example --timeout 15m".into()),
            Self::NoBill { source, .. } => source.hint().map(str::to_owned),
            _ => None,
        }
    }
}
