//! `seaworthy image` and `seaworthy rootfs`: one scan after another, and the exit code of the worst.

use super::output::{Rendered, Reports};
use super::{options, output};
use crate::arguments::{GlobalArguments, ScanArguments};
use crate::progress::{ScanProgress, Talk};
use crate::{data, exit, text};
use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use seaworthy_model::{Effect, PackageClass, Platform, Problem, ScanReport, Subject, Verdict};
use seaworthy_scanner::{Database, Error, Options, Target, scan};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// A scan ends itself when its time is up; what does not get to look at the clock is left behind after this.
const GRACE: Duration = Duration::from_millis(200);
/// As large as the main thread's.
const STACK: usize = 8 << 20;

/// What every scan of one run shares.
struct Run {
    arguments: Arc<ScanArguments>,
    options: Options,
    database: Arc<Database>,
    talk: Talk,
    /// Whether several reports are written one after another.
    several: bool,
}

/// What is left of one scan.
struct Scanned {
    reports: Vec<Rendered>,
    code: u8,
    reasons: Vec<String>,
    /// Taking it apart takes time that nobody has to wait for.
    report: ScanReport,
}

/// Scans every target and returns the exit code of the worst.
pub(crate) fn run(
    targets: &[Target],
    arguments: &ScanArguments,
    options: Options,
    global: &GlobalArguments,
) -> Result<u8> {
    let every_platform = matches!(arguments.platform, Some(crate::arguments::PlatformChoice::All));
    let run = Run {
        arguments: Arc::new(arguments.clone()),
        options,
        database: Arc::new(data::open(arguments.db.as_deref(), global.cache_dir.as_deref())?),
        talk: Talk::choose(global.quiet, global.no_progress),
        several: targets.len() > 1 || every_platform,
    };
    let mut reports = Reports::new(arguments);
    let mut worst = exit::PASSED;
    for target in targets {
        let platforms = if every_platform {
            // An image that says nothing of its platform is read as it is.
            platforms(target, &run).map(|platforms| match platforms.as_slice() {
                [] => vec![None],
                _ => platforms.into_iter().map(Some).collect(),
            })
        } else {
            Ok(vec![run.options.platform.clone()])
        };
        let platforms: Vec<Option<Platform>> = match platforms {
            Ok(platforms) => platforms,
            Err(error) => {
                said(&run, target, None, error)?;
                worst = exit::worse(worst, exit::COULD_NOT_SCAN);
                continue;
            }
        };
        for platform in platforms {
            match one(target, platform.clone(), &run) {
                Ok(scanned) => {
                    reports.write(&scanned.reports)?;
                    for reason in &scanned.reasons {
                        let name = run.several.then(|| name(target, platform.as_ref()) + ": ");
                        run.talk.say(&format!("{}failed: {reason}", name.unwrap_or_default()));
                    }
                    worst = exit::worse(worst, scanned.code);
                    if !run.several {
                        // The process ends, and with it all of this.
                        std::mem::forget(scanned.report);
                    }
                }
                Err(error) => {
                    said(&run, target, platform.as_ref(), error)?;
                    worst = exit::worse(worst, exit::COULD_NOT_SCAN);
                }
            }
        }
    }
    // The process ends: freeing the advisories piece by piece would only keep the user waiting.
    std::mem::forget(run);
    Ok(worst)
}

/// Among several images a failure is said and the others go on; alone it is the program's own.
fn said(run: &Run, target: &Target, platform: Option<&Platform>, error: anyhow::Error) -> Result<()> {
    if !run.several {
        return Err(error);
    }
    text::error(&error.context(format!("cannot scan {}", name(target, platform))));
    Ok(())
}

fn name(target: &Target, platform: Option<&Platform>) -> String {
    match platform {
        Some(platform) => format!("{} ({platform})", target.name()),
        None => target.name(),
    }
}

/// The platforms that an image has.
fn platforms(target: &Target, run: &Run) -> Result<Vec<Platform>> {
    let (target, options) = (target.clone(), run.options.clone());
    let progress = Arc::new(ScanProgress::new(run.talk, None));
    in_time(run.options.timeout, &progress, move || {
        Ok(seaworthy_scanner::platforms(&target, &options)?)
    })
}

fn one(target: &Target, platform: Option<Platform>, run: &Run) -> Result<Scanned> {
    let options = Options {
        platform: platform.clone(),
        ..run.options.clone()
    };
    let name = run.several.then(|| name(target, platform.as_ref()));
    let progress = Arc::new(ScanProgress::new(run.talk, name));
    let (target, several) = (target.clone(), run.several);
    let (observer, arguments, database) = (
        Arc::clone(&progress),
        Arc::clone(&run.arguments),
        Arc::clone(&run.database),
    );
    in_time(run.options.timeout, &progress, move || {
        let report = scan(&target, &options, &database, observer.as_ref())?;
        observer.finish();
        let started = Instant::now();
        let reports = output::render_all(&report, &arguments, several)?;
        tracing::debug!(elapsed = ?started.elapsed(), "report written");
        Ok(Scanned {
            reports,
            code: exit_code(&report, &arguments, incomplete(&report, &arguments)),
            reasons: report.decision.reasons.clone(),
            report,
        })
    })
}

/// Does the work on a thread of its own and gives it up when the time is up, whatever it is at.
fn in_time<T: Send + 'static>(
    timeout: Option<Duration>,
    progress: &ScanProgress,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            // Nobody listens any more when the time was up.
            let _ = sender.send(work());
        })
        .context("cannot start a thread")?;
    let done = match timeout {
        Some(timeout) => receiver.recv_timeout(timeout.saturating_add(GRACE)),
        None => receiver.recv().map_err(RecvTimeoutError::from),
    };
    progress.finish();
    match done {
        Ok(done) => done,
        Err(RecvTimeoutError::Timeout) => Err(Error::TimedOut {
            reached: progress.reached(),
        }
        .into()),
        Err(RecvTimeoutError::Disconnected) => Err(anyhow!("the scan ended without a result: this is a defect")),
    }
}

/// What was not read whole does not pass a gate, and where a package database could not be read nothing was scanned.
/// A database that is not there, or lists nothing, is a problem of the report.
fn incomplete(report: &ScanReport, arguments: &ScanArguments) -> bool {
    if gated(arguments) {
        return not_whole(report);
    }
    let inventory = &report.inventory;
    let is_database = |path: &String| inventory.databases.iter().any(|database| database.path == *path);
    let asked = options::classes(arguments).contains(&PackageClass::Os);
    asked
        && inventory.packages_of(PackageClass::Os).next().is_none()
        && unread(report).any(|problem| match &problem.subject {
            Subject::Path(path) | Subject::PathInLayer { path, .. } => is_database(path),
            Subject::Digest(_) | Subject::Artifact => false,
        })
}

/// Whether something was not read.
pub(super) fn not_whole(report: &ScanReport) -> bool {
    unread(report).next().is_some()
}

fn unread(report: &ScanReport) -> impl Iterator<Item = &Problem> {
    let problems = report.inventory.problems.iter();
    problems.filter(|problem| problem.effect == Effect::Incomplete)
}

/// Whether the exit code was asked to tell.
pub(super) const fn gated(arguments: &ScanArguments) -> bool {
    arguments.exit_code != 0 || arguments.fail_on.is_some()
}

/// `--fail-on` is 1; `--exit-code` is its own number; when both fail, the number that was asked for.
pub(super) fn exit_code(report: &ScanReport, arguments: &ScanArguments, incomplete: bool) -> u8 {
    let left = report
        .decision
        .findings
        .iter()
        .any(|finding| finding.suppression.is_none());
    if arguments.exit_on_eol != 0 && report.end_of_life == Some(true) {
        return arguments.exit_on_eol;
    }
    match (report.decision.verdict, arguments.exit_code) {
        (Verdict::Pass, _) if incomplete => exit::COULD_NOT_SCAN,
        (Verdict::Pass, _) => exit::PASSED,
        (Verdict::Fail, code) if code != 0 && left => code,
        (Verdict::Fail, _) => exit::POLICY_FAILED,
    }
}

/// The options of a scan, as the flags say.
pub(crate) fn prepare(arguments: &ScanArguments, global: &GlobalArguments, now: Timestamp) -> Result<Options> {
    Ok(Options {
        cache: data::cache(arguments.no_cache, global.cache_dir.as_deref()).map(Arc::new),
        ..options::options(arguments, now)?
    })
}
