//! Versions of Java packages: the order of Maven 3's `ComparableVersion` (maven-artifact 3.8.7).
//!
//! A version is a list of numbers and texts; a hyphen, and each change between digits and letters, opens a list inside
//! it that takes all the rest. So the whole is one line of items, some of which say that a list begins. Every text is a
//! version. Maven 4 differs for texts between dots.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::key::{decimal_order, push_decimal, push_text};
use super::{Reason, Version};

/// What may stand at one place of a key, in its order.
mod tag {
    pub(super) const BEFORE_RELEASE: u8 = 1;
    pub(super) const END: u8 = 2;
    pub(super) const AFTER_RELEASE: u8 = 3;
    pub(super) const NUMBER: u8 = 4;
}

/// A version of a Java package, without the zeros and release words that mean nothing.
#[derive(Debug)]
pub(super) struct Maven<'a>(Vec<Item<'a>>);

#[derive(Debug, PartialEq, Eq)]
enum Item<'a> {
    Number(&'a str),
    Text(Qualifier<'a>),
    /// All that follows stands in a list of its own.
    List,
}

/// A word in a version, in its order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Qualifier<'a> {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    Release,
    ServicePack,
    /// Any other word comes later than the release, in lower case.
    Other(Cow<'a, str>),
}

impl<'a> Qualifier<'a> {
    fn new(text: &'a str, before_digits: bool) -> Self {
        let lower = if text.chars().any(char::is_uppercase) {
            Cow::Owned(text.to_lowercase())
        } else {
            Cow::Borrowed(text)
        };
        match &*lower {
            "a" if before_digits => Self::Alpha,
            "b" if before_digits => Self::Beta,
            "m" if before_digits => Self::Milestone,
            "alpha" => Self::Alpha,
            "beta" => Self::Beta,
            "milestone" => Self::Milestone,
            "rc" | "cr" => Self::Candidate,
            "snapshot" => Self::Snapshot,
            "" | "ga" | "final" | "release" => Self::Release,
            "sp" => Self::ServicePack,
            _ => Self::Other(lower),
        }
    }

    const fn number(&self) -> u8 {
        match self {
            Self::Alpha => 1,
            Self::Beta => 2,
            Self::Milestone => 3,
            Self::Candidate => 4,
            Self::Snapshot => 5,
            Self::Release => 6,
            Self::ServicePack => 7,
            Self::Other(_) => 8,
        }
    }
}

impl Item<'_> {
    /// Against nothing. A list counts as its first item that is not nothing itself.
    fn against_nothing(&self) -> Ordering {
        match self {
            Self::Number(digits) => decimal_order(digits.as_bytes(), b""),
            Self::Text(qualifier) => qualifier.cmp(&Qualifier::Release),
            Self::List => Ordering::Equal,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => decimal_order(one.as_bytes(), other.as_bytes()),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::List, Self::List) => Ordering::Equal,
            (Self::Number(_), _) | (Self::List, Self::Text(_)) => Ordering::Greater,
            (_, Self::Number(_)) | (Self::Text(_), Self::List) => Ordering::Less,
        }
    }

    fn tag(&self) -> u8 {
        match self {
            Self::Number(_) => tag::NUMBER,
            Self::Text(qualifier) if *qualifier < Qualifier::Release => tag::BEFORE_RELEASE,
            Self::Text(_) | Self::List => tag::AFTER_RELEASE,
        }
    }
}

/// The parts between dots and hyphens and between digits and letters, with the lists that they open.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::with_capacity(text.len().min(32));
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.starts_with(|first: char| first.is_ascii_digit());
        let end = rest
            .find(|other: char| matches!(other, '.' | '-') || other.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let Some((part, after)) = rest.split_at_checked(end) else {
            break;
        };
        let separator = after.chars().next().filter(|next| matches!(next, '.' | '-'));
        let changes = separator.is_none() && !after.is_empty();
        if digits {
            items.push(Item::Number(part));
        } else if part.is_empty() {
            // Between two separators, or before the first.
            items.push(Item::Number("0"));
        } else {
            // `1.rc2` is `1-rc2`, and `1.rc` is `1-rc`; in `1.rc.2` the word stands among the numbers.
            if separator.is_none() && !matches!(items.last(), None | Some(Item::List)) {
                items.push(Item::List);
            }
            items.push(Item::Text(Qualifier::new(part, changes)));
        }
        if changes || separator == Some('-') {
            items.push(Item::List);
        }
        rest = separator
            .and_then(|separator| after.strip_prefix(separator))
            .unwrap_or(after);
    }
    items
}

impl<'a> Version<'a> for Maven<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        if text.trim().is_empty() {
            return Err("it is empty".into());
        }
        // At the end of each list, what equals nothing is left out, and so is a list in which nothing is left.
        let mut kept: Vec<Item<'a>> = Vec::new();
        let mut at_end = true;
        for item in items(text).into_iter().rev() {
            if item == Item::List {
                at_end = true;
                if kept.is_empty() {
                    continue;
                }
            } else if at_end && item.against_nothing().is_eq() {
                continue;
            } else {
                at_end = false;
            }
            kept.push(item);
        }
        kept.reverse();
        Ok(Self(kept))
    }

    fn order(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.0.iter(), other.0.iter());
        loop {
            let order = match (left.next(), right.next()) {
                (Some(one), Some(other)) => one.order(other),
                (Some(one), None) => one.against_nothing(),
                (None, Some(other)) => other.against_nothing().reverse(),
                (None, None) => return Ordering::Equal,
            };
            if order.is_ne() {
                return order;
            }
        }
    }

    /// Maven's order runs in circles for words among numbers and for lists of nothing but a list: `1.sp.1` < `1-alpha` <
    /// `1` < `1.sp.1`. Such versions have no key.
    fn has_key(&self) -> bool {
        let mut at_begin = true;
        self.0.iter().all(|item| {
            let begins = std::mem::replace(&mut at_begin, *item == Item::List);
            match item {
                Item::Number(_) => true,
                Item::Text(Qualifier::Other(text)) => begins && !text.contains('\0'),
                Item::Text(_) => begins,
                Item::List => !begins,
            }
        })
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        for (position, item) in self.0.iter().enumerate() {
            match item {
                Item::Number(digits) => {
                    key.push(item.tag());
                    push_decimal(key, digits.as_bytes());
                }
                Item::Text(qualifier) => {
                    key.extend([item.tag(), qualifier.number()]);
                    if let Qualifier::Other(text) = qualifier {
                        push_text(key, text.as_bytes());
                    }
                }
                // A list that begins with a word before the release is less than nothing, any other one is more, and
                // every list is less than a number.
                Item::List => {
                    let first = self.0.get(position.saturating_add(1));
                    let below = first.is_some_and(|first| first.tag() == tag::BEFORE_RELEASE);
                    key.push(if below { tag::BEFORE_RELEASE } else { tag::AFTER_RELEASE });
                }
            }
        }
        key.push(tag::END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(a: &str, b: &str) -> Ordering {
        let (a, b) = (Maven::parse(a).unwrap(), Maven::parse(b).unwrap());
        a.order(&b)
    }

    #[test]
    fn what_equals_nothing_is_left_out() {
        for equal in [
            "1",
            "1.0",
            "1.0.0",
            "1-0",
            "1.0-0",
            "1-ga",
            "1.final",
            "1.0.RELEASE",
            "1.",
            "1-",
            "1.-0",
            "01",
            "1..0-ga",
        ] {
            assert_eq!(order(equal, "1"), Ordering::Equal, "{equal}");
        }
    }

    #[test]
    fn words_have_ranks_and_short_forms() {
        let ascending = [
            "1-alpha",
            "1-a2",
            "1-beta-1",
            "1-b2",
            "1-m1",
            "1-RC1",
            "1.cr2",
            "1-SNAPSHOT",
            "1",
            "1-sp",
            "1-a",
            "1-jre8",
            "1-1",
            "1.1",
        ];
        for pair in ascending.windows(2) {
            let [a, b] = pair else { continue };
            assert_eq!(order(a, b), Ordering::Less, "{a} {b}");
        }
    }

    #[test]
    fn circles_have_no_keys() {
        let circle = ["1.sp.1", "1-alpha", "1"];
        for (a, b) in circle.iter().zip(circle.iter().cycle().skip(1)) {
            assert_eq!(order(a, b), Ordering::Less, "{a} {b}");
        }
        for (text, expected) in [
            ("1.sp.1", false),
            ("1-0-alpha", false),
            ("0-alpha", false),
            ("1-alpha", true),
            ("1.0.0.Beta2", true),
            ("31.1-jre", true),
            ("2.414.2-cb-5", true),
            ("v1.0", true),
            ("0", true),
        ] {
            assert_eq!(Maven::parse(text).unwrap().has_key(), expected, "{text}");
        }
    }
}
