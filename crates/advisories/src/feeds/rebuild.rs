//! AlmaLinux and Rocky Linux: OSV records of their errata.
//!
//! AlmaLinux names binary packages, Rocky source packages. Packages of modules have `.module` in their release, but
//! their stream is only in the title (`Moderate: nodejs:18 security update`); titles without it get the streams in
//! which other errata of the same release know the package.

use super::osv::{Advisory, Nothing};
use super::output::{Output, Tally, earliest};
use super::redhat::{normal, raise};
use super::{Input, words};
use crate::error::Error;
use crate::record::{RangeEnd, Record, SourceId};
use std::collections::{BTreeSet, HashMap};

pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let (prefix, family) = match input.source {
        SourceId::Rocky => ("Rocky Linux:", "rocky"),
        _ => ("AlmaLinux:", "alma"),
    };
    let mut output = Output::default();
    // Records of modules whose title does not say which.
    let mut nameless: Vec<Record> = Vec::new();
    for file in &input.files {
        let mut tally = Tally::new(&file.name, input.source);
        file.zip_records(|bytes| {
            let outcome = bytes.and_then(|bytes| {
                let advisory: Advisory<Nothing> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
                read_record(
                    &advisory,
                    input.source,
                    (prefix, family),
                    &mut tally,
                    &mut output,
                    &mut nameless,
                )
            });
            tally.settle(outcome);
        })?;
        let missing = name(std::mem::take(&mut nameless), &mut output);
        tally.leave_out("package of a module whose stream is not known", missing);
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

fn read_record(
    advisory: &Advisory<Nothing>,
    source: SourceId,
    (prefix, family): (&str, &str),
    tally: &mut Tally,
    output: &mut Output,
    nameless: &mut Vec<Record>,
) -> Result<(), &'static str> {
    if advisory.is_withdrawn() {
        return Err("withdrawn");
    }
    let cves = advisory.cves(true);
    let security = advisory.id.as_bytes().get(1..4) == Some(b"LSA") || advisory.id.starts_with("RXSA");
    if cves.is_empty() && !security {
        return Err("names no vulnerability");
    }
    let ids = if cves.is_empty() {
        vec![advisory.id.clone()]
    } else {
        cves
    };
    let title = advisory.summary.as_deref().unwrap_or("");
    let severity = title.split_once(':').and_then(|(word, _)| words::severity(word));
    let streams = words::module_streams(title);
    let mut kept = false;
    for affected in advisory.affected.iter().flatten() {
        let Some(package) = &affected.package else { continue };
        let release = package
            .ecosystem
            .strip_prefix(prefix)
            .map(|release| release.split('.').next().unwrap_or(release));
        let Some(release) = release.filter(|release| release.parse::<u32>().is_ok()) else {
            tally.leave_out("ecosystem without a section", 1);
            continue;
        };
        for range in affected.stretches(&|_, _| None).ranges {
            let (range, status) = normal(range);
            let modular = matches!(&range.end, RangeEnd::Fixed(version) if version.contains(".module"));
            for id in &ids {
                let mut record = Record {
                    section: format!("{family} {release}"),
                    package: package.name.clone(),
                    id: id.clone(),
                    vendor_ids: Vec::new(),
                    source,
                    ranges: vec![range.clone()],
                    versions: Vec::new(),
                    status,
                    severity,
                    unimportant: false,
                    module: String::new(),
                    arches: Vec::new(),
                    product: String::new(),
                };
                if *id != advisory.id {
                    record.vendor_ids = vec![advisory.id.clone()];
                }
                kept = true;
                if !modular {
                    output.push(record);
                } else if streams.is_empty() {
                    nameless.push(record);
                } else {
                    for stream in &streams {
                        output.push(Record {
                            module: stream.clone(),
                            ..record.clone()
                        });
                    }
                }
            }
        }
    }
    if !kept {
        return Err("no affected package");
    }
    tally.date(advisory.modified());
    for id in &ids {
        raise(output, id, source, severity);
        let standby = output.standby(id);
        earliest(&mut standby.published, advisory.published());
    }
    Ok(())
}

/// Gives nameless records the streams in which the package is known with the same upstream series, else any stream.
/// Those of packages that no other erratum knows stay without a module; their number is returned.
fn name(nameless: Vec<Record>, output: &mut Output) -> u64 {
    let mut streams: HashMap<(&str, &str), BTreeSet<(&str, &str)>> = HashMap::new();
    for record in output.records.iter().filter(|record| !record.module.is_empty()) {
        let known = streams.entry((&record.section, &record.package)).or_default();
        known.insert((record.module.as_str(), series(record)));
    }
    let mut named = Vec::new();
    let mut missing = 0;
    for record in nameless {
        let Some(known) = streams.get(&(record.section.as_str(), record.package.as_str())) else {
            missing += 1;
            named.push(record);
            continue;
        };
        let same: BTreeSet<&str> = known
            .iter()
            .filter(|(_, version)| *version == series(&record))
            .map(|(module, _)| *module)
            .collect();
        let all: BTreeSet<&str> = known.iter().map(|(module, _)| *module).collect();
        for module in if same.is_empty() { all } else { same } {
            named.push(Record {
                module: module.to_owned(),
                ..record.clone()
            });
        }
    }
    for record in named {
        output.push(record);
    }
    missing
}

/// The first two numbers of the fixed version: `1:20.20.0-1.module_el9` is of the series `1:20.20`.
fn series(record: &Record) -> &str {
    let Some(RangeEnd::Fixed(version)) = record.ranges.first().map(|range| &range.end) else {
        return "";
    };
    let end = version
        .match_indices(['.', '-'])
        .nth(1)
        .map_or(version.len(), |(position, _)| position);
    version.get(..end).unwrap_or("")
}
