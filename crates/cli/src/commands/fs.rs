//! `seaworthy fs`: what the lock files and manifests of a source tree declare.

use super::scan;
use crate::arguments::{GlobalArguments, PathArguments};
use anyhow::Result;
use jiff::Timestamp;
use seaworthy_scanner::{Options, Target};

/// Scans the tree and returns the exit code.
pub(crate) fn run(tree: &PathArguments, global: &GlobalArguments, now: Timestamp) -> Result<u8> {
    let options = Options {
        development: tree.scan.include_dev_deps,
        ..scan::prepare(&tree.scan, global, now)?
    };
    scan::run(&[Target::SourceTree(tree.path.clone())], &tree.scan, options, global)
}
