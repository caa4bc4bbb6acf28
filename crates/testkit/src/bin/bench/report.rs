//! The figures as Markdown, each against its bar, for the terminal and for `docs/benchmarks.md`.

use crate::layout::BuiltImage;
use crate::machine;
use crate::measure::{Times, Usage};
use crate::subjects::{Role, Subjects};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- figures: begin, written by the bench -->";
const END: &str = "<!-- figures: end -->";

/// Largest share of the time of `gzip -dc` that a cold scan of the layout may take.
const LAYOUT_RATIO: f64 = 0.40;
/// The same for the docker archive, whose layers are not compressed.
const DOCKER_RATIO: f64 = 0.15;
/// Peak memory of a scan, in MiB.
const PEAK_MIB: f64 = 100.0;
/// Start to finish on the small example, in milliseconds.
const EXAMPLE_MS: f64 = 30.0;
/// The stripped binary, in megabytes.
const BINARY_MB: f64 = 25.0;
/// Benches of `seaworthy-advisories`: how their id begins, what they time, the bar in milliseconds.
const LIBRARY: [(&str, &str, f64); 3] = [
    ("open the", "opening the advisory file", 1.0),
    ("make ", "making one distribution's section ready", 15.0),
    ("match ", "matching 500 packages", 5.0),
];

/// Wall time of the reference in its own processor time, above which the machine was busy.
const BUSY: f64 = 1.1;

/// One measured bar.
struct Row {
    what: String,
    bar: String,
    value: String,
    held: bool,
}

/// The whole report.
pub(crate) struct Report {
    head: String,
    bars: Vec<Row>,
    /// Bars for which there is no figure, with the reason.
    open: Vec<String>,
    timings: String,
}

impl Report {
    pub(crate) fn new(
        subjects: &Subjects,
        image: &BuiltImage,
        timings: &[Times],
        usages: &[Usage],
        libraries: &[(String, f64)],
        rounds: usize,
    ) -> Self {
        let timed = || subjects.commands.iter().zip(timings);
        let of = |role: Role| {
            timed()
                .find(|(subject, _)| subject.role == role)
                .map(|(_, times)| times)
        };
        let gzip = of(Role::Gzip).map_or(f64::NAN, |times| times.best().as_secs_f64());
        let gzip_median = of(Role::Gzip).map_or(f64::NAN, |times| times.median().as_secs_f64());
        let used = || subjects.commands.iter().zip(usages);
        let peak = |role: Role| {
            used()
                .find(|(subject, _)| subject.role == role)
                .map(|(_, usage)| mebibytes(usage.peak))
        };

        // One thread that never waits: where its wall time exceeds its processor time, other work had the cores.
        let reference = used().find(|(subject, _)| subject.role == Role::Gzip);
        let processor = reference.and_then(|(_, usage)| usage.processor);
        let busy = processor.is_some_and(|processor| gzip_median > BUSY * processor.as_secs_f64());
        let mut head = head(image, rounds);
        if busy {
            head.push_str(
                "\n**Other work held the cores during this run: its times and ratios are not to be trusted.**\n",
            );
        }

        let mut bars = Vec::new();
        let mut open: Vec<String> = subjects.missing.clone();
        for (role, form, bar) in [
            (Role::Layout, "cold scan of the OCI layout", LAYOUT_RATIO),
            (Role::DockerArchive, "the same as docker archive", DOCKER_RATIO),
        ] {
            let Some(times) = of(role) else { continue };
            let (ratio, median) = (
                times.best().as_secs_f64() / gzip,
                times.median().as_secs_f64() / gzip_median,
            );
            bars.push(Row {
                what: form.to_owned(),
                bar: format!("≤ {bar:.2} × `gzip -dc`"),
                value: format!("{ratio:.3} (medians: {median:.3})"),
                held: ratio <= bar,
            });
        }
        for (role, form) in [(Role::Layout, "OCI layout"), (Role::DockerArchive, "docker archive")] {
            let Some(mib) = peak(role) else { continue };
            bars.push(Row {
                what: format!("peak memory, {form}"),
                bar: format!("≤ {PEAK_MIB:.0} MiB"),
                value: format!("{mib:.1} MiB"),
                held: mib <= PEAK_MIB,
            });
        }
        for (part, what, bar) in LIBRARY {
            let mut found = libraries.iter().filter(|(id, _)| id.starts_with(part)).peekable();
            if found.peek().is_none() {
                open.push(format!("{what}: run `cargo bench -p seaworthy-advisories` first"));
            }
            for (id, nanoseconds) in found {
                let milliseconds = nanoseconds / 1e6;
                bars.push(Row {
                    what: format!("{what} (`{id}`)"),
                    bar: format!("< {bar:.0} ms"),
                    value: format!("{milliseconds:.3} ms"),
                    held: milliseconds < bar,
                });
            }
        }
        if let Some(times) = of(Role::Example) {
            let (best, median) = (times.best().as_secs_f64() * 1e3, times.median().as_secs_f64() * 1e3);
            bars.push(Row {
                what: "start to finish on `examples/myapp-v1.tar`".to_owned(),
                bar: format!("< {EXAMPLE_MS:.0} ms"),
                value: format!("{best:.1} ms (median: {median:.1})"),
                held: best < EXAMPLE_MS,
            });
        }
        if let Ok(file) = std::fs::metadata(&subjects.seaworthy) {
            let megabytes = file.len() as f64 / 1e6;
            bars.push(Row {
                what: "binary with the data inside".to_owned(),
                bar: format!("≤ {BINARY_MB:.0} MB"),
                value: format!("{megabytes:.1} MB"),
                held: megabytes <= BINARY_MB,
            });
        }

        let mut table = String::from(
            "| command | best | median | × `gzip -dc` | processor time | peak memory |\n|---|---:|---:|---:|---:|---:|\n",
        );
        for ((subject, times), usage) in timed().zip(usages) {
            let (best, median) = (times.best().as_secs_f64(), times.median().as_secs_f64());
            let processor = usage
                .processor
                .map_or_else(String::new, |time| format!("{:.0} ms", time.as_secs_f64() * 1e3));
            let _ = writeln!(
                table,
                "| {} | {:.1} ms | {:.1} ms | {:.3} | {processor} | {:.1} MiB |",
                subject.name,
                best * 1e3,
                median * 1e3,
                best / gzip,
                mebibytes(usage.peak)
            );
        }
        Self {
            head,
            bars,
            open,
            timings: table,
        }
    }

    /// Whether every bar that has a figure is held.
    pub(crate) fn all_held(&self) -> bool {
        self.bars.iter().all(|row| row.held)
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}\n| what | bar | measured | |\n|---|---|---|---|\n", self.head);
        for row in &self.bars {
            let verdict = if row.held { "held" } else { "**missed**" };
            let _ = writeln!(text, "| {} | {} | {} | {verdict} |", row.what, row.bar, row.value);
        }
        if !self.open.is_empty() {
            text.push_str("\nNot measured:\n\n");
            for line in &self.open {
                let _ = writeln!(text, "- {line}");
            }
        }
        let _ = write!(text, "\n{}", self.timings);
        text
    }
}

fn head(image: &BuiltImage, rounds: usize) -> String {
    let load = machine::load().map_or_else(String::new, |load| format!(", load {load:.1} at the end"));
    let packages = image
        .packages
        .map_or_else(String::new, |packages| format!(", {packages} packages"));
    let layers: Vec<String> = image
        .layers
        .iter()
        .map(|(_, size)| format!("{:.1}", *size as f64 / 1e6))
        .collect();
    format!(
        "Machine: {}{load}. {rounds} rounds.  \nImage: {} layers ({} MB), {:.1} MB compressed, {:.1} MB uncompressed{packages}.\n",
        machine::describe(),
        image.layers.len(),
        layers.join(" + "),
        image.compressed() as f64 / 1e6,
        image.uncompressed as f64 / 1e6,
    )
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Replaces what stands between the markers of the page.
pub(crate) fn write_between_markers(page: &Path, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(page).with_context(|| format!("read {}", page.display()))?;
    let parts = old
        .split_once(BEGIN)
        .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
    let (before, after) = parts.with_context(|| format!("{} lacks the markers {BEGIN} and {END}", page.display()))?;
    let new = format!("{before}{BEGIN}\n\n{text}\n{END}{after}");
    std::fs::write(page, new).with_context(|| format!("write {}", page.display()))
}
