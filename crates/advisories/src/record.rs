//! The one shape into which every feed is brought before it is written: close to OSV, facts only.

use seaworthy_model::{FixStatus, Severity};
use std::collections::BTreeMap;

/// Which publisher states a fact. The names are those of Trivy's data sources where it has the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the publishers' own")]
pub enum SourceId {
    Alpine = 1,
    Debian = 2,
    Ubuntu = 3,
    RedHat = 4,
    Alma = 5,
    Rocky = 6,
    Suse = 7,
    OpenSuse = 8,
    Amazon = 9,
    Azure = 10,
    CblMariner = 11,
    Ghsa = 12,
    PyPa = 13,
    GoVulnDb = 14,
    RustSec = 15,
    RubySec = 16,
    FriendsOfPhp = 17,
    Bitnami = 18,
    Kubernetes = 19,
    Nvd = 20,
    CisaAdp = 21,
    Cna = 22,
    Epss = 23,
    Kev = 24,
    Osv = 25,
    JenkinsUpdateCenter = 26,
    RetireJs = 27,
    NodeJs = 28,
}

/// One stretch of affected versions: from `introduced` (inclusive) up to `end`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// First affected version; empty means from the beginning (OSV's `0`).
    pub introduced: String,
    /// Where it ends.
    pub end: RangeEnd,
}

/// Where a stretch of affected versions ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RangeEnd {
    /// No end is known: every later version is affected.
    Open,
    /// The first fixed version (exclusive).
    Fixed(String),
    /// The last affected version (inclusive).
    LastAffected(String),
    /// OSV's `limit`: versions from here on are not judged (exclusive, and no fix).
    Limit(String),
}

/// One statement of one source about one package in one section.
///
/// A record that names several CVEs is split into one record per CVE, with the same vendor ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// The section that it belongs to; see `ecosystem.rs` for the names (`debian 12`, `alpine 3.20`, `npm`).
    pub section: String,
    /// The package's name as that section's packages are looked up: source name, binary name or the ecosystem's
    /// normalised name.
    pub package: String,
    /// The best id: a CVE wherever the source names one.
    pub id: String,
    /// The other ids, sorted: GHSA, DSA, DLA, RHSA, ALSA, USN, PYSEC, …
    pub vendor_ids: Vec<String>,
    /// Who states it.
    pub source: SourceId,
    /// The affected stretches.
    pub ranges: Vec<Range>,
    /// Affected versions listed one by one that no range covers.
    pub versions: Vec<String>,
    /// The state of the fix: `Fixed` when a range ends in a fix, else what the source says, else `Unknown`.
    pub status: FixStatus,
    /// This source's severity for this package, where it states one.
    pub severity: Option<Severity>,
    /// The source calls it of no consequence (Debian's `unimportant`).
    pub unimportant: bool,
    /// `name:stream` of the module that it holds for; empty for packages outside modules.
    pub module: String,
    /// Architectures that it holds for; empty for all.
    pub arches: Vec<String>,
    /// The product line inside the section that it holds for, where one section has several
    /// (Red Hat `eus 9.2`, Amazon `extras kernel-5.10`, SUSE module names); empty for the base.
    pub product: String,
}

/// CVSS base vectors by one source, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CvssVectors {
    /// CVSS 2.0, without a prefix.
    pub v2: Option<String>,
    /// CVSS 3.0 or 3.1, with its prefix.
    pub v3: Option<String>,
    /// CVSS 4.0, with its prefix.
    pub v40: Option<String>,
}

/// What is known of one vulnerability id whatever the package; feeds add to it, the builder keeps only ids in use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Published, seconds since 1970-01-01 UTC: the earliest date that an authority states.
    pub published: Option<i64>,
    /// Last changed, seconds since 1970-01-01 UTC.
    pub modified: Option<i64>,
    /// Vectors by source.
    pub cvss: BTreeMap<SourceId, CvssVectors>,
    /// Severities by source (for distributions: the source's general one, not the package's).
    pub severities: BTreeMap<SourceId, Severity>,
    /// Numbers of the weaknesses behind it in the Common Weakness Enumeration, sorted.
    pub cwes: Vec<u32>,
    /// EPSS probability and percentile in units of 1/100,000.
    pub epss: Option<(u32, u32)>,
    /// Known exploited since: days since 1970-01-01, and whether in ransomware campaigns.
    pub known_exploited: Option<(u32, bool)>,
}

/// Counts of one feed for the summary of `seaworthy db build`: nothing is skipped silently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedSummary {
    /// The feed's name and path below the feed directory: `osv/Debian/all.zip`.
    pub feed: String,
    /// Whose facts these are.
    pub source: Option<SourceId>,
    /// Records (files, lines, elements) read.
    pub read: u64,
    /// Records that gave at least one [`Record`] or fact.
    pub kept: u64,
    /// Records left out, by reason: `withdrawn`, `release no longer covered`, `no affected package`, `not JSON`, …
    pub refused: BTreeMap<String, u64>,
    /// Newest date in it, seconds since 1970-01-01 UTC.
    pub newest: Option<i64>,
}

/// Everything that the feeds of one directory say: the input of the file writer.
#[derive(Clone, Debug, Default)]
pub struct Compilation {
    /// All records, in any order; the writer sorts and removes duplicates.
    pub records: Vec<Record>,
    /// Facts by vulnerability id.
    pub facts: BTreeMap<String, Facts>,
    /// What was read.
    pub summaries: Vec<FeedSummary>,
}
