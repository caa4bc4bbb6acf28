//! Plain comparisons, as advisories write them: an operator and a version, `,` or a space between, `||` for "or".
//!
//! Two rules of rpm and Bitnami belong here: an epoch counts only where both versions have one, since advisories often
//! leave it out, and a revision counts only where the bound has one.

use super::{Alternative, Comparison, Operator, Reason};
use crate::versions::{BadVersion, Scheme};
use std::borrow::Cow;

/// One operator and version after another; a version without operator must be equal.
pub(super) fn tokens(text: &str) -> Result<Vec<Comparison>, Reason> {
    let mut comparisons = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (operator, after) = operator(rest)?;
        let after = after.trim_start();
        let end = after.find([' ', '\t', ',']).unwrap_or(after.len());
        let (bound, next) = after.split_at_checked(end).unwrap_or((after, ""));
        let bound = bound.trim_matches(['\'', '"']);
        if bound.is_empty() {
            return Err("an operator without a version".to_owned());
        }
        comparisons.push(Comparison::new(operator, bound));
        rest = next.trim_start_matches([' ', '\t', ',']);
    }
    Ok(comparisons)
}

/// The operator that a text begins with, and the rest.
pub(super) fn operator(text: &str) -> Result<(Operator, &str), Reason> {
    const OPERATORS: [(&str, Operator); 15] = [
        ("===", Operator::Same),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<>", Operator::NotEqual),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("~>", Operator::Tilde),
        ("~=", Operator::Tilde),
        ("=>", Operator::AtLeast),
        ("=", Operator::Equal),
        ("!", Operator::NotEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    let known = OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
    let (operator, rest) = known.unwrap_or((Operator::Equal, text));
    if rest.trim_start().starts_with(['=', '<', '>']) {
        return Err("an operator that is not known".to_owned());
    }
    Ok((operator, rest))
}

pub(super) fn parse(text: &str) -> Result<Vec<Alternative>, Reason> {
    text.split("||")
        .map(|part| {
            let mut comparisons = tokens(part)?;
            comparisons.retain(|comparison| !matches!(comparison.bound.as_str(), "*" | "x" | "X"));
            Ok(Alternative {
                comparisons,
                ..Alternative::default()
            })
        })
        .collect()
}

/// The version that is surely meant, where it is not one.
pub(super) fn meant(scheme: Scheme, version: &str) -> Cow<'_, str> {
    match scheme.check(version) {
        Err(_) if version.len() <= seaworthy_model::limits::VERSION_BYTES => match scheme.repair(version) {
            Some(meant) if scheme.check(&meant).is_ok() => Cow::Owned(meant),
            _ => Cow::Borrowed(version),
        },
        _ => Cow::Borrowed(version),
    }
}

pub(super) fn holds(scheme: Scheme, comparison: &Comparison, version: &str) -> Result<bool, BadVersion> {
    let bound = meant(scheme, &comparison.bound);
    let (version, bound): (Cow<'_, str>, Cow<'_, str>) = match scheme {
        Scheme::Rpm => rpm_pair(version, &bound),
        scheme => (Cow::Borrowed(scheme.against(version, &bound)), bound),
    };
    let order = scheme.compare(&version, &bound)?;
    Ok(comparison.operator.holds(order))
}

fn is_revision(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Both without epochs where only one has one, and without the zeros at the end of a release: `5.el8.0.0` is `5.el8`.
fn rpm_pair<'a>(version: &'a str, bound: &'a str) -> (Cow<'a, str>, Cow<'a, str>) {
    let epoch = |text: &str| text.split_once(':').is_some_and(|(epoch, _)| is_revision(epoch));
    let strip = |text: &'a str| {
        let text = match text.split_once(':') {
            Some((epoch, rest)) if is_revision(epoch) => rest,
            _ => text,
        };
        Cow::Borrowed(text)
    };
    let (version, bound): (Cow<'a, str>, Cow<'a, str>) = if epoch(version) == epoch(bound) {
        (Cow::Borrowed(version), Cow::Borrowed(bound))
    } else {
        (strip(version), strip(bound))
    };
    (without_zeros(version), without_zeros(bound))
}

fn without_zeros(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some((before, mut release)) = text.rsplit_once('-') else {
        return text;
    };
    while let Some(shorter) = release.strip_suffix(".0") {
        release = shorter;
    }
    Cow::Owned(format!("{before}-{release}"))
}
