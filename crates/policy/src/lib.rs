//! Matches become a decision: what is shown, what is suppressed and why, and whether the scanned thing passes.
//!
//! Pure: no clock, no files. Today's date and the bytes of an ignore file are handed in. `evaluate` serves one scan on
//! the command line; `judge` decides in a cluster, where policies and exceptions are objects and images are remembered.

pub mod duration;
mod evaluate;
pub mod glob;
mod ignore_file;
pub mod image_name;
pub mod instant;
mod judge;
mod order;
mod rules;
mod scan_policy;
pub mod selector;

pub use evaluate::evaluate;
pub use ignore_file::{IgnoreFile, Ignored};
pub use judge::{Judgement, LINE_BYTES, cut, judge, worst_violation};
pub use rules::Rules;
pub use scan_policy::{Action, Exception, Expiry, FindingRule, ScanPolicy, effective, open_while_away};
