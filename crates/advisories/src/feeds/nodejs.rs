//! Node.js itself: `core-index.json` of the Node.js Security Working Group.
//!
//! An entry names the lines that are vulnerable (`18.x || 20.x`) and what is patched (`^18.20.4 || ^20.15.1`), both as
//! ranges of npm; what is affected is the one without the other.

use super::output::{Output, Tally};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record};
use crate::versions::Scheme;
use crate::versions::constraint::{Alternative, Constraint, Operator};
use seaworthy_model::FixStatus;
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    cve: Vec<String>,
    #[serde(default)]
    vulnerable: String,
    #[serde(default)]
    patched: Option<String>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    affected_environments: Vec<String>,
}

/// A stretch of versions: from a version (empty: the beginning) up to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Interval {
    start: String,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Open,
    Before(String),
    With(String),
}

/// Reads the index.
pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        let entries: BTreeMap<String, Entry> =
            serde_json::from_slice(&file.document()?).map_err(|error| file.broken(error))?;
        let mut tally = Tally::new(&file.name, input.source);
        for entry in entries.values() {
            let outcome = read_entry(entry, input, &mut output);
            tally.settle(outcome);
        }
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

fn read_entry(entry: &Entry, input: &Input<'_>, output: &mut Output) -> Result<(), &'static str> {
    let everywhere = |name: &String| matches!(name.as_str(), "all" | "linux");
    if !entry.affected_environments.is_empty() && !entry.affected_environments.iter().any(everywhere) {
        return Err("not on Linux");
    }
    let ids: Vec<&String> = entry.cve.iter().filter(|id| words::is_cve(id)).collect();
    if ids.is_empty() {
        return Err("without a CVE id");
    }
    let vulnerable = intervals(&entry.vulnerable).ok_or("a range that is not understood")?;
    let patched = entry.patched.as_deref().unwrap_or_default();
    let mut patched = if patched.trim().is_empty() {
        Vec::new()
    } else {
        intervals(patched).ok_or("a range that is not understood")?
    };
    patched.sort_by(|one, other| order(&one.start, &other.start));
    let ranges: Vec<Range> = vulnerable
        .iter()
        .flat_map(|interval| without(interval, &patched))
        .collect();
    if ranges.is_empty() {
        return Err("nothing is affected");
    }
    let fixed = ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
    let severity = entry.severity.as_deref().and_then(words::severity);
    let mut kept = false;
    for id in ids {
        kept |= output.push(Record {
            section: "node".to_owned(),
            package: "node".to_owned(),
            id: id.clone(),
            vendor_ids: Vec::new(),
            source: input.source,
            ranges: ranges.clone(),
            versions: Vec::new(),
            status: if fixed { FixStatus::Fixed } else { FixStatus::Affected },
            severity,
            unimportant: false,
            module: String::new(),
            arches: Vec::new(),
            product: String::new(),
        });
        if let Some(severity) = severity {
            output.facts(id).severities.insert(input.source, severity);
        }
    }
    if kept { Ok(()) } else { Err("implausible") }
}

fn order(one: &str, other: &str) -> Ordering {
    match (one.is_empty(), other.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => Scheme::Npm.order_or_fallback(one, other),
    }
}

/// The stretches of a range of npm; `None` where one has no plain beginning.
fn intervals(text: &str) -> Option<Vec<Interval>> {
    let constraint = Constraint::advisory(Scheme::Npm, text.trim()).ok()?;
    constraint.alternatives().iter().map(interval).collect()
}

fn interval(alternative: &Alternative) -> Option<Interval> {
    let mut interval = Interval {
        start: String::new(),
        end: End::Open,
    };
    for comparison in &alternative.comparisons {
        let bound = comparison.bound.clone();
        match comparison.operator {
            Operator::AtLeast => interval.start = bound,
            Operator::Less => interval.end = End::Before(bound),
            Operator::AtMost => interval.end = End::With(bound),
            Operator::Equal => {
                interval.start.clone_from(&bound);
                interval.end = End::With(bound);
            }
            _ => return None,
        }
    }
    Some(interval)
}

/// What is left of a stretch without the patched ones, which are sorted.
fn without(interval: &Interval, patched: &[Interval]) -> Vec<Range> {
    let within = |version: &str| match &interval.end {
        End::Open => true,
        End::Before(end) => order(version, end).is_lt(),
        End::With(end) => order(version, end).is_le(),
    };
    let mut ranges = Vec::new();
    let mut start = interval.start.clone();
    for fixed in patched {
        if !within(&fixed.start) {
            continue;
        }
        let reaches = match &fixed.end {
            End::Open => true,
            End::Before(end) | End::With(end) => order(end, &start).is_gt(),
        };
        if !reaches {
            continue;
        }
        if order(&fixed.start, &start).is_gt() {
            ranges.push(Range {
                introduced: start.clone(),
                end: RangeEnd::Fixed(fixed.start.clone()),
            });
        }
        match &fixed.end {
            End::Before(end) if within(end) => start.clone_from(end),
            End::With(end) if within(end) => start.clone_from(end),
            _ => return ranges,
        }
    }
    ranges.push(Range {
        introduced: start,
        end: match &interval.end {
            End::Open => RangeEnd::Open,
            End::Before(end) => RangeEnd::Limit(end.clone()),
            End::With(end) => RangeEnd::LastAffected(end.clone()),
        },
    });
    ranges
}

#[cfg(test)]
mod tests {
    use super::{intervals, without};
    use crate::record::RangeEnd;

    fn check(vulnerable: &str, patched: &str, expected: &str) {
        let patched = intervals(patched).unwrap();
        let found: Vec<String> = intervals(vulnerable)
            .unwrap()
            .iter()
            .flat_map(|interval| without(interval, &patched))
            .map(|range| match range.end {
                RangeEnd::Open => format!("{}..", range.introduced),
                RangeEnd::Fixed(end) => format!("{}..{end}", range.introduced),
                RangeEnd::Limit(end) => format!("{}|{end}", range.introduced),
                RangeEnd::LastAffected(end) => format!("{}..={end}", range.introduced),
            })
            .collect();
        assert_eq!(found.join(" "), expected, "{vulnerable} without {patched:?}");
    }

    #[test]
    fn what_is_affected_is_what_is_vulnerable_without_what_is_patched() {
        check(
            "18.x || 20.x",
            "^18.20.4 || ^20.15.1",
            "18.0.0..18.20.4 20.0.0..20.15.1",
        );
        check("4.x || 5.x", "^5.2.0", "4.0.0|5.0.0-0 5.0.0..5.2.0");
        check("<= 10", "^10.3.0", "..10.3.0");
        check("8.5.0", "^8.6.0", "8.5.0..=8.5.0");
        check("^6.10.2", "~6.10.3 || ^6.11.1", "6.10.2..6.10.3 6.11.0-0..6.11.1");
        check(">=6.0.0 <6.2.0", "^6.2.0", "6.0.0|6.2.0");
        assert_eq!(intervals("!1"), None);
    }
}
