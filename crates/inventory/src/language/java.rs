//! Java archives: Maven coordinates from `pom.properties`, else from the manifest, the file name and the classes; archives
//! inside archives likewise.
//!
//! The central directory decides which entries exist, as it does for the class loader. Only what is needed is read, within
//! a budget for the outermost archive; an archive that is stored in another is read in place.

mod entry;
mod file_name;
mod manifest;
mod projects;

use std::collections::HashSet;

use rawzip::ZipArchive;
use seaworthy_model::{Ecosystem, Effect, Package, Problem, limits};

use self::manifest::{Coordinates, Manifest, pom_properties};
use self::projects::Guess;
use crate::analyzer::{FileReport, StreamAnalyzer};
use crate::content::Content;

/// The table's row.
pub static ANALYZER: StreamAnalyzer = StreamAnalyzer {
    name: "java-archive",
    version: 3,
    wants: file_name::is_archive,
    begins: |_| true,
    through_links: true,
    analyze,
};

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
/// How far into a file that is no archive an entry is looked for: the scripts of executable archives are shorter.
const SCRIPT_BYTES: usize = 64 << 10;

fn analyze(path: &str, content: &mut Content<'_>, report: &mut FileReport) {
    let mut bytes = Vec::new();
    let _ = std::io::Read::read_to_end(content, &mut bytes);
    let mut reading = Reading {
        report,
        listed: HashSet::new(),
        budget: limits::ARCHIVE_BYTES,
        text: 0,
    };
    reading.archive(path, &bytes, 0);
}

/// The reading of one outermost archive.
struct Reading<'a> {
    report: &'a mut FileReport,
    /// Name, version and path of the packages in the report.
    listed: HashSet<(String, String, String)>,
    /// Bytes of entries that may still be read.
    budget: u64,
    /// Bytes of the names, versions and paths of all packages.
    text: usize,
}

/// What an archive says of itself.
#[derive(Default)]
struct Evidence {
    poms: Vec<Coordinates>,
    manifest: Manifest,
    guess: Option<Guess>,
    /// The first thing that could not be read, and how many more.
    failure: Option<(String, usize)>,
}

impl Evidence {
    fn fail(&mut self, name: &str, why: &str) {
        match &mut self.failure {
            Some((_, more)) => *more = more.saturating_add(1),
            None => self.failure = Some((format!("{name}: {why}"), 0)),
        }
    }
}

impl Reading<'_> {
    fn archive(&mut self, path: &str, bytes: &[u8], depth: usize) {
        let mut evidence = Evidence {
            guess: Guess::new(file_name::artifact(path).0),
            ..Evidence::default()
        };
        match self.entries(path, bytes, depth, &mut evidence) {
            Ok(()) => {}
            // Empty files and text with this ending are placeholders, not archives that could not be read.
            Err(_) if !may_be_archive(bytes) => {
                self.problem(
                    path,
                    Effect::Note,
                    "is no zip archive and so no Java archive".to_owned(),
                );
                return;
            }
            Err(why) => evidence.fail("its directory", &why),
        }
        self.packages(path, &evidence);
        if let Some((first, more)) = evidence.failure {
            let mut what = format!("the Java archive could not be read whole, packages may be missing: {first}");
            if more > 0 {
                what.push_str(&format!(", and {more} more"));
            }
            self.problem(path, Effect::Incomplete, what);
        }
    }

    /// Goes through the directory; an error ends it early.
    fn entries(&mut self, path: &str, bytes: &[u8], depth: usize, evidence: &mut Evidence) -> Result<(), String> {
        let archive = ZipArchive::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut entries = archive.entries();
        let mut has_manifest = false;
        for _ in 0..limits::ZIP_ENTRIES {
            let Some(record) = entries.next_entry().map_err(|error| error.to_string())? else {
                return Ok(());
            };
            let raw = record.file_path();
            let raw = raw.as_bytes();
            if let Some(guess) = &mut evidence.guess {
                guess.see(raw);
            }
            let Some(kind) = Kind::of(raw) else { continue };
            if raw.len() > limits::PATH_BYTES || path.len().saturating_add(raw.len()) > limits::PATH_BYTES * 2 {
                evidence.fail("an entry", "its name is too long");
                continue;
            }
            let name = String::from_utf8_lossy(raw);
            if kind == Kind::Archive && depth.saturating_add(1) >= limits::ARCHIVE_DEPTH {
                evidence.fail(
                    &name,
                    &format!("archives are nested deeper than {}", limits::ARCHIVE_DEPTH),
                );
                continue;
            }
            if kind == Kind::Manifest && std::mem::replace(&mut has_manifest, true) {
                continue;
            }
            let cap = if kind == Kind::Archive {
                limits::FILE_BYTES
            } else {
                limits::METADATA_BYTES
            };
            let content = match entry::read(&archive, &record, cap, &mut self.budget) {
                Ok(content) => content,
                Err(why) => {
                    evidence.fail(&name, &why);
                    continue;
                }
            };
            if let Some(doubt) = content.doubt {
                evidence.fail(&name, doubt);
            }
            match kind {
                Kind::Archive => self.archive(&format!("{path}/{name}"), &content.bytes, depth.saturating_add(1)),
                Kind::Manifest => evidence.manifest = Manifest::parse(&content.bytes),
                Kind::Pom if evidence.poms.len() < limits::LIST_ENTRIES => {
                    evidence.poms.extend(pom_properties(&content.bytes));
                }
                Kind::Pom => evidence.fail(&name, "there are too many files of this kind"),
            }
        }
        match entries.next_entry() {
            Ok(None) => Ok(()),
            _ => Err(format!("it has more than {} entries", limits::ZIP_ENTRIES)),
        }
    }

    /// All that `pom.properties` name, of which a shaded archive has several; the archive itself by other means where none
    /// of them is its own.
    fn packages(&mut self, path: &str, evidence: &Evidence) {
        for pom in &evidence.poms {
            self.add(path, format!("{}:{}", pom.group, pom.artifact), &pom.version);
        }
        let manifest = &evidence.manifest;
        if evidence.poms.is_empty()
            && let Some(plugin) = manifest.jenkins_plugin()
        {
            self.add(path, format!("{}:{}", plugin.group, plugin.artifact), &plugin.version);
            return;
        }
        let (in_name, version_in_name) = file_name::artifact(path);
        let stated = manifest.version();
        let Some(version) = version_in_name.map_or(stated, |version| Some(without_classifier(version, stated))) else {
            return;
        };
        if let Some((group, artifact)) = evidence.guess.as_ref().and_then(Guess::confirmed) {
            if !evidence.poms.iter().any(|pom| pom.artifact == artifact) {
                self.add(path, format!("{group}:{artifact}"), version);
            }
            return;
        }
        if !evidence.poms.is_empty() {
            return;
        }
        let title = manifest.first(&["Implementation-Title"]);
        let artifact = if version_in_name.is_some() {
            in_name
        } else {
            title.unwrap_or(in_name)
        };
        match manifest.group(artifact) {
            Some(group) => self.add(path, format!("{group}:{artifact}"), version),
            // A manifest alone is too little: runtimes put their own version into each of their archives.
            None if version_in_name.is_some() && !artifact.is_empty() => self.add(path, artifact.to_owned(), version),
            None => {}
        }
    }

    fn add(&mut self, path: &str, name: String, version: &str) {
        let text = self
            .text
            .saturating_add(name.len())
            .saturating_add(version.len())
            .saturating_add(path.len());
        if self.report.packages.len() >= limits::PACKAGES || text > limits::PACKAGE_TEXT_BYTES {
            self.problem(
                path,
                Effect::Incomplete,
                "too many packages; the rest was not listed".to_owned(),
            );
            return;
        }
        if self.listed.insert((name.clone(), version.to_owned(), path.to_owned())) {
            self.text = text;
            self.report
                .packages
                .push(Package::new(Ecosystem::Maven, name, version, path));
        }
    }

    fn problem(&mut self, path: &str, effect: Effect, what: String) {
        if self.report.problems.len() < limits::PROBLEMS {
            self.report.problems.push(Problem::at_path(path, effect, what));
        }
    }
}

/// What is read of an archive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Archive,
    Manifest,
    Pom,
}

impl Kind {
    fn of(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF") {
            return Some(Self::Manifest);
        }
        let mut parts = name.rsplit(|byte| *byte == b'/');
        let last = parts.next()?;
        if last == b"pom.properties" {
            return parts.any(|part| part == b"META-INF").then_some(Self::Pom);
        }
        file_name::is_archive(&String::from_utf8_lossy(last)).then_some(Self::Archive)
    }
}

/// Whether a file without a directory began as an archive.
fn may_be_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
        || bytes.starts_with(b"#!")
            && bytes
                .get(..bytes.len().min(SCRIPT_BYTES))
                .is_some_and(|head| head.windows(LOCAL_HEADER.len()).any(|window| window == LOCAL_HEADER))
}

/// How classifiers begin, which name builds of one version.
const CLASSIFIERS: [&str; 13] = [
    "all",
    "exec",
    "jar-with-",
    "javadoc",
    "linux",
    "macos",
    "natives",
    "osx",
    "runner",
    "shaded",
    "sources",
    "test",
    "windows",
];

/// `4.1.48.Final-linux-x86_64` is 4.1.48.Final where the manifest says so.
fn without_classifier<'a>(in_name: &'a str, stated: Option<&'a str>) -> &'a str {
    let is_classifier = |rest: &str| {
        let rest = rest.strip_prefix('-');
        rest.is_some_and(|rest| CLASSIFIERS.iter().any(|known| rest.starts_with(known)))
    };
    stated
        .filter(|stated| in_name.strip_prefix(stated).is_some_and(is_classifier))
        .unwrap_or(in_name)
}

#[cfg(test)]
mod tests;
