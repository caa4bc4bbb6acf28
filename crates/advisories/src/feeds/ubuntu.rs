//! Ubuntu: OSV records made from Canonical's CVE tracker, per source package, with the ESM releases
//! (`Ubuntu:Pro:22.04:LTS`) as sections of their own, because a fix there reaches subscribers only.

use super::osv::Advisory;
use super::output::{Output, Tally, earliest};
use super::{Input, words};
use crate::error::Error;
use crate::record::{RangeEnd, Record, SourceId};
use seaworthy_model::{FixStatus, Severity};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Specific {
    status: Option<serde_json::Value>,
}

pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        let mut tally = Tally::new(&file.name, SourceId::Ubuntu);
        file.zip_records(|bytes| {
            let outcome = bytes.and_then(|bytes| read_record(bytes, &mut tally, &mut output));
            tally.settle(outcome);
        })?;
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

/// `Ubuntu:22.04:LTS` is `ubuntu 22.04`, `Ubuntu:Pro:22.04:LTS` is `ubuntu-pro 22.04`.
fn section(ecosystem: &str) -> Option<String> {
    let rest = ecosystem.strip_prefix("Ubuntu:")?;
    let (family, rest) = rest
        .strip_prefix("Pro:")
        .map_or(("ubuntu", rest), |rest| ("ubuntu-pro", rest));
    let release = rest.split(':').next()?;
    let plain = release.len() == 5 && release.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| format!("{family} {release}"))
}

fn read_record(bytes: &[u8], tally: &mut Tally, output: &mut Output) -> Result<(), &'static str> {
    let advisory: Advisory<Specific> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
    if advisory.is_withdrawn() {
        return Err("withdrawn");
    }
    let cves = advisory.cves(false);
    let ids = if cves.is_empty() {
        vec![advisory.id.strip_prefix("UBUNTU-").unwrap_or(&advisory.id).to_owned()]
    } else {
        cves
    };
    let severity = advisory
        .severity
        .iter()
        .flatten()
        .filter(|score| score.kind == "Ubuntu")
        .find_map(|score| words::severity(&score.score));
    let mut kept = false;
    for affected in advisory.affected.iter().flatten() {
        let Some(package) = &affected.package else { continue };
        let Some(section) = section(&package.ecosystem) else {
            tally.leave_out("release without a section", 1);
            continue;
        };
        let ranges = affected.stretches(&|_, _| None).ranges;
        if ranges.is_empty() {
            tally.leave_out("package with neither ranges nor versions", 1);
            continue;
        }
        let word = affected
            .ecosystem_specific
            .as_ref()
            .and_then(|it| it.status.as_ref()?.as_str())
            .unwrap_or("");
        let status = if ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_))) {
            FixStatus::Fixed
        } else {
            match word {
                "deferred" => FixStatus::FixDeferred,
                "ignored" => FixStatus::WillNotFix,
                "needs-triage" => FixStatus::UnderInvestigation,
                _ => FixStatus::Affected,
            }
        };
        for id in &ids {
            kept |= output.push(Record {
                section: section.clone(),
                package: package.name.clone(),
                id: id.clone(),
                vendor_ids: Vec::new(),
                source: SourceId::Ubuntu,
                ranges: ranges.clone(),
                versions: Vec::new(),
                status,
                severity,
                unimportant: false,
                module: String::new(),
                arches: Vec::new(),
                product: String::new(),
            });
        }
    }
    if !kept {
        return Err("no affected package");
    }
    tally.date(advisory.modified());
    for id in &ids {
        if let Some(severity) = severity {
            let known = output
                .facts(id)
                .severities
                .entry(SourceId::Ubuntu)
                .or_insert(Severity::Unknown);
            *known = (*known).max(severity);
        }
        let standby = output.standby(id);
        earliest(&mut standby.published, advisory.published());
        for score in advisory.severity.iter().flatten() {
            standby.vectors.push((SourceId::Ubuntu, score.score.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn subscribers_have_sections_of_their_own() {
        assert_eq!(section("Ubuntu:22.04:LTS").as_deref(), Some("ubuntu 22.04"));
        assert_eq!(section("Ubuntu:23.10").as_deref(), Some("ubuntu 23.10"));
        assert_eq!(section("Ubuntu:Pro:16.04:LTS").as_deref(), Some("ubuntu-pro 16.04"));
        assert_eq!(section("Ubuntu:Pro:FIPS:20.04:LTS"), None);
        assert_eq!(section("Debian:12"), None);
    }
}
