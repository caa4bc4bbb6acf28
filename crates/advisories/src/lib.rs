//! Feeds become one mapped file; version schemes; matching.
#![deny(clippy::indexing_slicing)]

pub mod error;
pub mod record;
pub mod versions;
