//! What the figures were taken on.

use std::process::Command;

/// Processor, cores, kernel and the version of gzip, in one line.
pub(crate) fn describe() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name").and_then(|rest| rest.split_once(':')))
        .map_or_else(
            || std::env::consts::ARCH.to_owned(),
            |(_, model)| model.trim().to_owned(),
        );
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let gzip = Command::new("gzip")
        .arg("--version")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let gzip = String::from_utf8_lossy(&gzip)
        .lines()
        .next()
        .unwrap_or("gzip")
        .to_owned();
    format!("{model}, {cores} cores, Linux {}, {gzip}", kernel.trim())
}

/// Load of the last minute: figures of a busy machine are worth less.
pub(crate) fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
