//! Seeds from real package databases, programs, lock files, images and feeds.

use crate::{Corpus, MOST, parts};
use seaworthy_advisories::versions::Scheme;
use seaworthy_fuzz::{feed_directory, put_part, source_tree};
use seaworthy_image::{Progress, open_input};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

pub fn real(corpus: &Corpus, data: &Path) {
    let mut files = Vec::new();
    list(&data.join("vectors/inventory"), 0, &mut files);
    for path in &files {
        let Ok(bytes) = fs::read(path) else { continue };
        let name = path.strip_prefix(data).unwrap_or(path).to_string_lossy().into_owned();
        let ends = |end: &str| name.ends_with(end);
        if ends("/lib/apk/db/installed") {
            corpus.add("apk", &name, &bytes);
        } else if ends("/var/lib/dpkg/status") {
            corpus.choose("dpkg", &name, 0, &bytes);
        } else if ends("/lib/opkg/status") {
            corpus.choose("dpkg", &name, 6, &bytes);
        } else if name.contains("/dpkg/status.d/") {
            corpus.choose("dpkg", &name, 1, &bytes);
        } else if ends("/rpmdb.sqlite") {
            let log = fs::read(format!("{}-wal", path.display())).unwrap_or_default();
            let mut seed = parts(&[&bytes]);
            seed.extend(log);
            corpus.add("rpm_sqlite", &name, &seed);
        } else if ends("/rpm/Packages.db") {
            corpus.add("rpm_ndb", &name, &bytes);
        } else if ends("/rpm/Packages") {
            corpus.add("rpm_berkeley", &name, &bytes);
        } else if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"MZ") || bytes.starts_with(b"\xcf\xfa\xed\xfe") {
            // The whole is too large to be changed usefully; its headers are real ones.
            let head = bytes.get(..16 << 10).unwrap_or(&bytes);
            corpus.choose("binary", &name, 0, head);
        } else if ends(".cdx.json") {
            corpus.add("cyclonedx", &name, &bytes);
        } else if ends(".spdx.json") || ends(".spdx") {
            corpus.add("spdx", &name, &bytes);
        } else if let Some((target, which)) = lock_file(&name) {
            let beside = path.with_file_name(beside(&name));
            let mut input = Vec::new();
            put_part(&mut input, &bytes);
            input.extend(fs::read(beside).unwrap_or_default());
            corpus.choose(target, &name, which, &input);
            if let Some(which) = installed(&name) {
                corpus.choose("installed_metadata", &name, which, &bytes);
            }
        } else if let Some(which) = installed(&name) {
            corpus.choose("installed_metadata", &name, which, &bytes);
        } else if ends("/package.json") {
            corpus.add("package_json", &name, &bytes);
        } else if ends("/METADATA") {
            corpus.choose("python_metadata", &name, 0, &bytes);
        } else if ends("/PKG-INFO") {
            corpus.choose("python_metadata", &name, 1, &bytes);
        } else if ends(".jar") || ends(".war") {
            corpus.choose("java_archive", &name, 0, &bytes);
        } else if ends(".egg") {
            corpus.choose("python_metadata", &name, 4, &bytes);
        }
    }
    files.clear();
    list(&data.join("vectors/images"), 0, &mut files);
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "tar"))
    {
        let Ok(bytes) = fs::read(path) else { continue };
        let name = path.strip_prefix(data).unwrap_or(path).to_string_lossy().into_owned();
        corpus.choose("image_archive", &name, 0, &bytes);
        let layers = layers(path);
        if !layers.is_empty() {
            let layers: Vec<&[u8]> = layers.iter().take(3).map(Vec::as_slice).collect();
            corpus.choose("layer_walk", &name, 0, &parts(&layers));
        }
    }
    files.clear();
    list(&data.join("vectors/os-detect/files"), 0, &mut files);
    for path in &files {
        let Ok(bytes) = fs::read(path) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        corpus.choose("os_release", &name, 0, &bytes);
    }
    for (target, scheme) in Scheme::ALL.iter().enumerate() {
        let file = scheme.name();
        let Ok(text) = fs::read_to_string(data.join(format!("vectors/versions/{file}.tsv"))) else {
            continue;
        };
        let rows = text.lines().filter(|line| !line.starts_with('#')).step_by(97).take(60);
        for (number, row) in rows.enumerate() {
            let mut fields = row.split('\t');
            if let (Some(a), Some(b)) = (fields.next(), fields.nth(1)) {
                let lines = format!("{a}\n{b}\n{a}0");
                corpus.choose("versions", &format!("{file}-{number}"), target, lines.as_bytes());
            }
        }
    }
    for (which, ecosystem) in feed_directory::OSV.iter().enumerate() {
        real_records(corpus, which, &data.join(format!("feeds/osv/{ecosystem}/all.zip")));
    }
    for (which, name, end) in [
        (3, "feeds/redhat/cve.jsonl.gz", "\n"),
        (5, "feeds/amazon/2/core/updateinfo.xml.gz", "</update>"),
        (7, "feeds/cvss/cve-cvss.csv.gz", "\n"),
    ] {
        if let Some(text) = head(&data.join(name), 24 << 10) {
            let cut = text.rfind(end).map_or(0, |at| at + end.len());
            let closing = if end == "</update>" { "</updates>" } else { "" };
            let whole = format!("{}{closing}", text.get(..cut).unwrap_or(""));
            corpus.choose("feed_file", "real", which, whole.as_bytes());
        }
    }
}

/// The first bytes of an inflated file.
fn head(path: &Path, most: u64) -> Option<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    flate2::read::MultiGzDecoder::new(file)
        .take(most)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A few records of a zip, found by the signature of its local headers: sizes stand in them, as in all zips at hand.
fn real_records(corpus: &Corpus, which: usize, path: &Path) {
    let Ok(zip) = fs::read(path) else { return };
    let short = |at: usize| Some(u16::from_le_bytes(*zip.get(at..)?.first_chunk::<2>()?) as usize);
    let mut at = 0usize;
    for number in 0..12 {
        let Some(rest) = zip.get(at..).filter(|rest| rest.starts_with(b"PK\x03\x04")) else {
            return;
        };
        let size = rest.get(18..22).and_then(|size| size.first_chunk::<4>());
        let (Some(size), Some(name), Some(extra)) = (size, short(at + 26), short(at + 28)) else {
            return;
        };
        let start = at + 30 + name + extra;
        let end = start + u32::from_le_bytes(*size) as usize;
        let Some(stored) = zip.get(start..end) else { return };
        let mut record = Vec::new();
        let inflated = match short(at + 8) {
            Some(8) => flate2::read::DeflateDecoder::new(stored)
                .take(MOST as u64)
                .read_to_end(&mut record),
            _ => stored.take(MOST as u64).read_to_end(&mut record),
        };
        if inflated.is_ok() && record.len() < 16 << 10 {
            corpus.choose("osv_json", &format!("real-{number}"), which, &record);
        }
        at = end;
    }
}

/// The uncompressed layers of an image.
fn layers(path: &Path) -> Vec<Vec<u8>> {
    let Some(image) = path.to_str().and_then(|path| open_input(path, None).ok()) else {
        return Vec::new();
    };
    let all: Vec<usize> = (0..image.metadata().layers.len()).collect();
    let mut layers = BTreeMap::new();
    for stream in image.streams(&all) {
        let read = stream.read(&Progress::default(), |_, reader| {
            let mut tar = Vec::new();
            reader.take(MOST as u64).read_to_end(&mut tar).map(|_| tar)
        });
        for (indexes, tar) in read {
            if let (Some(index), Ok(tar)) = (indexes.first(), tar) {
                layers.insert(*index, tar);
            }
        }
    }
    layers.into_values().collect()
}

fn list(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() && depth < 16 {
            list(&path, depth + 1, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
}

/// The target that reads a lock file of this name, and the byte that chooses its format.
fn lock_file(path: &str) -> Option<(&'static str, usize)> {
    let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    source_tree::FAMILIES.into_iter().find_map(|(target, pairs)| {
        let which = pairs.iter().position(|(name, _)| {
            file(name) == file(path) || (file(name).starts_with("Shop.") && path.ends_with(".deps.json"))
        })?;
        Some((target, which))
    })
}

/// The file that a lock file leads to, in the same directory.
fn beside(path: &str) -> &'static str {
    match path.rsplit('/').next().unwrap_or_default() {
        "poetry.lock" | "pdm.lock" | "uv.lock" | "pylock.toml" => "pyproject.toml",
        "Cargo.lock" => "Cargo.toml",
        "go.mod" => "go.sum",
        "composer.lock" => "composer.json",
        _ => "package.json",
    }
}

/// The byte that chooses the format of a small file of installed metadata.
fn installed(path: &str) -> Option<usize> {
    let ends = [
        (".gemspec", 0),
        ("/installed.json", 1),
        (".reg", 2),
        (".deps.json", 3),
        ("/DESCRIPTION", 4),
        (".rockspec", 5),
        (".app", 6),
        ("/opam", 7),
        (".conf", 8),
        ("/conaninfo.txt", 10),
        ("/Project.toml", 11),
        ("/version.php", 12),
        (".php", 13),
        (".bitnami_components.json", 14),
        ("/release", 16),
        ("/VERSION", 17),
        ("/desc", 18),
        ("/files", 19),
        ("/CONTENTS", 20),
        ("/snap.yaml", 21),
        ("/manifest.wall", 22),
        ("/application-inventory.json", 23),
        ("/container-manifest-2", 24),
    ];
    if path.contains("/conda-meta/") && path.ends_with(".json") {
        return Some(9);
    }
    ends.iter()
        .find(|(end, _)| path.ends_with(end))
        .map(|(_, which)| *which)
}
