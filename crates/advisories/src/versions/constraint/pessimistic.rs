//! The requirements of RubyGems and Hex, which share `~>`: at least this version, with all numbers but the last kept.

use super::{Alternative, Comparison, Operator, Reason, plain};
use crate::versions::{BadVersion, Scheme};

pub(super) fn gem(text: &str) -> Result<Vec<Alternative>, Reason> {
    plain::parse(text)
}

/// `~> 1.2.3` holds from 1.2.3 on, as long as the release is below 1.3.
pub(super) fn gem_holds(comparison: &Comparison, version: &str) -> Result<bool, BadVersion> {
    let bound = plain::meant(Scheme::Gem, &comparison.bound);
    let at_least = Scheme::Gem.compare(version, &bound)?.is_ge();
    let mut numbers: Vec<&str> = numbers(&bound);
    if numbers.len() > 1 {
        numbers.pop();
    }
    let upper = match numbers.split_last() {
        Some((last, before)) => {
            let last = last.parse::<u64>().unwrap_or(u64::MAX).saturating_add(1).to_string();
            let all: Vec<&str> = before.iter().copied().chain([last.as_str()]).collect();
            all.join(".")
        }
        None => "1".to_owned(),
    };
    let release = numbers_of_release(version);
    Ok(at_least && Scheme::Gem.compare(&release, &upper)?.is_lt())
}

/// The numbers before the first word; a hyphen begins one.
fn numbers(text: &str) -> Vec<&str> {
    let mut numbers = Vec::new();
    let release = text.trim().split('-').next().unwrap_or_default();
    for part in release.split('.') {
        let (digits, word) = crate::versions::split_while(part, |byte| byte.is_ascii_digit());
        if !digits.is_empty() {
            numbers.push(digits);
        }
        if !word.is_empty() {
            break;
        }
    }
    numbers
}

fn numbers_of_release(version: &str) -> String {
    numbers(version).join(".")
}

/// Hex: `and` and `or`, and `~>` as two comparisons.
pub(super) fn hex(text: &str) -> Result<Vec<Alternative>, Reason> {
    text.split(" or ")
        .map(|part| {
            let mut comparisons = Vec::new();
            for comparison in part.split(" and ") {
                for token in plain::tokens(comparison)? {
                    comparisons.append(&mut hex_comparisons(token)?);
                }
            }
            if comparisons.is_empty() {
                return Err("it is empty".to_owned());
            }
            Ok(Alternative {
                comparisons,
                ..Alternative::default()
            })
        })
        .collect()
}

fn hex_comparisons(token: Comparison) -> Result<Vec<Comparison>, Reason> {
    if token.operator != Operator::Tilde {
        return Ok(vec![token]);
    }
    let (numbers, rest) = match token.bound.find(['-', '+']) {
        Some(at) => token.bound.split_at_checked(at).unwrap_or((&token.bound, "")),
        None => (token.bound.as_str(), ""),
    };
    let parts: Vec<&str> = numbers.split('.').collect();
    let higher = |number: &str| {
        let number = number.parse::<u64>().map_err(|_| "a part that is no number".to_owned());
        number.map(|number| number.saturating_add(1))
    };
    let (lower, upper) = match parts.as_slice() {
        [major, minor] => (format!("{major}.{minor}.0{rest}"), format!("{}.0.0-0", higher(major)?)),
        [major, minor, _] => (token.bound.clone(), format!("{major}.{}.0-0", higher(minor)?)),
        _ => return Err("~> needs two or three numbers".to_owned()),
    };
    Ok(vec![
        Comparison::new(Operator::AtLeast, lower),
        Comparison::new(Operator::Less, upper),
    ])
}
