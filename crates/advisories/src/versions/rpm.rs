//! Epoch, version and release of rpm packages, split as rpm's `rpmverParse` and ordered as `rpmvercmp` does.
//!
//! The order of each of the three is that of the `rpm-version` crate. An epoch is digits before the first colon; any
//! other text before a colon belongs to the version. `(none)`, which rpm prints for a missing epoch, is no epoch.

use std::cmp::Ordering;

use rpm_version::Evr;

use super::key::{decimal_order, push_decimal, push_text};
use super::{Reason, Version, split_while};

/// How the kinds of segments sort in the same place.
mod rank {
    pub(super) const TILDE: u8 = 1;
    pub(super) const END: u8 = 2;
    pub(super) const CARET: u8 = 3;
    pub(super) const LETTERS: u8 = 4;
    pub(super) const NUMBER: u8 = 5;
}

/// A version of an rpm package.
#[derive(Debug)]
pub(super) struct Rpm<'a> {
    epoch: &'a str,
    version: &'a str,
    /// Any release, even an empty one, sorts after none.
    release: Option<&'a str>,
}

impl<'a> Version<'a> for Rpm<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.strip_prefix("(none):").unwrap_or(text);
        if text.is_empty() {
            return Err("it is empty".into());
        }
        let (digits, rest) = split_while(text, |byte| byte.is_ascii_digit());
        let (epoch, rest) = rest.strip_prefix(':').map_or(("", text), |rest| (digits, rest));
        let (version, release) = rest
            .rsplit_once('-')
            .map_or((rest, None), |(version, release)| (version, Some(release)));
        Ok(Self {
            epoch,
            version,
            release,
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        decimal_order(self.epoch.as_bytes(), other.epoch.as_bytes())
            .then_with(|| part_order(self.version, other.version))
            .then_with(|| match (self.release, other.release) {
                (Some(a), Some(b)) => part_order(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            })
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_decimal(key, self.epoch.as_bytes());
        push_part(key, self.version);
        key.push(u8::from(self.release.is_some()));
        push_part(key, self.release.unwrap_or_default());
    }
}

fn part_order(a: &str, b: &str) -> Ordering {
    Evr::new("", a, "").cmp(&Evr::new("", b, ""))
}

/// Appends what sorts like [`part_order`]. The crate's own keys count digits in one byte and fail at 256 of them.
fn push_part(key: &mut Vec<u8>, mut text: &str) {
    while let Some(first) = text.bytes().next() {
        let rest = match first {
            b'~' | b'^' => {
                key.push(if first == b'~' { rank::TILDE } else { rank::CARET });
                text.get(1..).unwrap_or_default()
            }
            b'0'..=b'9' => {
                let (digits, rest) = split_while(text, |byte| byte.is_ascii_digit());
                key.push(rank::NUMBER);
                push_decimal(key, digits.as_bytes());
                rest
            }
            _ if first.is_ascii_alphabetic() => {
                let (letters, rest) = split_while(text, |byte| byte.is_ascii_alphabetic());
                key.push(rank::LETTERS);
                push_text(key, letters.as_bytes());
                rest
            }
            // Everything else only separates, also what is not ASCII.
            _ => text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^'),
        };
        text = rest;
    }
    key.push(rank::END);
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use Ordering::{Equal, Greater, Less};

    use super::*;

    #[test]
    fn epochs_and_releases_are_split_as_rpm_does() {
        let cases = [
            ("(none):1-1", "1-1", Equal),
            ("0:1-1", "1-1", Equal),
            (":1-1", "0:1-1", Equal),
            ("00010:1", "9:2", Greater),
            ("4294967297:1", "4294967296:2", Greater),
            ("18446744073709551617:1", "1:2", Greater),
            // Not an epoch, so part of the version.
            ("a:1", "1", Less),
            ("x:1-1", "x.1-1", Equal),
            ("1", "1-", Less),
            ("1", "1-~1", Less),
            // The release begins at the last hyphen.
            ("1-2-3", "1.2-3", Equal),
            ("1-2-3", "1-9", Greater),
        ];
        for (a, b, expected) in cases {
            assert_eq!(Scheme::Rpm.compare(a, b), Ok(expected), "{a} {b}");
            assert_eq!(Scheme::Rpm.compare(b, a), Ok(expected.reverse()), "{b} {a}");
        }
        assert!(Scheme::Rpm.check("").is_err());
    }
}
