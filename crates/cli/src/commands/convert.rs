//! `seaworthy convert`: a JSON report of an earlier scan in another format, with the filters and the gate of a scan.

use super::options::{classes, rules};
use super::output::{Reports, render_all};
use super::scan::{exit_code, gated, not_whole};
use crate::arguments::PathArguments;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use seaworthy_model::{Finding, limits};
use std::io::Read;
use std::path::Path;

/// Converts and returns the exit code.
pub(crate) fn run(arguments: &PathArguments, now: Timestamp) -> Result<u8> {
    let path = &arguments.path;
    let mut report =
        seaworthy_report::read_json(&read(path)?).with_context(|| format!("cannot convert {}", path.display()))?;
    let scan = &arguments.scan;
    let classes = classes(scan);
    let rules = rules(scan, now)?;
    let packages = &report.inventory.packages;
    let (matches, suppressed): (Vec<Finding>, Vec<Finding>) = std::mem::take(&mut report.decision.findings)
        .into_iter()
        .filter(|finding| {
            let package = packages.get(finding.matched.package);
            package.is_some_and(|package| classes.contains(&package.ecosystem.class()))
        })
        .partition(|finding| finding.suppression.is_none());
    let matches = matches.into_iter().map(|finding| finding.matched).collect();
    report.decision = seaworthy_scanner::evaluate(&rules, &report.inventory, matches);
    // What an earlier scan left out stays left out.
    report.decision.findings.extend(suppressed);
    // The age of the data is that of today, as in a scan.
    if let Ok(built) = report.database.built_at.parse::<Timestamp>() {
        let day = |time: Timestamp| time.as_second().div_euclid(86_400);
        let days = day(now) - day(built);
        report.database.age_days = u64::try_from(days).unwrap_or(0);
    }
    Reports::new(scan).write(&render_all(&report, scan, false)?)?;
    Ok(exit_code(&report, scan, gated(scan) && not_whole(&report)))
}

/// The report's bytes; `-` is standard input.
fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Box::new(file)
    };
    source
        .by_ref()
        .take(limits::FEED_BYTES)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(bytes)
}
