//! Versions of Java runtimes, before and since JEP 223: `1.8.0_392-b08`, `8u392`, `8.0.392+8` and `17.0.9+9`.
//!
//! The number of the update counts as third number, a leading `1.` is dropped, builds are not compared, and a word such
//! as `ea` makes a pre-release. `LTS` and vendors' words behind a build mean nothing.

use std::cmp::Ordering;

use super::pieces::{Decimal, Identifier, is_number, push_numbers, significant};
use super::{Reason, Version, split_while};

/// A version of a Java runtime.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Jvm<'a> {
    numbers: Numbers<'a>,
    release: bool,
    pre: Pre<'a>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Numbers<'a>(Vec<Decimal<'a>>);
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pre<'a>(Vec<Identifier<'a>>);

/// `_131`, `-update131`, `-update_131`, `u131`: the digits, and what follows.
fn update(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix(['_', '-', 'u'])?;
    let named = rest.strip_prefix("update");
    if named.is_none() && text.starts_with('-') {
        return None;
    }
    let rest = named.unwrap_or(rest);
    let (digits, after) = split_while(rest.strip_prefix('_').unwrap_or(rest), |byte| byte.is_ascii_digit());
    (!digits.is_empty()).then_some((digits, after))
}

/// `b08` and the like, which say nothing of the order.
fn is_build(word: &str) -> bool {
    let digits = word.strip_prefix('b').unwrap_or_default();
    is_number(digits)
}

impl<'a> Version<'a> for Jvm<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.trim();
        let text = text.strip_prefix("jdk").unwrap_or(text);
        let mut rest = text.strip_prefix('-').unwrap_or(text);
        let mut numbers: Vec<&str> = Vec::new();
        loop {
            let (digits, after) = split_while(rest, |byte| byte.is_ascii_digit());
            if digits.is_empty() {
                return Err("its numbers are not numbers between dots".into());
            }
            numbers.push(digits);
            rest = after;
            match after.strip_prefix('.') {
                // A build among the numbers, as Red Hat writes it.
                Some(next) if next.starts_with('b') => {
                    rest = next;
                    break;
                }
                Some(next) => rest = next,
                None => break,
            }
        }
        if numbers.len() > 1 && numbers.first() == Some(&"1") {
            numbers.remove(0);
        }
        if let Some((digits, after)) = update(rest) {
            rest = after;
            while numbers.len() < 3 {
                numbers.push("0");
            }
            if let Some(third) = numbers.get_mut(2).filter(|third| Decimal(third).is_zero()) {
                *third = digits;
            }
        }
        let (before_build, _) = rest.split_once('+').unwrap_or((rest, ""));
        if !before_build.is_empty() && !before_build.starts_with('-') && !is_build(before_build) {
            return Err(format!("unexpected {:?}", super::shorten(before_build)).into());
        }
        let words = before_build.split('-').filter(|word| {
            !word.is_empty() && !is_build(word) && !word.eq_ignore_ascii_case("lts") && !is_number(word)
        });
        let pre: Vec<Identifier<'a>> = words.flat_map(|word| word.split('.')).map(Identifier::new).collect();
        Ok(Self {
            numbers: Numbers(significant(numbers.into_iter())),
            release: pre.is_empty(),
            pre: Pre(pre),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_numbers(&self.numbers.0, key);
        key.push(u8::from(self.release));
        Identifier::push_list(&self.pre.0, key);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn all_forms_of_one_version_are_equal() {
        for (a, order, b) in [
            ("1.8.0_392-b08", Equal, "8u392"),
            ("jdk8u392-b08", Equal, "8.0.392+8"),
            ("1.8.0.392.b08", Equal, "8.0.392"),
            ("1.8", Equal, "1.8.0_0"),
            ("8.0-update302-b08", Equal, "8.0.302+8"),
            ("17.0.9+9-LTS", Equal, "17.0.9"),
            ("11.0.9.1+1", Greater, "11.0.9+11"),
            ("21-ea+5", Less, "21"),
            ("21", Less, "21.0.1"),
            ("1.6.0", Less, "8.0.1"),
        ] {
            assert_eq!(Scheme::Jvm.compare(a, b), Ok(order), "{a} {b}");
        }
        for invalid in ["1.a", "", "jdk", "1.8.0_", "8x3"] {
            assert!(Scheme::Jvm.check(invalid).is_err(), "{invalid}");
        }
    }
}
