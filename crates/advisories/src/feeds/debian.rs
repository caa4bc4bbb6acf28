//! Debian: the OSV export of the security tracker and the native lists of DSA, DLA and DTSA advisories.
//!
//! `DEBIAN-CVE-*` records say for the releases in support in which version a CVE is fixed, per source package. DSA and
//! DLA give their ids to those records; for releases that the tracker no longer covers they are the records. What one
//! release leaves open ends where a later one has fixed it.

use super::files::{FeedFile, fits};
use super::osv::Advisory;
use super::output::{Output, PART, Tally, earliest};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record, SourceId};
use crate::versions::Scheme;
use seaworthy_model::{FixStatus, Severity};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The oldest release with a section.
const OLDEST: u32 = 7;

/// Code names of releases in the lists.
const RELEASES: [(&str, u32); 7] = [
    ("wheezy", 7),
    ("jessie", 8),
    ("stretch", 9),
    ("buster", 10),
    ("bullseye", 11),
    ("bookworm", 12),
    ("trixie", 13),
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Specific {
    urgency: Option<serde_json::Value>,
}

/// What an advisory says of one package in one release.
struct Notice {
    release: u32,
    package: String,
    cve: Option<String>,
    advisory: String,
    end: RangeEnd,
    status: FixStatus,
}

/// Reads the export, then the lists, and gives the advisories' ids to the records that they fix.
pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    let mut notices = Vec::new();
    let (archives, lists): (Vec<&FeedFile>, Vec<&FeedFile>) =
        input.files.iter().partition(|file| fits("osv/*/all.zip", &file.name));
    for file in archives {
        read_osv(file, &mut output, &mut notices)?;
    }
    for file in lists {
        read_list(file, &mut output, &mut notices)?;
    }
    join(notices, &mut output);
    limit_by_later_fixes(&mut output);
    Ok(output)
}

fn record(release: u32, package: &str, id: &str, end: RangeEnd, status: FixStatus) -> Record {
    Record {
        section: format!("debian {release}"),
        package: package.to_owned(),
        id: id.to_owned(),
        vendor_ids: Vec::new(),
        source: SourceId::Debian,
        ranges: vec![Range {
            introduced: String::new(),
            end,
        }],
        versions: Vec::new(),
        status,
        severity: None,
        unimportant: false,
        module: String::new(),
        arches: Vec::new(),
        product: String::new(),
    }
}

fn release(ecosystem: &str) -> Option<u32> {
    ecosystem.strip_prefix("Debian:")?.split('.').next()?.parse().ok()
}

fn read_osv(file: &FeedFile, output: &mut Output, notices: &mut Vec<Notice>) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::Debian);
    file.zip_records(|bytes| {
        let outcome = bytes.and_then(|bytes| {
            let advisory: Advisory<Specific> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
            if advisory.is_withdrawn() {
                return Err("withdrawn");
            }
            tally.date(advisory.modified());
            if ["DSA-", "DLA-", "DTSA-"]
                .iter()
                .any(|prefix| advisory.id.starts_with(prefix))
            {
                read_notice(&advisory, &mut tally, output, notices)
            } else {
                read_tracker(&advisory, &mut tally, output)
            }
        });
        tally.settle(outcome);
    })?;
    output.summaries.push(tally.finish());
    Ok(())
}

fn read_tracker(advisory: &Advisory<Specific>, tally: &mut Tally, output: &mut Output) -> Result<(), &'static str> {
    let cves = advisory.cves(false);
    let ids = if cves.is_empty() {
        vec![advisory.id.strip_prefix("DEBIAN-").unwrap_or(&advisory.id).to_owned()]
    } else {
        cves
    };
    let mut kept = false;
    for affected in advisory.affected.iter().flatten() {
        let Some(package) = &affected.package else { continue };
        let Some(release) = release(&package.ecosystem).filter(|release| *release >= OLDEST) else {
            tally.leave_out("release no longer covered", 1);
            continue;
        };
        let urgency = affected
            .ecosystem_specific
            .as_ref()
            .and_then(|it| it.urgency.as_ref()?.as_str())
            .unwrap_or("");
        let open = if urgency == "end-of-life" {
            FixStatus::EndOfLife
        } else {
            FixStatus::Affected
        };
        let ranges = affected.stretches(&|_, _| None).ranges;
        let fixed = ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
        if ranges.is_empty() {
            tally.leave_out("package with neither ranges nor versions", 1);
            continue;
        }
        for id in &ids {
            let mut record = record(
                release,
                &package.name,
                id,
                RangeEnd::Open,
                if fixed { FixStatus::Fixed } else { open },
            );
            record.ranges.clone_from(&ranges);
            record.unimportant = urgency == "unimportant";
            record.severity = if record.unimportant {
                Some(Severity::Low)
            } else {
                words::severity(urgency)
            };
            kept |= output.push(record);
        }
    }
    for id in &ids {
        let facts = output.facts(id);
        earliest(&mut facts.published, advisory.published());
        for score in advisory.severity.iter().flatten() {
            words::add_vector(facts, SourceId::Nvd, &score.score);
        }
    }
    if kept { Ok(()) } else { Err("no affected package") }
}

fn read_notice(
    advisory: &Advisory<Specific>,
    tally: &mut Tally,
    output: &mut Output,
    notices: &mut Vec<Notice>,
) -> Result<(), &'static str> {
    let cves = advisory.cves(false);
    if cves.is_empty() && !advisory.id.ends_with("-1") {
        return Err("correction of an advisory, names no vulnerability");
    }
    for id in cves.iter().chain(std::iter::once(&advisory.id)) {
        let standby = output.standby(id);
        earliest(&mut standby.published, advisory.published());
    }
    let mut kept = false;
    for affected in advisory.affected.iter().flatten() {
        let Some(package) = &affected.package else { continue };
        let Some(release) = release(&package.ecosystem).filter(|release| *release >= OLDEST) else {
            tally.leave_out("release no longer covered", 1);
            continue;
        };
        for range in affected.stretches(&|_, _| None).ranges {
            let status = if matches!(range.end, RangeEnd::Fixed(_)) {
                FixStatus::Fixed
            } else {
                FixStatus::Affected
            };
            for cve in names(&cves) {
                kept = true;
                notices.push(Notice {
                    release,
                    package: package.name.clone(),
                    cve,
                    advisory: advisory.id.clone(),
                    end: range.end.clone(),
                    status,
                });
            }
        }
    }
    if kept { Ok(()) } else { Err("release no longer covered") }
}

/// Each CVE, or once none.
fn names(cves: &[String]) -> Vec<Option<String>> {
    if cves.is_empty() {
        vec![None]
    } else {
        cves.iter().cloned().map(Some).collect()
    }
}

/// One advisory of a list: its head line, then `{CVE-… CVE-…}` and `[release] - package version` lines.
#[derive(Default)]
struct Listed {
    id: String,
    cves: Vec<String>,
    packages: Vec<(u32, String, String)>,
    older: u64,
}

fn read_list(file: &FeedFile, output: &mut Output, notices: &mut Vec<Notice>) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::Debian);
    let mut current: Option<Listed> = None;
    file.lines(|line| {
        let line = String::from_utf8_lossy(line);
        if line.starts_with('[') {
            if let Some(listed) = current.take() {
                settle(listed, &mut tally, notices);
            }
            // `[29 Mar 2023] DSA-5380-1 xorg-server - security update`
            let id = line
                .split_once(']')
                .and_then(|(_, rest)| rest.split_whitespace().next())
                .unwrap_or("");
            current = Some(Listed {
                id: id.to_owned(),
                ..Listed::default()
            });
            return;
        }
        let (Some(listed), text) = (current.as_mut(), line.trim()) else {
            return;
        };
        if let Some(ids) = text.strip_prefix('{') {
            let ids = ids.split('}').next().unwrap_or("").split_whitespace();
            listed
                .cves
                .extend(ids.filter(|id| words::is_cve(id)).map(str::to_owned));
        } else if let Some((code, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let mut fields = rest.trim_start().trim_start_matches('-').split_whitespace();
            match (
                RELEASES.iter().find(|(name, _)| *name == code),
                fields.next(),
                fields.next(),
            ) {
                (Some((_, release)), Some(package), Some(version)) => {
                    listed.packages.push((*release, package.to_owned(), version.to_owned()));
                }
                _ => listed.older += 1,
            }
        }
    })?;
    if let Some(listed) = current.take() {
        settle(listed, &mut tally, notices);
    }
    output.summaries.push(tally.finish());
    Ok(())
}

fn settle(mut listed: Listed, tally: &mut Tally, notices: &mut Vec<Notice>) {
    if listed.packages.is_empty() {
        tally.refuse("release no longer covered");
        return;
    }
    tally.leave_out("release no longer covered", listed.older);
    listed.cves.sort_unstable();
    listed.cves.dedup();
    if listed.cves.is_empty() && !listed.id.ends_with("-1") {
        tally.refuse("correction of an advisory, names no vulnerability");
        return;
    }
    let mut kept = false;
    for (release, package, version) in &listed.packages {
        let (end, status) = match version.as_str() {
            "<end-of-life>" => (RangeEnd::Open, FixStatus::EndOfLife),
            "<unfixed>" | "<undetermined>" => (RangeEnd::Open, FixStatus::Affected),
            "<no-dsa>" | "<ignored>" => (RangeEnd::Open, FixStatus::WillNotFix),
            "<postponed>" => (RangeEnd::Open, FixStatus::FixDeferred),
            word if word.starts_with('<') => {
                tally.leave_out("never affected", 1);
                continue;
            }
            version => (RangeEnd::Fixed(version.to_owned()), FixStatus::Fixed),
        };
        for cve in names(&listed.cves) {
            kept = true;
            notices.push(Notice {
                release: *release,
                package: package.clone(),
                cve,
                advisory: listed.id.clone(),
                end: end.clone(),
                status,
            });
        }
    }
    tally.settle(if kept { Ok(()) } else { Err("never affected") });
}

/// Records of the tracker about a release that it still covers: tens of thousands. Of a release that it has dropped some
/// hundred stray ones are left, and then the advisories are what is known.
const RECORDS_OF_A_RELEASE: usize = 5000;

/// Gives advisories' ids to the tracker's records; where the tracker does not cover a release, makes records of them.
fn join(notices: Vec<Notice>, output: &mut Output) {
    let mut listed: HashMap<&str, usize> = HashMap::new();
    for record in &output.records {
        *listed.entry(record.section.as_str()).or_default() += 1;
    }
    let whole = listed
        .into_iter()
        .filter(|(_, records)| *records >= RECORDS_OF_A_RELEASE);
    let covered: HashSet<String> = whole.map(|(section, _)| section.to_owned()).collect();
    let mut known: HashMap<(String, String, String), Vec<usize>> = HashMap::new();
    for (index, record) in output.records.iter().enumerate() {
        let key = (record.section.clone(), record.package.clone(), record.id.clone());
        known.entry(key).or_default().push(index);
    }
    let mut ids: HashMap<usize, BTreeSet<String>> = HashMap::new();
    let mut made: HashSet<Record> = HashSet::new();
    let mut denied = 0;
    for notice in notices {
        let id = notice.cve.as_deref().unwrap_or(&notice.advisory);
        let mut record = record(notice.release, &notice.package, id, notice.end, notice.status);
        let key = (record.section.clone(), record.package.clone(), record.id.clone());
        if let Some(indexes) = known.get(&key) {
            for index in indexes {
                ids.entry(*index).or_default().insert(notice.advisory.clone());
            }
        } else if !covered.contains(&record.section) || notice.cve.is_none() {
            if notice.cve.is_some() {
                record.vendor_ids.push(notice.advisory);
            }
            made.insert(record);
        } else {
            // The tracker knows the release and does not list the CVE for this package: it is not affected there.
            denied += 1;
        }
    }
    if let Some(summary) = output.summaries.first_mut().filter(|_| denied > 0) {
        *summary
            .refused
            .entry(format!("{PART}advisory for a package that the tracker does not list"))
            .or_default() += denied;
    }
    for (index, ids) in ids {
        if let Some(record) = output.records.get_mut(index) {
            record.vendor_ids = ids.into_iter().collect();
        }
    }
    let mut made: Vec<Record> = made.into_iter().collect();
    made.sort_unstable();
    for record in made {
        output.push(record);
    }
}

/// Ends what a release has not fixed where a later release has: a package of that version was installed from there, or
/// from unstable, and contains the fix.
fn limit_by_later_fixes(output: &mut Output) {
    let release = |record: &Record| record.section.strip_prefix("debian ")?.parse::<u32>().ok();
    let compare = |one: &str, other: &str| Scheme::Deb.order_or_fallback(one, other);
    let mut fixes: HashMap<(&str, &str), Vec<(u32, &str)>> = HashMap::new();
    for record in &output.records {
        if let (Some(release), [range]) = (release(record), record.ranges.as_slice())
            && let RangeEnd::Fixed(fix) = &range.end
        {
            let key = (record.package.as_str(), record.id.as_str());
            fixes.entry(key).or_default().push((release, fix));
        }
    }
    let mut limits: Vec<(usize, String)> = Vec::new();
    for (index, record) in output.records.iter().enumerate() {
        let (Some(own), [range]) = (release(record), record.ranges.as_slice()) else {
            continue;
        };
        let known = fixes.get(&(record.package.as_str(), record.id.as_str()));
        let later = known.into_iter().flatten().filter(|(release, _)| *release > own);
        if range.end == RangeEnd::Open
            && let Some((_, fix)) = later.min_by(|a, b| compare(a.1, b.1))
        {
            limits.push((index, (*fix).to_owned()));
        }
    }
    for (index, fix) in limits {
        if let Some(range) = output
            .records
            .get_mut(index)
            .and_then(|record| record.ranges.first_mut())
        {
            range.end = RangeEnd::Limit(fix);
        }
    }
}
