//! Progress on stderr: a bar on terminals, one line a step elsewhere, nothing with `--quiet`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seaworthy_scanner::{Observer, Progress};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How talkative the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Nothing but errors.
    Quiet,
    /// One line for each step.
    Lines,
    /// A bar that is gone when the work is done.
    Bar,
}

impl Talk {
    /// What suits stderr and the flags.
    pub(crate) fn choose(quiet: bool, no_progress: bool) -> Self {
        match (quiet, no_progress || !std::io::stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Lines,
            (false, false) => Self::Bar,
        }
    }

    /// A line for people, on stderr.
    pub(crate) fn say(self, line: &str) {
        if self != Self::Quiet {
            // Nobody can be told that stderr is closed.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// Shows how far a scan is.
pub(crate) struct ScanProgress {
    talk: Talk,
    read: Arc<Progress>,
    bar: Mutex<Option<(ProgressBar, JoinHandle<()>)>>,
    done: Arc<AtomicBool>,
}

impl ScanProgress {
    pub(crate) fn new(talk: Talk) -> Self {
        Self {
            talk,
            read: Arc::new(Progress::default()),
            bar: Mutex::new(None),
            done: Arc::new(AtomicBool::new(false)),
        }
    }

    fn finish(&self) {
        let bar = self
            .bar
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some((bar, ticker)) = bar {
            self.done.store(true, Ordering::Relaxed);
            ticker.thread().unpark();
            let _ = ticker.join();
            bar.finish_and_clear();
        }
    }
}

impl Drop for ScanProgress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Observer for ScanProgress {
    fn progress(&self) -> &Progress {
        &self.read
    }

    fn reading(&self, layers: usize, bytes: u64) {
        if self.talk != Talk::Bar {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(10));
        let template = "{spinner} {msg} [{bar:30}] {bytes}/{total_bytes} {binary_bytes_per_sec}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(format!("Reading {layers} layer{}", if layers == 1 { "" } else { "s" }));
        let (read, done, shown) = (Arc::clone(&self.read), Arc::clone(&self.done), bar.clone());
        let ticker = std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                shown.set_position(read.bytes());
                shown.tick();
                std::thread::park_timeout(Duration::from_millis(80));
            }
        });
        *self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((bar, ticker));
    }

    fn merging(&self) {
        self.finish();
    }
}
