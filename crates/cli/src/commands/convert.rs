//! `seaworthy convert`: a JSON report of an earlier scan in another format, with the filters and the gate of a scan.

use super::options::classes;
use super::output::{Reports, render_all};
use crate::arguments::PathArguments;
use crate::exit;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use seaworthy_model::{Effect, limits};
use std::io::Read;
use std::path::Path;

/// Converts and returns the exit code.
pub(crate) fn run(arguments: &PathArguments, now: Timestamp) -> Result<u8> {
    let path = &arguments.path;
    let mut report =
        seaworthy_report::read_json(&read(path)?).with_context(|| format!("cannot convert {}", path.display()))?;
    let scan = &arguments.scan;
    let classes = classes(scan);
    let packages = &report.inventory.packages;
    report.decision.findings.retain(|finding| {
        let found = &finding.matched;
        let package = packages.get(found.package);
        finding.suppression.is_some()
            || (scan.severity.contains(&found.severity)
                && !(scan.ignore_unfixed && found.fixed_version.is_empty())
                && !scan.ignore_status.contains(&found.status)
                && package.is_some_and(|package| classes.contains(&package.ecosystem.class())))
    });
    // The age of the data is that of today, as in a scan.
    if let Ok(built) = report.database.built_at.parse::<Timestamp>() {
        let day = |time: Timestamp| time.as_second().div_euclid(86_400);
        let days = day(now) - day(built);
        report.database.age_days = u64::try_from(days).unwrap_or(0);
    }
    Reports::new(scan).write(&render_all(&report, scan, false)?)?;
    let mut left = report
        .decision
        .findings
        .iter()
        .filter(|finding| finding.suppression.is_none());
    let worst = left.clone().map(|finding| finding.matched.severity).max();
    let gated = scan.exit_code != 0 || scan.fail_on.is_some();
    let incomplete = report
        .inventory
        .problems
        .iter()
        .any(|problem| problem.effect == Effect::Incomplete);
    if scan.exit_on_eol != 0 && report.end_of_life == Some(true) {
        return Ok(scan.exit_on_eol);
    }
    Ok(if scan.exit_code != 0 && left.next().is_some() {
        scan.exit_code
    } else if scan
        .fail_on
        .is_some_and(|least| worst.is_some_and(|worst| worst >= least))
    {
        exit::POLICY_FAILED
    } else if gated && incomplete {
        exit::COULD_NOT_SCAN
    } else {
        exit::PASSED
    })
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
