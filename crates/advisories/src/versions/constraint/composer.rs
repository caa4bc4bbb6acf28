//! Composer's constraints: `^1.2`, `~1.2.3`, `1.2.*`, `1.0 - 2.0`, `>=1 <2 || 3.0`.
//!
//! A lower bound without a stability begins with the `-dev` version of its numbers, and an upper bound excludes that.

use super::{Alternative, Comparison, Operator, Reason, plain};

/// A bound as written: its numbers (up to four) and what follows them.
struct Written<'a> {
    numbers: Vec<&'a str>,
    rest: &'a str,
    /// Whether it ends in `.x` or `.*`.
    wildcard: bool,
}

fn written(text: &str) -> Result<Written<'_>, Reason> {
    let text = text.split(['@', '+']).next().unwrap_or_default();
    let mut rest = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (mut numbers, mut wildcard) = (Vec::new(), false);
    loop {
        if let Some(after) = rest.strip_prefix(['x', 'X', '*']) {
            wildcard = true;
            rest = after;
        } else {
            let (digits, after) = crate::versions::split_while(rest, |byte| byte.is_ascii_digit());
            if digits.is_empty() {
                return Err(format!("{:?} is no version", crate::versions::shorten(text)));
            }
            if !wildcard {
                numbers.push(digits);
            }
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(after) if after.starts_with(|next: char| next.is_ascii_digit() || "xX*".contains(next)) => {
                rest = after;
            }
            _ => break,
        }
    }
    Ok(Written {
        numbers,
        rest,
        wildcard,
    })
}

impl Written<'_> {
    /// With a stability, as written, or else as its development version.
    fn low(&self) -> String {
        let numbers = if self.numbers.is_empty() {
            "0".to_owned()
        } else {
            self.numbers.join(".")
        };
        if self.rest.is_empty() {
            format!("{numbers}-dev")
        } else {
            format!("{numbers}{}", self.rest)
        }
    }

    /// The development version of the numbers up to a place, of which the last is one higher.
    fn above(&self, place: usize) -> Result<String, Reason> {
        let mut numbers: Vec<String> = self
            .numbers
            .iter()
            .take(place)
            .map(|&number| number.to_owned())
            .collect();
        let last = numbers
            .last_mut()
            .ok_or_else(|| "a version without numbers".to_owned())?;
        let number = last
            .parse::<u64>()
            .map_err(|_| "a number that is too large".to_owned())?;
        *last = number.saturating_add(1).to_string();
        Ok(format!("{}-dev", numbers.join(".")))
    }
}

pub(super) fn parse(text: &str) -> Result<Vec<Alternative>, Reason> {
    text.split('|')
        .filter(|part| !part.is_empty() || !text.contains('|'))
        .map(|part| {
            Ok(Alternative {
                comparisons: conjunction(part.trim())?,
                ..Alternative::default()
            })
        })
        .collect()
}

fn conjunction(text: &str) -> Result<Vec<Comparison>, Reason> {
    if let Some((from, to)) = text.split_once(" - ") {
        let (from, to) = (written(from.trim())?, written(to.trim())?);
        let upper = if to.numbers.len() >= 3 || !to.rest.is_empty() {
            Comparison::new(Operator::AtMost, format!("{}{}", to.numbers.join("."), to.rest))
        } else {
            Comparison::new(Operator::Less, to.above(to.numbers.len())?)
        };
        return Ok(vec![Comparison::new(Operator::AtLeast, from.low()), upper]);
    }
    let mut comparisons = Vec::new();
    for token in plain::tokens(text)? {
        comparisons.append(&mut comparisons_of(&token)?);
    }
    Ok(comparisons)
}

fn comparisons_of(token: &Comparison) -> Result<Vec<Comparison>, Reason> {
    let bound = written(&token.bound)?;
    let between = |place: usize| {
        Ok(vec![
            Comparison::new(Operator::AtLeast, bound.low()),
            Comparison::new(Operator::Less, bound.above(place)?),
        ])
    };
    let count = bound.numbers.len();
    match token.operator {
        _ if count == 0 => Ok(Vec::new()),
        Operator::Tilde => between(count.saturating_sub(1).max(1)),
        Operator::Caret => {
            let leading = bound
                .numbers
                .iter()
                .take_while(|number| number.bytes().all(|digit| digit == b'0'));
            between(leading.count().saturating_add(1).min(3).min(count))
        }
        Operator::Equal | Operator::Same if bound.wildcard => between(count),
        Operator::Less | Operator::AtLeast => Ok(vec![Comparison::new(token.operator, bound.low())]),
        operator => Ok(vec![Comparison::new(
            operator,
            format!("{}{}", bound.numbers.join("."), bound.rest),
        )]),
    }
}
