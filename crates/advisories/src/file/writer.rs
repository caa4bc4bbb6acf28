//! A compilation becomes the bytes of an advisory file.
//!
//! Releases of one distribution repeat each other, so each family has one section that is compressed by itself and serves
//! the others as dictionary, where that makes them smaller. Frames are compressed on all cores; their order and their
//! bytes depend on the facts alone.

use super::facts::{BLOCK_IDS, Block, VectorTable};
use super::index::{Frame, Index, Kind, SourceSummary, fact_order};
use super::section_writer;
use crate::error::Error;
use crate::record::{Compilation, Facts, Record, SourceId};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Compression is paid once per data release, size by every binary.
const LEVEL: i32 = 22;

struct Part {
    kind: Kind,
    name: String,
    records: u64,
    inflated: Vec<u8>,
}

/// The advisory file of a compilation: the same facts give the same bytes.
pub fn write(compilation: &Compilation) -> Result<Vec<u8>, Error> {
    let mut parts = sections(&compilation.records)?;
    facts(&compilation.facts, &mut parts)?;
    let bases = bases(&parts);
    let compressed = compress(&parts, &bases)?;

    let mut frames = Vec::with_capacity(parts.len());
    let mut offset = 0;
    for (part, (bytes, base)) in parts.iter().zip(&compressed) {
        let too_large = || Error::Unwritable(format!("section {} is too large", part.name));
        frames.push(Frame {
            kind: part.kind,
            name: part.name.clone(),
            offset,
            compressed: u32::try_from(bytes.len()).map_err(|_| too_large())?,
            inflated: u32::try_from(part.inflated.len()).map_err(|_| too_large())?,
            sha256: Sha256::digest(bytes).into(),
            records: part.records,
            base: *base,
        });
        offset += bytes.len() as u64;
    }
    let index = Index {
        built: built(compilation),
        sources: sources(compilation),
        feeds: compilation.summaries.clone(),
        frames,
    };
    let mut out = index.encode(offset)?;
    compressed.iter().for_each(|(bytes, _)| out.extend_from_slice(bytes));
    Ok(out)
}

fn sections(records: &[Record]) -> Result<Vec<Part>, Error> {
    let mut by_section: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        by_section.entry(&record.section).or_default().push(record);
    }
    by_section
        .into_iter()
        .map(|(name, records)| {
            let (inflated, records) = section_writer::encode(&records)?;
            Ok(Part {
                kind: Kind::Section,
                name: name.to_owned(),
                records,
                inflated,
            })
        })
        .collect()
}

fn facts(facts: &BTreeMap<String, Facts>, parts: &mut Vec<Part>) -> Result<(), Error> {
    let mut sorted: Vec<(&str, &Facts)> = facts.iter().map(|(id, facts)| (id.as_str(), facts)).collect();
    sorted.sort_by_key(|&(id, _)| fact_order(id));
    let table = VectorTable::of(&sorted);
    let (cves, others) = sorted.split_at(sorted.partition_point(|&(id, _)| fact_order(id).0 != u32::MAX));
    for block in cves.chunks(BLOCK_IDS).chain(others.chunks(BLOCK_IDS)) {
        let name = block.first().map_or("", |&(id, _)| id).to_owned();
        let inflated = Block::encode(block, &table)?;
        parts.push(Part {
            kind: Kind::Facts,
            name,
            records: block.len() as u64,
            inflated,
        });
    }
    parts.push(Part {
        kind: Kind::Vectors,
        name: "vectors".to_owned(),
        records: 0,
        inflated: table.bytes,
    });
    Ok(())
}

/// Sections that repeat each other.
fn family(name: &str) -> &str {
    match name.split(' ').next().unwrap_or(name) {
        "ubuntu-pro" => "ubuntu",
        "slem" | "opensuse-leap" | "opensuse-tumbleweed" => "sles",
        "alma" | "rocky" => "redhat",
        "cbl-mariner" => "azurelinux",
        word => word,
    }
}

/// For each part the largest one of its family, unless it is that itself.
fn bases(parts: &[Part]) -> Vec<Option<usize>> {
    let mut largest: BTreeMap<&str, usize> = BTreeMap::new();
    let size = |index: usize| parts.get(index).map_or(0, |part| part.inflated.len());
    for (index, part) in parts.iter().enumerate().filter(|(_, part)| part.kind == Kind::Section) {
        let best = largest.entry(family(&part.name)).or_insert(index);
        if size(*best) < part.inflated.len() {
            *best = index;
        }
    }
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let base = if part.kind == Kind::Section {
                largest.get(family(&part.name)).copied()
            } else {
                None
            };
            base.filter(|&base| base != index)
        })
        .collect()
}

type Compressed = (Vec<u8>, Option<usize>);

fn compress(parts: &[Part], bases: &[Option<usize>]) -> Result<Vec<Compressed>, Error> {
    // The largest first, so that no core is left alone with one at the end.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(parts.get(index).map_or(0, |part| part.inflated.len())));
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<Compressed, Error>>> = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let base = bases.get(index).copied().flatten();
            let base = base.and_then(|at| parts.get(at).map(|base| (at, base.inflated.as_slice())));
            if let Some(part) = parts.get(index) {
                let result = compress_part(part, base);
                done.lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .insert(index, result);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    done.into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_values()
        .collect()
}

fn compress_part(part: &Part, base: Option<(usize, &[u8])>) -> Result<Compressed, Error> {
    let failed = |error: std::io::Error| Error::Unwritable(format!("section {}: {error}", part.name));
    let alone = zstd::bulk::compress(&part.inflated, LEVEL).map_err(failed)?;
    if let Some((index, base)) = base {
        let mut compressor = zstd::bulk::Compressor::with_dictionary(LEVEL, base).map_err(failed)?;
        let upon = compressor.compress(&part.inflated).map_err(failed)?;
        if upon.len() < alone.len() {
            return Ok((upon, Some(index)));
        }
    }
    Ok((alone, None))
}

/// The newest date of any feed or fact.
fn built(compilation: &Compilation) -> i64 {
    let feeds = compilation.summaries.iter().filter_map(|feed| feed.newest);
    let facts = compilation
        .facts
        .values()
        .filter_map(|facts| facts.modified.max(facts.published));
    feeds.chain(facts).max().unwrap_or(0)
}

fn sources(compilation: &Compilation) -> Vec<SourceSummary> {
    let mut summaries: BTreeMap<SourceId, SourceSummary> = BTreeMap::new();
    let mut count = |source: SourceId, records: u64, newest: Option<i64>| {
        let summary = summaries.entry(source).or_insert(SourceSummary {
            source,
            newest: None,
            records: 0,
        });
        summary.records += records;
        summary.newest = summary.newest.max(newest);
    };
    for record in &compilation.records {
        count(record.source, 1, None);
    }
    for facts in compilation.facts.values() {
        let stating: BTreeSet<SourceId> = facts.cvss.keys().chain(facts.severities.keys()).copied().collect();
        for source in stating {
            // Of sources with records the records count.
            count(
                source,
                u64::from(matches!(source, SourceId::Nvd | SourceId::CisaAdp | SourceId::Cna)),
                None,
            );
        }
        if facts.epss.is_some() {
            count(SourceId::Epss, 1, None);
        }
        if facts.known_exploited.is_some() {
            count(SourceId::Kev, 1, None);
        }
    }
    for feed in &compilation.summaries {
        if let Some(source) = feed.source {
            count(source, 0, feed.newest);
        }
    }
    summaries.into_values().collect()
}
