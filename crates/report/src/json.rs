//! JSON with the field names, the order and the nesting of Trivy's schema version 2, so that its readers read ours.
//!
//! What Seaworthy knows beyond stands in objects of its own (`Seaworthy`, `Problems`, `Database`) that such readers skip.

use crate::identity;
use crate::result::{ResultGroup, group};
use crate::{Error, Options};
use seaworthy_model::{
    ArtifactKind, Confidence, Cvss, DatabaseInfo, Ecosystem, Effect, Finding, MatchKind, Package, PackageClass,
    Problem, ScanReport, Subject,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report<'a> {
    schema_version: u8,
    #[serde(rename = "ReportID")]
    report_id: &'a str,
    created_at: &'a str,
    #[serde(rename = "ArtifactID", skip_serializing_if = "Option::is_none")]
    artifact_id: Option<String>,
    artifact_name: &'a str,
    artifact_type: &'static str,
    metadata: Value,
    results: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Value>,
    database: Value,
}

/// Writes the JSON report.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let artifact_id = report.image.as_ref().and_then(identity::artifact_id);
    let groups = group(report, options);
    let written = Report {
        schema_version: 2,
        report_id: &report.report_id,
        created_at: &report.created_at,
        artifact_name: &report.artifact_name,
        artifact_type: match report.artifact_kind {
            ArtifactKind::ContainerImage => "container_image",
            ArtifactKind::Filesystem => "filesystem",
            ArtifactKind::Sbom => "cyclonedx",
        },
        metadata: metadata(report),
        results: groups
            .iter()
            .map(|group| result(report, group, artifact_id.as_deref(), options))
            .collect(),
        problems: report.inventory.problems.iter().map(problem).collect(),
        database: database(&report.database),
        artifact_id,
    };
    let text = serde_json::to_string_pretty(&written).map_err(Error::Json)?;
    Ok(escape(&text).into_bytes())
}

/// Escapes what a browser would take for markup, as Go's encoder does; none of it occurs outside strings.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("\\u0026"),
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            other => escaped.push(other),
        }
    }
    escaped.push('\n');
    escaped
}

/// An object under construction that leaves out what is empty, in the order of the calls.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if !empty {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn finish(self) -> Value {
        Value::Object(self.0)
    }
}

fn metadata(report: &ScanReport) -> Value {
    let mut fields = Fields::default();
    if report.image.is_some() {
        fields.set("Size", report.inventory.coverage.bytes);
    }
    if let Some(distribution) = &report.inventory.distribution {
        let mut os = Fields::default();
        os.set("Family", identity::family_name(distribution));
        os.set("Name", distribution.version.as_str());
        if report.end_of_life == Some(true) {
            os.set("EOSL", true);
        }
        fields.set("OS", os.finish());
    } else if report.inventory.packages_of(PackageClass::Os).next().is_some() {
        // Packages of a distribution that nothing names.
        fields.set("OS", json!({ "Family": "none", "Name": "" }));
    }
    if let Some(image) = &report.image {
        fields.set("ImageID", image.image_id.map(|id| id.to_string()));
        let diff_ids: Vec<String> = image
            .layers
            .iter()
            .filter_map(|layer| layer.diff_id)
            .map(|id| id.to_string())
            .collect();
        fields.set("DiffIDs", diff_ids);
        fields.set("RepoTags", image.repo_tags.clone());
        fields.set("RepoDigests", image.repo_digests.clone());
        fields.set("Reference", image.repo_tags.first().cloned());
        fields.set("ImageConfig", image.config.clone());
        let layers: Vec<Value> = image
            .layers
            .iter()
            .map(|layer| {
                let mut fields = Fields::default();
                // Readers expect the uncompressed size, which the stored one only is where nothing was compressed.
                if layer.digest.is_none() || layer.digest == layer.diff_id {
                    fields.set("Size", layer.size);
                }
                fields.set("Digest", layer.digest.map(|digest| digest.to_string()));
                fields.set("DiffID", layer.diff_id.map(|digest| digest.to_string()));
                fields.finish()
            })
            .collect();
        fields.set("Layers", layers);
    }
    fields.finish()
}

/// A score as Go writes it: 5 and not 5.0, which readers that compare texts would take for a change.
fn score(score: Option<f64>) -> Value {
    match score {
        Some(whole) if whole.fract() == 0.0 && (0.0..=10.0).contains(&whole) => Value::from(whole as u8),
        other => Value::from(other),
    }
}

fn result(report: &ScanReport, group: &ResultGroup<'_>, artifact_id: Option<&str>, options: &Options) -> Value {
    let mut fields = Fields::default();
    fields.set("Target", group.target.as_str());
    let class = if group.class == PackageClass::Os {
        "os-pkgs"
    } else {
        "lang-pkgs"
    };
    fields.set("Class", class);
    fields.set("Type", group.kind.as_str());
    if options.list_all_packages {
        let mut ids = HashMap::new();
        for package in &group.packages {
            ids.entry(package.name.as_str())
                .or_insert_with(|| identity::package_id(package));
        }
        let packages: Vec<Value> = group
            .packages
            .iter()
            .map(|item| package(report, group, &ids, item))
            .collect();
        fields.set("Packages", packages);
    }
    let found: Vec<Value> = group
        .findings
        .iter()
        .map(|(finding, package)| vulnerability(report, group, artifact_id, finding, package))
        .collect();
    fields.set("Vulnerabilities", found);
    if options.show_suppressed {
        let suppressed: Vec<Value> = group
            .suppressed
            .iter()
            .filter_map(|(finding, package)| {
                let reason = finding.suppression.as_ref()?;
                let mut fields = Fields::default();
                fields.set("Type", "vulnerability");
                fields.set("Status", reason.status.as_str());
                fields.set("Statement", reason.statement.as_str());
                fields.set("Source", reason.source.as_str());
                fields.set("Finding", vulnerability(report, group, artifact_id, finding, package));
                Some(fields.finish())
            })
            .collect();
        fields.set("ExperimentalModifiedFindings", suppressed);
    }
    fields.finish()
}

fn identifier(report: &ScanReport, package: &Package) -> Value {
    let mut fields = Fields::default();
    fields.set(
        "PURL",
        identity::package_url(package, report.inventory.distribution.as_ref()),
    );
    fields.set("UID", identity::package_uid(package));
    fields.finish()
}

fn layer(package: &Package) -> Value {
    let mut fields = Fields::default();
    if let Some(layer) = package.layer {
        fields.set("Digest", layer.digest.map(|digest| digest.to_string()));
        fields.set("DiffID", layer.diff_id.map(|digest| digest.to_string()));
    }
    fields.finish()
}

fn package(report: &ScanReport, group: &ResultGroup<'_>, ids: &HashMap<&str, String>, package: &Package) -> Value {
    let version = identity::version_parts(package.ecosystem, &package.version);
    let source = identity::version_parts(package.ecosystem, &package.source_version);
    let os = group.class == PackageClass::Os;
    let mut fields = Fields::default();
    fields.set("ID", identity::package_id(package));
    fields.set("Name", package.name.as_str());
    fields.set("Identifier", identifier(report, package));
    fields.set("Version", version.version);
    fields.set("Release", version.release);
    if version.epoch != 0 {
        fields.set("Epoch", version.epoch);
    }
    fields.set("Arch", package.arch.as_str());
    if package.dev {
        fields.set("Dev", true);
    }
    if os {
        fields.set("SrcName", package.source_name.as_str());
        fields.set("SrcVersion", source.version);
        fields.set("SrcRelease", source.release);
        if source.epoch != 0 {
            fields.set("SrcEpoch", source.epoch);
        }
    }
    fields.set("Licenses", package.licenses.clone());
    fields.set("Maintainer", package.maintainer.as_str());
    fields.set("Modularitylabel", package.modularity_label.as_str());
    let depends: Vec<String> = package
        .depends_on
        .iter()
        .filter_map(|name| ids.get(name.as_str()).cloned())
        .collect();
    fields.set("DependsOn", depends);
    fields.set("Layer", layer(package));
    // The path of a distribution package is its database, which Trivy does not state.
    if !os {
        fields.set("FilePath", package.path.as_str());
    }
    fields.set("AnalyzedBy", analyzer(package, &group.kind));
    if let Some(owner) = &package.owned_by {
        fields.set("Seaworthy", json!({ "OwnedBy": owner }));
    }
    fields.finish()
}

/// The analyzer's name in Trivy's reports: the database's for distributions, the package type for languages.
fn analyzer<'a>(package: &Package, kind: &'a str) -> &'a str {
    match package.ecosystem {
        Ecosystem::Apk => "apk",
        Ecosystem::Deb => "dpkg",
        Ecosystem::Rpm => "rpm",
        _ => kind,
    }
}

fn vulnerability(
    report: &ScanReport,
    group: &ResultGroup<'_>,
    artifact_id: Option<&str>,
    finding: &Finding,
    package: &Package,
) -> Value {
    let found = &finding.matched;
    let package_id = identity::package_id(package);
    let mut fields = Fields::default();
    fields.set("VulnerabilityID", found.id.as_str());
    fields.set("VendorIDs", found.vendor_ids.clone());
    fields.set("PkgID", package_id.as_str());
    fields.set("PkgName", package.name.as_str());
    if group.class == PackageClass::Language {
        fields.set("PkgPath", package.path.as_str());
    }
    fields.set("PkgIdentifier", identifier(report, package));
    fields.set("InstalledVersion", identity::installed_version(package));
    fields.set("FixedVersion", found.fixed_version.as_str());
    fields.set("Status", found.status.name());
    fields.set("Layer", layer(package));
    fields.set("SeveritySource", found.severity_source.as_str());
    fields.set("PrimaryURL", identity::primary_url(&found.id));
    let mut source = Fields::default();
    source.set("ID", found.source.id.as_str());
    source.set("Name", found.source.name.as_str());
    source.set("URL", found.source.url.as_str());
    fields.set("DataSource", source.finish());
    fields.set(
        "Fingerprint",
        identity::fingerprint(artifact_id.unwrap_or_default(), &group.target, &package_id, &found.id),
    );
    fields.set("Severity", found.severity.name());
    let severities: Map<String, Value> = found
        .vendor_severity
        .iter()
        .map(|(source, severity)| (source.clone(), severity.number().into()))
        .collect();
    fields.set("VendorSeverity", severities);
    let scores: Map<String, Value> = found
        .cvss
        .iter()
        .map(|(source, scores)| (source.clone(), cvss(scores)))
        .collect();
    fields.set("CVSS", scores);
    fields.set("PublishedDate", found.published.clone());
    fields.set("LastModifiedDate", found.modified.clone());
    fields.set("Seaworthy", own(finding, package));
    fields.finish()
}

fn cvss(scores: &Cvss) -> Value {
    let mut fields = Fields::default();
    fields.set("V2Vector", scores.v2_vector.clone());
    fields.set("V3Vector", scores.v3_vector.clone());
    fields.set("V40Vector", scores.v40_vector.clone());
    fields.set("V2Score", score(scores.v2_score));
    fields.set("V3Score", score(scores.v3_score));
    fields.set("V40Score", score(scores.v40_score));
    fields.finish()
}

/// What Seaworthy knows beyond Trivy's fields.
fn own(finding: &Finding, package: &Package) -> Value {
    let found = &finding.matched;
    let mut fields = Fields::default();
    let kind = match found.kind {
        MatchKind::Direct => "direct",
        MatchKind::Source => "source",
    };
    fields.set("MatchKind", kind);
    fields.set("Range", found.range.as_str());
    match &found.confidence {
        Confidence::Exact => fields.set("Confidence", "exact"),
        Confidence::Uncertain(why) => {
            fields.set("Confidence", "uncertain");
            fields.set("ConfidenceReason", why.as_str());
        }
    }
    if let Some(epss) = found.epss {
        fields.set("EPSS", json!({ "Score": epss.score, "Percentile": epss.percentile }));
    }
    if let Some(known) = &found.known_exploited {
        fields.set(
            "KEV",
            json!({ "DateAdded": known.date_added, "Ransomware": known.ransomware }),
        );
    }
    if !found.fixed_version.is_empty() {
        fields.set("FixHint", format!("update {} to {}", package.name, found.fixed_version));
    }
    fields.finish()
}

fn problem(problem: &Problem) -> Value {
    let mut fields = Fields::default();
    match &problem.subject {
        Subject::Path(path) => fields.set("Path", path.as_str()),
        Subject::Digest(digest) => fields.set("Digest", digest.to_string()),
        Subject::PathInLayer { path, layer } => {
            fields.set("Path", path.as_str());
            fields.set("Digest", layer.to_string());
        }
        // The whole of it: every entry names a place.
        Subject::Artifact => fields.set("Path", "/"),
    }
    fields.set("What", problem.what.as_str());
    let effect = match problem.effect {
        Effect::Incomplete => "incomplete",
        Effect::Uncertain => "uncertain",
        Effect::Note => "note",
    };
    fields.set("Effect", effect);
    fields.finish()
}

fn database(database: &DatabaseInfo) -> Value {
    let mut fields = Fields::default();
    fields.set("Origin", database.origin.as_str());
    fields.set("BuiltAt", database.built_at.as_str());
    fields.set("AgeDays", database.age_days);
    fields.set("DistributionNewest", database.distribution_newest.clone());
    let sources: Vec<Value> = database
        .sources
        .iter()
        .map(|source| {
            let mut fields = Fields::default();
            fields.set("ID", source.id.as_str());
            fields.set("Name", source.name.as_str());
            fields.set("Newest", source.newest.as_str());
            fields.set("Records", source.records);
            fields.finish()
        })
        .collect();
    fields.set("Sources", sources);
    fields.finish()
}
