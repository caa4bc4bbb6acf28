//! Red Hat: OSV records of advisories (fixes), and Security Data API records of CVEs (what is not fixed, and how bad
//! Red Hat finds it).
//!
//! Both name source packages and products by CPE: `enterprise_linux:9` is the release itself, `rhel_eus:9.2` and its
//! like are lines of it that only subscribers get, `openshift:4.12::el8` is another product on top of it.

use super::files::{FeedFile, fits};
use super::modules::{Build, Modules, package_name};
use super::osv::{Advisory, Nothing};
use super::output::{Output, Tally, earliest};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record, SourceId};
use seaworthy_model::{FixStatus, Severity};
use serde::Deserialize;

/// The oldest release with a section.
const OLDEST: u32 = 6;

#[derive(Deserialize)]
struct Vulnerability {
    name: String,
    threat_severity: Option<String>,
    public_date: Option<String>,
    cwe: Option<String>,
    cvss: Option<Cvss2>,
    cvss3: Option<Cvss3>,
    package_state: Option<Vec<State>>,
    affected_release: Option<Vec<Release>>,
}

#[derive(Deserialize)]
struct Cvss2 {
    cvss_scoring_vector: Option<String>,
}

#[derive(Deserialize)]
struct Cvss3 {
    cvss3_scoring_vector: Option<String>,
}

#[derive(Deserialize)]
struct State {
    cpe: String,
    fix_state: String,
    package_name: String,
    impact: Option<String>,
}

#[derive(Deserialize)]
struct Release {
    package: Option<String>,
    cpe: Option<String>,
    advisory: Option<String>,
    impact: Option<String>,
}

pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        if fits("osv/*/all.zip", &file.name) {
            read_osv(file, &mut output)?;
        } else {
            read_states(file, &mut output)?;
        }
    }
    Ok(output)
}

/// Section and product line of a CPE without its prefix: `rhel_eus:9.2` is `redhat 9`, `eus 9.2`.
fn product(cpe: &str) -> Option<(String, String)> {
    let mut parts = cpe.split(':');
    let (name, version) = (parts.next()?, parts.next().unwrap_or(""));
    let channel = parts.find(|part| !part.is_empty()).unwrap_or("");
    let short = name.strip_prefix("rhel_").unwrap_or(name);
    let release = |text: &str| {
        let major: u32 = text.split('.').next()?.parse().ok()?;
        (major >= OLDEST).then(|| format!("redhat {major}"))
    };
    if name == "enterprise_linux" {
        // Repositories of the release itself; what else is written there is a product built on it.
        let own = matches!(
            channel,
            "" | "baseos"
                | "appstream"
                | "crb"
                | "highavailability"
                | "resilientstorage"
                | "supplementary"
                | "nfv"
                | "realtime"
                | "server"
                | "client"
                | "workstation"
                | "computenode"
        );
        return Some((release(version)?, if own { String::new() } else { channel.to_owned() }));
    }
    if let Some(major) = channel.strip_prefix("el") {
        return Some((release(major)?, format!("{short} {version}")));
    }
    match short {
        "eus" | "aus" | "tus" | "e4s" | "els" | "eus_long_life" | "mission_critical" => {
            Some((release(version)?, format!("{short} {version}")))
        }
        _ if short.starts_with("extras") => Some((release(version)?, short.to_owned())),
        _ => None,
    }
}

fn record(section: String, product: String, package: &str, id: &str, range: Range, status: FixStatus) -> Record {
    Record {
        section,
        package: package.to_owned(),
        id: id.to_owned(),
        vendor_ids: Vec::new(),
        source: SourceId::RedHat,
        ranges: vec![range],
        versions: Vec::new(),
        status,
        severity: None,
        unimportant: false,
        module: String::new(),
        arches: Vec::new(),
        product,
    }
}

fn read_osv(file: &FeedFile, output: &mut Output) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::RedHat);
    file.zip_records(|bytes| {
        let outcome = bytes.and_then(|bytes| read_advisory(bytes, &mut tally, output));
        tally.settle(outcome);
    })?;
    output.summaries.push(tally.finish());
    Ok(())
}

fn read_advisory(bytes: &[u8], tally: &mut Tally, output: &mut Output) -> Result<(), &'static str> {
    let advisory: Advisory<Nothing> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
    if advisory.is_withdrawn() {
        return Err("withdrawn");
    }
    let cves = advisory.cves(true);
    if cves.is_empty() && !advisory.id.starts_with("RHSA-") {
        return Err("names no vulnerability");
    }
    let ids = if cves.is_empty() {
        vec![advisory.id.clone()]
    } else {
        cves
    };
    // One advisory has one severity, the highest of its CVEs. The CVEs' own are in the API's records, and they count:
    // most CVEs of an Important advisory are Moderate.
    let severity = advisory.severity_word().and_then(words::severity);
    let mut kept = false;
    for affected in advisory.affected.iter().flatten() {
        let Some(package) = &affected.package else { continue };
        let Some((section, product)) = package.ecosystem.strip_prefix("Red Hat:").and_then(product) else {
            tally.leave_out("product without a section", 1);
            continue;
        };
        for range in affected.stretches(&|_, _| None).ranges {
            let (range, status) = normal(range);
            for id in &ids {
                let mut record = record(
                    section.clone(),
                    product.clone(),
                    &package.name,
                    id,
                    range.clone(),
                    status,
                );
                record.severity = severity.filter(|_| !words::is_cve(id));
                // Builds of RHEL 7 for POWER, little endian, which sort beside those for everyone else.
                if matches!(&record.ranges.first().map(|range| &range.end), Some(RangeEnd::Fixed(fix)) if fix.contains(".ael7b"))
                {
                    record.arches = vec!["ppc64le".to_owned()];
                }
                if *id != advisory.id {
                    record.vendor_ids = vec![advisory.id.clone()];
                }
                kept |= output.push(record);
            }
        }
    }
    if !kept {
        return Err("product without a section");
    }
    tally.date(advisory.modified());
    for id in &ids {
        let standby = output.standby(id);
        earliest(&mut standby.published, advisory.published());
    }
    Ok(())
}

/// The range with versions as rpm prints them, and what it says about the fix.
pub(super) fn normal(range: Range) -> (Range, FixStatus) {
    let end = match range.end {
        RangeEnd::Fixed(version) => RangeEnd::Fixed(words::evr(&version)),
        RangeEnd::LastAffected(version) => RangeEnd::LastAffected(words::evr(&version)),
        RangeEnd::Limit(version) => RangeEnd::Limit(words::evr(&version)),
        RangeEnd::Open => RangeEnd::Open,
    };
    let status = if matches!(end, RangeEnd::Fixed(_)) {
        FixStatus::Fixed
    } else {
        FixStatus::Affected
    };
    (
        Range {
            introduced: words::evr(&range.introduced),
            end,
        },
        status,
    )
}

fn read_states(file: &FeedFile, output: &mut Output) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::RedHat);
    let mut modules = Modules::default();
    file.lines(|line| {
        if line.is_empty() {
            return;
        }
        let outcome = read_vulnerability(line, &mut tally, output, &mut modules);
        tally.settle(outcome);
    })?;
    modules.settle(output);
    output.summaries.push(tally.finish());
    Ok(())
}

fn read_vulnerability(
    line: &[u8],
    tally: &mut Tally,
    output: &mut Output,
    modules: &mut Modules,
) -> Result<(), &'static str> {
    let vulnerability: Vulnerability = serde_json::from_slice(line).map_err(|_| "not a Security Data API record")?;
    let id = vulnerability.name.as_str();
    if !words::is_cve(id) {
        return Err("names no vulnerability");
    }
    let general = vulnerability.threat_severity.as_deref().and_then(words::severity);
    let mut kept = false;
    for state in vulnerability.package_state.iter().flatten() {
        let status = match state.fix_state.as_str() {
            "Affected" => FixStatus::Affected,
            "Fix deferred" => FixStatus::FixDeferred,
            "Under investigation" => FixStatus::UnderInvestigation,
            "Will not fix" => FixStatus::WillNotFix,
            "Out of support scope" => FixStatus::EndOfLife,
            _ => {
                tally.leave_out("state that says nothing of a vulnerability", 1);
                continue;
            }
        };
        let cpe = state.cpe.split_once(":redhat:").map_or("", |(_, rest)| rest);
        let Some((section, product)) = product(cpe) else {
            tally.leave_out("product without a section", 1);
            continue;
        };
        let (module, package) = match state.package_name.split_once('/') {
            None => ("", state.package_name.as_str()),
            Some((module, _)) if module.ends_with(":flatpak") => {
                tally.leave_out("package of a flatpak", 1);
                continue;
            }
            Some((module, package)) if module.contains(':') => (module, package),
            Some(_) => {
                tally.leave_out("container image", 1);
                continue;
            }
        };
        let range = Range {
            introduced: String::new(),
            end: RangeEnd::Open,
        };
        let mut record = record(section, product, package, id, range, status);
        record.severity = state.impact.as_deref().and_then(words::severity).or(general);
        module.clone_into(&mut record.module);
        kept |= output.push(record);
    }
    let mut named = Vec::new();
    for state in vulnerability.package_state.iter().flatten() {
        modules.learn(&state.package_name, &mut named);
    }
    let releases = || vulnerability.affected_release.iter().flatten();
    for package in releases().filter_map(|release| release.package.as_deref()) {
        named.extend(package_name(package).map(str::to_owned));
    }
    for release in releases() {
        let Some(build) = release.package.as_deref().and_then(Build::read) else {
            continue;
        };
        let cpe = release.cpe.as_deref().and_then(|cpe| cpe.split_once(":redhat:"));
        let Some((section, product)) = cpe.and_then(|(_, cpe)| product(cpe)) else {
            tally.leave_out("product without a section", 1);
            continue;
        };
        let fixed = RangeEnd::Fixed(build.number.to_owned());
        let range = Range {
            introduced: String::new(),
            end: fixed,
        };
        let mut record = record(section, product, build.module, id, range, FixStatus::Fixed);
        record.severity = release.impact.as_deref().and_then(words::severity).or(general);
        record.module = format!("{}:{}", build.module, build.stream);
        record.vendor_ids = release.advisory.iter().cloned().collect();
        modules.keep(record, &named);
        kept = true;
    }
    if let Some(severity) = general {
        output.facts(id).severities.insert(SourceId::RedHat, severity);
        kept = true;
    }
    let vectors = [
        vulnerability
            .cvss
            .as_ref()
            .and_then(|it| it.cvss_scoring_vector.as_deref()),
        vulnerability
            .cvss3
            .as_ref()
            .and_then(|it| it.cvss3_scoring_vector.as_deref()),
    ];
    for vector in vectors.into_iter().flatten() {
        kept |= words::add_vector(output.facts(id), SourceId::RedHat, vector);
    }
    let weaknesses: Vec<u32> = vulnerability.cwe.as_deref().map(words::weaknesses).unwrap_or_default();
    if !weaknesses.is_empty() {
        words::add_weaknesses(&mut output.facts(id).cwes, weaknesses);
        kept = true;
    }
    let date = vulnerability.public_date.as_deref().and_then(words::seconds);
    tally.date(date);
    if let Some(date) = date {
        let standby = output.standby(id);
        earliest(&mut standby.published, Some(date));
    }
    if kept {
        Ok(())
    } else {
        Err("neither a state nor a severity")
    }
}

/// The highest severity that an advisory of this publisher gives its CVEs.
pub(super) fn raise(output: &mut Output, id: &str, source: SourceId, severity: Option<Severity>) {
    if let Some(severity) = severity {
        let known = output.facts(id).severities.entry(source).or_insert(severity);
        *known = (*known).max(severity);
    }
}

#[cfg(test)]
mod tests {
    use super::product;

    #[test]
    fn products_are_lines_of_a_release() {
        for (cpe, expected) in [
            ("enterprise_linux:9", Some(("redhat 9", ""))),
            ("enterprise_linux:8::nfv", Some(("redhat 8", ""))),
            ("enterprise_linux:8::fastdatapath", Some(("redhat 8", "fastdatapath"))),
            ("rhel_eus:9.2", Some(("redhat 9", "eus 9.2"))),
            ("rhel_e4s:8.6::highavailability", Some(("redhat 8", "e4s 8.6"))),
            ("rhel_extras_rt:7", Some(("redhat 7", "extras_rt"))),
            ("openshift:4.12::el8", Some(("redhat 8", "openshift 4.12"))),
            ("enterprise_linux:5", None),
            ("rhel_application_stack:1", None),
            ("", None),
        ] {
            let found = product(cpe);
            assert_eq!(
                found
                    .as_ref()
                    .map(|(section, product)| (section.as_str(), product.as_str())),
                expected,
                "{cpe}"
            );
        }
    }
}
