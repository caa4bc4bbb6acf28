//! Retire.js: `jsrepository-v6.json`, libraries for browsers of which many are npm packages.
//!
//! What has no npm name is only known by file names and contents, which nobody looks at here; what has neither a CVE nor
//! a GHSA id has no name by which it could be reported.

use super::output::{Output, Tally};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record};
use crate::versions::Scheme;
use seaworthy_model::{FixStatus, Severity};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Deserialize)]
struct Component {
    npmname: Option<String>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    at_or_above: Option<String>,
    below: Option<String>,
    severity: Option<String>,
    #[serde(default)]
    identifiers: Identifiers,
}

#[derive(Debug, Default, Deserialize)]
struct Identifiers {
    #[serde(rename = "CVE", default)]
    cve: Vec<String>,
    #[serde(rename = "githubID")]
    github: Option<String>,
}

/// What all entries of one component say about one id.
#[derive(Default)]
struct Statement {
    ranges: BTreeSet<Range>,
    vendor_ids: BTreeSet<String>,
    severity: Option<Severity>,
}

/// Reads the repository.
pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        let components: BTreeMap<String, Component> =
            serde_json::from_slice(&file.document()?).map_err(|error| file.broken(error))?;
        let mut tally = Tally::new(&file.name, input.source);
        for component in components.values() {
            let mut statements: BTreeMap<String, Statement> = BTreeMap::new();
            for vulnerability in &component.vulnerabilities {
                let outcome = match &component.npmname {
                    Some(_) => add(vulnerability, &mut statements),
                    None => Err("no package of npm"),
                };
                tally.settle(outcome);
            }
            let Some(name) = &component.npmname else { continue };
            for (id, statement) in statements {
                push(name, id, statement, input, &mut output);
            }
        }
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

/// A version that npm could have published: some are written as the library's own page does.
fn version(text: &str) -> Option<String> {
    let text = text.trim();
    if Scheme::Npm.check(text).is_ok() {
        return Some(text.to_owned());
    }
    Scheme::Npm
        .repair(text)
        .filter(|meant| Scheme::Npm.check(meant).is_ok())
}

fn add(vulnerability: &Vulnerability, statements: &mut BTreeMap<String, Statement>) -> Result<(), &'static str> {
    let cves = vulnerability.identifiers.cve.iter().filter(|id| words::is_cve(id));
    let mut ids: Vec<String> = cves.cloned().collect();
    let github = vulnerability
        .identifiers
        .github
        .as_ref()
        .filter(|id| id.starts_with("GHSA-"));
    if ids.is_empty() {
        ids.extend(github.cloned());
    }
    if ids.is_empty() {
        return Err("without a CVE or GHSA id");
    }
    let bound = |text: &Option<String>| match text {
        Some(text) => version(text).map(Some).ok_or("a version that npm does not know"),
        None => Ok(None),
    };
    let range = Range {
        introduced: bound(&vulnerability.at_or_above)?.unwrap_or_default(),
        end: bound(&vulnerability.below)?.map_or(RangeEnd::Open, RangeEnd::Fixed),
    };
    for id in ids {
        let statement = statements.entry(id.clone()).or_default();
        statement.ranges.insert(range.clone());
        statement
            .vendor_ids
            .extend(github.filter(|github| **github != id).cloned());
        let severity = vulnerability.severity.as_deref().and_then(words::severity);
        statement.severity = statement.severity.max(severity);
    }
    Ok(())
}

fn push(name: &str, id: String, statement: Statement, input: &Input<'_>, output: &mut Output) {
    let fixed = |range: &Range| matches!(range.end, RangeEnd::Fixed(_));
    if let Some(severity) = statement.severity {
        output.facts(&id).severities.insert(input.source, severity);
    }
    output.push(Record {
        section: "npm".to_owned(),
        package: name.to_owned(),
        id,
        vendor_ids: statement.vendor_ids.into_iter().collect(),
        source: input.source,
        status: if statement.ranges.iter().any(fixed) {
            FixStatus::Fixed
        } else {
            FixStatus::Affected
        },
        ranges: statement.ranges.into_iter().collect(),
        versions: Vec::new(),
        severity: statement.severity,
        unimportant: false,
        module: String::new(),
        arches: Vec::new(),
        product: String::new(),
    });
}
