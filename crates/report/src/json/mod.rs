//! JSON with the field names, the order and the nesting of Trivy's schema version 2, so that its readers read ours.
//!
//! What Seaworthy knows beyond stands in objects of its own (`Seaworthy`, `Problems`, `Database`) that such readers skip.
//! Nothing is built up before it is written: a finding costs its bytes and no tree.

mod finding;
mod metadata;
mod package;
pub(crate) mod text;

use crate::identity;
use crate::result::{ResultGroup, group};
use crate::{Error, Options};
use finding::{Suppressed, Vulnerability};
use metadata::{Metadata, ProblemEntry};
use package::{PackageEntry, PackageFacts, ids};
use seaworthy_model::{
    ArtifactKind, DatabaseInfo, DatabaseSource, Finding, Package, PackageClass, Problem, ScanReport,
};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report<'a> {
    schema_version: u8,
    seaworthy: Program,
    #[serde(rename = "ReportID")]
    report_id: &'a str,
    created_at: &'a str,
    #[serde(rename = "ArtifactID", skip_serializing_if = "Option::is_none")]
    artifact_id: Option<&'a str>,
    artifact_name: &'a str,
    artifact_type: &'static str,
    metadata: Metadata<'a>,
    results: Results<'a>,
    #[serde(skip_serializing_if = "Problems::is_empty")]
    problems: Problems<'a>,
    database: Database<'a>,
}

/// Who wrote the report, where Trivy's have `Trivy`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Program {
    version: &'static str,
    /// Said only where there are no advisories for the distribution: nothing found is then no result.
    #[serde(skip_serializing_if = "Clone::clone")]
    distribution_supported: bool,
}

/// What every entry of a report is written with.
#[derive(Clone, Copy)]
struct Context<'a> {
    report: &'a ScanReport,
    options: &'a Options,
    artifact_id: Option<&'a str>,
}

/// Writes the JSON report.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let artifact_id = report.image.as_ref().and_then(identity::artifact_id);
    let groups = group(report, options);
    let context = Context {
        report,
        options,
        artifact_id: artifact_id.as_deref(),
    };
    let report = Report {
        schema_version: 2,
        seaworthy: Program {
            version: env!("CARGO_PKG_VERSION"),
            distribution_supported: report.distribution_supported,
        },
        report_id: &report.report_id,
        created_at: &report.created_at,
        artifact_id: context.artifact_id,
        artifact_name: &report.artifact_name,
        artifact_type: match report.artifact_kind {
            ArtifactKind::ContainerImage => "container_image",
            ArtifactKind::Filesystem => "filesystem",
            ArtifactKind::CycloneDx => "cyclonedx",
            ArtifactKind::Spdx => "spdx",
            ArtifactKind::PackageList => "package_list",
        },
        metadata: Metadata::of(report),
        results: Results {
            context,
            groups: &groups,
        },
        problems: Problems(&report.inventory.problems),
        database: Database::of(&report.database),
    };
    let findings: usize = groups.iter().map(|group| group.findings.len()).sum();
    text::to_vec_of(
        &report,
        findings.saturating_mul(FINDING_BYTES).saturating_add(FINDING_BYTES * 8),
    )
}

/// Bytes that are held ready for each finding; one of Debian has 1,800.
const FINDING_BYTES: usize = 2048;

struct Results<'a> {
    context: Context<'a>,
    groups: &'a [ResultGroup<'a>],
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.groups.iter().map(|group| ResultEntry::of(self.context, group)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResultEntry<'a> {
    target: &'a str,
    class: &'static str,
    #[serde(rename = "Type", skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Packages<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vulnerabilities: Option<Vulnerabilities<'a>>,
    #[serde(rename = "ExperimentalModifiedFindings", skip_serializing_if = "Option::is_none")]
    suppressed: Option<SuppressedFindings<'a>>,
}

impl<'a> ResultEntry<'a> {
    fn of(context: Context<'a>, group: &'a ResultGroup<'a>) -> Self {
        let entries = GroupEntries { context, group };
        Self {
            target: &group.target,
            class: match group.class {
                PackageClass::Os => "os-pkgs",
                PackageClass::Language => "lang-pkgs",
            },
            kind: &group.kind,
            packages: (context.options.list_all_packages && !group.packages.is_empty()).then_some(Packages(entries)),
            vulnerabilities: (!group.findings.is_empty()).then_some(Vulnerabilities(entries)),
            suppressed: (context.options.show_suppressed && !group.suppressed.is_empty())
                .then_some(SuppressedFindings(entries)),
        }
    }
}

#[derive(Clone, Copy)]
struct GroupEntries<'a> {
    context: Context<'a>,
    group: &'a ResultGroup<'a>,
}

struct Packages<'a>(GroupEntries<'a>);

impl Serialize for Packages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let GroupEntries { context, group } = self.0;
        let ids = ids(group);
        serializer.collect_seq(
            group
                .packages
                .iter()
                .map(|package| PackageEntry::of(context.report, group, &ids, package)),
        )
    }
}

struct Vulnerabilities<'a>(GroupEntries<'a>);

impl Serialize for Vulnerabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let GroupEntries { context, group } = self.0;
        let mut sequence = serializer.serialize_seq(Some(group.findings.len()))?;
        for of_one in group.findings.chunk_by(same_package) {
            let Some((_, package)) = of_one.first() else { continue };
            let facts = PackageFacts::of(context.report, package);
            for (finding, package) in of_one {
                sequence.serialize_element(&Vulnerability::of(context, group, finding, package, &facts))?;
            }
        }
        sequence.end()
    }
}

/// Findings are in the order of their packages: what is the same for all of one package is made once.
fn same_package(a: &(&Finding, &Package), b: &(&Finding, &Package)) -> bool {
    std::ptr::eq(a.1, b.1)
}

struct SuppressedFindings<'a>(GroupEntries<'a>);

impl Serialize for SuppressedFindings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let GroupEntries { context, group } = self.0;
        let mut sequence = serializer.serialize_seq(Some(group.suppressed.len()))?;
        for of_one in group.suppressed.chunk_by(same_package) {
            let Some((_, package)) = of_one.first() else { continue };
            let facts = PackageFacts::of(context.report, package);
            for (finding, package) in of_one {
                if let Some(entry) = Suppressed::of(context, group, finding, package, &facts) {
                    sequence.serialize_element(&entry)?;
                }
            }
        }
        sequence.end()
    }
}

struct Problems<'a>(&'a [Problem]);

impl Problems<'_> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Problems<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ProblemEntry::of))
    }
}

/// The age in days is left to readers: it changes every day, and with it would the bytes of the same result.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Database<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    origin: &'a str,
    built_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    distribution_newest: Option<&'a str>,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Source<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    newest: &'a str,
    records: u64,
}

impl<'a> Database<'a> {
    fn of(database: &'a DatabaseInfo) -> Self {
        let source = |source: &'a DatabaseSource| Source {
            id: &source.id,
            name: &source.name,
            newest: &source.newest,
            records: source.records,
        };
        Self {
            origin: &database.origin,
            built_at: &database.built_at,
            distribution_newest: database.distribution_newest.as_deref(),
            sources: database.sources.iter().map(source).collect(),
        }
    }
}
