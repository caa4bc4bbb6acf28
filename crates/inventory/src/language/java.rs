//! Java archives: Maven coordinates from `pom.properties`, else from the manifest, the file name and the classes; archives
//! inside archives likewise.
//!
//! An archive is read forwards and never held, and so are those inside it, within a budget for the outermost one. The
//! directory at its end decides which entries exist, as it does for the class loader.

mod file_name;
mod manifest;
mod projects;
mod stream;
mod taken;

use std::collections::HashSet;

use seaworthy_model::{Ecosystem, Effect, Package, Problem, limits};

use self::manifest::{Coordinates, Manifest};
use self::projects::Guess;
use self::taken::Taking;
use crate::analyzer::{FileReport, StreamAnalyzer};
use crate::content::Content;

/// The table's row.
pub static ANALYZER: StreamAnalyzer = StreamAnalyzer {
    name: "java-archive",
    version: 5,
    wants: file_name::is_archive,
    begins: |_| true,
    through_links: true,
    analyze,
};

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
/// How far into a file that is no archive an entry is looked for: the scripts of executable archives are shorter.
const SCRIPT_BYTES: usize = 64 << 10;

fn analyze(path: &str, content: &mut Content<'_>, report: &mut FileReport) {
    let mut budget = Budget {
        bytes: limits::ARCHIVE_BYTES,
        text: limits::PACKAGE_TEXT_BYTES,
        archives: limits::ARCHIVES,
    };
    *report = archive(path, content, 0, &mut budget);
}

/// What may still be spent on one outermost archive.
struct Budget {
    /// Bytes of entries.
    bytes: u64,
    /// Bytes of names, versions and paths of packages.
    text: usize,
    /// Archives inside it.
    archives: usize,
}

/// What an archive says of itself.
#[derive(Default)]
struct Evidence {
    poms: Vec<Coordinates>,
    manifest: Manifest,
    /// Whether it has several manifests that say different things.
    manifests_differ: bool,
    guess: Option<Guess>,
    /// The first thing that could not be read, and how many more.
    failure: Option<(String, usize)>,
    /// Checksum of the whole archive.
    digest: String,
}

impl Evidence {
    fn fail(&mut self, name: &str, why: &str) {
        match &mut self.failure {
            Some((_, more)) => *more = more.saturating_add(1),
            None => self.failure = Some((format!("{name}: {why}"), 0)),
        }
    }
}

/// Reads one archive; what is nested in it comes before what it is itself.
fn archive(path: &str, content: &mut Content<'_>, depth: usize, budget: &mut Budget) -> FileReport {
    let mut reading = Reading {
        report: FileReport::default(),
        listed: HashSet::new(),
        budget,
    };
    content.begin_sha1();
    let head = content.peek(SCRIPT_BYTES);
    let promising = may_be_archive(head.get(..SCRIPT_BYTES).unwrap_or(head));
    let mut taking = Taking::new(path, depth, reading.budget);
    let directory = stream::read(content, limits::ZIP_ENTRIES, &mut taking);
    let mut evidence = Evidence::default();
    match directory {
        Ok(directory) => {
            let (nested, guess) = taking.judge(directory, &mut evidence);
            evidence.guess = guess;
            for report in nested {
                reading.take(report);
            }
        }
        // Empty files and text with this ending are placeholders, not archives that could not be read.
        Err(_) if !promising => {
            reading.problem(
                path,
                Effect::Note,
                "is no zip archive and so no Java archive".to_owned(),
            );
            return reading.report;
        }
        Err(why) => evidence.fail("its directory", &why),
    }
    evidence.digest = content.finish_sha1().unwrap_or_default();
    reading.packages(path, &evidence);
    if evidence.manifests_differ {
        let what = "the Java archive has several manifests that differ; what the last says counts, as it does for Java"
            .to_owned();
        reading.problem(path, Effect::Uncertain, what);
    }
    if let Some((first, more)) = evidence.failure {
        let mut what = format!("the Java archive could not be read whole, packages may be missing: {first}");
        if more > 0 {
            what.push_str(&format!(", and {more} more"));
        }
        reading.problem(path, Effect::Incomplete, what);
    }
    reading.report
}

/// The reading of one archive.
struct Reading<'b> {
    report: FileReport,
    /// Name, version and path of the packages in the report.
    listed: HashSet<(String, String, String)>,
    budget: &'b mut Budget,
}

impl Reading<'_> {
    /// Adds what an archive inside this one gave.
    fn take(&mut self, nested: FileReport) {
        for package in nested.packages {
            if self.report.packages.len() >= limits::PACKAGES {
                self.crowded(&package.path);
                break;
            }
            let key = (package.name.clone(), package.version.clone(), package.path.clone());
            if self.listed.insert(key) {
                self.report.packages.push(package);
            }
        }
        for problem in nested.problems {
            problem.add_to(&mut self.report.problems);
        }
    }

    /// All that `pom.properties` name, of which a shaded archive has several; the archive itself by other means where none
    /// of them is its own.
    fn packages(&mut self, path: &str, evidence: &Evidence) {
        let (in_name, version_in_name) = file_name::artifact(path);
        // The checksum is that of the archive, not of what was shaded into it.
        let digest = evidence.digest.as_str();
        let alone = evidence.poms.len() == 1;
        for pom in &evidence.poms {
            let digest = if alone || pom.artifact == in_name { digest } else { "" };
            self.add(path, format!("{}:{}", pom.group, pom.artifact), &pom.version, digest);
        }
        let manifest = &evidence.manifest;
        if evidence.poms.is_empty()
            && let Some(plugin) = manifest.jenkins_plugin()
        {
            self.add(
                path,
                format!("{}:{}", plugin.group, plugin.artifact),
                &plugin.version,
                digest,
            );
            return;
        }
        let stated = manifest.version();
        let Some(version) = version_in_name.map_or(stated, |version| Some(without_classifier(version, stated))) else {
            return;
        };
        if let Some((group, artifact)) = evidence.guess.as_ref().and_then(Guess::confirmed) {
            if !evidence.poms.iter().any(|pom| pom.artifact == artifact) {
                self.add(path, format!("{group}:{artifact}"), version, digest);
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
            Some(group) => self.add(path, format!("{group}:{artifact}"), version, digest),
            // A manifest alone is too little: runtimes put their own version into each of their archives.
            None if version_in_name.is_some() && !artifact.is_empty() => {
                self.add(path, artifact.to_owned(), version, digest);
            }
            None => {}
        }
    }

    fn add(&mut self, path: &str, name: String, version: &str, digest: &str) {
        let text = name.len().saturating_add(version.len()).saturating_add(path.len());
        let left = self.budget.text.checked_sub(text);
        let (true, Some(left)) = (self.report.packages.len() < limits::PACKAGES, left) else {
            return self.crowded(path);
        };
        if self.listed.insert((name.clone(), version.to_owned(), path.to_owned())) {
            self.budget.text = left;
            let mut package = Package::new(Ecosystem::Maven, name, version, path);
            digest.clone_into(&mut package.digest);
            self.report.packages.push(package);
        }
    }

    fn crowded(&mut self, path: &str) {
        let what = "too many packages; the rest was not listed".to_owned();
        self.problem(path, Effect::Incomplete, what);
    }

    fn problem(&mut self, path: &str, effect: Effect, what: String) {
        Problem::at_path(path, effect, what).add_to(&mut self.report.problems);
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
        // Nearly all entries are classes and other resources, which end otherwise.
        if !matches!(name.last()?.to_ascii_lowercase(), b'f' | b'i' | b'r' | b's') || name.ends_with(b".class") {
            return None;
        }
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
