//! The manifest of chiselled Ubuntu images: `var/lib/chisel/manifest.wall`, zstd-compressed lines of JSON ("jsonwall").
//!
//! Lines of kind `package` are the Debian packages that slices were cut from, lines of kind `content` their files.

use std::io::Read;

use seaworthy_model::{Ecosystem, Effect, Package, limits};
use serde::Deserialize;

use super::listing::{Listing, Unresolved};
use super::text;
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads chisel's manifest.
pub static ANALYZER: Analyzer = Analyzer {
    name: "chisel",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path == "var/lib/chisel/manifest.wall"
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Line {
    kind: String,
    name: String,
    version: String,
    arch: String,
    slice: String,
    path: String,
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let mut list = Listing::new(file.path, Ecosystem::Deb, report);
    let mut content = Vec::new();
    let outcome = zstd::stream::read::Decoder::new(file.bytes).and_then(|mut decoder| {
        decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
        decoder
            .take(limits::FILE_BYTES.saturating_add(1))
            .read_to_end(&mut content)
    });
    if let Err(error) = outcome {
        list.problem(
            Effect::Incomplete,
            format!("the manifest could not be decompressed: {error}"),
        );
    } else if content.len() as u64 > limits::FILE_BYTES {
        let what = format!(
            "the manifest has more than {} bytes, the rest was not read",
            limits::FILE_BYTES
        );
        list.problem(Effect::Incomplete, what);
    }
    let content = text(&content);
    for line in content.lines().filter(|line| !line.is_empty()) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            list.problem(Effect::Incomplete, "a line of the manifest could not be read");
            continue;
        };
        match line.kind.as_str() {
            "package" if !line.name.is_empty() && !line.version.is_empty() => {
                let mut package = Package::new(Ecosystem::Deb, line.name, line.version, list.path());
                package.arch = line.arch;
                if !list.add(package) {
                    break;
                }
            }
            // Slices are named `<package>_<slice>`.
            "content" => {
                let owner = line.slice.split('_').next().unwrap_or("");
                list.owns(owner, &line.path);
            }
            _ => {}
        }
    }
    list.finish(Unresolved::Drop);
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, Effect, File, FileReport};

    #[test]
    fn packages_and_their_files() {
        let text = concat!(
            "{\"jsonwall\":\"1.0\",\"schema\":\"1.0\",\"count\":3}\n",
            "{\"kind\":\"content\",\"slice\":\"python3-six_libs\",\"path\":\"/usr/lib/python3/dist-packages/six-1.egg-info\"}\n",
            "{\"kind\":\"package\",\"name\":\"python3-six\",\"version\":\"1-2\",\"arch\":\"all\"}\n",
        );
        let bytes = zstd::bulk::compress(text.as_bytes(), 1).unwrap();
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new("var/lib/chisel/manifest.wall", &bytes), &mut report);
        assert_eq!(
            (report.packages[0].name.as_str(), report.packages[0].version.as_str()),
            ("python3-six", "1-2")
        );
        assert_eq!(report.owned[0].package, "python3-six");
        assert!(report.problems.is_empty());
        for bytes in [b"".as_slice(), b"{}", &bytes[..20]] {
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new("var/lib/chisel/manifest.wall", bytes), &mut report);
            assert!(report.problems.iter().any(|one| one.effect == Effect::Incomplete) || bytes.is_empty());
        }
    }
}
