//! The figures as Markdown, each against its bar, for the terminal and for `docs/benchmarks.md`.

use crate::derived::MANY;
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
/// Largest share of the time of the layout that the same image may take from a registry on loopback.
const REGISTRY_RATIO: f64 = 1.15;
/// A scan of an image that is known, in milliseconds.
const WARM_MS: f64 = 20.0;
/// The same from a registry.
const WARM_REGISTRY_MS: f64 = 30.0;
/// A scan of one new layer of 1 MB above known ones.
const NEW_LAYER_MS: f64 = 60.0;
/// Peak memory of a scan, in MiB.
const PEAK_MIB: f64 = 100.0;
/// Start to finish on the small example, in milliseconds.
const EXAMPLE_MS: f64 = 30.0;
/// The stripped binary, in megabytes.
const BINARY_MB: f64 = 40.0;
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
    /// A command that ran at first failed later.
    failed: bool,
}

impl Report {
    pub(crate) fn new(
        subjects: &Subjects,
        images: &[BuiltImage],
        timings: &[Times],
        usages: &[Usage],
        libraries: &[(String, f64)],
        rounds: usize,
    ) -> Self {
        let timed = || {
            subjects
                .commands
                .iter()
                .zip(timings)
                .filter(|(_, times)| times.failure.is_none())
        };
        let of = |image: &str, role: Role| {
            timed()
                .find(|(subject, _)| subject.role == role && subject.image == image)
                .map(|(_, times)| times)
        };
        let best = |image: &str, role: Role| of(image, role).map(|times| times.best().as_secs_f64());
        let median = |image: &str, role: Role| of(image, role).map(|times| times.median().as_secs_f64());
        let used = || subjects.commands.iter().zip(usages);

        // One thread that never waits: where its wall time exceeds its processor time, other work had the cores.
        let busy = used().any(|(subject, usage)| {
            let processor = usage.processor.map(|time| time.as_secs_f64());
            let wall = median(subject.image, Role::Gzip);
            subject.role == Role::Gzip
                && processor
                    .zip(wall)
                    .is_some_and(|(processor, wall)| wall > BUSY * processor)
        });
        let mut head = head(images, rounds);
        if busy {
            head.push_str(
                "\n**Other work held the cores during this run: its times and ratios are not to be trusted.**\n",
            );
        }

        let mut bars = Vec::new();
        let mut open: Vec<String> = subjects.missing.clone();
        let failures: Vec<String> = timings.iter().filter_map(|times| times.failure.clone()).collect();
        let failed = !failures.is_empty();
        open.extend(failures);
        for image in images {
            let name = image.name;
            for (role, form, base, against, bar) in [
                (
                    Role::Layout,
                    "cold scan of the OCI layout",
                    Role::Gzip,
                    "`gzip -dc`",
                    LAYOUT_RATIO,
                ),
                (
                    Role::DockerArchive,
                    "the same as docker archive",
                    Role::Gzip,
                    "`gzip -dc`",
                    DOCKER_RATIO,
                ),
                (
                    Role::Registry,
                    "the same from a registry",
                    Role::Layout,
                    "the layout",
                    REGISTRY_RATIO,
                ),
            ] {
                let Some((time, base_time)) = best(name, role).zip(best(name, base)) else {
                    continue;
                };
                let ratio = time / base_time;
                let medians = median(name, role).zip(median(name, base));
                let middle = medians.map_or(f64::NAN, |(time, base)| time / base);
                bars.push(Row {
                    what: format!("{name}: {form}"),
                    bar: format!("≤ {bar:.2} × {against}"),
                    value: format!("{ratio:.3} (medians: {middle:.3})"),
                    held: ratio <= bar,
                });
            }
            for (role, what, bar) in [
                (Role::WarmLayout, "known OCI layout", WARM_MS),
                (Role::WarmRegistry, "known image in the registry", WARM_REGISTRY_MS),
                (Role::NewLayer, "a new layer of 1 MB on a known base", NEW_LAYER_MS),
            ] {
                let Some((time, middle)) = best(name, role).zip(median(name, role)) else {
                    continue;
                };
                bars.push(Row {
                    what: format!("{name}: {what}"),
                    bar: format!("≤ {bar:.0} ms"),
                    value: format!("{:.1} ms (median: {:.1})", time * 1e3, middle * 1e3),
                    held: time * 1e3 <= bar,
                });
            }
            if let Some((one, many)) = best(name, Role::One).zip(best(name, Role::Many)) {
                let each = (many - one) * 1e3 / (MANY - 1) as f64;
                bars.push(Row {
                    what: format!("{name}: each further of {MANY} images in one run"),
                    bar: format!("≤ {WARM_MS:.0} ms"),
                    value: format!("{each:.1} ms"),
                    held: each <= WARM_MS,
                });
            }
            let peaks = used()
                .filter(|(subject, _)| subject.image == name && subject.is_ours())
                .map(|(_, usage)| mebibytes(usage.peak));
            let peak = peaks.fold(0.0, f64::max);
            bars.push(Row {
                what: format!("{name}: peak memory, the most of all sources"),
                bar: format!("≤ {PEAK_MIB:.0} MiB"),
                value: format!("{peak:.1} MiB"),
                held: peak <= PEAK_MIB,
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
        if let Some(times) = of("", Role::Example) {
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
        let whole = subjects.commands.iter().zip(timings).zip(usages);
        for ((subject, times), usage) in whole.filter(|((_, times), _)| times.failure.is_none()) {
            let (shortest, middle) = (times.best().as_secs_f64(), times.median().as_secs_f64());
            let ratio =
                best(subject.image, Role::Gzip).map_or_else(String::new, |gzip| format!("{:.3}", shortest / gzip));
            let processor = usage
                .processor
                .map_or_else(String::new, |time| format!("{:.0} ms", time.as_secs_f64() * 1e3));
            let _ = writeln!(
                table,
                "| {} | {:.1} ms | {:.1} ms | {ratio} | {processor} | {:.1} MiB |",
                subject.name,
                shortest * 1e3,
                middle * 1e3,
                mebibytes(usage.peak)
            );
        }
        Self {
            head,
            bars,
            open,
            timings: table,
            failed,
        }
    }

    /// Whether every bar that has a figure is held, and nothing failed.
    pub(crate) fn all_held(&self) -> bool {
        !self.failed && self.bars.iter().all(|row| row.held)
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

fn head(images: &[BuiltImage], rounds: usize) -> String {
    let load = machine::load().map_or_else(String::new, |load| format!(", load {load:.1} at the end"));
    let mut text = format!("Machine: {}{load}. {rounds} rounds.\n", machine::describe());
    for image in images {
        let packages = image
            .packages
            .map_or_else(String::new, |packages| format!(", {packages} packages of Debian"));
        let layers: Vec<String> = image
            .layers
            .iter()
            .map(|(_, size)| format!("{:.1}", *size as f64 / 1e6))
            .collect();
        let _ = write!(
            text,
            "\n- {}: {} layers ({} MB), {:.1} MB compressed, {:.1} MB uncompressed{packages}.",
            image.name,
            image.layers.len(),
            layers.join(" + "),
            image.compressed() as f64 / 1e6,
            image.uncompressed as f64 / 1e6,
        );
    }
    text.push('\n');
    text
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
