//! Versions of Alpine and Wolfi packages, as apk-tools 3 reads them.
//!
//! `number{.number}{letter}{_suffix{number}}{~commit}{-rnumber}`: no other order of the parts, nothing after them.
//! apk-tools 2 also took a number after the letter; apk-tools 3 calls that invalid, and so does this file.

use std::cmp::Ordering;

use super::key::{decimal_order, push_decimal, push_text};
use super::{Reason, Version, split_while};

/// The known suffixes in ascending order. Those before `cvs` make a version lesser than the same without suffix.
const SUFFIXES: [&str; 9] = ["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];
const FIRST_POST_SUFFIX: u8 = 4;

/// How parts of different kinds sort in the same place; the end of a version sorts among them.
mod rank {
    pub(super) const PRE_SUFFIX: u8 = 1;
    pub(super) const END: u8 = 2;
    pub(super) const REVISION: u8 = 3;
    pub(super) const COMMIT: u8 = 4;
    pub(super) const SUFFIX_NUMBER: u8 = 5;
    pub(super) const POST_SUFFIX: u8 = 6;
    pub(super) const LETTER: u8 = 7;
    pub(super) const NUMBER: u8 = 8;
}

/// A part of a version.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    /// The number that a version begins with.
    First(&'a str),
    /// A number after a dot.
    Number(&'a str),
    /// The letter after the numbers.
    Letter(u8),
    /// An index in [`SUFFIXES`].
    Suffix(u8),
    SuffixNumber(&'a str),
    Commit(&'a str),
    Revision(&'a str),
}

impl Part<'_> {
    fn rank(self) -> u8 {
        match self {
            Self::First(_) | Self::Number(_) => rank::NUMBER,
            Self::Letter(_) => rank::LETTER,
            Self::Suffix(suffix) if suffix < FIRST_POST_SUFFIX => rank::PRE_SUFFIX,
            Self::Suffix(_) => rank::POST_SUFFIX,
            Self::SuffixNumber(_) => rank::SUFFIX_NUMBER,
            Self::Commit(_) => rank::COMMIT,
            Self::Revision(_) => rank::REVISION,
        }
    }

    /// The order of two parts of the same rank.
    fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Letter(a), Self::Letter(b)) | (Self::Suffix(a), Self::Suffix(b)) => a.cmp(&b),
            (Self::Commit(a), Self::Commit(b)) => a.cmp(b),
            // A leading zero makes it a decimal fraction: 1.09 is before 1.1, and 8.2.0015 before 8.2.002.
            (Self::Number(a), Self::Number(b)) if a.starts_with('0') || b.starts_with('0') => a.cmp(b),
            (Self::First(a), Self::First(b))
            | (Self::Number(a), Self::Number(b))
            | (Self::SuffixNumber(a), Self::SuffixNumber(b))
            | (Self::Revision(a), Self::Revision(b)) => decimal_order(a.as_bytes(), b.as_bytes()),
            // The first part of a version always is a number, and no other is one of its kind.
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn push_key(self, key: &mut Vec<u8>) {
        key.push(self.rank());
        match self {
            Self::Letter(value) | Self::Suffix(value) => key.push(value),
            Self::Commit(hash) => push_text(key, hash.as_bytes()),
            Self::Number(digits) if digits.starts_with('0') => {
                // No number without a leading zero has the length 0.
                key.push(0);
                push_text(key, digits.as_bytes());
            }
            Self::First(digits) | Self::Number(digits) | Self::SuffixNumber(digits) | Self::Revision(digits) => {
                push_decimal(key, digits.as_bytes());
            }
        }
    }
}

/// How far the reader of a version has come; a part of an earlier stage must not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Start,
    Numbers,
    Letter,
    Suffix,
    SuffixNumber,
    Commit,
    Revision,
}

/// The parts of a version, one after another. After something invalid, nothing comes.
#[derive(Debug, Clone)]
struct Parts<'a> {
    rest: &'a str,
    stage: Stage,
}

impl<'a> Parts<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            stage: Stage::Start,
        }
    }

    /// The next part, if the rest begins with one that may follow here.
    fn read(&self) -> Option<(Part<'a>, &'a str, Stage)> {
        let number = |text: &'a str| {
            let (digits, rest) = split_while(text, |byte| byte.is_ascii_digit());
            (!digits.is_empty()).then_some((digits, rest))
        };
        if self.stage == Stage::Start {
            let (digits, rest) = number(self.rest)?;
            return Some((Part::First(digits), rest, Stage::Numbers));
        }
        let (first, rest) = self.rest.split_at_checked(1)?;
        match first.bytes().next()? {
            b'.' if self.stage == Stage::Numbers => {
                let (digits, rest) = number(rest)?;
                Some((Part::Number(digits), rest, Stage::Numbers))
            }
            letter @ b'a'..=b'z' if self.stage == Stage::Numbers => Some((Part::Letter(letter), rest, Stage::Letter)),
            b'_' if self.stage <= Stage::SuffixNumber => {
                let (name, rest) = split_while(rest, |byte| byte.is_ascii_lowercase());
                let suffix = SUFFIXES.iter().position(|suffix| *suffix == name)?;
                Some((Part::Suffix(u8::try_from(suffix).ok()?), rest, Stage::Suffix))
            }
            b'0'..=b'9' if self.stage == Stage::Suffix => {
                let (digits, rest) = number(self.rest)?;
                Some((Part::SuffixNumber(digits), rest, Stage::SuffixNumber))
            }
            b'~' if self.stage < Stage::Commit => {
                let (hash, rest) = split_while(rest, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                (!hash.is_empty()).then_some((Part::Commit(hash), rest, Stage::Commit))
            }
            b'-' if self.stage < Stage::Revision => {
                let (digits, rest) = number(rest.strip_prefix('r')?)?;
                Some((Part::Revision(digits), rest, Stage::Revision))
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (part, rest, stage) = self.read()?;
        (self.rest, self.stage) = (rest, stage);
        Some(part)
    }
}

/// A version of an apk package.
#[derive(Debug)]
pub(super) struct Apk<'a> {
    text: &'a str,
}

impl<'a> Version<'a> for Apk<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let mut parts = Parts::new(text);
        let count = parts.by_ref().count();
        match (parts.rest, count) {
            ("", 0) => Err("it is empty".into()),
            ("", _) => Ok(Self { text }),
            (_, 0) => Err("it does not begin with a number".into()),
            (rest, _) => Err(format!("unexpected {:?}", super::shorten(rest)).into()),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (Parts::new(self.text), Parts::new(other.text));
        loop {
            let (a, b) = (left.next(), right.next());
            let order = a.map_or(rank::END, Part::rank).cmp(&b.map_or(rank::END, Part::rank));
            let (Some(a), Some(b)) = (a, b) else { return order };
            let order = order.then_with(|| a.order(b));
            if order.is_ne() {
                return order;
            }
        }
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        for part in Parts::new(self.text) {
            part.push_key(key);
        }
        key.push(rank::END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_grammar_of_apk_tools_3_is_valid() {
        for valid in [
            "0",
            "1.2",
            "1.2b",
            "1_p",
            "1_alpha2_p3",
            "1.2~0af",
            "1_git20240101~0af-r3",
            "00.01-r00",
        ] {
            assert!(Apk::parse(valid).is_ok(), "{valid}");
        }
        let invalid = [
            "", "a", ".1", "1.", "1..2", "1.2bc", "1b.2", "1b2", "1_", "1_foo", "1_alphax", "1_p1a", "1~", "1~xyz",
            "1~AF", "1~af~af", "1-", "1-r", "1-1", "1-r1-r1", "1-r1_p1", "1-r1~af", " 1", "1 ", "1:1", "1.2B", "1.٣",
            "ä",
        ];
        for invalid in invalid {
            assert!(Apk::parse(invalid).is_err(), "{invalid}");
        }
    }
}
