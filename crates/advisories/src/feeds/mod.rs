//! Feeds become records: everything that lies in a feed directory, in the form in which its publishers serve it.
//!
//! [`FEEDS`] has one line per feed; a feed is a list of path patterns and a function that reads what fits them. Feeds
//! are read in parallel, and what they give is put together in the table's order, so that the result depends on the
//! files alone. A record that cannot be read is refused and counted; a *file* that cannot be read ends the build,
//! because advisory data with a hole looks like images without vulnerabilities.

mod alpine;
mod amazon;
mod azure;
mod debian;
mod enrichment;
mod files;
mod jenkins;
mod language;
mod modules;
mod nodejs;
mod osv;
mod output;
mod rebuild;
mod redhat;
mod retirejs;
mod suse;
mod ubuntu;
mod words;
mod xml;

use crate::error::Error;
use crate::record::{Compilation, Facts, FeedSummary, Record, SourceId};
use files::{FeedFile, fits, list};
use output::{Compact, Finished, Output, Standby};
use seaworthy_model::limits::FEED_RECORDS;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use output::PART;

/// What a feed gets to read.
struct Input<'a> {
    /// Whose facts these are.
    source: SourceId,
    /// The files that fit its patterns, sorted by name.
    files: Vec<FeedFile>,
    /// The ids of all records; empty while records are read.
    known: &'a HashSet<&'a str>,
}

/// When a feed is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It gives records.
    Records,
    /// It gives facts about the ids of records.
    Facts,
    /// It is recognised and refused, for this reason.
    Refused(&'static str),
}

/// One feed.
struct Feed {
    /// Its name in progress messages.
    name: &'static str,
    source: SourceId,
    /// Paths below the feed directory.
    paths: &'static [&'static str],
    stage: Stage,
    read: fn(&Input<'_>) -> Result<Output, Error>,
}

const fn feed(
    name: &'static str,
    source: SourceId,
    paths: &'static [&'static str],
    read: fn(&Input<'_>) -> Result<Output, Error>,
) -> Feed {
    Feed {
        name,
        source,
        paths,
        stage: Stage::Records,
        read,
    }
}

const fn facts(
    name: &'static str,
    source: SourceId,
    paths: &'static [&'static str],
    read: fn(&Input<'_>) -> Result<Output, Error>,
) -> Feed {
    Feed {
        name,
        source,
        paths,
        stage: Stage::Facts,
        read,
    }
}

const fn refused(name: &'static str, source: SourceId, paths: &'static [&'static str], reason: &'static str) -> Feed {
    Feed {
        name,
        source,
        paths,
        stage: Stage::Refused(reason),
        read: |_| Ok(Output::default()),
    }
}

/// Every feed. Where two state the same fact, the earlier line wins.
const FEEDS: &[Feed] = &[
    feed(
        "Alpine",
        SourceId::Alpine,
        &["alpine/*/main.json", "alpine/*/community.json", "osv/Alpine/all.zip"],
        alpine::read,
    ),
    feed(
        "Debian",
        SourceId::Debian,
        &[
            "osv/Debian/all.zip",
            "debian/DSA/list",
            "debian/DLA/list",
            "debian/DTSA/list",
        ],
        debian::read,
    ),
    feed("Ubuntu", SourceId::Ubuntu, &["osv/Ubuntu/all.zip"], ubuntu::read),
    feed(
        "Red Hat",
        SourceId::RedHat,
        &["osv/Red Hat/all.zip", "redhat/cve.jsonl.gz"],
        redhat::read,
    ),
    feed("AlmaLinux", SourceId::Alma, &["osv/AlmaLinux/all.zip"], rebuild::read),
    feed(
        "Rocky Linux",
        SourceId::Rocky,
        &["osv/Rocky Linux/all.zip"],
        rebuild::read,
    ),
    feed(
        "SUSE",
        SourceId::Suse,
        &["osv/SUSE/all.zip", "osv/openSUSE/all.zip"],
        suse::read,
    ),
    feed(
        "Amazon Linux",
        SourceId::Amazon,
        &["amazon/*/*/updateinfo.xml.gz"],
        amazon::read,
    ),
    feed(
        "Azure Linux",
        SourceId::Azure,
        &["azurelinux/*-oval.xml.gz", "osv/Azure Linux/all.zip"],
        azure::read,
    ),
    feed("npm", SourceId::Ghsa, &["osv/npm/all.zip"], language::read),
    feed("PyPI", SourceId::Ghsa, &["osv/PyPI/all.zip"], language::read),
    feed("Go", SourceId::GoVulnDb, &["osv/Go/all.zip"], language::read),
    feed("Maven", SourceId::Ghsa, &["osv/Maven/all.zip"], language::read),
    feed("NuGet", SourceId::Ghsa, &["osv/NuGet/all.zip"], language::read),
    feed("Packagist", SourceId::Ghsa, &["osv/Packagist/all.zip"], language::read),
    feed("RubyGems", SourceId::Ghsa, &["osv/RubyGems/all.zip"], language::read),
    feed(
        "crates.io",
        SourceId::RustSec,
        &["osv/crates.io/all.zip"],
        language::read,
    ),
    feed("Bitnami", SourceId::Bitnami, &["osv/Bitnami/all.zip"], language::read),
    feed(
        "Kubernetes",
        SourceId::Kubernetes,
        &["osv/Kubernetes/all.zip"],
        language::read,
    ),
    feed(
        "Other languages",
        SourceId::Osv,
        &[
            "osv/Hex/all.zip",
            "osv/Pub/all.zip",
            "osv/SwiftURL/all.zip",
            "osv/ConanCenter/all.zip",
            "osv/CRAN/all.zip",
            "osv/Hackage/all.zip",
            "osv/Julia/all.zip",
        ],
        language::read,
    ),
    feed(
        "Jenkins",
        SourceId::JenkinsUpdateCenter,
        &["native/jenkins/warnings.json.gz"],
        jenkins::read,
    ),
    feed(
        "Retire.js",
        SourceId::RetireJs,
        &["native/retirejs/jsrepository-v6.json.gz"],
        retirejs::read,
    ),
    feed(
        "Node.js",
        SourceId::NodeJs,
        &["native/nodejs/core-index.json.gz"],
        nodejs::read,
    ),
    facts("NVD", SourceId::Nvd, &["nvd/nvdcve-2.0-*.json.gz"], enrichment::nvd),
    facts("CVSS", SourceId::Nvd, &["cvss/cve-cvss.csv.gz"], enrichment::cvss),
    facts(
        "EPSS",
        SourceId::Epss,
        &["epss/epss_scores-current.csv.gz"],
        enrichment::epss,
    ),
    facts(
        "KEV",
        SourceId::Kev,
        &["kev/known_exploited_vulnerabilities.json"],
        enrichment::kev,
    ),
    refused(
        "Ubuntu notices",
        SourceId::Ubuntu,
        &["ubuntu/oval/*"],
        "names binary packages, which are not read yet; the CVE records are used",
    ),
];

/// Files that lie beside feeds and hold no facts.
const COMPANIONS: [&str; 6] = [
    "*.md",
    "SHA256SUMS",
    "*/ecosystems.txt",
    "*/*/modified_id.csv",
    "*/README.md",
    "*/*/README.md",
];

/// The reason for feeds that are not there; it counts none, and says so.
const ABSENT: &str = "not in the feed directory";

/// Reads all feeds below a directory. `progress` is called with a feed's name when its reading begins, from any thread.
///
/// Summaries come for every file read, for every feed that is not there and for every file that belongs to no feed.
pub fn compile(feeds: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Compilation, Error> {
    let mut strays = Vec::new();
    let mut files: Vec<Vec<FeedFile>> = FEEDS.iter().map(|_| Vec::new()).collect();
    for file in list(feeds)? {
        let place = FEEDS
            .iter()
            .position(|feed| feed.paths.iter().any(|pattern| fits(pattern, &file.name)));
        match place.and_then(|place| files.get_mut(place)) {
            Some(files) => files.push(file),
            None if COMPANIONS.iter().any(|pattern| fits(pattern, &file.name)) => {}
            None => strays.push(file.name),
        }
    }
    if !FEEDS
        .iter()
        .zip(&files)
        .any(|(feed, files)| feed.stage == Stage::Records && !files.is_empty())
    {
        return Err(Error::NoFeeds(feeds.to_owned()));
    }

    let mut summaries = Vec::new();
    let mut facts: HashMap<String, Compact> = HashMap::new();
    let mut standbys: HashMap<String, Standby> = HashMap::new();
    let mut outputs = run(Stage::Records, &files, &HashSet::new(), progress)?;
    // The records of all feeds are hundreds of megabytes: they are added to the longest list, and each other list is
    // let go as soon as it is moved.
    let total = outputs.iter().map(|output| output.records.len()).sum::<usize>();
    let longest = outputs.iter_mut().max_by_key(|output| output.records.len());
    let mut records = longest
        .map(|output| std::mem::take(&mut output.records))
        .unwrap_or_default();
    records.reserve_exact(total - records.len());
    for output in outputs {
        summaries.extend(output.summaries);
        records.extend(output.records);
        combine(&mut facts, output.facts);
        for (id, standby) in output.standbys {
            standbys.entry(id).or_default().merge(standby);
        }
    }
    resolve(&mut records);
    jenkins::leave_out_covered(&mut records, &mut summaries);
    records.sort_unstable();
    records.dedup();
    let known: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    for output in run(Stage::Facts, &files, &known, progress)? {
        summaries.extend(output.summaries);
        combine(&mut facts, output.facts);
    }
    let facts = complete(&known, facts, &standbys);
    drop(known);

    for (feed, files) in FEEDS.iter().zip(&files) {
        if let Stage::Refused(reason) = feed.stage {
            for file in files {
                summaries.push(left_out(&file.name, Some(feed.source), reason, 1));
            }
        }
        for pattern in feed
            .paths
            .iter()
            .filter(|pattern| !files.iter().any(|file| fits(pattern, &file.name)))
        {
            summaries.push(left_out(pattern, Some(feed.source), ABSENT, 0));
        }
    }
    summaries.extend(strays.iter().map(|name| left_out(name, None, "belongs to no feed", 1)));
    Ok(Compilation {
        records,
        facts,
        summaries,
    })
}

fn left_out(name: &str, source: Option<SourceId>, reason: &str, count: u64) -> FeedSummary {
    FeedSummary {
        feed: name.to_owned(),
        source,
        read: count,
        refused: BTreeMap::from([(reason.to_owned(), count)]),
        ..FeedSummary::default()
    }
}

/// Reads the feeds of a stage on all cores, the largest first; the outputs are in the table's order.
fn run(
    stage: Stage,
    files: &[Vec<FeedFile>],
    known: &HashSet<&str>,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Finished>, Error> {
    let mut jobs: Vec<(usize, &Feed, Input<'_>)> = Vec::new();
    for (place, (feed, files)) in FEEDS.iter().zip(files).enumerate() {
        if feed.stage == stage && !files.is_empty() {
            jobs.push((
                place,
                feed,
                Input {
                    source: feed.source,
                    files: files.clone(),
                    known,
                },
            ));
        }
    }
    jobs.sort_by_key(|(place, _, input)| {
        (
            std::cmp::Reverse(input.files.iter().map(|file| file.bytes).sum::<u64>()),
            *place,
        )
    });
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((place, feed, input)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    progress(feed.name);
                    let result = (feed.read)(input).map(Output::finish);
                    let failed = result.is_err();
                    done.lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((*place, feed.name, result));
                    if failed {
                        next.store(jobs.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(place, ..)| *place);
    done.into_iter()
        .map(|(_, name, result)| match result {
            Ok(output) if output.overflow => Err(Error::Feed {
                feed: name.to_owned(),
                what: format!("it gives more than {FEED_RECORDS} records"),
            }),
            result => result,
        })
        .collect()
}

fn combine(all: &mut HashMap<String, Compact>, more: Vec<(String, Compact)>) {
    for (id, facts) in more {
        match all.get_mut(&id) {
            Some(known) => known.merge(facts),
            None => {
                all.insert(id, facts);
            }
        }
    }
}

/// A record that knows only a GHSA id gets the CVE that other records know for it, so that both are one finding.
fn resolve(records: &mut [Record]) {
    let mut cves: HashMap<String, Option<String>> = HashMap::new();
    for record in records.iter().filter(|record| words::is_cve(&record.id)) {
        for id in record.vendor_ids.iter().filter(|id| id.starts_with("GHSA-")) {
            match cves.get_mut(id) {
                // Two CVEs for one id: neither is the other's name.
                Some(known) if known.as_ref() != Some(&record.id) => *known = None,
                Some(_) => {}
                None => {
                    cves.insert(id.clone(), Some(record.id.clone()));
                }
            }
        }
    }
    for record in records.iter_mut().filter(|record| !words::is_cve(&record.id)) {
        let names = std::iter::once(&record.id).chain(&record.vendor_ids);
        if let Some(cve) = names.filter_map(|id| cves.get(id)?.clone()).next() {
            let old = std::mem::replace(&mut record.id, cve);
            record.vendor_ids.push(old);
            record.vendor_ids.sort_unstable();
            record.vendor_ids.dedup();
        }
    }
}

/// The facts of ids in use; what only stands in is used where nothing better is known.
fn complete(
    known: &HashSet<&str>,
    mut facts: HashMap<String, Compact>,
    standbys: &HashMap<String, Standby>,
) -> BTreeMap<String, Facts> {
    let mut complete = BTreeMap::new();
    for id in known {
        let mut facts = facts.remove(*id).map(Facts::from).unwrap_or_default();
        if let Some(standby) = standbys.get(*id) {
            facts.published = facts.published.or(standby.published);
            if facts.cvss.is_empty() {
                for (source, vector) in &standby.vectors {
                    words::add_vector(&mut facts, *source, vector);
                }
            }
        }
        if facts != Facts::default() {
            complete.insert((*id).to_owned(), facts);
        }
    }
    complete
}
