//! Wall time and peak memory of commands.
//!
//! The commands of one image take turns within each round, so that a slower or busier moment of the machine meets all of
//! them; one image after another, so that its files stay in the page cache.

use crate::subjects::Subject;
use anyhow::{Context, Result, bail, ensure};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Runs from which peak memory and processor time are taken.
const USAGE_RUNS: usize = 2;

/// GNU time, which reads both from the kernel's accounting.
const TIME: &str = "/usr/bin/time";

/// The wall times of one command, shortest first.
#[derive(Debug, Default)]
pub(crate) struct Times {
    sorted: Vec<Duration>,
    /// Why it was given up: it ran once before, so this is worth telling.
    pub(crate) failure: Option<String>,
}

impl Times {
    /// The shortest: what the work costs when nothing disturbs it.
    pub(crate) fn best(&self) -> Duration {
        self.sorted.first().copied().unwrap_or_default()
    }

    /// The middle one.
    pub(crate) fn median(&self) -> Duration {
        self.sorted.get(self.sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// Runs every command once a round; the results are in the order of the commands. One that fails is not run again.
pub(crate) fn interleaved(subjects: &[Subject], rounds: usize) -> Result<Vec<Times>> {
    let mut all = Vec::with_capacity(subjects.len());
    for group in subjects.chunk_by(|one, next| one.image == next.image) {
        let mut taken: Vec<Times> = group.iter().map(|_| Times::default()).collect();
        for round in 1..=rounds {
            let image = group.first().map_or("", |subject| subject.image);
            crate::say(format!("{image} round {round} of {rounds}.").trim_start());
            for (subject, times) in group.iter().zip(&mut taken) {
                if times.failure.is_some() {
                    continue;
                }
                subject.prepare()?;
                match once(subject) {
                    Ok(time) => times.sorted.push(time),
                    Err(error) => {
                        crate::say(&format!("{error:#}"));
                        times.failure = Some(format!("{error:#}"));
                    }
                }
            }
        }
        all.append(&mut taken);
    }
    for times in &mut all {
        times.sorted.sort_unstable();
    }
    Ok(all)
}

fn once(subject: &Subject) -> Result<Duration> {
    let started = Instant::now();
    let child = subject
        .command()
        .spawn()
        .with_context(|| format!("run {}", subject.name))?;
    wait(child, &subject.name)?;
    Ok(started.elapsed())
}

fn wait(child: Child, name: &str) -> Result<()> {
    let output = child.wait_with_output().with_context(|| format!("wait for {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{name} failed ({}): {}",
        output.status,
        said.trim()
    );
    Ok(())
}

/// What one command took, apart from wall time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// The largest resident set, in bytes.
    pub(crate) peak: u64,
    /// Processor time of all threads, where GNU time is there to tell. Hardly grows when other work holds the cores,
    /// unlike wall time.
    pub(crate) processor: Option<Duration>,
}

/// Peak memory and processor time of every command, in their order: the largest peak and the least time of a few runs.
/// Nothing for those that failed before.
pub(crate) fn usage(subjects: &[Subject], timings: &[Times]) -> Result<Vec<Usage>> {
    let mut all = Vec::with_capacity(subjects.len());
    for (subject, times) in subjects.iter().zip(timings) {
        if times.failure.is_some() {
            all.push(Usage::default());
            continue;
        }
        let mut usage = one_usage(subject)?;
        let runs = if subject.is_ours() { USAGE_RUNS } else { 1 };
        for _ in 1..runs {
            let next = one_usage(subject)?;
            usage.peak = usage.peak.max(next.peak);
            usage.processor = usage.processor.min(next.processor);
        }
        all.push(usage);
    }
    Ok(all)
}

fn one_usage(subject: &Subject) -> Result<Usage> {
    subject.prepare()?;
    let version = Command::new(TIME).arg("--version").output();
    let is_gnu = version.is_ok_and(|output| {
        [output.stdout, output.stderr]
            .concat()
            .windows(3)
            .any(|part| part == b"GNU")
    });
    if !is_gnu {
        return Ok(Usage {
            peak: polled_peak(subject)?,
            processor: None,
        });
    }
    let name = format!("seaworthy-bench-{}.rss", std::process::id());
    let into = std::env::temp_dir().join(name);
    let arguments = [
        "-f".into(),
        "%M %U %S".into(),
        "-o".into(),
        into.clone().into_os_string(),
    ];
    let child = subject
        .command_under(TIME, &arguments)
        .spawn()
        .with_context(|| format!("run {TIME}"))?;
    wait(child, &subject.name)?;
    let text = std::fs::read_to_string(&into).with_context(|| format!("read {}", into.display()))?;
    let _ = std::fs::remove_file(&into);
    let fields: Vec<f64> = text.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    let [kibibytes, user, system] = fields.as_slice() else {
        bail!("{TIME} wrote {text:?}");
    };
    Ok(Usage {
        peak: (kibibytes * 1024.0) as u64,
        processor: Some(Duration::from_secs_f64(user + system)),
    })
}

/// Reads the kernel's high-water mark every millisecond until the process ends. Growth in its last millisecond is missed.
fn polled_peak(subject: &Subject) -> Result<u64> {
    let mut child = subject
        .command()
        .spawn()
        .with_context(|| format!("run {}", subject.name))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child
        .try_wait()
        .with_context(|| format!("wait for {}", subject.name))?
        .is_none()
    {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = mark.and_then(|mark| mark.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        peak = peak.max(kibibytes.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(1));
    }
    wait(child, &subject.name)?;
    ensure!(peak > 0, "{} ended before its memory could be read", subject.name);
    Ok(peak)
}
