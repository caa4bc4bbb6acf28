//! The rules of one decision: a field each, with its function in `evaluate.rs`.

use crate::Ignored;
use seaworthy_model::{FixStatus, Severity};
use std::collections::BTreeSet;

/// What is shown, what is suppressed, and what makes the scan fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Only findings of these severities are shown.
    pub severities: BTreeSet<Severity>,
    /// Findings without a fix neither show nor count.
    pub ignore_unfixed: bool,
    /// Findings with one of these statuses neither show nor count.
    pub ignore_status: BTreeSet<FixStatus>,
    /// Findings that somebody accepted; they become suppressed ones.
    pub ignored: Vec<Ignored>,
    /// Any finding that is shown fails the scan.
    pub exit_on_findings: bool,
    /// Any unsuppressed finding at least this severe fails the scan, shown or not.
    pub fail_on: Option<Severity>,
}

impl Default for Rules {
    /// Shows everything and passes everything.
    fn default() -> Self {
        Self {
            severities: Severity::ALL.into(),
            ignore_unfixed: false,
            ignore_status: BTreeSet::new(),
            ignored: Vec::new(),
            exit_on_findings: false,
            fail_on: None,
        }
    }
}
