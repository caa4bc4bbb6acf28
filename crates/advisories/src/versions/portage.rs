//! Versions of Gentoo packages: `portage.versions.vercmp`, which follows the Package Manager Specification.
//!
//! `number{.number}{letter}{_suffix{number}}{-rnumber}`. A number that begins with a zero, but the first, is a decimal
//! fraction. A version with fewer numbers is less: `1.0` < `1.0.0`.

use std::cmp::Ordering;

use super::key::push_text;
use super::pieces::{Decimal, is_number};
use super::{Reason, Version, split_while};

/// Suffixes in their order; the end comes between `rc` and `p`.
const SUFFIXES: [&str; 6] = ["alpha", "beta", "pre", "rc", "", "p"];
const END: usize = 4;

/// A number after the first; fractions are all less than 1.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Number<'a> {
    /// The digits without the zeros at their end.
    Fraction(&'a str),
    Whole(Decimal<'a>),
}

/// A version of a Gentoo package.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Portage<'a> {
    first: Decimal<'a>,
    rest: Numbers<'a>,
    letter: Option<u8>,
    suffixes: Suffixes<'a>,
    revision: Decimal<'a>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Numbers<'a>(Vec<Number<'a>>);

/// Index in [`SUFFIXES`] and number, with the end as last.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Suffixes<'a>(Vec<(usize, Decimal<'a>)>);

impl<'a> Version<'a> for Portage<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let (text, revision) = match text.rsplit_once("-r") {
            Some((text, revision)) if is_number(revision) => (text, revision),
            _ => (text, ""),
        };
        let (version, suffix_text) = match text.split_once('_') {
            Some((version, suffixes)) => (version, Some(suffixes)),
            None => (text, None),
        };
        let (version, letter) = match version.as_bytes().split_last() {
            Some((letter @ b'a'..=b'z', before)) => (version.get(..before.len()).unwrap_or_default(), Some(*letter)),
            _ => (version, None),
        };
        let mut numbers = version.split('.');
        let first = numbers.next().unwrap_or_default();
        let rest: Vec<&str> = numbers.collect();
        if !is_number(first) || !rest.iter().all(|number| is_number(number)) {
            return Err("its numbers are not numbers between dots".into());
        }
        let mut suffixes = Vec::new();
        for suffix in suffix_text.into_iter().flat_map(|text| text.split('_')) {
            let (name, number) = split_while(suffix, |byte| byte.is_ascii_lowercase());
            let index = SUFFIXES.iter().position(|known| *known == name && !name.is_empty());
            match index {
                Some(index) if number.is_empty() || is_number(number) => suffixes.push((index, Decimal(number))),
                _ => return Err(format!("unknown suffix {:?}", super::shorten(suffix)).into()),
            }
        }
        suffixes.push((END, Decimal("")));
        let number = |digits: &'a str| {
            if digits.starts_with('0') {
                Number::Fraction(digits.trim_end_matches('0'))
            } else {
                Number::Whole(Decimal(digits))
            }
        };
        Ok(Self {
            first: Decimal(first),
            rest: Numbers(rest.into_iter().map(number).collect()),
            letter,
            suffixes: Suffixes(suffixes),
            revision: Decimal(revision),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        self.first.push_key(key);
        for number in &self.rest.0 {
            match number {
                Number::Fraction(digits) => {
                    key.push(1);
                    push_text(key, digits.as_bytes());
                }
                Number::Whole(number) => {
                    key.push(2);
                    number.push_key(key);
                }
            }
        }
        key.push(0);
        key.push(self.letter.unwrap_or(0));
        for (suffix, number) in &self.suffixes.0 {
            key.push(u8::try_from(*suffix).unwrap_or(u8::MAX));
            number.push_key(key);
        }
        self.revision.push_key(key);
    }
}
