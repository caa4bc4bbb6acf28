//! Matches become a decision: what is shown, what is suppressed and why, and whether the scanned thing passes.
//!
//! Pure: no clock, no files. Today's date and the bytes of an ignore file are handed in.

mod evaluate;
mod ignore_file;
mod order;
mod rules;

pub use evaluate::evaluate;
pub use ignore_file::{IgnoreFile, Ignored};
pub use rules::Rules;
