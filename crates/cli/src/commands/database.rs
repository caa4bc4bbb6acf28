//! `seaworthy db`: what the advisory data are, and building them from feeds.

use crate::progress::Talk;
use anyhow::{Context, Result};
use seaworthy_advisories::database::Database;
use seaworthy_advisories::record::FeedSummary;
use seaworthy_advisories::{feeds, file};
use std::io::Write;
use std::path::Path;

/// Prints when the data were built, from what, and how many records each part has.
pub(crate) fn info(database: &Database, today: i64, out: &mut dyn Write) -> Result<()> {
    let information = database.info();
    let summary = database.summary(today);
    writeln!(out, "Origin:   {}", summary.origin)?;
    writeln!(
        out,
        "Built at: {} ({} days old: the date of the newest fact in it)",
        summary.built_at, summary.age_days
    )?;
    writeln!(
        out,
        "Size:     {} bytes, {} records, {} vulnerabilities",
        information.bytes,
        information.sections.iter().map(|section| section.records).sum::<u64>(),
        information.ids
    )?;
    writeln!(out, "\n{:<36} {:>9}  Newest fact", "Source", "Records")?;
    for source in summary.sources.iter().filter(|source| source.records > 0) {
        let newest = if source.newest.is_empty() {
            "undated"
        } else {
            &source.newest
        };
        writeln!(out, "{:<36} {:>9}  {newest}", source.name, source.records)?;
    }
    writeln!(
        out,
        "\n{:<28} {:>9} {:>10} {:>10}",
        "Section", "Records", "Bytes", "Inflated"
    )?;
    for section in &information.sections {
        writeln!(
            out,
            "{:<28} {:>9} {:>10} {:>10}",
            section.name, section.records, section.compressed, section.inflated
        )?;
    }
    Ok(())
}

/// Compiles a directory of feeds into one file, which takes its place when it is complete.
pub(crate) fn build(feed_directory: &Path, output: &Path, talk: Talk, out: &mut dyn Write) -> Result<()> {
    let compilation = feeds::compile(feed_directory, &|feed| talk.step(&format!("Reading {feed}")))?;
    talk.step(&format!("Writing {} records", compilation.records.len()));
    let bytes = file::write(&compilation)?;
    print_summaries(&compilation.summaries, out)?;
    replace(output, &bytes)?;
    writeln!(
        out,
        "\n{}: {} bytes, {} records, {} vulnerabilities",
        output.display(),
        bytes.len(),
        compilation.records.len(),
        compilation.facts.len()
    )?;
    Ok(())
}

/// Says of every feed how many records were read, kept and refused, and why.
fn print_summaries(summaries: &[FeedSummary], out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{:<44} {:>9} {:>9} {:>9}", "Feed", "Read", "Kept", "Refused")?;
    for summary in summaries {
        // Parts of records that were kept are counted apart.
        let whole = |reason: &str| !reason.starts_with(feeds::PART);
        let refused: u64 = summary
            .refused
            .iter()
            .filter(|(reason, _)| whole(reason))
            .map(|(_, count)| count)
            .sum();
        writeln!(
            out,
            "{:<44} {:>9} {:>9} {:>9}",
            summary.feed, summary.read, summary.kept, refused
        )?;
        for (reason, count) in &summary.refused {
            writeln!(out, "{:<44} {:>29}  {reason}", "", count)?;
        }
    }
    Ok(())
}

/// Writes beside the target and renames, so that nobody ever opens half a file.
fn replace(target: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = target.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, target));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write {}", target.display()))
}
