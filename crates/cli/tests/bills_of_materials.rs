//! A bill of materials that the binary wrote gives it the same findings as the image itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn seaworthy(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env("XDG_CACHE_HOME", "/nonexistent")
        .env("SEAWORTHY_NO_CACHE", "true")
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = seaworthy(arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The findings and packages of a report, without what belongs to the image alone.
fn facts(report: &Value) -> (Vec<String>, Vec<String>) {
    let list = |name: &str, left_out: &[&str]| -> Vec<String> {
        let mut all: Vec<String> = report["Results"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|result| result[name].as_array().cloned().unwrap_or_default())
            .map(|mut entry| {
                let fields = entry.as_object_mut().unwrap();
                for name in left_out {
                    fields.remove(*name);
                }
                entry.to_string()
            })
            .collect();
        all.sort();
        all
    };
    (
        list("Vulnerabilities", &["Fingerprint", "PkgIdentifier"]),
        // SPDX joins licences into one expression, and leaves addresses out of suppliers.
        list("Packages", &["Identifier", "Licenses", "Maintainer", "AnalyzedBy"]),
    )
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut archives: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tar"))
        .collect();
    archives.extend(seaworthy_testkit::data::path("vectors/images/trivy/alpine-310.tar.gz"));
    assert!(archives.len() >= 2);
    archives
}

#[test]
fn a_bill_gives_the_findings_of_its_image() {
    let folder = tempfile::tempdir().unwrap();
    for image in examples() {
        let image = image.to_str().unwrap();
        let direct = json(&["image", "--input", image, "-q", "-f", "json", "--list-all-pkgs"]);
        for format in ["cyclonedx", "spdx-json", "spdx"] {
            let bill = folder.path().join("bill");
            let target = format!("{format}={}", bill.display());
            let written = seaworthy(&["image", "--input", image, "-q", "-o", &target]);
            assert_eq!(written.status.code(), Some(0));
            let read = json(&["sbom", bill.to_str().unwrap(), "-q", "-f", "json", "--list-all-pkgs"]);
            assert_eq!(facts(&read), facts(&direct), "{image} as {format}");
            assert_eq!(read["Metadata"]["OS"], direct["Metadata"]["OS"], "{image} as {format}");
            let kind = if format == "cyclonedx" { "cyclonedx" } else { "spdx" };
            assert_eq!(read["ArtifactType"], kind);
        }
    }
}

/// Copies every collected case of installed language packages into one tree, each below a directory of its own.
fn every_ecosystem(tree: &Path) -> bool {
    let Some(modes) = seaworthy_testkit::data::rows("vectors/inventory/MODES.tsv") else {
        return false;
    };
    for (number, mode) in modes.iter().enumerate() {
        let [case, how, place, plugin, ..] = mode.as_slice() else {
            continue;
        };
        if how != "rootfs" || plugin.starts_with("os/") {
            continue;
        }
        let input = seaworthy_testkit::data::path(&format!("vectors/inventory/{case}/input")).unwrap();
        for file in seaworthy_testkit::data::files(&input) {
            let relative = file.strip_prefix(&input).unwrap().to_str().unwrap();
            let path = match place.as_str() {
                "" => relative.to_owned(),
                directory if directory.ends_with('/') => format!("{directory}{relative}"),
                place => place.to_owned(),
            };
            let target = tree.join(format!("case-{number}")).join(path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(&file, target).unwrap();
        }
    }
    true
}

#[test]
fn a_bill_gives_the_findings_of_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let mut scans = vec![("fs", ".".to_owned())];
    if every_ecosystem(&tree) {
        scans.push(("rootfs", tree.to_str().unwrap().to_owned()));
    }
    for (command, directory) in scans {
        let direct = json(&[command, &directory, "-q", "-f", "json", "--list-all-pkgs"]);
        let (_, packages) = facts(&direct);
        assert!(packages.len() > 100, "{command}: {}", packages.len());
        for format in ["cyclonedx", "spdx-json", "spdx"] {
            let bill = folder.path().join("bill");
            let target = format!("{format}={}", bill.display());
            let written = seaworthy(&[command, &directory, "-q", "-o", &target]);
            assert_eq!(written.status.code(), Some(0));
            let read = json(&["sbom", bill.to_str().unwrap(), "-q", "-f", "json", "--list-all-pkgs"]);
            let (read, direct) = (facts(&read), facts(&direct));
            let lost: Vec<_> = direct.1.iter().filter(|one| !read.1.contains(one)).take(3).collect();
            assert!(lost.is_empty(), "{command} as {format}: {lost:#?}");
            assert_eq!(read.1.len(), direct.1.len(), "{command} as {format}");
            let lost: Vec<_> = direct.0.iter().filter(|one| !read.0.contains(one)).take(3).collect();
            assert!(lost.is_empty(), "{command} as {format}: {lost:#?}");
            assert_eq!(read.0.len(), direct.0.len(), "{command} as {format}");
        }
    }
}

#[test]
fn a_gate_on_a_bill_fails_like_one_on_its_image() {
    let folder = tempfile::tempdir().unwrap();
    for (image, code) in [("examples/myapp-v1.tar", 1), ("examples/myapp-v1-fixed.tar", 0)] {
        let bill = folder.path().join("bill.json");
        let target = format!("cyclonedx={}", bill.display());
        seaworthy(&["image", "--input", image, "-q", "-o", &target]);
        let gate = seaworthy(&["sbom", bill.to_str().unwrap(), "-q", "--fail-on", "critical"]);
        assert_eq!(gate.status.code(), Some(code), "{image}");
    }
}

#[test]
fn a_list_of_package_urls_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.txt");
    std::fs::write(
        &list,
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?distro=debian-12&upstream=openssl\n",
    )
    .unwrap();
    let report = json(&["sbom", list.to_str().unwrap(), "-q", "-f", "json"]);
    assert_eq!(report["Metadata"]["OS"]["Family"], "debian");
    assert!(!report["Results"][0]["Vulnerabilities"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_bill_ends_with_3_and_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, words) in [
        ("a.xml", "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/>", "XML"),
        ("a.txt", "hello", "no bill of materials"),
        ("a.json", "{\"bomFormat\": \"CycloneDX\", ", "no valid"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let output = seaworthy(&["sbom", path.to_str().unwrap()]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{name}: {error}");
        assert!(error.contains(words) && error.contains(name), "{error}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(seaworthy(&["sbom", "/nonexistent.json"]).status.code(), Some(3));
}

#[test]
fn a_report_converts_to_what_the_scan_would_have_written() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let target = format!("json={}", report.display());
    seaworthy(&[
        "image",
        "--input",
        "examples/myapp-v1.tar",
        "-q",
        "--list-all-pkgs",
        "-o",
        &target,
    ]);
    let report = report.to_str().unwrap();
    for format in ["sarif", "junit", "gitlab-codequality", "markdown", "table"] {
        let direct = seaworthy(&["image", "--input", "examples/myapp-v1.tar", "-q", "-f", format]);
        let converted = seaworthy(&["convert", report, "-f", format]);
        assert_eq!(
            converted.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&converted.stderr)
        );
        assert_eq!(
            String::from_utf8(converted.stdout).unwrap(),
            String::from_utf8(direct.stdout).unwrap(),
            "{format}"
        );
    }
    assert_eq!(
        seaworthy(&["convert", report, "--fail-on", "critical"]).status.code(),
        Some(1)
    );
    assert_eq!(
        seaworthy(&["convert", report, "--exit-code", "5", "-s", "LOW"])
            .status
            .code(),
        Some(0)
    );
    // What is not shown still fails, as in a scan.
    assert_eq!(
        seaworthy(&["convert", report, "--fail-on", "critical", "-s", "LOW"])
            .status
            .code(),
        Some(1)
    );
    assert_eq!(seaworthy(&["convert", "README.md"]).status.code(), Some(3));
}
