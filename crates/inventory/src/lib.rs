//! Tar bytes become packages: one table of analyzers, whiteouts and layer merge.
//!
//! Pure: bytes in, values out. Nothing here opens a file or a socket, and every loop over foreign structure is bounded.
#![deny(clippy::indexing_slicing)]

pub mod analyzer;
pub mod binary;
mod content;
pub mod declared;
mod encoding;
mod entry;
pub mod language;
mod layer;
mod merge;
mod missing;
mod name_table;
pub mod os;
mod path;
mod pattern;
pub mod release;
pub mod sbom;
mod selection;
mod settle;
mod tar_stream;
mod tree;
mod wanted;

pub use content::Content;
pub use layer::{LayerContents, read_layer};
pub use merge::{RereadLayer, merge};
pub use pattern::Pattern;
pub use selection::{Again, Reread, Selection};
