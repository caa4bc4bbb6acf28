//! The two images of `examples/`: a small Debian 12 application before and after its update.
//!
//! Package names, versions, sources and states are those of real Debian packages; the files hold no code. With the data
//! that the binary carries `myapp:v1` has exactly 3 critical and 5 medium findings, `myapp:v1-fixed` none.

use crate::{ImageBuilder, LayerBuilder, Stored};
use std::fmt::Write;

/// Binary package, source package where it has another name, version before, version after.
const PACKAGES: [(&str, &str, &str, &str); 9] = [
    ("base-files", "", "12.4+deb12u9", "12.4+deb12u9"),
    ("ca-certificates", "", "20230311", "20230311"),
    ("libtasn1-6", "", "4.19.0-2", "4.19.0-2+deb12u1"),
    ("librsvg2-2", "librsvg", "2.54.5+dfsg-1", "2.54.7+dfsg-1~deb12u1"),
    ("libssh-4", "libssh", "0.10.5-2", "0.10.6-0+deb12u1"),
    ("libzbar0", "zbar", "0.23.92-7", "0.23.92-7+deb12u1"),
    ("netbase", "", "6.4", "6.4"),
    ("tinyproxy-bin", "tinyproxy", "1.11.1-2.1", "1.11.1-2.1+deb12u1"),
    ("tzdata", "", "2024a-0+deb12u1", "2024a-0+deb12u1"),
];

/// Packages of the first layer; the second layer installs the rest.
const BASE: [&str; 4] = ["base-files", "ca-certificates", "netbase", "tzdata"];

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
    VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";

/// The image before (`fixed` false) or after its update.
pub fn example_image(fixed: bool) -> ImageBuilder {
    let status = |only: Option<&[&str]>| {
        let mut text = String::new();
        for (name, source, before, after) in PACKAGES {
            if only.is_some_and(|only| !only.contains(&name)) {
                continue;
            }
            let version = if fixed { after } else { before };
            let architecture = if matches!(name, "ca-certificates" | "netbase" | "tzdata") {
                "all"
            } else {
                "amd64"
            };
            let source = if source.is_empty() {
                String::new()
            } else {
                format!("Source: {source}\n")
            };
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "Package: {name}\nStatus: install ok installed\nPriority: optional\nArchitecture: {architecture}\n{source}Version: {version}\n\n"
            );
        }
        text
    };
    let base = LayerBuilder::new()
        .directory("etc")
        .symbolic_link("etc/os-release", "../usr/lib/os-release")
        .file("etc/debian_version", "12.9\n")
        .symbolic_link("lib", "usr/lib")
        .directory("usr/lib")
        .file("usr/lib/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", status(Some(&BASE)));
    let runtime = LayerBuilder::new().file("var/lib/dpkg/status", status(None));
    let application = LayerBuilder::new()
        .file(
            "app/package.json",
            r#"{"name":"myapp","version":"1.0.0","private":true}"#,
        )
        .file(
            "app/node_modules/ms/package.json",
            r#"{"name":"ms","version":"2.1.3","license":"MIT"}"#,
        )
        .file(
            "usr/local/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\nLicense: MIT\n",
        );
    ImageBuilder::new()
        .tag(if fixed { "myapp:v1-fixed" } else { "myapp:v1" })
        .layer(base, Stored::Plain)
        .layer(runtime, Stored::Plain)
        .layer(application, Stored::Plain)
}
