//! The result of one scan, complete enough to be written in any format.

use crate::{Decision, ImageMetadata, Inventory};
use serde::{Deserialize, Serialize};

/// What was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// A container image.
    ContainerImage,
    /// A root file system or source tree.
    Filesystem,
    /// A bill of materials in CycloneDX.
    CycloneDx,
    /// A bill of materials in SPDX.
    Spdx,
    /// A list of packages in another form.
    PackageList,
}

/// One source inside the advisory file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseSource {
    /// Short name: `debian`, `ghsa`, `epss`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Newest fact in it, `YYYY-MM-DD`, empty when none is dated.
    pub newest: String,
    /// Records kept.
    pub records: u64,
}

/// Which advisory data a report rests on and how old it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    /// Where it came from: `built in`, or the file's path.
    pub origin: String,
    /// Date of the newest fact in it, RFC 3339: the same feeds give the same date.
    pub built_at: String,
    /// Its age in whole days at the time of the scan.
    pub age_days: u64,
    /// The sources in it.
    pub sources: Vec<DatabaseSource>,
    /// The newest fact about the scanned distribution, `YYYY-MM-DD`, where one was matched.
    pub distribution_newest: Option<String>,
}

/// Everything that one scan found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanReport {
    /// UUID version 7.
    pub report_id: String,
    /// RFC 3339, to the nanosecond.
    pub created_at: String,
    /// The name that the user gave: reference, file or directory.
    pub artifact_name: String,
    /// What was scanned.
    pub artifact_kind: ArtifactKind,
    /// Manifest and config, for images.
    pub image: Option<ImageMetadata>,
    /// What is installed.
    pub inventory: Inventory,
    /// Whether the distribution gets no more fixes from its vendor; `None` when that is not known.
    pub end_of_life: Option<bool>,
    /// Whether advisories for the distribution exist in the data at all.
    pub distribution_supported: bool,
    /// What policy made of the matches.
    pub decision: Decision,
    /// The data that the matches rest on.
    pub database: DatabaseInfo,
}
