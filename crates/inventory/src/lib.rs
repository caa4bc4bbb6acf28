//! Tar bytes become packages: one table of analyzers, whiteouts and layer merge.
//!
//! Pure: bytes in, values out. Nothing here opens a file or a socket, and every loop over foreign structure is bounded.
#![deny(clippy::indexing_slicing)]

pub mod analyzer;
pub mod language;
pub mod os;
pub mod release;
