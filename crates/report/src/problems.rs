//! What could not be read, in words: every format says it somewhere.

use seaworthy_model::{Effect, Problem, ScanReport, Subject};

/// Whether something was not read: nothing found is then no good news.
pub(crate) fn is_incomplete(report: &ScanReport) -> bool {
    let mut problems = report.inventory.problems.iter();
    problems.any(|problem| problem.effect == Effect::Incomplete)
}

/// The problems that change what a result is worth, the worst first.
pub(crate) fn weighty(report: &ScanReport) -> Vec<&Problem> {
    let problems = report.inventory.problems.iter();
    let mut weighty: Vec<&Problem> = problems.filter(|problem| problem.effect != Effect::Note).collect();
    weighty.sort_by(|a, b| b.effect.cmp(&a.effect).then_with(|| a.cmp(b)));
    weighty
}

/// `place: what happened`.
pub(crate) fn line(problem: &Problem) -> String {
    match &problem.subject {
        Subject::Path(path) | Subject::PathInLayer { path, .. } => format!("{path}: {}", problem.what),
        Subject::Digest(digest) => format!("{digest}: {}", problem.what),
        Subject::Artifact => problem.what.clone(),
    }
}

/// The word for the effect.
pub(crate) const fn effect(problem: &Problem) -> &'static str {
    match problem.effect {
        Effect::Incomplete => "incomplete",
        Effect::Uncertain => "uncertain",
        Effect::Note => "note",
    }
}

/// The sentence about a release that gets no more fixes, where it is one. Formats that have no field for it say it so.
pub(crate) fn end_of_life(report: &ScanReport) -> Option<&'static str> {
    (report.end_of_life == Some(true)).then_some(END_OF_LIFE)
}

const END_OF_LIFE: &str =
    "This release gets no more security fixes from its vendor; what is found is not all there is.";

/// What people must know of the result as a whole, one sentence each.
pub(crate) fn warnings(report: &ScanReport) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if is_incomplete(report) {
        warnings.push("Not everything could be read: what is found is not all there is.");
    }
    warnings.extend(end_of_life(report));
    if !report.distribution_supported {
        warnings
            .push("There are no advisories for this distribution in the data; its packages were listed, not checked.");
    }
    warnings
}
