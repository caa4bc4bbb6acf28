//! Runs the real binary in an environment without anything but what a test gives it.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a run said and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program with these arguments, run from the checkout's root and without a home.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .current_dir(root());
    command
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn run(arguments: &[&str]) -> Run {
    finish(command(arguments).output().unwrap())
}

pub(crate) fn finish(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A report without what differs from scan to scan.
pub(crate) fn comparable(text: &str) -> serde_json::Value {
    let mut report = json(text);
    let fields = report.as_object_mut().unwrap();
    for name in ["CreatedAt", "ReportID"] {
        assert!(fields.remove(name).is_some(), "{name} is missing");
    }
    report
}
