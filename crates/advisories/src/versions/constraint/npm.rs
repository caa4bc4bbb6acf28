//! npm's ranges, as node-semver reads them: `^1.2`, `~1.2.3`, `1.x`, `1 - 2`, `>=1 <3 || 5`.
//!
//! Each becomes comparisons with whole versions. A pre-release is only allowed where a bound is a pre-release of the
//! same three numbers.

use super::{Alternative, Comparison, Operator, PreReleases, Reason, plain};

/// A version of which the end may be missing or `x`.
#[derive(Clone, Debug, Default)]
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    pre: Option<String>,
}

impl Partial {
    fn parse(text: &str) -> Result<Self, Reason> {
        let text = text.trim_start_matches(['v', '=', ' ']);
        let (text, _build) = text.split_once('+').unwrap_or((text, ""));
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (text, None),
        };
        let mut parts = [None; 3];
        let mut open = false;
        let mut given = numbers.split('.');
        for part in &mut parts {
            let Some(text) = given.next() else { break };
            match text {
                "x" | "X" | "*" | "" => open = true,
                digits => {
                    let number = digits
                        .parse::<u64>()
                        .ok()
                        .filter(|number| *number < 1 << 53 && digits.bytes().all(|byte| byte.is_ascii_digit()))
                        .ok_or_else(|| format!("{:?} is not a number", crate::versions::shorten(digits)))?;
                    // What follows an `x` counts as one, too.
                    *part = (!open).then_some(number);
                }
            }
        }
        if given.next().is_some() {
            return Err("more than three numbers".to_owned());
        }
        let [major, minor, patch] = parts;
        Ok(Self {
            major,
            minor,
            patch,
            pre: pre.filter(|_| patch.is_some()).map(str::to_owned),
        })
    }

    fn text(&self) -> String {
        let number = |number: Option<u64>| number.unwrap_or(0);
        let base = format!("{}.{}.{}", number(self.major), number(self.minor), number(self.patch));
        match &self.pre {
            Some(pre) => format!("{base}-{pre}"),
            None => base,
        }
    }

    /// The first version whose major, or else minor, or else patch number is one higher.
    fn above(&self, place: usize) -> String {
        let (major, minor, patch) = (
            self.major.unwrap_or(0),
            self.minor.unwrap_or(0),
            self.patch.unwrap_or(0),
        );
        match place {
            0 => format!("{}.0.0-0", major.saturating_add(1)),
            1 => format!("{major}.{}.0-0", minor.saturating_add(1)),
            _ => format!("{major}.{minor}.{}-0", patch.saturating_add(1)),
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Vec<Alternative>, Reason> {
    text.split("||")
        .map(|part| {
            let comparisons = match part.split_once(" - ") {
                Some((from, to)) => hyphen(from.trim(), to.trim())?,
                None => {
                    let mut all = Vec::new();
                    for token in plain::tokens(part)? {
                        all.append(&mut comparisons(token.operator, &Partial::parse(&token.bound)?));
                    }
                    all
                }
            };
            Ok(Alternative {
                comparisons,
                pre_releases: PreReleases::OfSameNumbers,
            })
        })
        .collect()
}

fn hyphen(from: &str, to: &str) -> Result<Vec<Comparison>, Reason> {
    let (from, to) = (Partial::parse(from)?, Partial::parse(to)?);
    let mut comparisons = Vec::new();
    if from.major.is_some() {
        comparisons.push(Comparison::new(Operator::AtLeast, from.text()));
    }
    match (to.major, to.minor, to.patch) {
        (None, ..) => {}
        (_, None, _) => comparisons.push(Comparison::new(Operator::Less, to.above(0))),
        (.., None) => comparisons.push(Comparison::new(Operator::Less, to.above(1))),
        _ => comparisons.push(Comparison::new(Operator::AtMost, to.text())),
    }
    Ok(comparisons)
}

fn comparisons(operator: Operator, partial: &Partial) -> Vec<Comparison> {
    let between = |place| {
        vec![
            Comparison::new(Operator::AtLeast, partial.text()),
            Comparison::new(Operator::Less, partial.above(place)),
        ]
    };
    let Partial {
        major, minor, patch, ..
    } = partial;
    let open = minor.is_none() || patch.is_none();
    // The first place that a partial version leaves open lies behind this one.
    let last = usize::from(minor.is_some());
    match operator {
        _ if major.is_none() => match operator {
            Operator::Less | Operator::Greater => vec![Comparison::new(Operator::Less, "0.0.0-0")],
            _ => Vec::new(),
        },
        Operator::Tilde => between(last),
        Operator::Caret if *major != Some(0) || minor.is_none() => between(0),
        Operator::Caret if *minor != Some(0) || patch.is_none() => between(1),
        Operator::Caret => between(2),
        Operator::Greater if open => vec![Comparison::new(
            Operator::AtLeast,
            partial.above(last).trim_end_matches("-0"),
        )],
        Operator::AtMost if open => vec![Comparison::new(Operator::Less, partial.above(last))],
        Operator::Less if open => vec![Comparison::new(Operator::Less, format!("{}-0", partial.text()))],
        Operator::AtLeast => vec![Comparison::new(Operator::AtLeast, partial.text())],
        Operator::Equal | Operator::Same if open => between(last),
        operator => vec![Comparison::new(operator, partial.text())],
    }
}

/// Whether a version is no pre-release, or a bound is one of the same numbers.
pub(super) fn pre_release_allowed(comparisons: &[Comparison], version: &str) -> bool {
    let version = version.trim().trim_start_matches(['v', '=']);
    let numbers = |text: &str| {
        let text = text.split('+').next().unwrap_or_default().to_owned();
        text.split_once('-').map(|(numbers, _)| numbers.to_owned())
    };
    let Some(own) = numbers(version) else {
        return true;
    };
    comparisons
        .iter()
        .any(|comparison| numbers(&comparison.bound).as_deref() == Some(&own))
}
