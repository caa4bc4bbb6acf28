//! What the parsed versions of several schemes are made of: numbers of any length and the identifiers of pre-releases.
//!
//! Their derived order is the order of versions, and each writes the piece of a key that sorts the same way.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::key::{decimal_order, push_decimal, push_text};

/// A decimal number of any length; leading zeros mean nothing, and neither do missing digits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decimal<'a>(pub(super) &'a str);

impl Decimal<'_> {
    pub(super) fn is_zero(self) -> bool {
        self.0.bytes().all(|digit| digit == b'0')
    }

    pub(super) fn push_key(self, key: &mut Vec<u8>) {
        push_decimal(key, self.0.as_bytes());
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        decimal_order(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal<'_> {}

/// Whether a text is one or more digits.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An identifier of a pre-release: numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier<'a> {
    Number(Decimal<'a>),
    Word(Cow<'a, str>),
}

/// The end of a list of identifiers and what may stand there.
mod rank {
    pub(super) const END: u8 = 0;
    pub(super) const NUMBER: u8 = 1;
    pub(super) const WORD: u8 = 2;
}

impl<'a> Identifier<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        if is_number(text) {
            Self::Number(Decimal(text))
        } else {
            Self::Word(Cow::Borrowed(text))
        }
    }

    /// The identifiers between dots.
    pub(super) fn list(text: &'a str) -> Vec<Self> {
        text.split('.').map(Self::new).collect()
    }

    /// Appends a list and its end.
    pub(super) fn push_list(list: &[Self], key: &mut Vec<u8>) {
        for identifier in list {
            match identifier {
                Self::Number(number) => {
                    key.push(rank::NUMBER);
                    number.push_key(key);
                }
                Self::Word(word) => {
                    key.push(rank::WORD);
                    push_text(key, word.as_bytes());
                }
            }
        }
        key.push(rank::END);
    }
}

/// Numbers of which those at the end that are zero mean nothing: `1.2.0` is `1.2`.
pub(super) fn significant<'a>(numbers: impl DoubleEndedIterator<Item = &'a str>) -> Vec<Decimal<'a>> {
    let mut kept: Vec<Decimal<'a>> = numbers
        .rev()
        .map(Decimal)
        .skip_while(|number| number.is_zero())
        .collect();
    kept.reverse();
    kept
}

/// Appends numbers, where a list sorts before every longer one that it begins.
pub(super) fn push_numbers(numbers: &[Decimal<'_>], key: &mut Vec<u8>) {
    for number in numbers {
        key.push(rank::NUMBER);
        number.push_key(key);
    }
    key.push(rank::END);
}
