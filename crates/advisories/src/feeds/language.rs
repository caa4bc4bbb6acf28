//! OSV feeds of languages and applications: npm, PyPI, Go, Maven, NuGet, Packagist, RubyGems, crates.io, Bitnami,
//! Kubernetes, and whatever else has a name in OSV's list and a row in the table of languages.
//!
//! A record names one vulnerability by several ids; its best one is a CVE, else a GHSA id, else its own. All stretches
//! that a record states of one package become one [`Record`].

use super::files::FeedFile;
use super::osv::{Advisory, Affected, EventRange, Stretches, read_events};
use super::output::{Output, Tally, earliest};
use super::{Input, words};
use crate::error::Error;
use crate::language::{LANGUAGES, LanguageRules};
use crate::record::{Range, RangeEnd, Record, SourceId};
use seaworthy_model::FixStatus;
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// The Go database keeps the range that its versions do not express (tags that are no module versions) apart.
#[derive(Debug, Default)]
struct Specific {
    custom_ranges: Vec<EventRange>,
}

impl<'de> Deserialize<'de> for Specific {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Ranges { custom_ranges: Vec<EventRange> },
            Other(serde::de::IgnoredAny),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Ranges { custom_ranges } => Self { custom_ranges },
            Form::Other(_) => Self::default(),
        })
    }
}

/// Reads the zip of one ecosystem.
pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        read_zip(file, input.source, &mut output)?;
    }
    Ok(output)
}

fn read_zip(file: &FeedFile, source: SourceId, output: &mut Output) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, source);
    file.zip_records(|bytes| {
        let outcome = bytes.and_then(|bytes| read_record(bytes, &mut tally, output));
        tally.settle(outcome);
    })?;
    output.summaries.push(tally.finish());
    Ok(())
}

/// One package's part of a record.
#[derive(Default)]
struct Part {
    ranges: BTreeSet<Range>,
    versions: BTreeSet<String>,
}

fn read_record(bytes: &[u8], tally: &mut Tally, output: &mut Output) -> Result<(), &'static str> {
    let advisory: Advisory<Specific> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
    if advisory.is_withdrawn() {
        return Err("withdrawn");
    }
    let source = publisher(&advisory.id);
    let (ids, vendor_ids) = identify(&advisory);
    let mut parts: BTreeMap<(&'static str, String), Part> = BTreeMap::new();
    let mut informational = false;
    for affected in advisory.affected.iter().flatten() {
        let Some(package) = &affected.package else {
            tally.leave_out("package without a name", 1);
            continue;
        };
        if let Some("unmaintained" | "notice") = affected.database_specific.as_ref().and_then(|it| it.informational()) {
            informational = true;
            continue;
        }
        let Some(language) = LANGUAGES
            .iter()
            .find(|it| !it.osv.is_empty() && it.osv.eq_ignore_ascii_case(&package.ecosystem))
        else {
            tally.leave_out("ecosystem without a section", 1);
            continue;
        };
        let (stretches, versions) = stretches(affected, language);
        tally.leave_out("ranges over commits", stretches.git);
        let part = parts
            .entry((language.section, (language.name)(&package.name)))
            .or_default();
        part.ranges.extend(stretches.ranges);
        part.versions.extend(versions);
    }
    let mut kept = false;
    let named = !parts.is_empty();
    for ((section, package), part) in parts {
        if part.ranges.is_empty() && part.versions.is_empty() {
            tally.leave_out("package with neither ranges nor versions", 1);
            continue;
        }
        let fixed = part.ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
        for id in &ids {
            kept |= output.push(Record {
                section: section.to_owned(),
                package: package.clone(),
                id: id.clone(),
                vendor_ids: vendor_ids
                    .iter()
                    .filter(|vendor_id| *vendor_id != id)
                    .cloned()
                    .collect(),
                source,
                ranges: part.ranges.iter().cloned().collect(),
                versions: part.versions.iter().cloned().collect(),
                status: if fixed { FixStatus::Fixed } else { FixStatus::Affected },
                severity: advisory.severity_word().and_then(words::severity),
                unimportant: false,
                module: String::new(),
                arches: Vec::new(),
                product: String::new(),
            });
        }
    }
    if !kept {
        return Err(if informational {
            "no vulnerability: unmaintained or a notice"
        } else if named {
            "affected package without versions"
        } else {
            "no affected package"
        });
    }
    tally.date(advisory.modified());
    for id in &ids {
        state_facts(&advisory, source, id, output);
    }
    Ok(())
}

fn state_facts(advisory: &Advisory<Specific>, source: SourceId, id: &str, output: &mut Output) {
    let (published, modified) = (advisory.published(), advisory.modified());
    let facts = output.facts(id);
    earliest(&mut facts.published, published);
    facts.modified = facts.modified.max(modified);
    if let Some(severity) = advisory.severity_word().and_then(words::severity) {
        let known = facts.severities.entry(source).or_insert(severity);
        *known = (*known).max(severity);
    }
    words::add_weaknesses(&mut facts.cwes, advisory.weaknesses());
    let scores = advisory.severity.iter().flatten();
    for score in scores.chain(
        advisory
            .affected
            .iter()
            .flatten()
            .flat_map(|affected| affected.severity.iter().flatten()),
    ) {
        words::add_vector(facts, source, &score.score);
    }
}

/// The stretches of one entry, and the versions that it lists beyond them.
fn stretches(affected: &Affected<Specific>, language: &LanguageRules) -> (Stretches, Vec<String>) {
    let scheme = language.scheme;
    let order = |one: &str, other: &str| scheme.compare(one, other).ok();
    let mut stretches = affected.stretches(&order);
    // A range that holds for ever because the real ends are no module versions: those are given apart.
    let custom = affected
        .ecosystem_specific
        .as_ref()
        .map_or(&[][..], |specific| specific.custom_ranges.as_slice());
    if !custom.is_empty() && stretches.ranges.iter().all(|range| range.end == RangeEnd::Open) {
        stretches.ranges.clear();
        for range in custom.iter().filter(|range| range.kind != "GIT") {
            read_events(range.events.as_deref().unwrap_or_default(), &order, &mut stretches);
        }
    }
    let listed = affected.versions.iter().flatten();
    let versions = listed
        .filter(|version| !stretches.ranges.iter().any(|range| covers(range, version, &order)))
        .cloned()
        .collect();
    (stretches, versions)
}

fn covers(range: &Range, version: &str, order: &dyn Fn(&str, &str) -> Option<Ordering>) -> bool {
    let begun = range.introduced.is_empty()
        || matches!(
            order(version, &range.introduced),
            Some(Ordering::Equal | Ordering::Greater)
        );
    begun
        && match &range.end {
            RangeEnd::Open => true,
            RangeEnd::Fixed(end) | RangeEnd::Limit(end) => order(version, end) == Some(Ordering::Less),
            RangeEnd::LastAffected(end) => matches!(order(version, end), Some(Ordering::Less | Ordering::Equal)),
        }
}

/// Whose record it is, by its id.
fn publisher(id: &str) -> SourceId {
    match id.split_once('-').map_or(id, |(prefix, _)| prefix) {
        "GHSA" => SourceId::Ghsa,
        "PYSEC" => SourceId::PyPa,
        "GO" => SourceId::GoVulnDb,
        "RUSTSEC" => SourceId::RustSec,
        "RUBYSEC" => SourceId::RubySec,
        "FOP" => SourceId::FriendsOfPhp,
        "BIT" => SourceId::Bitnami,
        "CVE" => SourceId::Kubernetes,
        _ => SourceId::Osv,
    }
}

/// The best ids (several only where the record names several CVEs) and the others.
fn identify<S>(advisory: &Advisory<S>) -> (Vec<String>, Vec<String>) {
    // Prefixes made up for exports of databases that give no ids of their own.
    let own = !advisory.id.starts_with("FOP-") && !advisory.id.starts_with("RUBYSEC-");
    let mut others: Vec<&String> = advisory.aliases.iter().flatten().collect();
    if own {
        others.push(&advisory.id);
    }
    others.sort_unstable();
    others.dedup();
    let cves = advisory.cves(false);
    let ids = if !cves.is_empty() {
        cves
    } else if let Some(ghsa) = others.iter().find(|id| id.starts_with("GHSA-")) {
        vec![(*ghsa).clone()]
    } else if let (false, Some(other)) = (own, others.first()) {
        vec![(*other).clone()]
    } else {
        vec![advisory.id.clone()]
    };
    let vendor_ids = others.into_iter().filter(|id| !words::is_cve(id)).cloned().collect();
    (ids, vendor_ids)
}
