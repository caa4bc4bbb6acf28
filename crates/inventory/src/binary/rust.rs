//! Rust programs that `cargo auditable` built: the list of their crates as zlib-compressed JSON in the section `.dep-v0`
//! (rust-secure-code/cargo-auditable, PARSING.md).
//!
//! Where headers at the file's beginning do not tell the place (ELF), it is found by what it begins with.

use std::io::Read;

use flate2::read::ZlibDecoder;
use flate2::{Decompress, FlushDecompress};
use seaworthy_model::{Ecosystem, Effect, limits};
use serde::Deserialize;

use crate::analyzer::FileReport;
use crate::content::Content;
use crate::language::listing;

/// The headers of zlib streams with a window of 32 KiB, one for each class of levels (RFC 1950).
pub(super) const BEGIN: &str = r"(?-u)\x78[\x01\x5e\x9c\xda]";
/// Compressed bytes by which a stream is told from others: the JSON's first two letters need about ten.
const HEAD: usize = 64;

#[derive(Deserialize)]
struct Audit {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: String,
}

/// Tells the list from other streams; holds what the attempts share.
pub(super) struct Finder(Decompress);

impl Finder {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// Whether a zlib stream that begins so may be the list.
    pub(super) fn fits(&mut self, compressed: &[u8]) -> bool {
        const START: &[u8] = b"{\"packages\":[";
        let mut head = [0u8; START.len()];
        self.0.reset(true);
        let compressed = compressed.get(..HEAD).unwrap_or(compressed);
        let outcome = self.0.decompress(compressed, &mut head, FlushDecompress::None);
        outcome.is_ok() && self.0.total_out() == START.len() as u64 && head == *START
    }
}

/// Lists the crates of the list that `content` stands at; `false` when it is none.
pub(super) fn list(path: &str, content: &mut Content<'_>, report: &mut FileReport) -> bool {
    let mut json = Vec::new();
    let limit = limits::METADATA_BYTES;
    let outcome = ZlibDecoder::new(content)
        .take(limit.saturating_add(1))
        .read_to_end(&mut json);
    let audit = match (outcome, serde_json::from_slice::<Audit>(&json)) {
        (Ok(_), Ok(audit)) => audit,
        (_, Err(error)) => {
            let what = format!("the list of crates in the program could not be read: {error}");
            listing::problem(report, path, Effect::Incomplete, what);
            return false;
        }
        (Err(error), Ok(_)) => {
            let what = format!("the list of crates in the program is damaged: {error}");
            listing::problem(report, path, Effect::Incomplete, what);
            return false;
        }
    };
    // What only build scripts used is not in the program.
    for one in audit.packages.iter().filter(|one| one.kind != "build") {
        listing::add(report, Ecosystem::Cargo, &one.name, &one.version, path);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{Finder, list};
    use crate::analyzer::FileReport;
    use crate::content::Content;
    use std::io::Write;

    fn compressed(text: &str, level: u32) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn build_dependencies_are_not_in_the_program() {
        let text = r#"{"packages":[{"name":"a","version":"1.0.0","source":"local","root":true},
            {"name":"cc","version":"1.0.1","source":"crates.io","kind":"build"}]}"#;
        for level in [1, 6, 9] {
            let bytes = compressed(text, level);
            assert!(Finder::new().fits(&bytes), "{level}");
            let mut inner = bytes.as_slice();
            let mut report = FileReport::default();
            assert!(list(
                "usr/bin/a",
                &mut Content::new(&mut inner, bytes.len() as u64),
                &mut report
            ));
            let names: Vec<_> = report.packages.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(names, ["a"]);
        }
        let mut finder = Finder::new();
        assert!(!finder.fits(&compressed("{\"other\":[1,2,3,4,5]}", 6)));
        assert!(!finder.fits(b"x\x9cnonsense") && !finder.fits(b""));
    }

    #[test]
    fn a_damaged_list_is_said() {
        let bytes = compressed("{\"packages\":[{\"name\":5}]}", 6);
        let mut inner = bytes.as_slice();
        let mut report = FileReport::default();
        assert!(!list(
            "a",
            &mut Content::new(&mut inner, bytes.len() as u64),
            &mut report
        ));
        assert_eq!(report.problems.len(), 1);
    }
}
