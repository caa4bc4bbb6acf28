//! Versions of Python packages: PEP 440, by the `pep440_rs` crate.
//!
//! Numbers above 64 bits are refused. Legacy versions (`0.9-doduo`) are invalid, as they are for pip.

use std::cmp::Ordering;
use std::str::FromStr;

use pep440_rs::{LocalSegment, PrereleaseKind};

use super::key::{push_number, push_text};
use super::{Reason, Version};

/// How kinds of versions of one release sort.
mod rank {
    pub(super) const DEVELOPMENT: u8 = 1;
    pub(super) const ALPHA: u8 = 2;
    pub(super) const BETA: u8 = 3;
    pub(super) const CANDIDATE: u8 = 4;
    pub(super) const FINAL: u8 = 5;
    pub(super) const POST: u8 = 6;
}
/// How the end of a list and what may stand there sort.
mod list {
    pub(super) const END: u8 = 0;
    pub(super) const TEXT: u8 = 1;
    pub(super) const NUMBER: u8 = 2;
}

/// A version of a Python package.
#[derive(Debug)]
pub(super) struct Pep440(pep440_rs::Version);

impl Version<'_> for Pep440 {
    fn parse(text: &str) -> Result<Self, Reason> {
        let version = pep440_rs::Version::from_str(text.trim())
            .map_err(|error| Reason::from(super::shorten(&error.to_string())))?;
        // The crate takes a local number that is too large for text, which sorts before numbers.
        let too_large = |segment: &LocalSegment| match segment {
            LocalSegment::String(text) => text.bytes().all(|byte| byte.is_ascii_digit()),
            LocalSegment::Number(_) => false,
        };
        if version.local().iter().any(too_large) {
            return Err("a number of its local part is too large".into());
        }
        Ok(Self(version))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        let version = &self.0;
        push_number(key, version.epoch());
        let release = version.release();
        // 1.0 is 1: what is missing counts as zero.
        let significant = release
            .iter()
            .rposition(|number| *number != 0)
            .map_or(0, |last| last.saturating_add(1));
        for number in release.iter().take(significant) {
            key.push(list::NUMBER);
            push_number(key, *number);
        }
        key.push(list::END);

        let (kind, number) = match (version.pre(), version.post(), version.dev()) {
            (Some(pre), _, _) => {
                let kind = match pre.kind {
                    PrereleaseKind::Alpha => rank::ALPHA,
                    PrereleaseKind::Beta => rank::BETA,
                    PrereleaseKind::Rc => rank::CANDIDATE,
                };
                (kind, pre.number)
            }
            (None, Some(_), _) => (rank::POST, 0),
            (None, None, Some(_)) => (rank::DEVELOPMENT, 0),
            (None, None, None) => (rank::FINAL, 0),
        };
        key.push(kind);
        push_number(key, number);
        match version.post() {
            Some(post) => {
                key.push(list::NUMBER);
                push_number(key, post);
            }
            None => key.push(list::END),
        }
        // No development release sorts after all of them, which the crate writes as the largest number.
        push_number(key, version.dev().unwrap_or(u64::MAX));
        for segment in version.local() {
            match segment {
                LocalSegment::String(text) => {
                    key.push(list::TEXT);
                    push_text(key, text.as_bytes());
                }
                LocalSegment::Number(number) => {
                    key.push(list::NUMBER);
                    push_number(key, *number);
                }
            }
        }
        key.push(list::END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_above_64_bits_are_refused() {
        for invalid in [
            "1.18446744073709551616",
            "1+18446744073709551616",
            "1+a.99999999999999999999",
        ] {
            assert!(Pep440::parse(invalid).is_err(), "{invalid}");
        }
        assert!(Pep440::parse("1.18446744073709551615+18446744073709551615").is_ok());
    }
}
