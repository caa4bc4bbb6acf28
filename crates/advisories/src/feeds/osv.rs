//! OSV records: the fields that are needed, and their events as ranges.
//!
//! Follows the OSV schema (<https://ossf.github.io/osv-schema/>) 1.7: `affected[].ranges[].events` of the types
//! ECOSYSTEM and SEMVER; ranges of the type GIT say nothing about package versions. `details` and `references` are
//! never read into memory.

use super::words;
use crate::record::{Range, RangeEnd};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// One OSV record; `S` is what a publisher puts into `affected[].ecosystem_specific`.
#[derive(Debug, Deserialize)]
#[serde(bound = "S: Deserialize<'de>")]
pub(super) struct Advisory<S> {
    pub(super) id: String,
    pub(super) published: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) withdrawn: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) aliases: Option<Vec<String>>,
    pub(super) upstream: Option<Vec<String>>,
    pub(super) related: Option<Vec<String>>,
    pub(super) severity: Option<Vec<Score>>,
    pub(super) affected: Option<Vec<Affected<S>>>,
    pub(super) database_specific: Option<DatabaseSpecific>,
}

/// A severity: a CVSS vector or, for some types, a word.
#[derive(Debug, Deserialize)]
pub(super) struct Score {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) score: String,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "S: Deserialize<'de>")]
pub(super) struct Affected<S> {
    pub(super) package: Option<Package>,
    pub(super) severity: Option<Vec<Score>>,
    pub(super) ranges: Option<Vec<EventRange>>,
    pub(super) versions: Option<Vec<String>>,
    pub(super) ecosystem_specific: Option<S>,
    pub(super) database_specific: Option<AffectedSpecific>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) ecosystem: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventRange {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) events: Option<Vec<Event>>,
}

/// One event; the schema wants one key in each, older records have several.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) introduced: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) last_affected: Option<String>,
    pub(super) limit: Option<String>,
}

/// What GHSA, Red Hat, Bitnami and Azure say about the whole record.
#[derive(Debug, Deserialize)]
pub(super) struct DatabaseSpecific {
    severity: Option<serde_json::Value>,
    cwe_ids: Option<serde_json::Value>,
}

/// What GHSA and RustSec say about one package.
#[derive(Debug, Deserialize)]
pub(super) struct AffectedSpecific {
    last_known_affected_version_range: Option<serde_json::Value>,
    informational: Option<serde_json::Value>,
}

/// For publishers whose `ecosystem_specific` is not used.
pub(super) type Nothing = IgnoredAny;

impl<S> Advisory<S> {
    /// The CVE ids among aliases, upstream and (where the publisher lists what it fixes there) related.
    pub(super) fn cves(&self, related: bool) -> Vec<String> {
        let lists = [
            Some(std::slice::from_ref(&self.id)),
            self.aliases.as_deref(),
            self.upstream.as_deref(),
            self.related.as_deref().filter(|_| related),
        ];
        let mut cves: Vec<String> = lists
            .into_iter()
            .flatten()
            .flatten()
            .filter(|id| words::is_cve(id))
            .cloned()
            .collect();
        cves.sort_unstable();
        cves.dedup();
        cves
    }

    /// Seconds since 1970 of `published`.
    pub(super) fn published(&self) -> Option<i64> {
        self.published.as_deref().and_then(words::seconds)
    }

    /// Seconds since 1970 of `modified`.
    pub(super) fn modified(&self) -> Option<i64> {
        self.modified.as_deref().and_then(words::seconds)
    }

    /// The severity word of `database_specific`.
    pub(super) fn severity_word(&self) -> Option<&str> {
        self.database_specific.as_ref()?.severity.as_ref()?.as_str()
    }

    /// The weaknesses that `database_specific` names, as GHSA does.
    pub(super) fn weaknesses(&self) -> Vec<u32> {
        let named = self.database_specific.as_ref().and_then(|it| it.cwe_ids.as_ref());
        let texts = named.and_then(serde_json::Value::as_array).into_iter().flatten();
        texts
            .filter_map(serde_json::Value::as_str)
            .flat_map(words::weaknesses)
            .collect()
    }

    /// Whether the publisher took the record back: by its date, or (where an export lost that) by its title.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.withdrawn.is_some()
            || self.summary.as_deref().is_some_and(|summary| {
                let title = summary.get(..19).unwrap_or(summary).to_ascii_lowercase();
                // GitHub withdraws duplicates under this title; the copies of its data lose the date.
                title.starts_with("withdrawn:")
                    || title.starts_with("withdrawn advisory")
                    || title.starts_with("duplicate advisory")
            })
    }
}

impl AffectedSpecific {
    /// RustSec's word for advisories that are no vulnerability: `unmaintained`, `notice`, `unsound`.
    pub(super) fn informational(&self) -> Option<&str> {
        self.informational.as_ref()?.as_str()
    }

    /// Where GHSA knows affected versions to end although no fix is known: `<= 1.2` or `< 1.2`.
    fn known_end(&self) -> Option<RangeEnd> {
        let text = self.last_known_affected_version_range.as_ref()?.as_str()?.trim();
        if let Some(version) = text.strip_prefix("<=") {
            Some(RangeEnd::LastAffected(version.trim().to_owned()))
        } else {
            text.strip_prefix('<')
                .map(|version| RangeEnd::Limit(version.trim().to_owned()))
        }
    }
}

/// What the ranges of one `affected` entry say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stretches {
    pub(super) ranges: Vec<Range>,
    /// Ranges over commits, which were not read.
    pub(super) git: u64,
    /// Whether some event fits nowhere, so that `versions` may say more than the ranges.
    pub(super) irregular: bool,
}

/// How two versions of the package are ordered; `None` where that is not known.
pub(super) type Order<'a> = &'a dyn Fn(&str, &str) -> Option<std::cmp::Ordering>;

impl<S> Affected<S> {
    /// The affected stretches of this entry.
    pub(super) fn stretches(&self, order: Order<'_>) -> Stretches {
        let mut stretches = Stretches::default();
        for range in self.ranges.iter().flatten() {
            if range.kind == "GIT" {
                stretches.git += 1;
                continue;
            }
            read_events(range.events.as_deref().unwrap_or_default(), order, &mut stretches);
        }
        if let Some(end) = self.database_specific.as_ref().and_then(AffectedSpecific::known_end) {
            for range in stretches.ranges.iter_mut().filter(|range| range.end == RangeEnd::Open) {
                range.end = end.clone();
            }
        }
        stretches
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Introduced,
    Fixed,
    Limit,
    LastAffected,
}

/// Turns events into stretches: they are put into the order of their versions where that is known, else taken as
/// they are listed.
pub(super) fn read_events(events: &[Event], order: Order<'_>, stretches: &mut Stretches) {
    let mut turns: Vec<(&str, Turn)> = Vec::with_capacity(events.len());
    for event in events {
        for (version, turn) in [
            (&event.introduced, Turn::Introduced),
            (&event.fixed, Turn::Fixed),
            (&event.limit, Turn::Limit),
            (&event.last_affected, Turn::LastAffected),
        ] {
            if let Some(version) = version.as_deref() {
                // `limit: *` is the schema's way to say that there is none.
                if !(turn == Turn::Limit && version == "*") {
                    turns.push((version, turn));
                }
            }
        }
    }
    sort(&mut turns, order);
    let mut open: Option<&str> = None;
    for (version, turn) in turns {
        let end = match turn {
            Turn::Introduced => {
                if open.is_none() {
                    open = Some(version);
                }
                continue;
            }
            Turn::Fixed => RangeEnd::Fixed(version.to_owned()),
            Turn::LastAffected => RangeEnd::LastAffected(version.to_owned()),
            Turn::Limit => RangeEnd::Limit(version.to_owned()),
        };
        match open.take() {
            Some(introduced) => stretches.ranges.push(Range {
                introduced: start(introduced),
                end,
            }),
            None => stretches.irregular = true,
        }
    }
    if let Some(introduced) = open {
        stretches.ranges.push(Range {
            introduced: start(introduced),
            end: RangeEnd::Open,
        });
    }
}

/// The schema's `0`, and RustSec's and Go's ways to write "the very first", are the empty text of [`Range`].
fn start(version: &str) -> String {
    if matches!(version, "0" | "0.0.0-0") {
        String::new()
    } else {
        version.to_owned()
    }
}

/// Orders events by version; on equal versions an end goes before a new beginning (`fixed` 2 and `introduced` 2 is one
/// stretch that ends and another that begins), but `last_affected` after it, because it includes its version.
fn sort(turns: &mut [(&str, Turn)], order: Order<'_>) {
    use std::cmp::Ordering;
    let compare = |one: &(&str, Turn), other: &(&str, Turn)| -> Option<Ordering> {
        let beginning = |turn: &(&str, Turn)| turn.1 == Turn::Introduced && matches!(turn.0, "0" | "0.0.0-0");
        let by_version = match (beginning(one), beginning(other)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) if one.0 == other.0 => Ordering::Equal,
            (false, false) => order(one.0, other.0)?,
        };
        let rank = |turn: Turn| match turn {
            Turn::Fixed | Turn::Limit => 0,
            Turn::Introduced => 1,
            Turn::LastAffected => 2,
        };
        Some(by_version.then(rank(one.1).cmp(&rank(other.1))))
    };
    // An insertion sort, because it needs no total order: events are few and nearly always in order already.
    // Incomparable neighbours stay where they are.
    for position in 1..turns.len().min(4096) {
        let mut place = position;
        while place > 0 {
            let swap = match (turns.get(place - 1), turns.get(place)) {
                (Some(one), Some(other)) => compare(one, other) == Some(Ordering::Greater),
                _ => false,
            };
            if !swap {
                break;
            }
            turns.swap(place - 1, place);
            place -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Stretches, read_events};
    use crate::record::RangeEnd;

    fn check(events: &[(&str, &str)], expected: &[(&str, &str)], irregular: bool) {
        let events: Vec<Event> = events
            .iter()
            .map(|(kind, version)| {
                let version = Some((*version).to_owned());
                match *kind {
                    "introduced" => Event {
                        introduced: version,
                        ..Event::default()
                    },
                    "fixed" => Event {
                        fixed: version,
                        ..Event::default()
                    },
                    "limit" => Event {
                        limit: version,
                        ..Event::default()
                    },
                    _ => Event {
                        last_affected: version,
                        ..Event::default()
                    },
                }
            })
            .collect();
        let mut stretches = Stretches::default();
        let order = |one: &str, other: &str| Some(one.parse::<u32>().ok()?.cmp(&other.parse::<u32>().ok()?));
        read_events(&events, &order, &mut stretches);
        let found: Vec<(String, String)> = stretches
            .ranges
            .iter()
            .map(|range| {
                let end = match &range.end {
                    RangeEnd::Open => "open".to_owned(),
                    RangeEnd::Fixed(version) => format!("<{version}"),
                    RangeEnd::LastAffected(version) => format!("<={version}"),
                    RangeEnd::Limit(version) => format!("|{version}"),
                };
                (range.introduced.clone(), end)
            })
            .collect();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(one, other)| (one.as_str(), other.as_str()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(stretches.irregular, irregular);
    }

    #[test]
    fn events_become_stretches() {
        check(&[("introduced", "0")], &[("", "open")], false);
        check(&[("introduced", "0"), ("fixed", "3")], &[("", "<3")], false);
        check(
            &[("introduced", "1"), ("fixed", "3"), ("introduced", "5")],
            &[("1", "<3"), ("5", "open")],
            false,
        );
        check(&[("introduced", "1"), ("last_affected", "1")], &[("1", "<=1")], false);
        check(&[("introduced", "0"), ("limit", "9")], &[("", "|9")], false);
        check(&[("introduced", "0"), ("limit", "*")], &[("", "open")], false);
    }

    #[test]
    fn events_are_put_in_order() {
        check(&[("fixed", "3"), ("introduced", "0")], &[("", "<3")], false);
        check(
            &[("introduced", "5"), ("introduced", "1"), ("fixed", "7"), ("fixed", "3")],
            &[("1", "<3"), ("5", "<7")],
            false,
        );
        check(
            &[("introduced", "3"), ("fixed", "5"), ("introduced", "0"), ("fixed", "3")],
            &[("", "<3"), ("3", "<5")],
            false,
        );
    }

    #[test]
    fn ends_without_beginning_are_told() {
        check(
            &[("introduced", "0"), ("fixed", "3"), ("fixed", "5")],
            &[("", "<3")],
            true,
        );
        check(&[], &[], false);
    }
}
