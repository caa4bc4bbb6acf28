//! Versions of Ruby gems, as `Gem::Version` reads and orders them.
//!
//! A version is a line of numbers and words; a hyphen is `.pre.`. Words come before the number 0 and so make a
//! pre-release. Zeros before the first word and at the end mean nothing, and a shorter version goes on with zeros.

use std::cmp::{Ordering, Reverse};

use super::key::push_text;
use super::pieces::Decimal;
use super::{Reason, Version, split_while};

/// One place of a version that is not zero, with the zeros before it. Where another version has ended it goes on with
/// zeros, so that a word is less than the end, and a number is more: the sooner it comes the further from it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Word(u32, &'a str),
    End,
    Number(Reverse<u32>, Decimal<'a>),
}

/// A version of a gem.
#[derive(Debug)]
pub(super) struct Gem<'a>(Vec<Place<'a>>);

fn is_valid(text: &str) -> bool {
    let words = |text: &str| {
        text.split('.')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    let pre = |text: &str| {
        text.split('.')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    };
    let (version, after) = match text.split_once('-') {
        Some((version, after)) => (version, Some(after)),
        None => (text, None),
    };
    let first = version.split('.').next().unwrap_or_default();
    super::pieces::is_number(first) && words(version) && after.is_none_or(pre)
}

/// The numbers and words of a version.
fn segments(text: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let (segment, after) = if first.is_ascii_digit() {
            split_while(rest, |byte| byte.is_ascii_digit())
        } else if first.is_ascii_alphabetic() {
            split_while(rest, |byte| byte.is_ascii_alphabetic())
        } else {
            if first == b'-' {
                segments.push("pre");
            }
            rest = rest.get(1..).unwrap_or_default();
            continue;
        };
        segments.push(segment);
        rest = after;
    }
    segments
}

fn is_word(segment: &str) -> bool {
    segment.starts_with(|first: char| first.is_ascii_alphabetic())
}

impl<'a> Version<'a> for Gem<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        if !text.is_empty() && !is_valid(text) {
            return Err("it is not numbers and words between dots".into());
        }
        let segments = segments(text);
        let first_word = segments.iter().position(|segment| is_word(segment));
        let mut places = Vec::new();
        let mut zeros: u32 = 0;
        for (at, segment) in segments.iter().enumerate() {
            if first_word == Some(at) {
                zeros = 0;
            }
            if is_word(segment) {
                places.push(Place::Word(std::mem::take(&mut zeros), segment));
            } else if Decimal(segment).is_zero() {
                zeros = zeros.saturating_add(1);
            } else {
                places.push(Place::Number(Reverse(std::mem::take(&mut zeros)), Decimal(segment)));
            }
        }
        places.push(Place::End);
        Ok(Self(places))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        for place in &self.0 {
            match place {
                Place::Word(zeros, word) => {
                    key.push(0);
                    key.extend_from_slice(&zeros.to_be_bytes());
                    push_text(key, word.as_bytes());
                }
                Place::End => key.push(1),
                Place::Number(Reverse(zeros), number) => {
                    key.push(2);
                    key.extend_from_slice(&(!zeros).to_be_bytes());
                    number.push_key(key);
                }
            }
        }
    }

    /// The platform that stands in file names: `1.19.3-x86_64-linux`.
    fn repair(text: &str) -> Option<String> {
        without_platform(text).map(str::to_owned)
    }
}

/// A version without the platform behind it, if one is there.
pub(super) fn without_platform(text: &str) -> Option<&str> {
    const MACHINES: [&str; 14] = [
        "x86_64",
        "x64",
        "x86",
        "i386",
        "i486",
        "i586",
        "i686",
        "aarch64",
        "arm64",
        "arm",
        "armv7l",
        "universal",
        "powerpc",
        "java",
    ];
    text.match_indices('-').find_map(|(at, _)| {
        let platform = text.get(at.saturating_add(1)..)?;
        let machine = platform.split('-').next()?;
        let known = MACHINES.contains(&machine) || matches!(machine, "jruby" | "mswin" | "mingw32" | "mswin32");
        known.then(|| text.get(..at)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use super::without_platform;

    #[test]
    fn what_rubygems_refuses_is_invalid() {
        for valid in ["", "0", " 1.2.b1 ", "1-1", "1.2.3-x86-linux", "1.2a"] {
            let expected = valid != "1.2a" || Scheme::Gem.check("1.2a").is_ok();
            assert_eq!(Scheme::Gem.check(valid).is_ok(), expected, "{valid}");
        }
        for invalid in ["1beta", "v1", "invalid", "1..2", "1.", "1-", "1_2", "1 2"] {
            assert!(Scheme::Gem.check(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn platforms_are_told_from_pre_releases() {
        assert_eq!(without_platform("1.19.3-x86_64-linux-gnu"), Some("1.19.3"));
        assert_eq!(without_platform("1.2.0-alpha-1-x86-linux"), Some("1.2.0-alpha-1"));
        assert_eq!(without_platform("1.8.6-java"), Some("1.8.6"));
        assert_eq!(without_platform("1.8.6-rc1"), None);
    }
}
