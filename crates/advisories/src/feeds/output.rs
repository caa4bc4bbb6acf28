//! What one feed gives: records, facts and the count of what was read, kept and refused.
//!
//! Every record read is either kept or refused with a reason, so `read == kept + refused` holds for each summary.
//! What is left out *inside* a kept record is counted too, under a reason that starts with [`PART`].

use super::words;
use crate::record::{CvssVectors, Facts, FeedSummary, Record, SourceId};
use seaworthy_model::Severity;
use seaworthy_model::limits::{ADVISORY_TEXT_BYTES, FEED_RECORDS};
use std::collections::HashMap;

/// Reasons that start so count parts of records (one package, one product), not whole records.
pub const PART: &str = "in part: ";

/// What one feed gives.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) records: Vec<Record>,
    /// Facts that the source states about the vulnerability itself.
    pub(super) facts: HashMap<String, Facts>,
    /// What stands in where no source states better.
    pub(super) standbys: HashMap<String, Standby>,
    pub(super) summaries: Vec<FeedSummary>,
    /// Whether the feed gave more than `FEED_RECORDS`.
    pub(super) overflow: bool,
}

/// The same when the feed is read.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) records: Vec<Record>,
    pub(super) facts: Vec<(String, Compact)>,
    pub(super) standbys: HashMap<String, Standby>,
    pub(super) summaries: Vec<FeedSummary>,
    pub(super) overflow: bool,
}

/// A date and vectors of an id that are used where no source states its own: an advisory's date is not the
/// vulnerability's, and some distributions repeat vectors that others gave.
#[derive(Debug, Default)]
pub(super) struct Standby {
    pub(super) published: Option<i64>,
    pub(super) vectors: Vec<(SourceId, String)>,
}

impl Standby {
    pub(super) fn merge(&mut self, more: Self) {
        earliest(&mut self.published, more.published);
        if self.vectors.is_empty() {
            self.vectors = more.vectors;
        }
    }
}

impl Output {
    /// Takes a record unless its texts are absurd; tells whether it was taken.
    pub(super) fn push(&mut self, mut record: Record) -> bool {
        if self.records.len() >= FEED_RECORDS {
            self.overflow = true;
            return false;
        }
        if !plausible(&record) {
            return false;
        }
        // There are millions of them: what a growing list has to spare would be more than the records.
        record.section.shrink_to_fit();
        record.ranges.shrink_to_fit();
        record.vendor_ids.shrink_to_fit();
        record.versions.shrink_to_fit();
        self.records.push(record);
        true
    }

    /// With the records each once, and all in no more memory than it needs.
    pub(super) fn finish(mut self) -> Finished {
        self.records.sort_unstable();
        self.records.dedup();
        // Copies lie close together. The originals lie among what reading their feed left, and hold all of that.
        let records = self.records.to_vec();
        drop(self.records);
        Finished {
            records,
            facts: self.facts.into_iter().map(|(id, facts)| (id, facts.into())).collect(),
            standbys: self.standbys,
            summaries: self.summaries,
            overflow: self.overflow,
        }
    }

    pub(super) fn facts(&mut self, id: &str) -> &mut Facts {
        if !self.facts.contains_key(id) {
            self.facts.insert(id.to_owned(), Facts::default());
        }
        self.facts.entry(id.to_owned()).or_default()
    }

    pub(super) fn standby(&mut self, id: &str) -> &mut Standby {
        if !self.standbys.contains_key(id) {
            self.standbys.insert(id.to_owned(), Standby::default());
        }
        self.standbys.entry(id.to_owned()).or_default()
    }
}

/// Ids and names are printable words; nothing is longer than a file name could be.
fn plausible(record: &Record) -> bool {
    let word =
        |text: &str| !text.is_empty() && text.len() <= ADVISORY_TEXT_BYTES && !text.chars().any(char::is_control);
    word(&record.id)
        && record.id.is_ascii()
        && word(&record.package)
        && word(&record.section)
        && record.module.len() <= ADVISORY_TEXT_BYTES
        && record.product.len() <= ADVISORY_TEXT_BYTES
        && record.vendor_ids.iter().all(|id| word(id))
        && record.versions.iter().all(|version| word(version))
        && record.ranges.iter().all(|range| {
            range.introduced.len() <= ADVISORY_TEXT_BYTES
                && match &range.end {
                    crate::record::RangeEnd::Open => true,
                    crate::record::RangeEnd::Fixed(version)
                    | crate::record::RangeEnd::LastAffected(version)
                    | crate::record::RangeEnd::Limit(version) => word(version),
                }
        })
}

/// Counts while a feed is read.
#[derive(Debug)]
pub(super) struct Tally {
    summary: FeedSummary,
}

impl Tally {
    pub(super) fn new(feed: &str, source: SourceId) -> Self {
        Self {
            summary: FeedSummary {
                feed: feed.to_owned(),
                source: Some(source),
                ..FeedSummary::default()
            },
        }
    }

    pub(super) fn keep(&mut self) {
        self.summary.read += 1;
        self.summary.kept += 1;
    }

    pub(super) fn refuse(&mut self, reason: &str) {
        self.summary.read += 1;
        *self.summary.refused.entry(reason.to_owned()).or_default() += 1;
    }

    /// Counts `count` parts of records that were left out.
    pub(super) fn leave_out(&mut self, reason: &str, count: u64) {
        if count > 0 {
            *self.summary.refused.entry(format!("{PART}{reason}")).or_default() += count;
        }
    }

    /// Counts a record by what became of it: kept with a record or fact, else refused for the reason.
    pub(super) fn settle(&mut self, outcome: Result<(), &str>) {
        match outcome {
            Ok(()) => self.keep(),
            Err(reason) => self.refuse(reason),
        }
    }

    pub(super) fn date(&mut self, date: Option<i64>) {
        self.summary.newest = self.summary.newest.max(date);
    }

    pub(super) fn finish(self) -> FeedSummary {
        self.summary
    }
}

/// Keeps the earlier of two dates.
pub(super) fn earliest(known: &mut Option<i64>, more: Option<i64>) {
    *known = match (*known, more) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

/// Facts in lists of their exact length: maps for a hundred thousand ids, most with one entry, take ten times as much.
#[derive(Debug, Default)]
pub(super) struct Compact {
    published: Option<i64>,
    modified: Option<i64>,
    cvss: Vec<(SourceId, CvssVectors)>,
    severities: Vec<(SourceId, Severity)>,
    cwes: Vec<u32>,
    epss: Option<(u32, u32)>,
    known_exploited: Option<(u32, bool)>,
}

impl From<Facts> for Compact {
    fn from(facts: Facts) -> Self {
        Self {
            published: facts.published,
            modified: facts.modified,
            cvss: facts.cvss.into_iter().collect(),
            severities: facts.severities.into_iter().collect(),
            cwes: facts.cwes,
            epss: facts.epss,
            known_exploited: facts.known_exploited,
        }
    }
}

impl From<Compact> for Facts {
    fn from(compact: Compact) -> Self {
        Self {
            published: compact.published,
            modified: compact.modified,
            cvss: compact.cvss.into_iter().collect(),
            severities: compact.severities.into_iter().collect(),
            cwes: compact.cwes,
            epss: compact.epss,
            known_exploited: compact.known_exploited,
        }
    }
}

impl Compact {
    /// Adds what `more` states and these do not; the earliest publication, the latest change and the highest severity
    /// of a source win.
    pub(super) fn merge(&mut self, more: Self) {
        earliest(&mut self.published, more.published);
        self.modified = self.modified.max(more.modified);
        for (source, vectors) in more.cvss {
            match self.cvss.iter_mut().find(|(known, _)| *known == source) {
                Some((_, known)) => fill(known, vectors),
                None => self.cvss.push((source, vectors)),
            }
        }
        for (source, severity) in more.severities {
            match self.severities.iter_mut().find(|(known, _)| *known == source) {
                Some((_, known)) => *known = (*known).max(severity),
                None => self.severities.push((source, severity)),
            }
        }
        words::add_weaknesses(&mut self.cwes, more.cwes);
        self.epss = self.epss.or(more.epss);
        self.known_exploited = self.known_exploited.or(more.known_exploited);
    }
}

fn fill(known: &mut CvssVectors, more: CvssVectors) {
    for (known, more) in [
        (&mut known.v2, more.v2),
        (&mut known.v3, more.v3),
        (&mut known.v40, more.v40),
    ] {
        if known.is_none() {
            *known = more;
        }
    }
}
