//! GitLab's reports: container scanning (schema 15.0.7) and code quality.

use crate::json::text;
use crate::result::{ResultGroup, group};
use crate::{Error, Options, identity, problems};
use seaworthy_model::{ArtifactKind, Effect, Finding, Package, PackageClass, ScanReport, Severity};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Writes a container scanning report, or one of dependency scanning where no image was scanned.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let tool = json!({
        "id": "seaworthy",
        "name": "Seaworthy",
        "url": "https://github.com/seaworthy-dev/seaworthy",
        "vendor": { "name": "Seaworthy" },
        "version": env!("CARGO_PKG_VERSION"),
    });
    // Without zone and fraction, as the schema wants it.
    let time = report.created_at.get(..19).unwrap_or(&report.created_at);
    let groups = group(report, options);
    let vulnerabilities: Vec<Value> = groups
        .iter()
        .flat_map(|group| {
            group
                .findings
                .iter()
                .map(move |(finding, package)| (group, *finding, *package))
        })
        .map(|(group, finding, package)| vulnerability(report, group, finding, package))
        .collect();
    let messages: Vec<Value> = problems::weighty(report)
        .into_iter()
        .map(|problem| {
            let level = if problem.effect == Effect::Incomplete {
                "fatal"
            } else {
                "warn"
            };
            json!({ "level": level, "value": problems::line(problem) })
        })
        .chain(problems::end_of_life(report).map(|text| json!({ "level": "warn", "value": text })))
        .collect();
    text::to_vec(&json!({
        "version": "15.0.7",
        "scan": {
            "analyzer": tool,
            "end_time": time,
            "messages": messages,
            "scanner": tool,
            "start_time": time,
            "status": if problems::is_incomplete(report) { "failure" } else { "success" },
            "type": match report.artifact_kind {
                ArtifactKind::ContainerImage => "container_scanning",
                _ => "dependency_scanning",
            },
        },
        "vulnerabilities": vulnerabilities,
        "remediations": [],
    }))
}

const fn title(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "Unknown",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

fn vulnerability(report: &ScanReport, group: &ResultGroup<'_>, finding: &Finding, package: &Package) -> Value {
    let found = &finding.matched;
    let url = identity::primary_url(&found.id);
    let system = match &report.inventory.distribution {
        Some(distribution) => format!("{} {}", identity::family_name(distribution), distribution.version),
        None => "unknown".to_owned(),
    };
    let dependency = json!({
        "package": { "name": package.name },
        "version": identity::installed_version(package),
    });
    let location = match report.artifact_kind {
        ArtifactKind::ContainerImage => json!({
            "dependency": dependency,
            "operating_system": system,
            "image": image(report),
        }),
        _ => {
            json!({ "file": if group.class == PackageClass::Os { &group.target } else { &package.path }, "dependency": dependency })
        }
    };
    let solution = match found.fixed_version.as_str() {
        "" => "No solution provided".to_owned(),
        fixed => format!("Upgrade {} to {fixed}", package.name),
    };
    let kind = match found.id.split('-').next() {
        Some("CVE") => "cve",
        Some("GHSA") => "ghsa",
        _ => "osv",
    };
    json!({
        "id": identity::fingerprint("", &group.target, &identity::package_id(package), &found.id),
        "name": format!("{} in {}", found.id, package.name),
        "description": format!("{} {} is affected by {}", package.name, identity::installed_version(package), found.id),
        "severity": title(found.severity),
        "solution": solution,
        "location": location,
        "identifiers": [{ "type": kind, "name": found.id, "value": found.id, "url": url }],
        "links": [{ "url": url }],
    })
}

/// The reference of the image; the schema wants a tag in it.
fn image(report: &ScanReport) -> &str {
    let tag = report.image.as_ref().and_then(|image| image.repo_tags.first());
    tag.map_or(report.artifact_name.as_str(), String::as_str)
}

/// Writes a code quality report: one issue a finding, and one for each thing that could not be read.
pub(crate) fn write_code_quality(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let mut issues: Vec<Value> = Vec::new();
    for group in group(report, options) {
        for (finding, package) in &group.findings {
            let found = &finding.matched;
            let version = identity::installed_version(package);
            let severity = match found.severity {
                Severity::Critical => "critical",
                Severity::High => "major",
                Severity::Medium => "minor",
                Severity::Low | Severity::Unknown => "info",
            };
            let path = match group.class {
                PackageClass::Os => &group.target,
                PackageClass::Language => &package.path,
            };
            let fix = match found.fixed_version.as_str() {
                "" => "no fixed version".to_owned(),
                fixed => format!("fixed in {fixed}"),
            };
            issues.push(json!({
                "type": "issue",
                "check_name": "container_scanning",
                "categories": ["Security"],
                "description": format!("{} - {} - {version} - {fix}", found.id, package.name),
                "fingerprint": fingerprint(&[&found.id, &package.name, version, &group.target]),
                "content": { "body": identity::primary_url(&found.id) },
                "severity": severity,
                "location": { "path": path, "lines": { "begin": 0 } },
            }));
        }
    }
    for problem in problems::weighty(report) {
        let line = problems::line(problem);
        issues.push(json!({
            "type": "issue",
            "check_name": format!("scan_{}", problems::effect(problem)),
            "categories": ["Security"],
            "description": line,
            "fingerprint": fingerprint(&[problems::effect(problem), &line]),
            "severity": if problem.effect == Effect::Incomplete { "blocker" } else { "minor" },
            "location": { "path": report.artifact_name, "lines": { "begin": 0 } },
        }));
    }
    if let Some(text) = problems::end_of_life(report) {
        issues.push(json!({
            "type": "issue",
            "check_name": "end_of_life",
            "categories": ["Security"],
            "description": text,
            "fingerprint": fingerprint(&["end_of_life"]),
            "severity": "minor",
            "location": { "path": report.artifact_name, "lines": { "begin": 0 } },
        }));
    }
    text::to_vec(&issues)
}

/// Forty hexadecimal digits that stay the same from scan to scan.
fn fingerprint(facts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for fact in facts {
        hash.update(fact.as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
