//! `seaworthy image` and `seaworthy rootfs`: flags become a scan, its report becomes output and an exit code.

use crate::arguments::{Format, GlobalArguments, OutputTarget, ScanArguments};
use crate::progress::{ScanProgress, Talk};
use crate::{data, exit, text};
use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use seaworthy_model::{Distribution, Effect, PackageClass, ScanReport, Verdict};
use seaworthy_report::Options as ReportOptions;
use seaworthy_scanner::{IgnoreFile, Options, Pattern, Rules, Selection, Target, scan};
use std::io::{IsTerminal, Write};
use std::path::Path;

/// The ignore file that is read when none is named.
const IGNORE_FILE: &str = ".trivyignore";

/// Scans and returns the exit code.
pub(crate) fn run(target: &Target, arguments: &ScanArguments, global: &GlobalArguments, now: Timestamp) -> Result<u8> {
    let talk = Talk::choose(global.quiet, global.no_progress);
    let options = options(arguments, now)?;
    let database = data::open(arguments.db.as_deref(), global.cache_dir.as_deref())?;
    let progress = ScanProgress::new(talk);
    let report = scan(target, &options, &database, &progress)?;
    drop(progress);
    match write_reports(&report, arguments) {
        // Who reads the report may stop reading; whether the image passes is another question.
        Err(error) if text::is_broken_pipe(&error) => {}
        written => written?,
    }
    if !global.quiet {
        for reason in &report.decision.reasons {
            talk.say(&format!("failed: {reason}"));
        }
    }
    Ok(exit_code(&report, arguments))
}

/// What was not read whole does not pass a gate, and a distribution of which nothing could be read was not scanned.
fn incomplete(report: &ScanReport, gated: bool) -> bool {
    let inventory = &report.inventory;
    let incomplete = inventory
        .problems
        .iter()
        .any(|problem| problem.effect == Effect::Incomplete);
    let nothing = inventory.packages_of(PackageClass::Os).next().is_none();
    let distribution = inventory.distribution.is_some() || !inventory.databases.is_empty();
    incomplete && (gated || (distribution && nothing))
}

/// `--fail-on` is 1; `--exit-code` is its own number; when both fail, the number that was asked for.
fn exit_code(report: &ScanReport, arguments: &ScanArguments) -> u8 {
    let left = report
        .decision
        .findings
        .iter()
        .any(|finding| finding.suppression.is_none());
    let gated = arguments.exit_code != 0 || arguments.fail_on.is_some();
    match (report.decision.verdict, arguments.exit_code) {
        (Verdict::Pass, _) if incomplete(report, gated) => exit::COULD_NOT_SCAN,
        (Verdict::Pass, _) => exit::PASSED,
        (Verdict::Fail, code) if code != 0 && left => code,
        (Verdict::Fail, _) => exit::POLICY_FAILED,
    }
}

fn options(arguments: &ScanArguments, now: Timestamp) -> Result<Options> {
    let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect();
    Ok(Options {
        platform: arguments.platform.clone(),
        selection: Selection {
            skip_directories: patterns(&arguments.skip_dirs),
            skip_files: patterns(&arguments.skip_files),
            only: None,
        },
        package_classes: classes(arguments),
        rules: rules(arguments, now)?,
        timeout: Some(arguments.timeout).filter(|timeout| !timeout.is_zero()),
        distribution: arguments.distro.as_deref().map(distribution).transpose()?,
        now,
        ..Options::default()
    })
}

fn classes(arguments: &ScanArguments) -> Vec<PackageClass> {
    let named = |name: &str| arguments.pkg_types.iter().any(|kind| kind == name);
    let kinds = [("os", PackageClass::Os), ("library", PackageClass::Language)];
    kinds
        .into_iter()
        .filter(|(name, _)| named(name))
        .map(|(_, class)| class)
        .collect()
}

fn rules(arguments: &ScanArguments, now: Timestamp) -> Result<Rules> {
    Ok(Rules {
        severities: arguments.severity.iter().copied().collect(),
        ignore_unfixed: arguments.ignore_unfixed,
        ignore_status: arguments.ignore_status.iter().copied().collect(),
        ignored: ignore_file(arguments.ignorefile.as_deref(), now)?,
        exit_on_findings: arguments.exit_code != 0,
        fail_on: arguments.fail_on,
    })
}

/// Reads the named ignore file, which must exist, or the usual one, which need not.
fn ignore_file(named: Option<&Path>, now: Timestamp) -> Result<Vec<seaworthy_scanner::Ignored>> {
    let path = named.unwrap_or_else(|| Path::new(IGNORE_FILE));
    let bytes = match std::fs::read(path) {
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.with_context(|| format!("cannot read the ignore file {}", path.display()))?,
    };
    let today = now.to_string();
    let file = IgnoreFile::parse(&bytes, &path.display().to_string(), today.get(..10).unwrap_or_default());
    for warning in &file.warnings {
        tracing::warn!("{warning}");
    }
    Ok(file.entries)
}

/// Reads `family/version` of `--distro`.
fn distribution(text: &str) -> Result<Distribution> {
    let (family, version) = text
        .split_once('/')
        .filter(|(_, version)| !version.is_empty())
        .ok_or_else(|| anyhow!("--distro takes FAMILY/VERSION, for example debian/12, not {text:?}"))?;
    let family = seaworthy_scanner::family_from_id(family).ok_or_else(|| {
        anyhow!("--distro: unknown distribution {family:?}, write for example debian, alpine, ubuntu or redhat")
    })?;
    Ok(Distribution::new(family, version))
}

fn write_reports(report: &ScanReport, arguments: &ScanArguments) -> Result<()> {
    if arguments.output.is_empty() {
        let stdout = std::io::stdout();
        let bytes = render(&arguments.format, report, arguments, stdout.is_terminal())?;
        return stdout
            .lock()
            .write_all(&bytes)
            .context("cannot write the report to standard output");
    }
    for OutputTarget { format, path } in &arguments.output {
        let bytes = render(format.as_ref().unwrap_or(&arguments.format), report, arguments, false)?;
        std::fs::write(path, bytes).with_context(|| format!("cannot write the report to {}", path.display()))?;
    }
    Ok(())
}

fn render(format: &Format, report: &ScanReport, arguments: &ScanArguments, terminal: bool) -> Result<Vec<u8>> {
    let width = terminal
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| usize::from(width.0));
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut severities = arguments.severity.clone();
    severities.sort();
    severities.dedup();
    let options = ReportOptions {
        severities,
        classes: classes(arguments),
        list_all_packages: arguments.list_all_pkgs,
        show_suppressed: arguments.show_suppressed,
        width,
        colour: terminal && !no_colour,
    };
    Ok(seaworthy_report::write(format.parse()?, report, &options)?)
}
