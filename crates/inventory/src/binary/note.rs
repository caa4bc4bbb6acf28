//! The note that a distribution's build puts into its programs: which package they are of (`.note.package`, systemd's
//! package metadata for executable files).

use seaworthy_model::{Ecosystem, Package};
use serde::Deserialize;

use super::integers::Integers;
use crate::analyzer::FileReport;
use crate::language::listing;

const OWNER: &[u8] = b"FDO\0";
const KIND: u32 = 0xcafe_1a7e;
/// Notes of one segment that are looked at; real ones have under five.
const NOTES: usize = 64;

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    architecture: String,
}

/// Lists the package that the notes of a segment name.
pub(super) fn list(path: &str, notes: &[u8], big_endian: bool, report: &mut FileReport) {
    let mut rest = notes;
    for _ in 0..NOTES {
        let integers = Integers {
            bytes: rest,
            big_endian,
        };
        let (Some(name), Some(content), Some(kind)) = (integers.u32(0), integers.u32(4), integers.u32(8)) else {
            return;
        };
        let padded = |length: u32| (length as usize).checked_next_multiple_of(4);
        let (Some(after_name), Some(end)) = (
            padded(name).and_then(|name| name.checked_add(12)),
            padded(name).and_then(|name| padded(content)?.checked_add(name)?.checked_add(12)),
        ) else {
            return;
        };
        if kind == KIND && rest.get(12..12 + OWNER.len()) == Some(OWNER) {
            let json = rest
                .get(after_name..)
                .and_then(|rest| rest.get(..content as usize))
                .unwrap_or_default();
            add(path, json, report);
            return;
        }
        let Some(next) = rest.get(end..) else { return };
        rest = next;
    }
}

fn add(path: &str, json: &[u8], report: &mut FileReport) {
    let json = json.split(|byte| *byte == 0).next().unwrap_or_default();
    // A note that is no JSON is no note of a package.
    let Ok(metadata) = serde_json::from_slice::<Metadata>(json) else {
        return;
    };
    let ecosystem = match metadata.kind.as_str() {
        "rpm" => Ecosystem::Rpm,
        "deb" => Ecosystem::Deb,
        "apk" => Ecosystem::Apk,
        "alpm" => Ecosystem::Alpm,
        _ => return,
    };
    if let Some(Package { arch, .. }) = listing::add(report, ecosystem, &metadata.name, &metadata.version, path) {
        *arch = metadata.architecture;
    }
}

#[cfg(test)]
mod tests {
    use super::list;
    use crate::analyzer::FileReport;

    fn note(owner: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((owner.len() as u32).to_le_bytes());
        bytes.extend((content.len() as u32).to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(owner);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn the_package_among_other_notes() {
        let mut bytes = note(b"GNU\0", 3, b"12345");
        bytes.extend(note(
            b"FDO\0",
            0xcafe_1a7e,
            b"{\"type\":\"rpm\",\"name\":\"coreutils\",\"version\":\"9.1-7.fc38\",\"architecture\":\"x86_64\"}\0",
        ));
        let mut report = FileReport::default();
        list("usr/bin/ls", &bytes, false, &mut report);
        assert_eq!(
            (report.packages[0].name.as_str(), report.packages[0].version.as_str()),
            ("coreutils", "9.1-7.fc38")
        );
        for cut in 0..bytes.len() {
            list("x", &bytes[..cut], true, &mut FileReport::default());
        }
    }
}
