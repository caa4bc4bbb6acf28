//! Jenkins: the warnings of its update center about plugins and about Jenkins itself.
//!
//! They name no CVE, so that they would tell a second time what an advisory of Maven tells with its CVE. Such advisories
//! end where a warning's last affected version ends; warnings that they cover are left out ([`leave_out_covered`]).

use super::Input;
use super::output::{Output, Tally};
use crate::error::Error;
use crate::record::{FeedSummary, Range, RangeEnd, Record, SourceId};
use crate::versions::Scheme;
use seaworthy_model::FixStatus;
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The section of the warnings.
const SECTION: &str = "jenkins";

#[derive(Debug, Deserialize)]
struct Warning {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    versions: Vec<Affected>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Affected {
    first_version: Option<String>,
    last_version: Option<String>,
    pattern: Option<String>,
}

/// Reads the warnings.
pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        let warnings: Vec<Warning> = serde_json::from_slice(&file.document()?).map_err(|error| file.broken(error))?;
        let mut tally = Tally::new(&file.name, input.source);
        for warning in &warnings {
            let outcome = read_warning(warning, input.source, &mut output);
            tally.settle(outcome);
        }
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

fn read_warning(warning: &Warning, source: SourceId, output: &mut Output) -> Result<(), &'static str> {
    let core = match warning.kind.as_str() {
        "core" => true,
        "plugin" => false,
        _ => return Err("neither about a plugin nor about Jenkins"),
    };
    let mut lines: BTreeMap<String, BTreeSet<Range>> = BTreeMap::new();
    for affected in &warning.versions {
        let last = affected.last_version.as_deref().map(str::trim);
        // Long-term releases of Jenkins have a line of their own: the week after may have a higher number and no fix.
        let (last, long_term) = match last.and_then(|last| last.strip_prefix("LTS ")) {
            Some(last) => (Some(last), true),
            None => (last, last.is_some_and(|last| last.split('.').count() > 2)),
        };
        let end = match (last, affected.pattern.as_deref()) {
            (Some(last), _) => RangeEnd::LastAffected(last.to_owned()),
            (None, None | Some(".*")) => RangeEnd::Open,
            (None, Some(_)) => continue,
        };
        let names: &[&str] = match (core, last.is_some(), long_term) {
            (false, ..) => &[warning.name.as_str()],
            (true, true, true) => &["core lts"],
            (true, true, false) => &["core"],
            (true, false, _) => &["core", "core lts"],
        };
        for name in names {
            lines.entry((*name).to_owned()).or_default().insert(Range {
                introduced: affected.first_version.clone().unwrap_or_default(),
                end: end.clone(),
            });
        }
    }
    if lines.is_empty() {
        return Err("versions given by a pattern alone");
    }
    let mut kept = false;
    for (package, ranges) in lines {
        kept |= output.push(Record {
            section: SECTION.to_owned(),
            package,
            id: warning.id.clone(),
            vendor_ids: Vec::new(),
            source,
            ranges: ranges.into_iter().collect(),
            versions: Vec::new(),
            status: FixStatus::Affected,
            severity: None,
            unimportant: false,
            module: String::new(),
            arches: Vec::new(),
            product: String::new(),
        });
    }
    if kept { Ok(()) } else { Err("implausible") }
}

/// The name that a Maven package has among the warnings, where it is Jenkins or may be a plugin of it.
fn warned_name(record: &Record) -> Option<&str> {
    if record.section != "maven" {
        return None;
    }
    match record.package.split_once(':')? {
        ("org.jenkins-ci.main", "jenkins-core") => Some("core"),
        (group, artifact) if group.contains("jenkins") || group.contains("hudson") => Some(artifact),
        _ => None,
    }
}

/// Removes the warnings about versions at which an advisory with a CVE ends too, and says so in the feed's summary.
pub(super) fn leave_out_covered(records: &mut Vec<Record>, summaries: &mut [FeedSummary]) {
    let warned: HashSet<String> = records
        .iter()
        .filter(|record| record.section == SECTION)
        .map(|record| record.package.clone())
        .collect();
    let mut ends: HashMap<String, Vec<RangeEnd>> = HashMap::new();
    for record in records.iter() {
        let Some(name) = warned_name(record) else { continue };
        for line in [name.to_owned(), format!("{name} lts")] {
            if warned.contains(&line) {
                let known = ends.entry(line).or_default();
                known.extend(record.ranges.iter().map(|range| range.end.clone()));
            }
        }
    }
    let mut lasts: HashMap<&str, Vec<&str>> = HashMap::new();
    for record in records.iter().filter(|record| record.section == SECTION) {
        lasts
            .entry(&record.package)
            .or_default()
            .extend(record.ranges.iter().filter_map(last));
    }
    let mut covered: HashSet<(String, String)> = HashSet::new();
    for (package, ends) in &ends {
        let lasts = lasts.get(package.as_str()).map_or(&[][..], Vec::as_slice);
        for end in ends {
            let found = match end {
                RangeEnd::LastAffected(version) => lasts.iter().find(|last| order(last, version).is_eq()),
                // The last warned version before the fix.
                RangeEnd::Fixed(version) => lasts
                    .iter()
                    .filter(|last| order(last, version).is_lt())
                    .max_by(|one, other| order(one, other)),
                RangeEnd::Open | RangeEnd::Limit(_) => None,
            };
            covered.extend(found.map(|last| (package.clone(), (*last).to_owned())));
        }
    }
    let mut left: HashSet<String> = HashSet::new();
    let mut removed: HashSet<String> = HashSet::new();
    records.retain(|record| {
        let covers = |range: &Range| {
            last(range).is_some_and(|last| covered.contains(&(record.package.clone(), last.to_owned())))
        };
        let keep = record.section != SECTION || !record.ranges.iter().all(covers);
        if record.section == SECTION {
            if keep { &mut left } else { &mut removed }.insert(record.id.clone());
        }
        keep
    });
    let gone = removed.difference(&left).count() as u64;
    let summary = summaries
        .iter_mut()
        .find(|summary| summary.source == Some(SourceId::JenkinsUpdateCenter) && summary.kept >= gone);
    if let Some(summary) = summary
        && gone > 0
    {
        summary.kept -= gone;
        *summary
            .refused
            .entry("an advisory with a CVE id says it".to_owned())
            .or_default() += gone;
    }
}

fn last(range: &Range) -> Option<&str> {
    match &range.end {
        RangeEnd::LastAffected(version) => Some(version),
        _ => None,
    }
}

fn order(one: &str, other: &str) -> Ordering {
    Scheme::Maven.order_or_fallback(one, other)
}
