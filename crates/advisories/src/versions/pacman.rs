//! Versions of Arch Linux packages: epoch, version and release as libalpm's `alpm_pkg_vercmp` orders them.
//!
//! The order is that of old rpm, without tilde and caret, but the number of separators counts. A release is compared
//! only where both have one, so `1.0` equals `1.0-1` as well as `1.0-2`, and such versions have no key.

use std::cmp::Ordering;

use super::key::push_text;
use super::pieces::{Decimal, is_number};
use super::{Reason, Version, split_while};

/// A version of an Arch Linux package.
#[derive(Debug)]
pub(super) struct Pacman<'a> {
    epoch: Decimal<'a>,
    version: &'a str,
    release: Option<&'a str>,
}

/// A run of digits or letters with the number of separators before it, or what is left where none follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment<'a> {
    Number(usize, Decimal<'a>),
    Letters(usize, &'a str),
    /// Separators and nothing after them.
    Rest,
    End,
}

fn next(text: &str) -> (Segment<'_>, &str) {
    if text.is_empty() {
        return (Segment::End, "");
    }
    let after = text.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let separators = text.len().saturating_sub(after.len());
    let (digits, rest) = split_while(after, |byte| byte.is_ascii_digit());
    if !digits.is_empty() {
        return (Segment::Number(separators, Decimal(digits)), rest);
    }
    let (letters, rest) = split_while(after, |byte| byte.is_ascii_alphabetic());
    if letters.is_empty() {
        (Segment::Rest, "")
    } else {
        (Segment::Letters(separators, letters), rest)
    }
}

fn part_order(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let ((one, rest_a), (other, rest_b)) = (next(a), next(b));
        let order = match (one, other) {
            (Segment::End | Segment::Rest, Segment::End | Segment::Rest) => {
                // Separators at the end of both are equal, and more than nothing.
                return (one == Segment::Rest).cmp(&(other == Segment::Rest));
            }
            // Letters directly at the end of what is equal make it less: 1.0rc < 1.0. After separators, they make it more
            // than nothing and less than separators alone.
            (Segment::Letters(0, _), Segment::End) | (Segment::Letters(..), Segment::Rest) => Ordering::Less,
            (Segment::End, Segment::Letters(0, _)) | (Segment::Rest, Segment::Letters(..)) => Ordering::Greater,
            (_, Segment::End | Segment::Rest) => Ordering::Greater,
            (Segment::End | Segment::Rest, _) => Ordering::Less,
            (Segment::Number(separators, one), Segment::Number(others, other)) => {
                separators.cmp(&others).then(one.cmp(&other))
            }
            (Segment::Letters(separators, one), Segment::Letters(others, other)) => {
                separators.cmp(&others).then(one.cmp(other))
            }
            (Segment::Number(separators, _), Segment::Letters(others, _)) => {
                separators.cmp(&others).then(Ordering::Greater)
            }
            (Segment::Letters(separators, _), Segment::Number(others, _)) => {
                separators.cmp(&others).then(Ordering::Less)
            }
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

fn push_part(key: &mut Vec<u8>, mut text: &str) {
    // Letters without a separator are less than the end, everything else is more.
    loop {
        let (segment, rest) = next(text);
        match segment {
            Segment::Letters(0, letters) => {
                key.push(0);
                push_text(key, letters.as_bytes());
            }
            Segment::Letters(separators, letters) => {
                key.push(2);
                key.extend_from_slice(&u32::try_from(separators).unwrap_or(u32::MAX).to_be_bytes());
                key.push(0);
                push_text(key, letters.as_bytes());
            }
            Segment::Number(separators, number) => {
                key.push(2);
                key.extend_from_slice(&u32::try_from(separators).unwrap_or(u32::MAX).to_be_bytes());
                key.push(1);
                number.push_key(key);
            }
            Segment::Rest | Segment::End => {
                key.push(1);
                return;
            }
        }
        text = rest;
    }
}

/// Separators at the end, which libalpm puts before and after the same versions.
fn ends_in_separators(text: &str) -> bool {
    text.ends_with(|letter: char| !letter.is_ascii_alphanumeric())
}

impl<'a> Version<'a> for Pacman<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err("it is empty or has spaces inside".into());
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if is_number(epoch) || epoch.is_empty() => (epoch, rest),
            _ => ("", text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        Ok(Self {
            epoch: Decimal(epoch),
            version,
            release,
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| part_order(self.version, other.version))
            .then_with(|| match (self.release, other.release) {
                (Some(one), Some(other)) => part_order(one, other),
                _ => Ordering::Equal,
            })
    }

    fn has_key(&self) -> bool {
        !ends_in_separators(self.version) && self.release.is_some_and(|release| !ends_in_separators(release))
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        self.epoch.push_key(key);
        push_part(key, self.version);
        push_part(key, self.release.unwrap_or_default());
    }
}
