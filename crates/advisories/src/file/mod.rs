//! The advisory file: written once from a compilation, mapped and never changed afterwards.
//!
//! One zstd frame per release or language holds its statements, further frames hold what is known of ids. The layout and
//! the reasons for it are in `docs/decisions/0002-advisory-file-layout.md`.

mod bytes;
mod facts;
mod identifier;
mod index;
mod map;
mod once;
mod reader;
mod section;
mod section_writer;
mod weaknesses;
mod writer;

pub(crate) use identifier::Identifier;
pub use index::{FORMAT, SourceSummary};
pub(crate) use reader::AdvisoryFile;
pub(crate) use section::{Bound, Entry, Section, Stretch};
pub use writer::write;
