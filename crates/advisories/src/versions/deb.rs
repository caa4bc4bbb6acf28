//! Versions of Debian packages, exactly as `dpkg --compare-versions` reads and orders them (deb-version(7)).
//!
//! `[epoch:]version[-revision]`. dpkg only warns about characters that policy does not allow and orders them after the
//! letters; so does this file, because real databases hold them. It refuses what dpkg refuses.

use std::cmp::Ordering;

use super::key::{decimal_order, push_decimal};
use super::{Reason, Version};

/// The byte that ends a run of characters which are not digits, between `~` and the letters.
const END: u8 = 2;

/// A version of a Debian package.
#[derive(Debug)]
pub(super) struct Deb<'a> {
    epoch: u32,
    version: &'a str,
    /// Empty where there is none, which is the same as `0`.
    revision: &'a str,
}

/// What C calls white space, in the `C` locale.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

fn parse_epoch(text: &str) -> Result<u32, Reason> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if text.is_empty() {
        return Err("the epoch is empty".into());
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the epoch is not a number".into());
    }
    // dpkg keeps it in a C int.
    match digits.parse::<u32>() {
        Ok(epoch) if i32::try_from(epoch).is_ok() => Ok(epoch),
        _ => Err("the epoch is too large".into()),
    }
}

impl<'a> Version<'a> for Deb<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.trim_start_matches([' ', '\t']).trim_end_matches(is_space);
        if text.is_empty() {
            return Err("it is empty".into());
        }
        if text.contains(is_space) {
            return Err("it has spaces inside".into());
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (parse_epoch(epoch)?, rest),
            None => (0, text),
        };
        if rest.is_empty() {
            return Err("nothing follows the epoch".into());
        }
        let (version, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return Err("the revision is empty".into()),
            Some(parts) => parts,
            None => (rest, ""),
        };
        if version.is_empty() {
            return Err("the version before the revision is empty".into());
        }
        Ok(Self {
            epoch,
            version,
            revision,
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| part_order(self.version, other.version))
            .then_with(|| part_order(self.revision, other.revision))
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.epoch.to_be_bytes());
        push_part(key, self.version);
        push_part(key, self.revision);
    }
}

/// Splits off a run of characters that are not digits and the number that follows it.
fn split_run(text: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let end = text.iter().position(u8::is_ascii_digit).unwrap_or(text.len());
    let (run, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    let end = rest
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(rest.len());
    let (digits, rest) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    (run, digits, rest)
}

/// How a character that is not a digit sorts: `~`, the end, letters, all others.
fn rank(byte: u8) -> u16 {
    match byte {
        b'~' => 1,
        _ if byte.is_ascii_alphabetic() => u16::from(byte),
        _ => u16::from(byte).saturating_add(0x100),
    }
}

fn ranks(run: &[u8]) -> impl Iterator<Item = u16> {
    run.iter().map(|byte| rank(*byte)).chain([u16::from(END)])
}

/// The order of two versions without epoch and revision, or of two revisions; defined for every text.
pub(super) fn part_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !(a.is_empty() && b.is_empty()) {
        let (run_a, digits_a, rest_a) = split_run(a);
        let (run_b, digits_b, rest_b) = split_run(b);
        let order = if run_a == run_b {
            Ordering::Equal
        } else {
            ranks(run_a).cmp(ranks(run_b))
        };
        let order = order.then_with(|| decimal_order(digits_a, digits_b));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// Appends what sorts like [`part_order`]: run, end, number, run, end, number, …, and the end of an empty last run.
fn push_part(key: &mut Vec<u8>, text: &str) {
    let mut text = text.as_bytes();
    loop {
        let (run, digits, rest) = split_run(text);
        for byte in run {
            match byte {
                b'~' => key.push(1),
                _ if byte.is_ascii_alphabetic() => key.push(*byte),
                0..0x7f => key.push(byte | 0x80),
                _ => key.extend_from_slice(&[0xff, *byte]),
            }
        }
        key.push(END);
        push_decimal(key, digits);
        if rest.is_empty() {
            break;
        }
        text = rest;
    }
    key.push(END);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dpkg_refuses_is_invalid() {
        for valid in [
            "0",
            "1:1",
            "+1:1",
            " 1 ",
            "1_2",
            "a",
            "1:1:1",
            "1-1-1",
            "2147483647:1",
            "1\n",
            "é",
            "-1-1",
        ] {
            assert!(Deb::parse(valid).is_ok(), "{valid}");
        }
        for invalid in [
            "",
            " ",
            "1:",
            ":1",
            "1-",
            "-1",
            "1:-1",
            "1 2",
            "a:1",
            "-1:1",
            "1a:1",
            "2147483648:1",
            "+:1",
        ] {
            assert!(Deb::parse(invalid).is_err(), "{invalid}");
        }
    }
}
