//! Programs and shared objects: what their build left in them. Go's build information, the crates of Rust, the package
//! notes of distributions, version resources of .NET, and the versions that well-known programs carry as text.
//!
//! A program is read forwards, once, and only where such things can be; nothing of it is kept but a window.

pub mod classifiers;
mod go;
mod integers;
mod layout;
mod note;
mod resource;
mod rust;
mod walk;

use crate::analyzer::{FileReport, StreamAnalyzer};
use crate::content::Content;

/// The table's row.
pub static ANALYZER: StreamAnalyzer = StreamAnalyzer {
    name: "binary",
    version: 4,
    wants,
    begins,
    through_links: false,
    analyze,
};

/// Endings of files that are no programs: looking at their first bytes would cost a directory walk its time.
const OTHER_ENDINGS: [&str; 118] = [
    "a",
    "adoc",
    "afm",
    "asc",
    "bash",
    "bat",
    "beam",
    "bmp",
    "bz2",
    "c",
    "cc",
    "cfg",
    "class",
    "cmake",
    "conf",
    "cpp",
    "crt",
    "css",
    "csv",
    "cjs",
    "cts",
    "db",
    "deb",
    "desktop",
    "diff",
    "doc",
    "egg",
    "el",
    "elc",
    "eot",
    "ex",
    "exs",
    "erl",
    "fish",
    "gem",
    "gif",
    "gmo",
    "go",
    "gz",
    "h",
    "hi",
    "hpp",
    "hrl",
    "hs",
    "htm",
    "html",
    "ico",
    "in",
    "inc",
    "info",
    "ini",
    "ipynb",
    "jar",
    "java",
    "jpeg",
    "jpg",
    "js",
    "json",
    "jsx",
    "key",
    "la",
    "ldif",
    "less",
    "list",
    "lock",
    "log",
    "lua",
    "m4",
    "map",
    "markdown",
    "md",
    "md5sums",
    "ml",
    "mli",
    "mjs",
    "mo",
    "mts",
    "o",
    "otf",
    "patch",
    "pc",
    "pdf",
    "pem",
    "php",
    "pl",
    "pm",
    "png",
    "po",
    "pod",
    "properties",
    "proto",
    "ps1",
    "pub",
    "py",
    "pyc",
    "pyi",
    "pyo",
    "rb",
    "rpm",
    "rs",
    "rst",
    "scss",
    "service",
    "sh",
    "sql",
    "svg",
    "tar",
    "tcl",
    "tex",
    "toml",
    "ts",
    "tsx",
    "ttf",
    "txt",
    "woff2",
    "xml",
    "yaml",
    "yml",
];

/// Directories without programs.
const OTHER_DIRECTORIES: [&str; 18] = [
    "dev/",
    "etc/",
    "lib/apk/db/",
    "proc/",
    "sys/",
    "usr/include/",
    "usr/lib/apk/db/",
    "usr/lib/sysimage/rpm/",
    "usr/share/doc/",
    "usr/share/i18n/",
    "usr/share/locale/",
    "usr/share/man/",
    "usr/share/rpm/",
    "usr/share/terminfo/",
    "usr/share/zoneinfo/",
    "var/cache/",
    "var/lib/dpkg/",
    "var/lib/pacman/",
];

fn wants(path: &str) -> bool {
    if OTHER_DIRECTORIES.iter().any(|directory| path.starts_with(directory))
        || path.starts_with("var/lib/rpm/")
        || path.starts_with("var/db/pkg/")
        || path.contains("/.git/")
    {
        return false;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.is_empty() || name == "." {
        return false;
    }
    match name.rsplit_once('.') {
        Some((_, ending)) => !OTHER_ENDINGS.iter().any(|other| ending.eq_ignore_ascii_case(other)),
        // Licences and the lists of package managers: `RECORD`, `WHEEL`, `METADATA`, `README`.
        None => !matches!(
            name,
            "RECORD"
                | "WHEEL"
                | "METADATA"
                | "INSTALLER"
                | "REQUESTED"
                | "LICENSE"
                | "README"
                | "COPYING"
                | "Makefile"
                | "copyright"
        ),
    }
}

/// Whether the file at this path may be a program: one of a distribution package lies in some directory.
pub(crate) fn is_candidate(path: &str) -> bool {
    path.contains('/') && wants(path)
}

fn begins(head: &[u8]) -> bool {
    match head {
        [0x7f, b'E', b'L', b'F', ..]
        | [b'M', b'Z', ..]
        | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
        | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
        // A universal binary of macOS has a few architectures; a Java class has its version there.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, count, ..] => (1..30).contains(count),
        _ => false,
    }
}

fn analyze(path: &str, content: &mut Content<'_>, report: &mut FileReport) {
    walk::Walk::new(path, report).read(content);
}

#[cfg(test)]
mod tests {
    use super::{begins, wants};

    #[test]
    fn what_may_be_a_program() {
        for (path, expected) in [
            ("usr/bin/python3.11", true),
            ("app/server", true),
            ("app/windows.exe", true),
            ("usr/lib/libc.so.6", true),
            ("lib/x.node", true),
            ("a/b.py", false),
            ("etc/passwd", false),
            ("var/lib/dpkg/status", false),
            ("a/RECORD", false),
        ] {
            assert_eq!(wants(path), expected, "{path}");
        }
        assert!(begins(b"\x7fELF\x02") && begins(b"MZ\x90\0") && begins(b"\xcf\xfa\xed\xfe"));
        assert!(!begins(b"#!/bin/sh") && !begins(b"") && !begins(b"\xca\xfe\xba\xbe\0\0\0\x34"));
    }
}
