//! SARIF 2.1.0, as code scanning services take it: one rule a vulnerability, one result a package.
//!
//! Rules, levels and scores follow Trivy's, so that alerts of the two are the same alerts.

use crate::json::text;
use crate::result::{ResultGroup, group};
use crate::{Error, Options, identity, problems};
use seaworthy_model::{ArtifactKind, Effect, Finding, Match, Package, PackageClass, ScanReport, Severity};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Writes the log.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let groups = group(report, options);
    let mut rules: Vec<Value> = Vec::new();
    let mut indexes: HashMap<&str, usize> = HashMap::new();
    let mut results: Vec<Value> = Vec::new();
    for group in &groups {
        for (finding, package) in &group.findings {
            let id = finding.matched.id.as_str();
            let index = *indexes.entry(id).or_insert_with(|| {
                rules.push(rule(group, finding, package));
                rules.len() - 1
            });
            results.push(result(report, group, finding, package, index));
        }
    }
    let mut run = Map::new();
    run.insert(
        "tool".into(),
        json!({ "driver": {
            "name": "Seaworthy",
            "fullName": "Seaworthy vulnerability scanner",
            "informationUri": "https://github.com/seaworthy-dev/seaworthy",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        }}),
    );
    run.insert("invocations".into(), json!([invocation(report)]));
    run.insert("results".into(), Value::Array(results));
    run.insert("columnKind".into(), json!("utf16CodeUnits"));
    if report.artifact_kind == ArtifactKind::Filesystem {
        run.insert(
            "originalUriBaseIds".into(),
            json!({ "ROOTPATH": { "uri": format!("file://{}/", encode(report.artifact_name.trim_end_matches('/'))) } }),
        );
    }
    let image = report.image.as_ref();
    run.insert(
        "properties".into(),
        json!({
            "imageID": image.and_then(|image| image.image_id),
            "imageName": report.artifact_name,
            "repoDigests": image.map(|image| &image.repo_digests),
            "repoTags": image.map(|image| &image.repo_tags),
            "database": report.database.built_at,
        }),
    );
    text::to_vec(&json!({
        "version": "2.1.0",
        "$schema": "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json",
        "runs": [run],
    }))
}

/// What could not be read is told as the tool's own notifications: no results is then no success.
fn invocation(report: &ScanReport) -> Value {
    let level = |effect| match effect {
        Effect::Incomplete => "error",
        Effect::Uncertain => "warning",
        Effect::Note => "note",
    };
    let notifications: Vec<Value> = report
        .inventory
        .problems
        .iter()
        .map(|problem| json!({ "level": level(problem.effect), "message": { "text": problems::line(problem) } }))
        .chain(problems::end_of_life(report).map(|text| json!({ "level": "warning", "message": { "text": text } })))
        .collect();
    json!({
        "executionSuccessful": !problems::is_incomplete(report),
        "toolExecutionNotifications": notifications,
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Unknown => "note",
    }
}

/// The score by which services sort: CVSS 3 by the source of the severity, else one that stands for the severity.
fn score(finding: &Finding) -> String {
    let found = &finding.matched;
    let cvss = found.cvss.get(&found.severity_source).and_then(|cvss| cvss.v3_score);
    cvss.map_or_else(
        || {
            let typical = match found.severity {
                Severity::Critical => "9.5",
                Severity::High => "8.0",
                Severity::Medium => "5.5",
                Severity::Low => "2.0",
                Severity::Unknown => "0.0",
            };
            typical.to_owned()
        },
        |score| format!("{score:.1}"),
    )
}

fn rule(group: &ResultGroup<'_>, finding: &Finding, package: &Package) -> Value {
    let found = &finding.matched;
    let (id, url) = (&found.id, identity::primary_url(&found.id));
    let name = match group.class {
        PackageClass::Os => "OsPackageVulnerability",
        PackageClass::Language => "LanguageSpecificPackageVulnerability",
    };
    let fixed = &found.fixed_version;
    json!({
        "id": id,
        "name": name,
        "shortDescription": { "text": format!("{id} in {}", package.name) },
        "fullDescription": { "text": format!("{} vulnerability {id}, found in {}", found.severity, package.name) },
        "defaultConfiguration": { "level": level(found.severity) },
        "helpUri": url,
        "help": {
            "text": format!("Vulnerability {id}\nSeverity: {}\nPackage: {}\nFixed Version: {fixed}\nLink: [{id}]({url})", found.severity, package.name),
            "markdown": format!(
                "**Vulnerability {id}**\n| Severity | Package | Fixed Version | Link |\n| --- | --- | --- | --- |\n|{}|{}|{fixed}|[{id}]({url})|\n",
                found.severity, package.name
            ),
        },
        "properties": {
            "precision": "very-high",
            "security-severity": score(finding),
            "tags": tags(found),
        },
    })
}

/// GitHub's tag for a weakness is `external/cwe/cwe-` and three digits or more.
fn tags(found: &Match) -> Vec<String> {
    let mut tags = ["vulnerability", "security", found.severity.name()]
        .map(str::to_owned)
        .to_vec();
    tags.extend(found.cwes.iter().map(|number| format!("external/cwe/cwe-{number:03}")));
    tags
}

fn result(report: &ScanReport, group: &ResultGroup<'_>, finding: &Finding, package: &Package, index: usize) -> Value {
    let found = &finding.matched;
    let path = match group.class {
        PackageClass::Os => artifact_path(report),
        PackageClass::Language => package.path.clone(),
    };
    let message = format!(
        "Package: {}\nInstalled Version: {}\nVulnerability {}\nSeverity: {}\nFixed Version: {}\nLink: [{}]({})",
        package.name,
        identity::installed_version(package),
        found.id,
        found.severity,
        found.fixed_version,
        found.id,
        identity::primary_url(&found.id)
    );
    let fingerprint = identity::fingerprint("", &group.target, &identity::package_id(package), &found.id);
    json!({
        "ruleId": found.id,
        "ruleIndex": index,
        "level": level(found.severity),
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": encode(&path), "uriBaseId": "ROOTPATH" },
                "region": { "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 },
            },
            "message": { "text": format!("{path}: {}@{}", package.name, identity::installed_version(package)) },
        }],
        "partialFingerprints": { "seaworthy/v1": fingerprint },
    })
}

/// The image's repository, or the file that was scanned.
fn artifact_path(report: &ScanReport) -> String {
    let name = report.artifact_name.as_str();
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') && !repository.is_empty() => repository.to_owned(),
        _ => name.to_owned(),
    }
}

/// A path as a URI reference: what is no part of one is percent-encoded.
fn encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@+!$&'()*,;=".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
