//! Languages that were built from source or unpacked from an archive, known by the text files that say their version: Go's
//! `VERSION`, `OTP_VERSION` of Erlang, `patchlevel.h` of Python.

use seaworthy_model::{Ecosystem, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "toolchain",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    let Some((directory, above)) = listing::directories(path) else {
        return false;
    };
    match path.rsplit('/').next().unwrap_or(path) {
        "VERSION" => directory == "go",
        "OTP_VERSION" => above == "releases" || above.ends_with("/releases"),
        "patchlevel.h" => directory.starts_with("python") && (above == "include" || above.ends_with("/include")),
        _ => false,
    }
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    match file.name() {
        "VERSION" => {
            let first = text.lines().next().unwrap_or("");
            if let Some(version) = first.strip_prefix("go").and_then(|rest| rest.split_whitespace().next()) {
                // What advisories call the commands that come with the language.
                listing::add(report, Ecosystem::Go, "toolchain", &format!("v{version}"), file.path);
            }
        }
        "OTP_VERSION" => {
            listing::add(
                report,
                Ecosystem::Generic,
                "erlang",
                text.lines().next().unwrap_or(""),
                file.path,
            );
        }
        _ => {
            let value = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("#define PY_VERSION "));
            let version = value.map_or("", |value| value.trim().trim_matches('"').trim_end_matches('+'));
            listing::add(report, Ecosystem::Generic, "python", version, file.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn versions_of_languages() {
        for (path, text, expected) in [
            ("usr/local/go/VERSION", "go1.21.5\ntime 2023\n", "toolchain v1.21.5"),
            (
                "usr/local/lib/erlang/releases/25/OTP_VERSION",
                "25.2.3\n",
                "erlang 25.2.3",
            ),
            (
                "usr/include/python3.11/patchlevel.h",
                "#define PY_VERSION      \t\"3.11.7+\"\n",
                "python 3.11.7",
            ),
        ] {
            assert!((ANALYZER.wants)(path), "{path}");
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            let found: Vec<_> = report
                .packages
                .iter()
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            assert_eq!(found, [expected]);
        }
        assert!(!(ANALYZER.wants)("app/VERSION"));
    }
}
