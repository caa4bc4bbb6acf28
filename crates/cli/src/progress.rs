//! Progress on stderr: a bar for each layer on terminals, one line a step elsewhere, nothing where it is not wanted.

use indicatif::{DecimalBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use seaworthy_scanner::{LayerProgress, Observer, Step};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often bars are drawn.
const FRAME: Duration = Duration::from_millis(80);

/// How talkative the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Nothing but errors.
    Quiet,
    /// Results and warnings, no progress.
    Results,
    /// One line for each step.
    Lines,
    /// Bars that are gone when the work is done.
    Bars,
}

impl Talk {
    /// What suits stderr and the flags.
    pub(crate) fn choose(quiet: bool, no_progress: bool) -> Self {
        match (quiet, no_progress) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Results,
            (false, false) if std::io::stderr().is_terminal() && !terminal_is_dumb() => Self::Bars,
            (false, false) => Self::Lines,
        }
    }

    /// A line for people, on stderr.
    pub(crate) fn say(self, line: &str) {
        if self != Self::Quiet {
            write_line(line);
        }
    }

    /// A line about what is done now.
    pub(crate) fn step(self, line: &str) {
        if matches!(self, Self::Lines | Self::Bars) {
            write_line(line);
        }
    }
}

/// Whether the terminal says that it moves no cursor and knows no colour.
pub(crate) fn terminal_is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb")
}

fn write_line(line: &str) {
    // Nobody can be told that stderr is closed.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Shows how far a scan is.
pub(crate) struct ScanProgress {
    shown: Arc<Shown>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

/// What the threads that scan tell and the one that draws reads.
struct Shown {
    talk: Talk,
    /// Stands before every line where several images are scanned.
    name: Option<String>,
    done: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is done now, for the message of a timeout.
    reached: String,
    layers: usize,
    read: usize,
    reading: Vec<(LayerProgress, Instant)>,
}

impl Shown {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, line: &str) {
        if self.talk == Talk::Lines && !self.done.load(Ordering::Relaxed) {
            match &self.name {
                Some(name) => write_line(&format!("{name}: {line}")),
                None => write_line(line),
            }
        }
    }
}

impl ScanProgress {
    /// Progress of one scan; `name` is set where there are several.
    pub(crate) fn new(talk: Talk, name: Option<String>) -> Self {
        Self {
            shown: Arc::new(Shown {
                talk,
                name,
                done: AtomicBool::new(false),
                state: Mutex::default(),
            }),
            ticker: Mutex::new(None),
        }
    }

    /// How far the scan came.
    pub(crate) fn reached(&self) -> String {
        let state = self.shown.state();
        if state.reading.is_empty() {
            state.reached.clone()
        } else {
            let under_way: u64 = state.reading.iter().map(|(layer, _)| layer.bytes()).sum();
            format!(
                "{}, {} of {} layers were read and {} of others",
                state.reached,
                state.read,
                state.layers,
                DecimalBytes(under_way)
            )
        }
    }

    /// Takes the bars away; nothing is shown any more.
    pub(crate) fn finish(&self) {
        self.shown.done.store(true, Ordering::Relaxed);
        let ticker = self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ticker) = ticker {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
    }
}

impl Drop for ScanProgress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Observer for ScanProgress {
    fn step(&self, step: &Step) {
        let mut draw = false;
        let (reached, line) = match step {
            Step::Opening => ("the image was being opened".to_owned(), None),
            Step::Reading { layers, known, bytes } => {
                {
                    let mut state = self.shown.state();
                    state.layers = *layers;
                    state.read = *known;
                }
                draw = layers > known;
                (
                    "layers were being read".to_owned(),
                    Some(reading(*layers, *known, *bytes)),
                )
            }
            Step::Merging => ("layers were being merged".to_owned(), None),
            Step::Matching { packages } => (
                format!("{packages} packages were being matched or reported"),
                Some(format!("Matching {packages} package{}", plural(*packages))),
            ),
        };
        self.shown.state().reached = reached;
        if let Some(line) = line {
            self.shown.line(&line);
        }
        if draw && self.shown.talk == Talk::Bars {
            let shown = Arc::clone(&self.shown);
            let ticker = std::thread::spawn(move || draw_layers(&shown));
            *self.ticker.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticker);
        }
    }

    fn layer(&self, layer: LayerProgress) {
        self.shown.state().reading.push((layer, Instant::now()));
    }

    fn layer_read(&self, index: usize) {
        let (layers, ended) = {
            let mut state = self.shown.state();
            state.read += 1;
            let at = state.reading.iter().position(|(layer, _)| layer.index == index);
            (state.layers, at.map(|at| state.reading.remove(at)))
        };
        if let Some((layer, started)) = ended {
            self.shown.line(&layer_line(&layer, layers, started.elapsed()));
        }
    }
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn reading(layers: usize, known: usize, bytes: u64) -> String {
    if layers == 0 {
        return "Reading files".to_owned();
    }
    let mut line = match known {
        0 => format!("Reading {layers} layer{}", plural(layers)),
        known if known == layers => return format!("Known from an earlier scan: {layers} layer{}", plural(layers)),
        known => format!(
            "Reading {} of {layers} layers, {known} known from an earlier scan",
            layers - known
        ),
    };
    if bytes > 0 {
        // Writing to a string does not fail.
        let _ = write!(line, " ({})", DecimalBytes(bytes));
    }
    line
}

fn layer_line(layer: &LayerProgress, layers: usize, took: Duration) -> String {
    let bytes = layer.bytes().max(layer.size);
    let rate = bytes.checked_div(u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1));
    format!(
        "Layer {}/{layers} {}: {} in {:.1} s ({}/s)",
        layer.index + 1,
        short(layer),
        DecimalBytes(bytes),
        took.as_secs_f64(),
        DecimalBytes(rate.unwrap_or(0).saturating_mul(1000))
    )
}

/// The first digits of the digest, as container tools show them.
fn short(layer: &LayerProgress) -> String {
    let hex = layer.digest.map(|digest| digest.hex()).unwrap_or_default();
    hex.get(..12).unwrap_or("without digest").to_owned()
}

/// Draws a bar for every layer that is being read, until the scan is done.
fn draw_layers(shown: &Shown) {
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12));
    let mut drawn: Vec<(usize, ProgressBar)> = Vec::new();
    while !shown.done.load(Ordering::Relaxed) {
        let now: Vec<LayerProgress> = shown.state().reading.iter().map(|(layer, _)| layer.clone()).collect();
        drawn.retain(|(index, bar)| {
            let goes_on = now.iter().any(|layer| layer.index == *index);
            if !goes_on {
                bar.finish_and_clear();
                bars.remove(bar);
            }
            goes_on
        });
        for layer in &now {
            let at = drawn.iter().position(|(index, _)| *index == layer.index);
            let bar = match at.and_then(|at| drawn.get(at)) {
                Some((_, bar)) => bar.clone(),
                None => {
                    let bar = bars.add(bar_of(layer));
                    drawn.push((layer.index, bar.clone()));
                    bar
                }
            };
            bar.set_position(layer.bytes());
        }
        std::thread::park_timeout(FRAME);
    }
    for (_, bar) in &drawn {
        bar.finish_and_clear();
    }
    let _ = bars.clear();
}

fn bar_of(layer: &LayerProgress) -> ProgressBar {
    let (bar, template) = if layer.size > 0 {
        let template = "{msg} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}";
        (ProgressBar::new(layer.size), template)
    } else {
        (
            ProgressBar::no_length(),
            "{msg} {spinner} {decimal_bytes} {decimal_bytes_per_sec}",
        )
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(format!("layer {:>2} {}", layer.index + 1, short(layer)));
    bar
}

#[cfg(test)]
mod tests {
    use super::reading;

    #[test]
    fn what_is_read_is_said_with_its_size() {
        for (layers, known, bytes, line) in [
            (0, 0, 0, "Reading files"),
            (1, 0, 0, "Reading 1 layer"),
            (5, 0, 207_400_000, "Reading 5 layers (207.40 MB)"),
            (
                5,
                4,
                1_000_000,
                "Reading 1 of 5 layers, 4 known from an earlier scan (1.00 MB)",
            ),
            (5, 5, 0, "Known from an earlier scan: 5 layers"),
        ] {
            assert_eq!(reading(layers, known, bytes), line);
        }
    }
}
