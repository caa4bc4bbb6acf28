//! The advisory data as the rest of the program sees them: opened from a file or from the binary itself.
//!
//! Opening reads the table of contents only. A file that is damaged, cut off, foreign or of a later format is an error;
//! it is never an empty database.

use crate::ecosystem::publisher_of;
use crate::error::Error;
use crate::file::{AdvisoryFile, Section, SourceSummary};
use crate::record::{Facts, FeedSummary, SourceId};
use seaworthy_model::{DatabaseInfo, DatabaseSource};
use std::path::Path;

/// An opened advisory file.
#[derive(Debug)]
pub struct Database {
    pub(crate) file: AdvisoryFile,
}

/// What is in an advisory file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Information {
    /// `built in`, or the file's path.
    pub origin: String,
    /// The newest fact, seconds since 1970-01-01 UTC.
    pub built: i64,
    /// Size of the file.
    pub bytes: u64,
    /// What each source gave.
    pub sources: Vec<SourceSummary>,
    /// What was read to build it.
    pub feeds: Vec<FeedSummary>,
    /// Its sections, by name.
    pub sections: Vec<SectionInformation>,
    /// Ids about which it has facts.
    pub ids: u64,
}

/// One section of an advisory file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionInformation {
    /// `debian 12`, `npm`.
    pub name: String,
    /// Records in it.
    pub records: u64,
    /// Bytes that it takes in the file.
    pub compressed: u64,
    /// Bytes that it takes when it is inflated.
    pub inflated: u64,
}

impl Database {
    /// Maps and verifies the table of contents of a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        AdvisoryFile::open(path.as_ref()).map(|file| Self { file })
    }

    /// The data that the binary carries.
    pub fn from_static(bytes: &'static [u8]) -> Result<Self, Error> {
        AdvisoryFile::of_static(bytes, "built in").map(|file| Self { file })
    }

    /// What is in it, for `db info`.
    pub fn info(&self) -> Information {
        let index = self.file.index();
        let sections = index.sections().map(|frame| SectionInformation {
            name: frame.name.clone(),
            records: frame.records,
            compressed: frame.compressed.into(),
            inflated: frame.inflated.into(),
        });
        Information {
            origin: self.file.origin().to_owned(),
            built: index.built,
            bytes: self.file.len() as u64,
            sources: index.sources.clone(),
            feeds: index.feeds.clone(),
            sections: sections.collect(),
            ids: index.ids(),
        }
    }

    /// What is in it and how old it is on a day (days since 1970-01-01), for reports.
    pub fn summary(&self, today: i64) -> DatabaseInfo {
        let index = self.file.index();
        let sources = index.sources.iter().map(|summary| {
            let publisher = publisher_of(summary.source);
            DatabaseSource {
                id: publisher.id.to_owned(),
                name: publisher.name.to_owned(),
                newest: summary.newest.map(date).unwrap_or_default(),
                records: summary.records,
            }
        });
        DatabaseInfo {
            origin: self.file.origin().to_owned(),
            built_at: time(index.built),
            age_days: u64::try_from(today.saturating_sub(index.built.div_euclid(86_400))).unwrap_or(0),
            sources: sources.collect(),
            distribution_newest: None,
        }
    }

    /// What tells these data from any others: the same data, built again or copied, have the same.
    pub fn identity(&self) -> String {
        let checksum = self.file.checksum().iter().take(16);
        checksum.map(|byte| format!("{byte:02x}")).collect()
    }

    /// Verifies every section, also those that nothing asked for.
    pub fn verify(&self) -> Result<(), Error> {
        self.file.verify()
    }

    /// Whether there are advisories under this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.file.has_section(name)
    }

    /// Verifies and inflates a section before it is needed; false when there is none of this name.
    pub fn prepare(&self, name: &str) -> Result<bool, Error> {
        self.section(name).map(|section| section.is_some())
    }

    /// What is known of an id whatever the package; nothing when no source states anything.
    pub fn facts(&self, id: &str) -> Result<Facts, Error> {
        self.file.facts(id)
    }

    pub(crate) fn section(&self, name: &str) -> Result<Option<&Section>, Error> {
        self.file.section(name)
    }

    /// The newest date of a source, `YYYY-MM-DD`.
    pub(crate) fn newest(&self, source: SourceId) -> Option<String> {
        let summary = self
            .file
            .index()
            .sources
            .iter()
            .find(|summary| summary.source == source)?;
        summary.newest.map(date)
    }
}

/// RFC 3339, to the second.
pub(crate) fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// `YYYY-MM-DD`.
pub(crate) fn date(seconds: i64) -> String {
    time(seconds).get(..10).unwrap_or("").to_owned()
}
