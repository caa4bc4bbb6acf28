//! Versions of PHP packages: PHP's `version_compare`, as Composer's comparator and OSV's Packagist order use it.
//!
//! A version is a line of numbers and words; a separator stands between them, also where digits meet letters. Words are
//! known by how they begin, and any other word is less than all of them. Every text is a version.

use std::cmp::Ordering;

use super::pieces::Decimal;
use super::{Reason, Version};

/// What may stand at one place, in its order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// Nothing before the next separator or before the end of the text.
    Empty,
    /// `dev` and words that begin so follow on words that are not known.
    Unknown,
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Number(Decimal<'a>),
    Patch,
}

impl<'a> Part<'a> {
    fn word(text: &str) -> Self {
        // PHP looks for the first of its words that the text begins with, in this order.
        const WORDS: [(&str, Part<'static>); 9] = [
            ("dev", Part::Dev),
            ("alpha", Part::Alpha),
            ("a", Part::Alpha),
            ("beta", Part::Beta),
            ("b", Part::Beta),
            ("RC", Part::Candidate),
            ("rc", Part::Candidate),
            ("pl", Part::Patch),
            ("p", Part::Patch),
        ];
        let known = WORDS.into_iter().find(|(word, _)| text.starts_with(word));
        known.map_or(Part::Unknown, |(_, part)| part)
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Unknown => 1,
            Self::Dev => 2,
            Self::Alpha => 3,
            Self::Beta => 4,
            Self::Candidate => 5,
            Self::End => 6,
            Self::Number(_) => 7,
            Self::Patch => 8,
        }
    }
}

/// The parts of a text.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    // A separator directly before a part was counted already.
    while !rest.is_empty() {
        let digits = rest.starts_with(|first: char| first.is_ascii_digit());
        let end = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric() || letter.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let Some((part, after)) = rest.split_at_checked(end) else {
            break;
        };
        parts.push(match part {
            "" => Part::Unknown,
            part if digits => Part::Number(Decimal(part)),
            part => Part::word(part),
        });
        let next = after.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
        if next.is_empty() && !after.is_empty() {
            parts.push(Part::Empty);
        }
        rest = next;
    }
    if parts.is_empty() {
        parts.push(Part::Empty);
    }
    parts.push(Part::End);
    parts
}

fn push_parts(parts: &[Part<'_>], key: &mut Vec<u8>) {
    for part in parts {
        key.push(part.rank());
        if let Part::Number(number) = part {
            number.push_key(key);
        }
    }
}

/// A version as Composer's comparator takes it: as it is written.
#[derive(Debug)]
pub(super) struct Composer<'a>(Vec<Part<'a>>);

impl<'a> Version<'a> for Composer<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        Ok(Self(parts(text)))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_parts(&self.0, key);
    }
}

/// A version as OSV orders those of Packagist: without the letters `v` in front.
#[derive(Debug)]
pub(super) struct Packagist<'a>(Vec<Part<'a>>);

impl<'a> Version<'a> for Packagist<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        Ok(Self(parts(text.trim_start_matches(['v', 'V']))))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_parts(&self.0, key);
    }
}

/// A version as Composer resolves it: brought to four numbers, a stability and its number, then compared. Branches
/// (`dev-master`) have no order and are no versions here.
#[derive(Debug)]
pub(super) struct Normalized<'a>(Vec<Part<'a>>);

/// The words for stabilities in the order in which Composer's grammar tries them.
const STABILITIES: [(&str, Option<Part<'static>>); 9] = [
    ("stable", None),
    ("beta", Some(Part::Beta)),
    ("b", Some(Part::Beta)),
    ("rc", Some(Part::Candidate)),
    ("alpha", Some(Part::Alpha)),
    ("a", Some(Part::Alpha)),
    ("patch", Some(Part::Patch)),
    ("pl", Some(Part::Patch)),
    ("p", Some(Part::Patch)),
];

/// The start of a text without regard to capitals, and what follows it.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// `-RC1`, `beta.2`, `-dev`: the parts after the numbers; `None` where something else follows.
fn stability(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text.strip_prefix(['.', '_', '-']).unwrap_or(text);
    let known = STABILITIES
        .iter()
        .find_map(|(word, part)| Some((strip_word(rest, word)?, part)));
    if let Some((after, part)) = known {
        let mut digits = after;
        let mut numbers = Vec::new();
        loop {
            let number = digits.strip_prefix(['.', '-']).unwrap_or(digits);
            let (number, next) = super::split_while(number, |byte| byte.is_ascii_digit());
            if number.is_empty() {
                break;
            }
            numbers.push(Part::Number(Decimal(number)));
            digits = next;
        }
        rest = digits;
        if let Some(part) = part {
            parts.push(match part {
                Part::Alpha => Part::Alpha,
                Part::Beta => Part::Beta,
                Part::Candidate => Part::Candidate,
                _ => Part::Patch,
            });
            parts.append(&mut numbers);
        }
    } else {
        rest = text;
    }
    if !rest.is_empty() {
        let rest = rest.strip_prefix(['.', '-']).unwrap_or(rest);
        if !rest.eq_ignore_ascii_case("dev") {
            return None;
        }
        parts.push(Part::Dev);
    }
    Some(parts)
}

impl<'a> Version<'a> for Normalized<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.trim();
        // `1.0@beta` and `1.0+build` say where and how it was found.
        let text = text.split(['@', '+']).next().unwrap_or_default();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut numbers = Vec::new();
        let mut rest = text;
        loop {
            let (digits, after) = super::split_while(rest, |byte| byte.is_ascii_digit());
            if digits.is_empty() {
                return Err("it is no version of numbers, as a branch is not".into());
            }
            numbers.push(Part::Number(Decimal(digits)));
            rest = after;
            // Dates may have hyphens and more than four numbers.
            let dated =
                numbers.len() > 3 || text.starts_with(|first: char| first.is_ascii_digit()) && after.starts_with('-');
            let next = after
                .strip_prefix('.')
                .or_else(|| after.strip_prefix(['-', ':']).filter(|_| dated))
                .filter(|next| next.starts_with(|first: char| first.is_ascii_digit()));
            match next {
                Some(next) if numbers.len() < 10 => rest = next,
                _ => break,
            }
        }
        while numbers.len() < 4 {
            numbers.push(Part::Number(Decimal("0")));
        }
        let Some(mut parts) = stability(rest) else {
            return Err(format!("unexpected {:?}", super::shorten(rest)).into());
        };
        numbers.append(&mut parts);
        numbers.push(Part::End);
        Ok(Self(numbers))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_parts(&self.0, key);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    #[test]
    fn words_have_the_ranks_of_php() {
        let ascending = [
            "1.0-stable",
            "1.0-dev",
            "1.0-alpha1",
            "1.0b2",
            "1.0RC1",
            "1.0",
            "1.0.0",
            "1.0.1",
            "1.0pl1",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(
                Scheme::Composer.compare(pair[0], pair[1]),
                Ok(Ordering::Less),
                "{pair:?}"
            );
        }
        for (a, b) in [
            ("1.0-a", "1.0alpha"),
            ("1_0", "1.0"),
            ("1.0-p1", "1.0pl1"),
            ("1.0rc1", "1.0+RC.1"),
        ] {
            assert_eq!(Scheme::Composer.compare(a, b), Ok(Ordering::Equal), "{a} {b}");
        }
        for (a, order, b) in [
            ("1.0", Ordering::Equal, "v1.0.0.0"),
            ("1.0-stable", Ordering::Equal, "1.0+build"),
            ("1.0-dev", Ordering::Less, "1.0-alpha1"),
            ("1.0beta", Ordering::Less, "1.0-RC.1"),
            ("1.0-RC1-dev", Ordering::Less, "1.0RC1"),
            ("1.0", Ordering::Less, "1.0-p1"),
            ("2023-01-05", Ordering::Less, "2023.1.6"),
        ] {
            assert_eq!(Scheme::Php.compare(a, b), Ok(order), "{a} {b}");
        }
        for invalid in ["dev-master", "1.0.x-dev", "master", "1.0-foo", ""] {
            assert!(Scheme::Php.check(invalid).is_err(), "{invalid}");
        }
        assert_eq!(Scheme::Packagist.compare("vV1.0", "1.0"), Ok(Ordering::Equal));
        assert_eq!(Scheme::Composer.compare("v1.0", "1.0"), Ok(Ordering::Less));
    }
}
