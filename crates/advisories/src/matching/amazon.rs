//! Amazon's package lines: the core repository, kernels and `extras` topics have builds of one name side by side.
//!
//! A notice's topic says for which line it is, a package does not: the line whose fixes are nearest to the installed
//! upstream version is its own. Topics without a number (`docker`, `ecs`, `nitro-enclaves`) share their builds, so that
//! they count as one line.

use super::candidates::{Candidate, same_line};
use super::judge::without_epoch;
use crate::file::{Bound, Entry};
use std::collections::BTreeMap;

/// Numbers of an upstream version that are compared; the longest of real ones have five.
const NUMBERS: usize = 8;

/// How far each line's nearest fix is from the installed version, number by number.
#[derive(Debug, Default)]
pub(super) struct Lines<'a> {
    distances: BTreeMap<&'a str, Vec<u64>>,
}

/// The line of a topic; the empty text is the core repository.
fn line(topic: &str) -> &str {
    if topic.is_empty() || topic.contains(|letter: char| letter.is_ascii_digit()) {
        topic
    } else {
        "topics without a number"
    }
}

fn fixes<'a>(entry: &Entry<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    entry.stretches().filter_map(|stretch| match stretch.end {
        Bound::Fixed(end) => Some(end),
        _ => None,
    })
}

impl<'a> Lines<'a> {
    /// The lines that have advisories about a name.
    pub(super) fn of<I: Iterator<Item = Entry<'a>>>(entries: impl Fn() -> I, installed: &str) -> Self {
        let mut lines = Self::default();
        // Most packages are of the core repository only: without distances that line is the nearest.
        if entries().all(|entry| entry.product().is_empty()) {
            return lines;
        }
        let mut last = ("", "");
        for entry in entries() {
            for fix in fixes(&entry) {
                // One fix stands for many vulnerabilities.
                if last == (entry.product(), fix) {
                    continue;
                }
                last = (entry.product(), fix);
                let far = distance(installed, fix);
                let known = lines
                    .distances
                    .entry(line(entry.product()))
                    .or_insert_with(|| far.clone());
                if far < *known {
                    *known = far;
                }
            }
        }
        lines
    }

    fn is_own(&self, topic: &str) -> bool {
        let nearest = self.distances.values().min();
        self.distances.get(line(topic)) == nearest
    }

    /// Whether a statement is about the installed build's line. What the core repository states counts for all that
    /// has no statement of its own.
    pub(super) fn apply(&self, entry: &Entry<'a>, installed: &str) -> bool {
        let topic = entry.product();
        topic.is_empty() || self.is_own(topic) && same_line(topic, installed, fixes(entry))
    }

    /// The statements about one vulnerability that decide: those of the own line, where there are any.
    pub(super) fn deciding<'c>(&self, statements: Vec<&'c Candidate<'a>>) -> Vec<&'c Candidate<'a>> {
        let own: Vec<&'c Candidate<'a>> = statements
            .iter()
            .copied()
            .filter(|candidate| self.is_own(candidate.entry.product()))
            .collect();
        if own.is_empty() { statements } else { own }
    }
}

/// The differences of the numbers of two upstream versions, the most significant first.
fn distance(one: &str, other: &str) -> Vec<u64> {
    let (one, other) = (numbers(one), numbers(other));
    let number = |list: &[u64], at: usize| list.get(at).copied().unwrap_or(0);
    (0..one.len().max(other.len()))
        .map(|at| number(&one, at).abs_diff(number(&other, at)))
        .chain(std::iter::repeat(0))
        .take(NUMBERS)
        .collect()
}

fn numbers(version: &str) -> Vec<u64> {
    let upstream = without_epoch(version).split('-').next().unwrap_or("");
    upstream
        .split(['.', '_', '+', '~', '^'])
        .take(NUMBERS)
        .map(|part| {
            part.bytes().filter(u8::is_ascii_digit).fold(0_u64, |sum, digit| {
                sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{distance, line};

    #[test]
    fn the_nearest_line_is_told_by_the_first_number_that_differs() {
        let cases = [
            ("2.85-1.amzn2", "2.88-1.amzn2.0.2", "2.76-16.amzn2.0.1"),
            ("2.76-2.amzn2", "2.76-16.amzn2.0.1", "2.88-1.amzn2.0.2"),
            ("4.14.355-275.amzn2", "4.14.101-91.amzn2", "5.4.105-48.amzn2"),
            ("7:4.17-4.amzn2", "7:4.10-3.amzn2", "7:3.5.20-15.amzn2"),
            ("1:1.8.0_312.b07-1.amzn2", "1:1.8.0_322.b06-1", "1:11.0.13-1"),
        ];
        for (installed, near, far) in cases {
            assert!(distance(installed, near) < distance(installed, far), "{installed}");
        }
    }

    #[test]
    fn topics_without_a_number_are_one_line() {
        assert_eq!(line("docker"), line("ecs"));
        assert_ne!(line("docker"), line(""));
        assert_ne!(line("kernel-5.10"), line("kernel-5.4"));
    }
}
