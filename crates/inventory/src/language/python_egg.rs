//! Eggs as zip archives: `EGG-INFO/PKG-INFO` inside a `*.egg` file.
//!
//! The central directory decides where the entry lies, as it does for Python's zipimport. Only that entry is inflated,
//! up to the cap for metadata, so that a bomb elsewhere in the archive costs nothing.

use std::io::Read;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use seaworthy_model::{Effect, Problem, limits};

use super::python::add_package;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "python-egg",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

const ENTRY: &[u8] = b"EGG-INFO/PKG-INFO";

fn wants(path: &str) -> bool {
    stem(path.rsplit('/').next().unwrap_or(path)).is_some_and(|stem| !stem.is_empty())
}

fn stem(name: &str) -> Option<&str> {
    let (stem, ending) = name.split_at_checked(name.len().checked_sub(4)?)?;
    ending.eq_ignore_ascii_case(".egg").then_some(stem)
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    // Other things are called so too; an archive begins with a local header or is empty.
    if !file.bytes.starts_with(b"PK") {
        report.problems.push(Problem::at_path(
            file.path,
            Effect::Note,
            "is no zip archive and so no egg",
        ));
        return;
    }
    match metadata(file.bytes) {
        Ok(metadata) => add_package(file.path, &metadata, stem(file.name()).unwrap_or(""), report),
        Err(why) => {
            let what = format!("the egg could not be read, its package is not listed: {why}");
            report
                .problems
                .push(Problem::at_path(file.path, Effect::Incomplete, what));
        }
    }
}

/// The content of the metadata entry.
fn metadata(archive: &[u8]) -> Result<Vec<u8>, String> {
    let archive = ZipArchive::from_slice(archive).map_err(|error| error.to_string())?;
    let mut entries = archive.entries();
    for _ in 0..limits::ZIP_ENTRIES {
        let Some(entry) = entries.next_entry().map_err(|error| error.to_string())? else {
            return Err("it has no EGG-INFO/PKG-INFO".to_owned());
        };
        if !entry.file_path().as_bytes().eq_ignore_ascii_case(ENTRY) {
            continue;
        }
        let data = archive
            .get_entry(entry.wayfinder())
            .map_err(|error| error.to_string())?;
        return match entry.compression_method() {
            CompressionMethod::STORE => read_verified(data.verifying_reader(data.data())),
            CompressionMethod::DEFLATE => read_verified(data.verifying_reader(DeflateDecoder::new(data.data()))),
            other => Err(format!("unknown compression method {other:?}")),
        };
    }
    Err(format!("it has more than {} entries", limits::ZIP_ENTRIES))
}

fn read_verified(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let cap = limits::METADATA_BYTES;
    reader
        .take(cap.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|error| error.to_string())?;
    if u64::try_from(content.len()).is_ok_and(|length| length > cap) {
        return Err(format!("EGG-INFO/PKG-INFO is larger than {cap} bytes"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};
    use std::io::Write;

    const PATH: &str = "usr/lib/python3/site-packages/foo-1.0-py3.9.egg";

    fn egg(entries: &[(&str, &[u8], rawzip::CompressionMethod)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
        for (name, content, method) in entries {
            let (mut entry, config) = archive.new_file(name).compression_method(*method).start().unwrap();
            let descriptor = if *method == rawzip::CompressionMethod::DEFLATE {
                let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
                let mut writer = config.wrap(encoder);
                writer.write_all(content).unwrap();
                let (encoder, descriptor) = writer.finish().unwrap();
                encoder.finish().unwrap();
                descriptor
            } else {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(content).unwrap();
                writer.finish().unwrap().1
            };
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> FileReport {
        assert!((ANALYZER.wants)(PATH));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(PATH, bytes), &mut report);
        report
    }

    #[test]
    fn stored_and_deflated() {
        for method in [rawzip::CompressionMethod::STORE, rawzip::CompressionMethod::DEFLATE] {
            let archive = egg(&[
                ("foo/__init__.py", b"", method),
                ("EGG-INFO/PKG-INFO", b"Name: Foo\nVersion: 1.0\n", method),
            ]);
            let report = read(&archive);
            let [package] = report.packages.as_slice() else {
                panic!("{report:?}")
            };
            assert_eq!((package.name.as_str(), package.version.as_str()), ("Foo", "1.0"));
            assert_eq!((package.path.as_str(), report.problems.len()), (PATH, 0));
        }
    }

    #[test]
    fn damage_is_said() {
        let whole = egg(&[(
            "EGG-INFO/PKG-INFO",
            b"Name: Foo\nVersion: 1.0\n",
            rawzip::CompressionMethod::STORE,
        )]);
        let mut changed = whole.clone();
        let at = whole.windows(3).position(|window| window == b"Foo").unwrap();
        *changed.get_mut(at).unwrap() ^= 1;
        let truncated = whole.get(..whole.len() / 2).unwrap();
        let without = egg(&[("foo.py", b"", rawzip::CompressionMethod::STORE)]);
        for bytes in [changed.as_slice(), truncated, without.as_slice(), b"PK", b"PK\x03\x04"] {
            let report = read(bytes);
            assert_eq!((report.packages.len(), report.problems.len()), (0, 1), "{report:?}");
            assert!(
                report
                    .problems
                    .iter()
                    .all(|problem| problem.effect == seaworthy_model::Effect::Incomplete)
            );
        }
        let report = read(b"not an archive");
        assert_eq!((report.packages.len(), report.problems.len()), (0, 1));
    }

    #[test]
    fn bombs_stop_at_the_cap() {
        let zeros = vec![0u8; 64 << 20];
        let bomb = egg(&[("EGG-INFO/PKG-INFO", &zeros, rawzip::CompressionMethod::DEFLATE)]);
        let report = read(&bomb);
        assert_eq!(report.packages.len(), 0);
        assert!(
            report
                .problems
                .iter()
                .any(|problem| problem.what.contains("larger than")),
            "{report:?}"
        );
        let beside = egg(&[
            ("zeros", &zeros, rawzip::CompressionMethod::DEFLATE),
            (
                "EGG-INFO/PKG-INFO",
                b"Name: a\nVersion: 1\n",
                rawzip::CompressionMethod::STORE,
            ),
        ]);
        assert_eq!(read(&beside).packages.len(), 1);
    }
}
