//! What policies make of one image: one function for each rule, and the line that says why.
//!
//! The line is the same wherever people meet it: image, worst finding, package, installed and fixed version, what to do.

use crate::scan_policy::{Action, Exception, Expiry, FindingRule, ScanPolicy};
use crate::{glob, image_name, instant};
use seaworthy_model::{AssessedFinding, Assessment};

/// Bytes of the line. Admission warnings may be cut at 256.
pub const LINE_BYTES: usize = 250;

/// What the policies say of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing speaks against it.
    Passes {
        /// Whether an exception was needed for it.
        by_exception: bool,
    },
    /// Nothing keeps it from running, and a person has to say so too.
    ApprovalRequired {
        /// The line for people.
        line: String,
        /// What holds once a person has said so.
        then: Box<Self>,
    },
    /// The scan is older than a policy allows: it counts as none.
    Outdated {
        /// The strictest action of the policies that say so.
        action: Action,
    },
    /// Something speaks against it.
    Violates {
        /// The strictest action of the policies that it violates.
        action: Action,
        /// The line for people.
        line: String,
    },
}

/// Judges what a scan found in `image` (as written) by all policies that hold for it.
pub fn judge(
    policies: &[&ScanPolicy],
    exceptions: &[Exception],
    image: &str,
    assessment: &Assessment,
    now: i64,
) -> Judgement {
    let mut violation: Option<(Action, Option<&AssessedFinding>, usize)> = None;
    let mut outdated: Option<Action> = None;
    let mut by_exception = false;
    let written = image_name::unpinned(image);
    let names = [written.to_owned(), image_name::normalise(written), image.to_owned()];
    for policy in policies {
        if policy
            .scan_max_age
            .is_some_and(|age| now.saturating_sub(assessment.scanned_at) > age)
        {
            outdated = outdated.max(Some(policy.action));
        }
        if assessment.incomplete.is_some() && !policy.allow_incomplete {
            violation = strictest(violation, (policy.action, None, 0));
        }
        let mut count = 0;
        let mut worst = None;
        for finding in &assessment.findings {
            if !policy.rules.iter().any(|rule| meets(rule, finding, now)) {
                continue;
            }
            if exceptions
                .iter()
                .any(|exception| excepts(exception, &names, finding, now))
            {
                by_exception = true;
                continue;
            }
            count += 1;
            worst = worst.or(Some(finding));
        }
        if worst.is_some() {
            violation = strictest(violation, (policy.action, worst, count));
        }
    }
    let judgement = match (outdated, violation) {
        // A scan that is too old is done again before anything is said that weighs no more.
        (Some(action), violation) if violation.is_none_or(|violation| violation.0 <= action) => {
            Judgement::Outdated { action }
        }
        (_, None) => Judgement::Passes { by_exception },
        (_, Some((action, finding, count))) => Judgement::Violates {
            action,
            line: match (finding, &assessment.incomplete) {
                (Some(finding), _) => violation_line(written, finding, count),
                (None, incomplete) => incomplete_line(written, incomplete.as_deref().unwrap_or("unknown")),
            },
        },
    };
    let is_held = matches!(
        judgement,
        Judgement::Outdated { action } | Judgement::Violates { action, .. } if action == Action::Enforce
    );
    // What a milder policy says does not take the place of a person's word.
    let is_required = |policy: &&ScanPolicy| policy.approval_required && policy.action == Action::Enforce;
    if is_held || !policies.iter().any(is_required) {
        return judgement;
    }
    Judgement::ApprovalRequired {
        line: cut(format!(
            "{written}: nothing found that the policy forbids, and it requires approval: kubectl scan approve {written}"
        )),
        then: Box::new(judgement),
    }
}

type Violation<'a> = (Action, Option<&'a AssessedFinding>, usize);

/// The worst finding in `image` (as written) that violates one of these policies, for messages that name its parts.
pub fn worst_violation<'a>(
    policies: &[&ScanPolicy],
    exceptions: &[Exception],
    image: &str,
    assessment: &'a Assessment,
    now: i64,
) -> Option<&'a AssessedFinding> {
    let written = image_name::unpinned(image);
    let names = [written.to_owned(), image_name::normalise(written), image.to_owned()];
    // The worst finding comes first.
    assessment.findings.iter().find(|finding| {
        policies
            .iter()
            .any(|policy| policy.rules.iter().any(|rule| meets(rule, finding, now)))
            && !exceptions
                .iter()
                .any(|exception| excepts(exception, &names, finding, now))
    })
}

/// The stricter of two violations; among equals the one that names a finding.
fn strictest<'a>(known: Option<Violation<'a>>, new: Violation<'a>) -> Option<Violation<'a>> {
    match known {
        Some(known) if (known.0, known.1.is_some()) >= (new.0, new.1.is_some()) => Some(known),
        _ => Some(new),
    }
}

/// Whether a finding meets every field of a rule.
fn meets(rule: &FindingRule, finding: &AssessedFinding, now: i64) -> bool {
    severe(rule, finding)
        && fixable(rule, finding)
        && at_least(rule.cvss, finding.cvss)
        && at_least(rule.epss, finding.epss)
        && (!rule.known_exploited || finding.known_exploited)
        && old_enough(rule, finding, now)
        && any_glob(&rule.packages, &[&finding.package])
}

/// `severity`.
fn severe(rule: &FindingRule, finding: &AssessedFinding) -> bool {
    rule.severity.is_none_or(|least| finding.severity >= least)
}

/// `fixable`.
fn fixable(rule: &FindingRule, finding: &AssessedFinding) -> bool {
    !rule.fixable || !finding.fixed.is_empty()
}

/// `cvss` and `epss`.
fn at_least(least: Option<f64>, found: Option<f64>) -> bool {
    least.is_none_or(|least| found.is_some_and(|found| found >= least))
}

/// `olderThan`. What has no date has no grace: nobody could say when it ends.
fn old_enough(rule: &FindingRule, finding: &AssessedFinding, now: i64) -> bool {
    let Some(age) = rule.older_than else { return true };
    match finding.published.as_deref().and_then(instant::parse) {
        Some(published) => now.saturating_sub(published) > age,
        None => true,
    }
}

/// `packages` of rules and exceptions, `images` of exceptions.
fn any_glob(globs: &[String], texts: &[&str]) -> bool {
    globs.is_empty()
        || globs
            .iter()
            .any(|pattern| texts.iter().any(|text| glob::matches(pattern, text)))
}

/// Whether an exception covers a finding now.
fn excepts(exception: &Exception, images: &[String], finding: &AssessedFinding, now: i64) -> bool {
    let names_it = |id: &String| {
        id.eq_ignore_ascii_case(&finding.id) || finding.vendor_ids.iter().any(|vendor| vendor.eq_ignore_ascii_case(id))
    };
    let active = match exception.expiry {
        Expiry::Never => true,
        Expiry::At(end) => now < end,
        Expiry::WhenFixed => finding.fixed.is_empty(),
        Expiry::Unreadable => false,
    };
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    active
        && exception.vulnerabilities.iter().any(names_it)
        && any_glob(&exception.packages, &[&finding.package])
        && any_glob(&exception.images, &images)
}

fn violation_line(image: &str, finding: &AssessedFinding, count: usize) -> String {
    let AssessedFinding {
        id,
        severity,
        package,
        installed,
        fixed,
        ..
    } = finding;
    let more = match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    if fixed.is_empty() {
        return cut(format!(
            "{image}: {id} {severity} in {package} {installed}, no fix yet{more}: use an image without {package}, or ask for a ScanException"
        ));
    }
    cut(format!(
        "{image}: {id} {severity} in {package} {installed} → {fixed}{more}: update {package} and deploy the new image"
    ))
}

fn incomplete_line(image: &str, what: &str) -> String {
    cut(format!(
        "{image}: could not be read whole, so it is not approved: {what}"
    ))
}

/// Shortens a line for people at a character boundary.
pub fn cut(mut line: String) -> String {
    if line.len() > LINE_BYTES {
        let mut end = LINE_BYTES - '…'.len_utf8();
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests;
