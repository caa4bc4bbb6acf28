//! The real binary: standard output, standard error and exit code of what people and pipelines run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored, data, example_image};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Run {
    code: i32,
    out: String,
    err: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .current_dir(root());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(arguments: &[&str]) -> Run {
    finish(command(arguments).output().unwrap())
}

fn finish(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn ids(report: &serde_json::Value) -> Vec<String> {
    let results = report["Results"].as_array().unwrap();
    let findings = results
        .iter()
        .flat_map(|result| result["Vulnerabilities"].as_array().into_iter().flatten());
    findings
        .map(|finding| finding["VulnerabilityID"].as_str().unwrap().to_owned())
        .collect()
}

const STATUS: &str = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";

#[test]
fn the_first_example_has_three_criticals_and_five_mediums() {
    let run = run(&["image", "--input", "examples/myapp-v1.tar", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for result in json(&run.out)["Results"].as_array().unwrap() {
        for finding in result["Vulnerabilities"].as_array().into_iter().flatten() {
            *counts
                .entry(finding["Severity"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [("CRITICAL".to_owned(), 3), ("MEDIUM".to_owned(), 5)]
    );
}

#[test]
fn the_second_example_is_clean() {
    let run = run(&["image", "--input", "examples/myapp-v1-fixed.tar", "--exit-code", "1"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(
        run.out
            .contains("Total: 0 (UNKNOWN: 0, LOW: 0, MEDIUM: 0, HIGH: 0, CRITICAL: 0)"),
        "{}",
        run.out
    );
}

#[test]
fn the_committed_examples_are_what_testkit_makes() {
    for (name, fixed) in [("myapp-v1.tar", false), ("myapp-v1-fixed.tar", true)] {
        let committed = std::fs::read(root().join("examples").join(name)).unwrap();
        assert!(
            committed == example_image(fixed).docker_archive(),
            "examples/{name} is stale: run `just examples`"
        );
    }
}

#[test]
fn exit_codes_are_those_of_the_manual() {
    let input = ["image", "--input", "examples/myapp-v1.tar"];
    let with = |more: &[&str]| run(&[&input[..], more].concat()).code;
    assert_eq!(with(&[]), 0);
    assert_eq!(with(&["--exit-code", "7"]), 7);
    assert_eq!(with(&["--exit-code", "7", "--severity", "critical"]), 7);
    assert_eq!(with(&["--exit-code", "7", "--severity", "LOW"]), 0);
    assert_eq!(with(&["--fail-on", "critical", "--severity", "LOW"]), 1);
    assert_eq!(with(&["--exit-code", "7", "--ignore-status", "fixed"]), 0);
    assert_eq!(with(&["--exit-code", "7", "--pkg-types", "library"]), 0);
    assert_eq!(with(&["--severity", "nonsense"]), 2);
    assert_eq!(with(&["--format", "template"]), 2);
    assert_eq!(with(&["--format", "sarif"]), 0);
    assert_eq!(with(&["--output", "jsno=x"]), 2);
    assert_eq!(with(&["--distro", "nonsense/1"]), 2);
    assert_eq!(with(&["--vex", "x.json"]), 2);
    assert_eq!(with(&["--scanners", "vuln,secret", "--vuln-type", "os", "--trace"]), 0);
    assert_eq!(run(&["image", "registry:127.0.0.1:1/alpine:3.20"]).code, 3);
    assert_eq!(run(&["image", "--input", "examples/gone.tar"]).code, 3);
    assert_eq!(
        run(&["image", "--input", "examples/myapp-v1.tar", "--db", "README.md"]).code,
        3
    );
}

#[test]
fn flags_of_trivy_that_mean_nothing_here_are_accepted_with_a_warning() {
    let run = run(&[
        "image",
        "--input",
        "examples/myapp-v1.tar",
        "--skip-java-db-update",
        "--parallel",
        "3",
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.err.contains("--skip-java-db-update means nothing here") && run.err.contains("--parallel"),
        "{}",
        run.err
    );
}

#[test]
fn the_environment_sets_flags_below_the_command_line() {
    let input = ["image", "--input", "examples/myapp-v1.tar"];
    let code = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = command(&[&input[..], more].concat());
        command.envs(variables.iter().copied());
        finish(command.output().unwrap()).code
    };
    assert_eq!(code(&[("SEAWORTHY_EXIT_CODE", "5")], &[]), 5);
    assert_eq!(code(&[("TRIVY_EXIT_CODE", "6")], &[]), 6);
    assert_eq!(code(&[("TRIVY_EXIT_CODE", "6"), ("SEAWORTHY_EXIT_CODE", "5")], &[]), 5);
    assert_eq!(code(&[("SEAWORTHY_EXIT_CODE", "5")], &["--exit-code", "4"]), 4);
    assert_eq!(code(&[("TRIVY_SEVERITY", "LOW"), ("TRIVY_EXIT_CODE", "6")], &[]), 0);
    for yes in ["1", "true", "TRUE", "t", "yes"] {
        assert_eq!(code(&[("SEAWORTHY_IGNORE_UNFIXED", yes)], &[]), 0, "{yes}");
        assert_eq!(code(&[("TRIVY_DEBUG", yes)], &[]), 0, "{yes}");
    }
}

#[test]
fn an_ignore_file_suppresses_with_a_reason_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ignore");
    let ids = ids(&json(
        &run(&["image", "--input", "examples/myapp-v1.tar", "--format", "json"]).out,
    ));
    assert_eq!(ids.len(), 8);
    let ignore = path.to_str().unwrap();
    let scan = |more: &[&str]| {
        let base = [
            "image",
            "--input",
            "examples/myapp-v1.tar",
            "--ignorefile",
            ignore,
            "--exit-code",
            "9",
        ];
        run(&[&base[..], more].concat())
    };
    std::fs::write(
        &path,
        ids.iter()
            .map(|id| format!("{id} # accepted by the team\n"))
            .collect::<String>(),
    )
    .unwrap();
    assert_eq!(scan(&[]).code, 0);
    let shown = scan(&["--show-suppressed"]).out;
    assert!(
        shown.contains("Suppressed Vulnerabilities (Total: 8)") && shown.contains("accepted by the team"),
        "{shown}"
    );
    std::fs::write(
        &path,
        ids.iter()
            .map(|id| format!("{id} exp:2020-01-01\n"))
            .collect::<String>(),
    )
    .unwrap();
    assert_eq!(scan(&[]).code, 9);
}

#[test]
fn several_reports_come_of_one_scan() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.json"), folder.path().join("b.txt"));
    let (json_output, table_output) = (format!("json={}", a.display()), format!("table={}", b.display()));
    let run = run(&[
        "image",
        "--input",
        "examples/myapp-v1.tar",
        "-o",
        &json_output,
        "-o",
        &table_output,
    ]);
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    json(&std::fs::read_to_string(a).unwrap());
    assert!(std::fs::read_to_string(b).unwrap().contains("CRITICAL: 3"));
}

#[test]
fn quiet_is_quiet_and_reports_are_repeatable() {
    let scan = || {
        run(&[
            "image",
            "--input",
            "examples/myapp-v1.tar",
            "-q",
            "--format",
            "json",
            "--list-all-pkgs",
        ])
    };
    let (once, again) = (scan(), scan());
    assert_eq!(once.err, "");
    let strip = |text: &str| {
        let mut report = json(text);
        for field in ["CreatedAt", "ReportID"] {
            assert!(report.as_object_mut().unwrap().remove(field).is_some(), "{field}");
        }
        report.to_string()
    };
    assert_eq!(strip(&once.out), strip(&again.out));
}

#[test]
fn hostile_inputs_end_soon_with_a_message_and_never_clean() {
    let folder = tempfile::tempdir().unwrap();
    let archive = ImageBuilder::new()
        .layer(LayerBuilder::new().file("var/lib/dpkg/status", STATUS), Stored::Gzip)
        .oci_archive();
    let mut half_layer = LayerBuilder::new().file("x", vec![b'x'; 4000]).into_tar();
    half_layer.truncate(2000);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "is empty"),
        ("text", "no archive ".repeat(500).into_bytes(), "not a tar archive"),
        ("zeros", vec![0; 10_240], "is not an image"),
        ("half", archive[..archive.len() / 2].to_vec(), "case.tar"),
        (
            "a program",
            std::fs::read(env!("CARGO_BIN_EXE_seaworthy")).unwrap()[..100_000].to_vec(),
            "not a tar archive",
        ),
        (
            "half a layer",
            ImageBuilder::new().tar_layer(half_layer, Stored::Gzip).oci_archive(),
            "layer",
        ),
        (
            "a layer that is no archive",
            ImageBuilder::new()
                .tar_layer("x".repeat(4096).into_bytes(), Stored::Gzip)
                .oci_archive(),
            "layer",
        ),
    ];
    for (name, bytes, expected) in cases {
        let path = folder.path().join("case.tar");
        std::fs::write(&path, bytes).unwrap();
        let started = Instant::now();
        let run = run(&["image", "--no-progress", "--input", path.to_str().unwrap()]);
        assert_eq!(run.code, 3, "{name}: {}{}", run.out, run.err);
        assert!(
            run.err.starts_with("error: ") && run.err.contains(expected),
            "{name}: {}",
            run.err
        );
        assert!(!run.out.contains("Total: 0"), "{name}: {}", run.out);
        assert!(started.elapsed() < Duration::from_secs(10), "{name}");
    }
}

#[test]
fn an_image_whose_package_database_was_deleted_is_said_to_be_incomplete_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let release = "ID=debian\nVERSION_ID=12\n";
    let image = ImageBuilder::new()
        .layer(
            LayerBuilder::new()
                .file("etc/os-release", release)
                .file("var/lib/dpkg/status", STATUS),
            Stored::Gzip,
        )
        .layer(LayerBuilder::new().whiteout("var/lib/dpkg/status"), Stored::Gzip);
    std::fs::write(&path, image.oci_archive()).unwrap();
    let table = run(&["image", "--input", path.to_str().unwrap()]);
    assert!(
        table.out.contains("deleted") && !table.out.contains("Total: 0"),
        "{}",
        table.out
    );
    let report = json(&run(&["image", "--input", path.to_str().unwrap(), "-f", "json"]).out);
    assert_eq!(report["Problems"][0]["Effect"], "incomplete", "{report}");
}

#[test]
fn a_distribution_without_packages_is_never_clean() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let gawk = "var/lib/pacman/local/gawk-5-1/desc";
    // What lies where, its effect, and the exit codes without and with a gate.
    for (os, file, content, effect, code, gated) in [
        (
            "debian\nVERSION_ID=12",
            "etc/motd",
            "no database at all",
            "incomplete",
            0,
            3,
        ),
        ("debian\nVERSION_ID=12", "var/lib/dpkg/status", "", "uncertain", 0, 0),
        (
            "debian\nVERSION_ID=12",
            "var/lib/dpkg/status.d/x.md5sums",
            "0  usr/x\n",
            "incomplete",
            0,
            3,
        ),
        (
            "alpine\nVERSION_ID=3.20.1",
            "lib/apk/db/installed",
            "",
            "uncertain",
            0,
            0,
        ),
        (
            "alpine\nVERSION_ID=3.20.1",
            "lib/apk/db/installed",
            "<html>not found</html>",
            "incomplete",
            3,
            3,
        ),
        (
            "almalinux\nVERSION_ID=8.5",
            "var/lib/rpm/rpmdb.sqlite",
            "",
            "incomplete",
            3,
            3,
        ),
        ("arch", gawk, "%NAME%\ngawk\n\n%VERSION%\n", "incomplete", 0, 3),
    ] {
        let layer = LayerBuilder::new()
            .file("etc/os-release", format!("ID={os}\n"))
            .file(file, content);
        std::fs::write(&path, ImageBuilder::new().layer(layer, Stored::Gzip).oci_archive()).unwrap();
        let scan = |more: &[&str]| run(&[&["image", "--input", path.to_str().unwrap()], more].concat());
        let table = scan(&[]);
        assert_eq!(table.code, code, "{file}: {}", table.out);
        assert_eq!(scan(&["--exit-code", "1"]).code, gated, "{file}");
        let said = table.out.contains(&format!("Problem ({effect})"));
        assert!(!table.out.contains("Total: 0") && said, "{file}: {}", table.out);
        for format in [
            "json",
            "html",
            "markdown",
            "junit",
            "sarif",
            "cyclonedx",
            "spdx-json",
            "gitlab",
            "github",
        ] {
            let report = scan(&["--format", format]);
            assert_eq!(report.code, code, "{file} {format}");
            // A snapshot of GitHub has room for the worst one only.
            let said = report.out.contains("package database") || report.out.contains(&format!("\"{effect}: "));
            assert!(said, "{file} {format}: {}", report.out);
        }
    }
}

#[test]
fn what_could_not_be_read_does_not_pass_a_gate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let layer = LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", STATUS)
        .file("opt/node_modules/x/package.json", "{ broken");
    std::fs::write(&path, ImageBuilder::new().layer(layer, Stored::Gzip).oci_archive()).unwrap();
    let scan = |more: &[&str]| run(&[&["image", "--input", path.to_str().unwrap()], more].concat()).code;
    assert_eq!(scan(&[]), 0);
    // Libraries alone are no distribution of which nothing was read.
    assert_eq!(scan(&["--pkg-types", "library"]), 0);
    assert_eq!(scan(&["--exit-code", "1"]), 3);
    assert_eq!(scan(&["--fail-on", "critical"]), 3);
}

#[test]
fn a_reader_that_goes_away_does_not_turn_the_gate_green() {
    let scan = ["image", "--input", "examples/myapp-v1.tar", "--exit-code", "7"];
    let outputs: &[&[&str]] = if cfg!(target_os = "linux") {
        &[&[], &["-o", "/dev/stdout"]]
    } else {
        &[&[]]
    };
    for output in outputs {
        let mut child = command(&[&scan, *output].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(7), "{output:?}");
    }
}

#[test]
fn an_image_without_a_platform_is_scanned_when_every_platform_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let layer = LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", STATUS);
    let tar = layer.into_tar();
    let mut config =
        json(&String::from_utf8(ImageBuilder::new().tar_layer(tar.clone(), Stored::Plain).config()).unwrap());
    for field in ["os", "architecture"] {
        config.as_object_mut().unwrap().remove(field);
    }
    let archive = LayerBuilder::new()
        .file("config.json", config.to_string())
        .file("0/layer.tar", tar)
        .file(
            "manifest.json",
            r#"[{"Config":"config.json","Layers":["0/layer.tar"]}]"#,
        );
    std::fs::write(&path, archive.into_tar()).unwrap();
    let run = run(&["image", "--input", path.to_str().unwrap(), "--platform", "all"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("debian 12"), "{}{}", run.out, run.err);
}

#[cfg(unix)]
#[test]
fn advisory_data_that_others_can_write_are_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("db");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("advisories.db"), "foreign").unwrap();
    for (mode, code) in [(0o755, 3), (0o777, 0)] {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).unwrap();
        let cache = folder.path().to_str().unwrap();
        let run = run(&["image", "--input", "examples/myapp-v1-fixed.tar", "--cache-dir", cache]);
        assert_eq!(run.code, code, "{mode:o}: {}", run.err);
        assert_eq!(
            run.err.contains("others can write there"),
            code == 0,
            "{mode:o}: {}",
            run.err
        );
    }
}

#[test]
fn names_in_errors_do_not_reach_the_terminal_raw() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let manifest = r#"[{"Config":"c\u001b[31m","Layers":[]}]"#;
    std::fs::write(&path, LayerBuilder::new().file("manifest.json", manifest).into_tar()).unwrap();
    let run = run(&["image", "--input", path.to_str().unwrap()]);
    assert!(
        run.code == 3 && !run.err.contains('\u{1b}') && run.err.contains("\\u{1b}"),
        "{:?}",
        run.err
    );
}

#[test]
fn an_unknown_distribution_and_a_release_that_has_ended_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    for (release, expected) in [
        ("ID=mysteryos\nVERSION_ID=1\n", "no advisories for this distribution"),
        ("ID=debian\nVERSION_ID=9\n", "no more security fixes"),
    ] {
        let layer = LayerBuilder::new()
            .file("etc/os-release", release)
            .file("var/lib/dpkg/status", STATUS);
        std::fs::write(&path, ImageBuilder::new().layer(layer, Stored::Gzip).oci_archive()).unwrap();
        let table = run(&["image", "--input", path.to_str().unwrap()]);
        assert!(table.out.contains(expected), "{}", table.out);
    }
}

#[test]
fn versions_are_compared_by_pair_and_by_line() {
    assert_eq!(run(&["versions", "compare", "deb", "1.0~rc1", "1.0"]).out, "<\n");
    assert_eq!(
        run(&["versions", "compare", "apk", "1.2.3-r0", "1.2.3_alpha-r0"]).out,
        ">\n"
    );
    assert_eq!(run(&["versions", "compare", "pep440", "no version", "1"]).code, 3);
}

#[test]
fn the_vectors_hold_for_the_binary() {
    for scheme in ["apk", "deb", "rpm", "semver", "npm", "pep440"] {
        let Some(rows) = data::rows(&format!("vectors/versions/{scheme}.tsv")) else {
            return;
        };
        let input: String = rows.iter().map(|row| format!("{}\t{}\n", row[0], row[2])).collect();
        let mut child = command(&["versions", "compare", scheme])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        let answers = String::from_utf8(output.stdout).unwrap();
        assert_eq!(answers.lines().count(), rows.len(), "{scheme}");
        for (row, answer) in rows.iter().zip(answers.lines()) {
            let holds = match row[1].as_str() {
                "<=" => matches!(answer, "<" | "="),
                ">=" => matches!(answer, ">" | "="),
                "!=" => matches!(answer, "<" | ">"),
                sign => answer == sign,
            };
            assert!(holds, "{scheme}: {row:?} gave {answer}");
        }
    }
}

#[test]
fn the_carried_data_are_sound_and_small() {
    let verify = run(&["db", "verify"]);
    assert_eq!(
        (verify.code, verify.out.trim()),
        (0, "built in: every section is sound"),
        "{}",
        verify.err
    );
    let info = run(&["db", "info"]);
    assert!(
        info.out.contains("Debian Security Tracker") && info.out.contains("debian 12"),
        "{}",
        info.out
    );
    assert!(std::fs::metadata(root().join("data/advisories.db")).unwrap().len() <= 8 << 20);
}

#[test]
fn damaged_data_are_refused_and_never_mean_no_vulnerabilities() {
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read(root().join("data/advisories.db")).unwrap();
    let middle = good.len() / 2;
    let mut flipped = good.clone();
    flipped[middle] ^= 1;
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("half", good[..middle].to_vec()),
        ("text", vec![b'x'; 5000]),
        ("flipped", flipped),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let run = run(&["db", "verify", "--db", path.to_str().unwrap()]);
        assert_eq!(run.code, 3, "{name}: {}", run.out);
        assert!(run.err.contains("advisory file"), "{name}: {}", run.err);
    }
}

#[test]
fn real_alpine_has_findings() {
    let Some(path) = data::path("vectors/images/trivy/alpine-310.tar.gz") else {
        return;
    };
    let run = run(&["image", "--input", path.to_str().unwrap(), "-f", "json"]);
    let report = json(&run.out);
    assert_eq!(report["Metadata"]["OS"]["Family"], "alpine");
    assert_eq!(report["Metadata"]["OS"]["EOSL"], true);
    // musl is older than 1.1.22-r4, which fixes this one (Alpine secdb, v3.10).
    assert!(
        ids(&report).contains(&"CVE-2020-28928".to_owned()),
        "{:?}",
        ids(&report)
    );
}

#[test]
fn help_manual_and_completions_are_written() {
    assert!(run(&["image", "--help"]).out.contains("--fail-on"));
    assert!(run(&["man"]).out.contains(".TH"));
    assert!(run(&["completions", "bash"]).out.contains("_seaworthy"));
    assert_eq!(
        run(&["version"]).out,
        format!("seaworthy {}\n", env!("CARGO_PKG_VERSION"))
    );
}
