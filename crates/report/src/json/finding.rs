//! One entry of `Results[].Vulnerabilities`, and of `ExperimentalModifiedFindings` where it is suppressed.

use super::Context;
use super::package::{Identifier, Layer, PackageFacts};
use crate::identity;
use crate::result::ResultGroup;
use seaworthy_model::{Confidence, Cvss, DataSource, Finding, MatchKind, Package, PackageClass, Severity, Suppression};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Vulnerability<'a> {
    #[serde(rename = "VulnerabilityID")]
    id: &'a str,
    #[serde(rename = "VendorIDs", skip_serializing_if = "<[String]>::is_empty")]
    vendor_ids: &'a [String],
    #[serde(rename = "PkgID")]
    package_id: &'a str,
    #[serde(rename = "PkgName")]
    package_name: &'a str,
    #[serde(rename = "PkgPath", skip_serializing_if = "str::is_empty")]
    package_path: &'a str,
    #[serde(rename = "PkgIdentifier")]
    package_identifier: &'a Identifier,
    #[serde(skip_serializing_if = "str::is_empty")]
    installed_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    fixed_version: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "is_empty")]
    layer: &'a Layer,
    #[serde(skip_serializing_if = "str::is_empty")]
    severity_source: &'a str,
    #[serde(rename = "PrimaryURL")]
    primary_url: String,
    #[serde(skip_serializing_if = "Source::is_empty")]
    data_source: Source<'a>,
    fingerprint: String,
    severity: &'static str,
    #[serde(rename = "CweIDs", skip_serializing_if = "Vec::is_empty")]
    weaknesses: Vec<String>,
    #[serde(skip_serializing_if = "Severities::is_empty")]
    vendor_severity: Severities<'a>,
    #[serde(rename = "CVSS", skip_serializing_if = "Scores::is_empty")]
    cvss: Scores<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified_date: Option<&'a str>,
    seaworthy: Own<'a>,
}

// serde passes the field as it is: a reference.
const fn is_empty(layer: &&Layer) -> bool {
    layer.is_empty()
}

impl<'a> Vulnerability<'a> {
    pub(super) fn of(
        context: Context<'_>,
        group: &ResultGroup<'_>,
        finding: &'a Finding,
        package: &'a Package,
        facts: &'a PackageFacts,
    ) -> Self {
        let found = &finding.matched;
        let artifact_id = context.artifact_id.unwrap_or_default();
        Self {
            id: &found.id,
            vendor_ids: &found.vendor_ids,
            package_name: &package.name,
            package_path: match group.class {
                PackageClass::Os => "",
                PackageClass::Language => &package.path,
            },
            package_id: &facts.id,
            package_identifier: &facts.identifier,
            installed_version: identity::installed_version(package),
            fixed_version: &found.fixed_version,
            status: found.status.name(),
            layer: &facts.layer,
            severity_source: &found.severity_source,
            primary_url: identity::primary_url(&found.id),
            data_source: Source::of(&found.source),
            fingerprint: identity::fingerprint(artifact_id, &group.target, &facts.id, &found.id),
            severity: found.severity.name(),
            weaknesses: found.cwes.iter().map(|number| format!("CWE-{number}")).collect(),
            vendor_severity: Severities(&found.vendor_severity),
            cvss: Scores(&found.cvss),
            published_date: found.published.as_deref(),
            last_modified_date: found.modified.as_deref(),
            seaworthy: Own::of(finding, package),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Suppressed<'a> {
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    status: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    statement: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    source: &'a str,
    finding: Vulnerability<'a>,
}

impl<'a> Suppressed<'a> {
    pub(super) fn of(
        context: Context<'_>,
        group: &ResultGroup<'_>,
        finding: &'a Finding,
        package: &'a Package,
        facts: &'a PackageFacts,
    ) -> Option<Self> {
        let Suppression {
            status,
            statement,
            source,
        } = finding.suppression.as_ref()?;
        Some(Self {
            kind: "vulnerability",
            status,
            statement,
            source,
            finding: Vulnerability::of(context, group, finding, package, facts),
        })
    }
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(rename = "ID", skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(rename = "Name", skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(rename = "URL", skip_serializing_if = "str::is_empty")]
    url: &'a str,
}

impl<'a> Source<'a> {
    fn of(source: &'a DataSource) -> Self {
        Self {
            id: &source.id,
            name: &source.name,
            url: &source.url,
        }
    }

    const fn is_empty(&self) -> bool {
        self.id.is_empty() && self.name.is_empty() && self.url.is_empty()
    }
}

/// Severities by source, as numbers.
struct Severities<'a>(&'a BTreeMap<String, Severity>);

impl Severities<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Severities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(source, severity)| (source, severity.number())))
    }
}

/// CVSS by source.
struct Scores<'a>(&'a BTreeMap<String, Cvss>);

impl Scores<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Scores<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(source, cvss)| (source, CvssEntry::of(cvss))))
    }
}

#[derive(Serialize)]
struct CvssEntry<'a> {
    #[serde(rename = "V2Vector", skip_serializing_if = "Option::is_none")]
    v2_vector: Option<&'a str>,
    #[serde(rename = "V3Vector", skip_serializing_if = "Option::is_none")]
    v3_vector: Option<&'a str>,
    #[serde(rename = "V40Vector", skip_serializing_if = "Option::is_none")]
    v40_vector: Option<&'a str>,
    #[serde(rename = "V2Score", skip_serializing_if = "Option::is_none")]
    v2_score: Option<Score>,
    #[serde(rename = "V3Score", skip_serializing_if = "Option::is_none")]
    v3_score: Option<Score>,
    #[serde(rename = "V40Score", skip_serializing_if = "Option::is_none")]
    v40_score: Option<Score>,
}

impl<'a> CvssEntry<'a> {
    fn of(cvss: &'a Cvss) -> Self {
        Self {
            v2_vector: cvss.v2_vector.as_deref(),
            v3_vector: cvss.v3_vector.as_deref(),
            v40_vector: cvss.v40_vector.as_deref(),
            v2_score: cvss.v2_score.map(Score),
            v3_score: cvss.v3_score.map(Score),
            v40_score: cvss.v40_score.map(Score),
        }
    }
}

/// A score as Go writes it: 5 and not 5.0, which readers that compare texts would take for a change.
struct Score(f64);

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && (0.0..=10.0).contains(&self.0) {
            serializer.serialize_u8(self.0 as u8)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// What Seaworthy knows beyond Trivy's fields.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Own<'a> {
    match_kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    range: &'a str,
    confidence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence_reason: Option<&'a str>,
    #[serde(rename = "EPSS", skip_serializing_if = "Option::is_none")]
    epss: Option<Prediction>,
    #[serde(rename = "KEV", skip_serializing_if = "Option::is_none")]
    known_exploited: Option<Exploited<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix_hint: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Prediction {
    score: f64,
    percentile: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Exploited<'a> {
    date_added: &'a str,
    ransomware: bool,
}

impl<'a> Own<'a> {
    fn of(finding: &'a Finding, package: &Package) -> Self {
        let found = &finding.matched;
        let (confidence, confidence_reason) = match &found.confidence {
            Confidence::Exact => ("exact", None),
            Confidence::Uncertain(why) => ("uncertain", Some(why.as_str())),
        };
        Self {
            match_kind: match found.kind {
                MatchKind::Direct => "direct",
                MatchKind::Source => "source",
                MatchKind::Product => "product",
            },
            range: &found.range,
            confidence,
            confidence_reason,
            epss: found.epss.map(|epss| Prediction {
                score: epss.score,
                percentile: epss.percentile,
            }),
            known_exploited: found.known_exploited.as_ref().map(|known| Exploited {
                date_added: &known.date_added,
                ransomware: known.ransomware,
            }),
            fix_hint: (!found.fixed_version.is_empty())
                .then(|| format!("update {} to {}", package.name, found.fixed_version)),
        }
    }
}
