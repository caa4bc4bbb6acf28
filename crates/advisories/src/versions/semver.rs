//! Semantic Versioning 2.0.0, by the `semver` crate; build metadata is not compared.
//!
//! In front of it stand only what node's strict parser also takes: a `v` and space around. Shorter and looser forms
//! (`1.2`, `1.2.3.rc1`, `01.2.3`) are invalid, but [`loosened`] knows what is meant by them.

use std::cmp::Ordering;

use ::semver as crates_semver;

use super::key::{push_decimal, push_number, push_text};
use super::{Reason, Version, split_while};

/// How identifiers of a pre-release sort in the same place.
mod rank {
    pub(super) const END: u8 = 0;
    pub(super) const NUMBER: u8 = 1;
    pub(super) const TEXT: u8 = 2;
}
/// A release sorts after all its pre-releases.
const PRE_RELEASE: u8 = 0;
const RELEASE: u8 = 1;

/// A semantic version.
#[derive(Debug)]
pub(super) struct Semver(pub(super) crates_semver::Version);

impl Version<'_> for Semver {
    fn parse(text: &str) -> Result<Self, Reason> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        crates_semver::Version::parse(text)
            .map(Self)
            .map_err(|error| error.to_string().into())
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        for number in [self.0.major, self.0.minor, self.0.patch] {
            push_number(key, number);
        }
        if self.0.pre.is_empty() {
            key.push(RELEASE);
            return;
        }
        key.push(PRE_RELEASE);
        for identifier in self.0.pre.split('.') {
            if identifier.bytes().all(|byte| byte.is_ascii_digit()) {
                key.push(rank::NUMBER);
                push_decimal(key, identifier.as_bytes());
            } else {
                key.push(rank::TEXT);
                push_text(key, identifier.as_bytes());
            }
        }
        key.push(rank::END);
    }

    fn repair(text: &str) -> Option<String> {
        loosened(text)
    }
}

/// The semantic version that is meant by a looser one: `=v1.2` by `1.2.0`, `1.21rc2` and `1.21.rc2` by `1.21.0-rc2`.
pub(super) fn loosened(text: &str) -> Option<String> {
    let mut rest = text
        .trim()
        .trim_start_matches(|c: char| matches!(c, 'v' | 'V' | '=') || c.is_whitespace());
    let mut numbers = Vec::new();
    while numbers.len() < 3 {
        // A dot belongs to the number that follows it, if one does.
        let after = if numbers.is_empty() {
            rest
        } else {
            rest.strip_prefix('.').unwrap_or_default()
        };
        let (digits, after) = split_while(after, |byte| byte.is_ascii_digit());
        if digits.is_empty() {
            break;
        }
        numbers.push(without_zeros(digits));
        rest = after;
    }
    if numbers.is_empty() {
        return None;
    }
    numbers.resize(3, "0");
    let (rest, build) = rest.split_once('+').unwrap_or((rest, ""));
    let pre = rest.strip_prefix(['-', '.']).unwrap_or(rest);
    let mut version = numbers.join(".");
    if !rest.is_empty() {
        // A fourth number is no pre-release, and nothing says what it is.
        if pre.is_empty() || (rest.starts_with('.') && pre.starts_with(|c: char| c.is_ascii_digit())) {
            return None;
        }
        version.push('-');
        // As Ruby writes it, dots are all there is: `1.0.0.alpha.beta` is what others call `1.0.0-alpha-beta`.
        let between_words = if rest.starts_with('.') { '-' } else { '.' };
        for (index, identifier) in pre.split('.').enumerate() {
            let numeric = !identifier.is_empty() && identifier.bytes().all(|byte| byte.is_ascii_digit());
            if index > 0 {
                version.push(if numeric { '.' } else { between_words });
            }
            version.push_str(if numeric { without_zeros(identifier) } else { identifier });
        }
    }
    if !build.is_empty() {
        version.push('+');
        version.push_str(build);
    }
    Some(version)
}

fn without_zeros(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loose_forms_have_a_meaning() {
        let cases = [
            ("1", Some("1.0.0")),
            ("=v1.2", Some("1.2.0")),
            ("V01.02.003", Some("1.2.3")),
            ("1.21rc2", Some("1.21.0-rc2")),
            ("1.0.0.alpha.01", Some("1.0.0-alpha.1")),
            ("1.2+build.1", Some("1.2.0+build.1")),
            ("1.2-rc.1", Some("1.2.0-rc.1")),
            ("1.2.3.4", None),
            ("1.2.3-", None),
            ("latest", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(loosened(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_strict_versions_are_valid() {
        for valid in [
            "1.2.3",
            "v1.2.3",
            " 1.2.3 ",
            "0.0.0-0",
            "1.2.3--",
            "1.2.3-a.99999999999999999999999999",
            "1.2.3+01",
        ] {
            assert!(Semver::parse(valid).is_ok(), "{valid}");
        }
        for invalid in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.2.3-01",
            "1.2.3-",
            "1.2.3-a..b",
            "vv1.2.3",
            "V1.2.3",
            "=1.2.3",
        ] {
            assert!(Semver::parse(invalid).is_err(), "{invalid}");
        }
    }
}
