//! Feeds become one mapped file; version schemes; matching.
#![deny(clippy::indexing_slicing)]

pub mod database;
pub mod ecosystem;
pub mod end_of_life;
pub mod error;
pub mod feeds;
pub mod file;
pub mod language;
pub mod matching;
pub mod program;
pub mod record;
pub mod third_party;
pub mod versions;
