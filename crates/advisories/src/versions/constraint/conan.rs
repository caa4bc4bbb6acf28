//! Conan's version ranges: `>=1 <2`, `~1.2`, `^1.2.3`, `*`, with `, include_prerelease` behind.
//!
//! `>=` and `<` mean the pre-releases of their bound as well, which are only allowed at all where the range says so.

use super::{Alternative, Comparison, Operator, PreReleases, Reason, plain};

pub(super) fn parse(text: &str) -> Result<Vec<Alternative>, Reason> {
    let (ranges, options) = text.split_once(',').unwrap_or((text, ""));
    for option in options.split(',').map(str::trim) {
        if !option.is_empty() && !option.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(format!("{:?} is no option", crate::versions::shorten(option)));
        }
    }
    let pre_releases = if options.contains("include_prerelease") {
        PreReleases::Allowed
    } else {
        PreReleases::Refused
    };
    ranges
        .split("||")
        .map(|range| {
            let mut comparisons = Vec::new();
            for word in range.split_whitespace() {
                comparisons.append(&mut condition(word)?);
            }
            if comparisons.is_empty() {
                comparisons.push(Comparison::new(Operator::AtLeast, "0.0.0-"));
            }
            Ok(Alternative {
                comparisons,
                pre_releases,
            })
        })
        .collect()
}

fn condition(word: &str) -> Result<Vec<Comparison>, Reason> {
    if word == "*" {
        return Ok(vec![Comparison::new(Operator::AtLeast, "0.0.0-")]);
    }
    let (operator, bound) = plain::operator(word)?;
    if bound.is_empty() || word.len() == 1 {
        return Err("an operator without a version".to_owned());
    }
    let with_pre_releases = |bound: &str| {
        if bound.contains(['-', '+']) {
            bound.to_owned()
        } else {
            format!("{bound}-")
        }
    };
    let numbers: Vec<&str> = bound.split(['-', '+']).next().unwrap_or_default().split('.').collect();
    let above = |place: usize| {
        let mut upper: Vec<String> = numbers
            .iter()
            .take(place.saturating_add(1))
            .map(|&number| number.to_owned())
            .collect();
        let last = upper.last_mut().ok_or_else(|| "a version without numbers".to_owned())?;
        let number = last.parse::<u64>().map_err(|_| "a part that is no number".to_owned())?;
        *last = number.saturating_add(1).to_string();
        Ok::<_, Reason>(format!("{}-", upper.join(".")))
    };
    Ok(match operator {
        Operator::Tilde => vec![
            Comparison::new(Operator::AtLeast, with_pre_releases(bound)),
            Comparison::new(Operator::Less, above(usize::from(numbers.len() > 1))?),
        ],
        Operator::Caret => {
            let zeros = numbers.iter().take_while(|number| **number == "0").count();
            vec![
                Comparison::new(Operator::AtLeast, with_pre_releases(bound)),
                Comparison::new(Operator::Less, above(zeros.min(numbers.len().saturating_sub(1)))?),
            ]
        }
        Operator::AtLeast | Operator::Less => vec![Comparison::new(operator, with_pre_releases(bound))],
        operator => vec![Comparison::new(operator, bound)],
    })
}

/// Whether something stands behind a hyphen.
pub(super) fn is_pre_release(version: &str) -> bool {
    version
        .rsplit_once('+')
        .map_or(version, |(version, _)| version)
        .contains('-')
}
