//! What is shown while a scan runs, and how it ends before its time: Ctrl-C, timeout, no terminal, odd paths.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]
#![cfg(unix)]

mod program;

use program::{command, finish, run};
use seaworthy_testkit::{Fault, FaultProxy, ImageBuilder, LayerBuilder, RegistryServer, Rule, Stored};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const EXAMPLE: [&str; 3] = ["image", "--input", "examples/myapp-v1.tar"];

#[test]
fn without_a_terminal_there_is_a_line_a_step() {
    let lines = run(&EXAMPLE).err;
    assert!(
        lines.contains("Reading 3 layers (13.31 kB)\n")
            && lines.contains("Layer 1/3 ")
            && lines.contains("Matching 11 packages\n"),
        "{lines}"
    );
    assert!(!lines.contains('\u{1b}') && !lines.contains('\r'), "{lines:?}");
    for silent in ["-q", "--no-progress"] {
        assert_eq!(run(&[&EXAMPLE[..], &[silent]].concat()).err, "", "{silent}");
    }
    // What fails a gate is no progress.
    let failed = run(&[&EXAMPLE[..], &["--no-progress", "--exit-code", "1"]].concat());
    assert!(failed.err.starts_with("failed: 8 findings"), "{}", failed.err);
}

#[test]
fn the_phases_are_timed_at_debug_level() {
    let err = run(&[&EXAMPLE[..], &["-d"]].concat()).err;
    let line = err.lines().find(|line| line.contains("time: ")).unwrap();
    for phase in [
        "open ",
        "read layers ",
        "merge ",
        "match ",
        "fetch ",
        "hash ",
        "inflate ",
        "walk and analyse ",
    ] {
        assert!(line.contains(phase), "{phase}: {line}");
    }
    assert!(err.contains("report written"), "{err}");
}

#[test]
fn a_dumb_terminal_gets_no_colour_and_no_cursor() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        return;
    }
    let seen = |terminal: &str| {
        let program = env!("CARGO_BIN_EXE_seaworthy");
        let line = format!("{program} image --input examples/myapp-v1.tar");
        let output = Command::new("/usr/bin/script")
            .args(["-qec", &line, "/dev/null"])
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("TERM", terminal)
            .current_dir(program::root())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(seen("xterm").contains("\u{1b}["));
    let dumb = seen("dumb");
    assert!(!dumb.contains('\u{1b}') && dumb.contains("Total: 8"), "{dumb:?}");
}

/// A registry that sends layers a byte at a time.
fn slow() -> Option<(RegistryServer, FaultProxy, String)> {
    let registry = RegistryServer::start()?;
    let noise: Vec<u8> = (0..200_000u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let image = ImageBuilder::new()
        .layer(
            LayerBuilder::new().file("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
            Stored::Gzip,
        )
        .layer(LayerBuilder::new().file("noise", noise), Stored::Plain);
    registry.push("shop/slow", "v1", &image);
    let large = image
        .oci_files()
        .into_iter()
        .max_by_key(|(_, bytes)| bytes.len())
        .unwrap();
    let digest = large.0.rsplit('/').next().unwrap().to_owned();
    let drip = Fault::Drip(100, Duration::from_millis(50));
    let proxy = FaultProxy::start(registry.host(), vec![Rule::always(&digest, drip)]);
    let reference = format!("registry:{}/shop/slow:v1", proxy.host());
    Some((registry, proxy, reference))
}

/// The program where an interrupt is not ignored: what a shell starts in the background inherits that it is, and so do
/// tests. As `nohup` and the like ask for it, the program keeps to it.
fn interruptible(arguments: &[&str]) -> Command {
    let plain = command(arguments);
    let mut heard = Command::new("env");
    heard.args(["--default-signal=INT", "--"]);
    if !heard.arg("true").status().is_ok_and(|status| status.success()) {
        return plain;
    }
    let mut heard = Command::new("/usr/bin/env");
    heard
        .args(["--default-signal=INT", "--"])
        .arg(plain.get_program())
        .args(arguments)
        .env_clear()
        .current_dir(program::root());
    heard
}

#[test]
fn an_interrupt_ends_at_once_and_leaves_nothing_behind() {
    let Some((_registry, _proxy, reference)) = slow() else {
        return;
    };
    // 100 ms is what is promised; starting kill is in this time too. On a busy machine one of five shows it.
    let mut took = Vec::new();
    while took.iter().all(|took| *took > Duration::from_millis(150)) {
        assert!(took.len() < 5, "{took:?}");
        took.push(interrupted(&reference));
    }
}

/// Interrupts a scan, which must leave nothing behind, and says how long it took to end.
fn interrupted(reference: &str) -> Duration {
    let home = tempfile::tempdir().unwrap();
    let mut child = interruptible(&["image", reference])
        .env("HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none(), "it is still reading");
    let asked = Instant::now();
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    let took = asked.elapsed();
    assert_eq!(status.signal(), Some(2));
    let scans = home.path().join(".cache/seaworthy/scans");
    let left = if scans.exists() {
        seaworthy_testkit::data::files(&scans)
    } else {
        Vec::new()
    };
    assert!(
        !left.iter().any(|path| path.to_str().unwrap().contains("/new-")),
        "{left:?}"
    );
    took
}

#[test]
fn a_timeout_says_what_was_reached_and_keeps_it() {
    let Some((_registry, _proxy, reference)) = slow() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scan = || {
        let started = Instant::now();
        let mut command = command(&["image", &reference, "--timeout", "1s"]);
        let run = finish(command.env("HOME", home.path()).output().unwrap());
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        assert!(run.code == 3 && run.out.is_empty(), "{}{}", run.out, run.err);
        run.err
    };
    let first = scan();
    assert!(
        first.contains("took longer than allowed")
            && first.contains("hint: give it more time")
            && first.contains(" of 2 "),
        "{first}"
    );
    // The layer that was read is not read again.
    let second = scan();
    assert!(second.contains("Reading 1 of 2 layers, 1 known"), "{second}");
}

#[test]
fn a_path_that_is_no_text_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"im\xffage.tar"));
    std::fs::copy(program::root().join("examples/myapp-v1.tar"), &path).unwrap();
    let mut command = command(&["image", "-q", "-f", "json", "--input"]);
    let run = finish(command.arg(&path).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        program::json(&run.out)["ArtifactName"]
            .as_str()
            .unwrap()
            .ends_with("im\u{fffd}age.tar")
    );
    let mut equals = b"--input=".to_vec();
    equals.extend_from_slice(path.as_os_str().as_bytes());
    let mut command = program::command(&["image", "-q"]);
    assert_eq!(
        finish(command.arg(OsStr::from_bytes(&equals)).output().unwrap()).code,
        0
    );
}
