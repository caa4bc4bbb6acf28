//! Java archives: Maven coordinates from `pom.properties`, else from the manifest and the file name; archives inside
//! archives likewise.
//!
//! The central directory decides which entries exist, as it does for the class loader. Contents are inflated only where
//! they are needed: coordinates up to the cap for metadata, inner archives up to a budget for the whole outer one.

use crate::analyzer::{Analyzer, File, FileReport};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use seaworthy_model::{Ecosystem, Effect, Package, Problem, limits};
use std::io::Read;

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "java-archive",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

/// Endings of archives that a Java program loads.
const ENDINGS: [&str; 10] = ["jar", "war", "ear", "par", "sar", "nar", "hpi", "jpi", "kar", "far"];

fn wants(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    // Empty files and text with this ending are placeholders, not archives that could not be read.
    if !file.bytes.starts_with(b"PK") {
        report.problems.push(Problem::at_path(
            file.path,
            Effect::Note,
            "is no zip archive and so no Java archive",
        ));
        return;
    }
    let mut budget = limits::FILE_BYTES;
    read(file.path, file.bytes, 0, &mut budget, report);
}

/// Reads one archive; `budget` is what may still be inflated for the outermost one.
fn read(path: &str, bytes: &[u8], depth: usize, budget: &mut u64, report: &mut FileReport) {
    if let Err(why) = entries(path, bytes, depth, budget, report) {
        let what = format!("the Java archive could not be read whole, packages may be missing: {why}");
        report.problems.push(Problem::at_path(path, Effect::Incomplete, what));
    }
}

fn entries(path: &str, bytes: &[u8], depth: usize, budget: &mut u64, report: &mut FileReport) -> Result<(), String> {
    let archive = ZipArchive::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut found = false;
    let mut manifest = None;
    let mut failure = None;
    let mut entries = archive.entries();
    let mut count = 0usize;
    while let Some(entry) = entries.next_entry().map_err(|error| error.to_string())? {
        count += 1;
        if count > limits::ZIP_ENTRIES {
            return Err(format!("it has more than {} entries", limits::ZIP_ENTRIES));
        }
        let raw = entry.file_path();
        let Ok(name) = std::str::from_utf8(raw.as_bytes()) else {
            continue;
        };
        let coordinates = name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties");
        let is_manifest = name.eq_ignore_ascii_case("META-INF/MANIFEST.MF");
        let inner = wants(name);
        if !(coordinates || is_manifest || inner) {
            continue;
        }
        let cap = if inner { *budget } else { limits::METADATA_BYTES };
        let content = archive
            .get_entry(entry.wayfinder())
            .map_err(|error| error.to_string())
            .and_then(|data| match entry.compression_method() {
                CompressionMethod::STORE => inflate(data.verifying_reader(data.data()), cap),
                CompressionMethod::DEFLATE => inflate(data.verifying_reader(DeflateDecoder::new(data.data())), cap),
                other => Err(format!("unknown compression method {other:?}")),
            });
        let content = match content {
            Ok(content) => content,
            Err(why) => {
                failure.get_or_insert(format!("{name}: {why}"));
                continue;
            }
        };
        if inner {
            *budget = budget.saturating_sub(content.len() as u64);
            if depth + 1 >= limits::ARCHIVE_DEPTH {
                failure.get_or_insert(format!(
                    "{name}: archives are nested deeper than {}",
                    limits::ARCHIVE_DEPTH
                ));
            } else if content.starts_with(b"PK") {
                read(&format!("{path}/{name}"), &content, depth + 1, budget, report);
            }
        } else if is_manifest {
            manifest = Some(content);
        } else {
            found |= pom_properties(path, &content, report);
        }
    }
    if !found {
        from_manifest_and_name(path, manifest.as_deref().unwrap_or_default(), report);
    }
    failure.map_or(Ok(()), Err)
}

fn inflate(reader: impl Read, cap: u64) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    reader
        .take(cap.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|error| error.to_string())?;
    if content.len() as u64 > cap {
        return Err(format!("it is larger than the {cap} bytes that may be inflated"));
    }
    Ok(content)
}

/// Coordinates as Maven writes them; a shaded archive has several files of this kind, and all of them count.
fn pom_properties(path: &str, content: &[u8], report: &mut FileReport) -> bool {
    let text = String::from_utf8_lossy(content);
    let value = |key: &str| {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!']));
        lines.find_map(|line| {
            let (name, value) = line.split_once(['=', ':'])?;
            (name.trim() == key).then(|| value.trim().to_owned())
        })
    };
    let (Some(group), Some(artifact), Some(version)) = (value("groupId"), value("artifactId"), value("version")) else {
        return false;
    };
    add(path, &group, &artifact, &version, report)
}

fn add(path: &str, group: &str, artifact: &str, version: &str, report: &mut FileReport) -> bool {
    // A placeholder that no build filled in is no coordinate.
    let known = |text: &str| !text.is_empty() && !text.contains("${") && text.len() <= limits::VALUE_BYTES;
    if !known(artifact) || !known(version) {
        return false;
    }
    let name = if known(group) {
        format!("{group}:{artifact}")
    } else {
        artifact.to_owned()
    };
    let package = Package::new(Ecosystem::Maven, name, version, path);
    if report.packages.len() < limits::PACKAGES && !report.packages.contains(&package) {
        report.packages.push(package);
    }
    true
}

/// What the manifest and a name like `artifact-1.2.3.jar` say together.
fn from_manifest_and_name(path: &str, manifest: &[u8], report: &mut FileReport) {
    let manifest = Manifest::parse(manifest);
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let (file_artifact, file_version) = split_name(stem);
    let version = ["Implementation-Version", "Bundle-Version", "Specification-Version"]
        .iter()
        .find_map(|name| manifest.value(name))
        .filter(|_| file_version.is_none())
        .or_else(|| file_version.map(str::to_owned));
    let artifact = if file_version.is_some() {
        Some(file_artifact.to_owned())
    } else {
        manifest
            .value("Implementation-Title")
            .filter(|title| !title.contains(' '))
    };
    let group = manifest.value("Implementation-Vendor-Id").unwrap_or_default();
    if let Some(version) = version {
        add(
            path,
            &group,
            artifact.as_deref().unwrap_or(file_artifact),
            &version,
            report,
        );
    }
}

/// Words that stand inside versions: what follows them belongs to the version too.
const QUALIFIERS: [&str; 10] = [
    "alpha",
    "beta",
    "milestone",
    "m",
    "rc",
    "cr",
    "sp",
    "jre",
    "snapshot",
    "build",
];

/// `commons-io-2.11.0` → `commons-io` and `2.11.0`: the version begins at the last part that starts with a digit and does
/// not continue a version (`1.0-beta-2`, `1.0-2`).
fn split_name(stem: &str) -> (&str, Option<&str>) {
    let mut begin = None;
    let mut previous = "";
    let mut at = 0usize;
    for part in stem.split('-') {
        let digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        let continues = digit(previous) || QUALIFIERS.iter().any(|word| previous.eq_ignore_ascii_case(word));
        if at > 0 && digit(part) && !(continues && begin.is_some()) {
            begin = Some(at);
        }
        at += part.len() + 1;
        previous = part;
    }
    match begin.map(|begin| (stem.get(..begin - 1), stem.get(begin..))) {
        Some((Some(artifact), Some(version))) => (artifact, Some(version)),
        _ => (stem, None),
    }
}

/// The main section of a manifest (JAR file specification): `Name: value`, continued on lines that begin with a space.
struct Manifest(Vec<(String, String)>);

impl Manifest {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .take(limits::LIST_ENTRIES)
        {
            match (line.strip_prefix(' '), fields.last_mut()) {
                (Some(more), Some((_, value))) => value.push_str(more),
                _ => {
                    if let Some((name, value)) = line.split_once(':') {
                        fields.push((name.trim().to_owned(), value.trim().to_owned()));
                    }
                }
            }
        }
        Self(fields)
    }

    fn value(&self, wanted: &str) -> Option<String> {
        let found = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport, split_name, wants};
    use std::io::Write;

    fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
        for (name, content) in entries {
            let method = rawzip::CompressionMethod::DEFLATE;
            let (mut entry, config) = archive.new_file(name).compression_method(method).start().unwrap();
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
            let mut writer = config.wrap(encoder);
            writer.write_all(content).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        bytes
    }

    fn names(path: &str, bytes: &[u8]) -> (Vec<String>, FileReport) {
        assert!((ANALYZER.wants)(path));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, bytes), &mut report);
        (
            report
                .packages
                .iter()
                .map(|package| format!("{} {}", package.name, package.version))
                .collect(),
            report,
        )
    }

    const POM: &[u8] = b"#Generated\nversion=1.1\ngroupId=org.example\nartifactId=lib\n";

    #[test]
    fn coordinates_come_from_pom_properties_before_the_name() {
        let archive = jar(&[
            ("META-INF/maven/org.example/lib/pom.properties", POM),
            ("a.class", b"x"),
        ]);
        assert_eq!(names("opt/other-9.jar", &archive).0, ["org.example:lib 1.1"]);
    }

    #[test]
    fn archives_inside_archives_are_read() {
        let inner = jar(&[("META-INF/maven/org.example/lib/pom.properties", POM)]);
        let middle = jar(&[("WEB-INF/lib/inner.jar", &inner)]);
        let outer = jar(&[("app.war", &middle)]);
        let (found, report) = names("srv/all.ear", &outer);
        assert_eq!(found, ["org.example:lib 1.1"]);
        assert_eq!(report.packages[0].path, "srv/all.ear/app.war/WEB-INF/lib/inner.jar");
    }

    #[test]
    fn the_manifest_and_the_name_help_where_maven_left_nothing() {
        let manifest = b"Manifest-Version: 1.0\r\nImplementation-Vendor-Id: org.exa\r\n mple\r\n\r\nName: x\r\n";
        let archive = jar(&[("META-INF/MANIFEST.MF", manifest)]);
        assert_eq!(names("lib/thing-1.2.3.jar", &archive).0, ["org.example:thing 1.2.3"]);
        assert!(names("lib/thing.jar", &archive).0.is_empty());
    }

    #[test]
    fn damage_and_endless_nesting_are_problems() {
        let mut archive = jar(&[("META-INF/maven/org.example/lib/pom.properties", POM)]);
        for _ in 0..20 {
            archive = jar(&[("x.jar", &archive)]);
        }
        assert!(
            names("a.jar", &archive)
                .1
                .problems
                .iter()
                .any(|problem| problem.what.contains("nested deeper"))
        );
        let whole = jar(&[("META-INF/maven/org.example/lib/pom.properties", POM)]);
        for cut in 2..whole.len() {
            let (found, report) = names("a.jar", &whole[..cut]);
            assert!(found.is_empty() && !report.problems.is_empty(), "{cut}");
        }
    }

    #[test]
    fn names_are_split_before_the_version() {
        assert_eq!(split_name("commons-io-2.11.0"), ("commons-io", Some("2.11.0")));
        assert_eq!(split_name("log4j-1.2-api-2.17.1"), ("log4j-1.2-api", Some("2.17.1")));
        assert_eq!(split_name("a-1.0-beta-2"), ("a", Some("1.0-beta-2")));
        assert_eq!(split_name("a-1.0-20200101.1-1"), ("a", Some("1.0-20200101.1-1")));
        assert_eq!(split_name("tool"), ("tool", None));
        assert!(wants("a/b.JAR") && !wants("a/.jar") && !wants("a/jar"));
    }
}
