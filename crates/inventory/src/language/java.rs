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
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "java-archive",
    version: 2,
    wants: file_name::is_archive,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
/// How far into a file that is no archive an entry is looked for: the scripts of executable archives are shorter.
const SCRIPT_BYTES: usize = 64 << 10;

fn analyze(file: File<'_>, report: &mut FileReport) {
    let mut reading = Reading {
        report,
        listed: HashSet::new(),
        budget: limits::ARCHIVE_BYTES,
        text: 0,
    };
    reading.archive(file.path, file.bytes, 0);
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
mod tests {
    use super::{ANALYZER, Effect, File, FileReport};
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
    fn shaded_archives_list_everything_and_a_bare_manifest_nothing() {
        let other: &[u8] = b"version=2\ngroupId=g\nartifactId=other\n";
        let archive = jar(&[
            ("META-INF/maven/org.example/lib/pom.properties", POM),
            ("META-INF/maven/g/other/pom.properties", other),
            ("META-INF/g/pom.properties", other),
            ("test/pom.properties", b"version=3\ngroupId=g\nartifactId=fixture\n"),
        ]);
        assert_eq!(names("all-1.0.jar", &archive).0, ["org.example:lib 1.1", "g:other 2"]);
        let runtime = jar(&[("META-INF/MANIFEST.MF", b"Implementation-Version: 1.8.0_212\n")]);
        assert!(names("jre/lib/rt.jar", &runtime).0.is_empty());
    }

    #[test]
    fn classes_and_names_of_well_known_projects() {
        let class = ("org/springframework/beans/BeanUtils.class", b"x".as_slice());
        let manifest = b"Implementation-Title: spring-beans\nImplementation-Version: 5.3.17\n".as_slice();
        let beans = jar(&[("META-INF/MANIFEST.MF", manifest), class]);
        let (found, report) = names("spring-beans-5.3.17.jar", &beans);
        assert_eq!(found, ["org.springframework:spring-beans 5.3.17"]);
        assert!(report.problems.is_empty());
        // Beside what was shaded into it.
        let shaded = jar(&[("META-INF/maven/org.example/lib/pom.properties", POM), class]);
        assert_eq!(
            names("spring-beans-5.3.17.jar", &shaded).0,
            ["org.example:lib 1.1", "org.springframework:spring-beans 5.3.17"]
        );
        let manifest = b"Implementation-Title: Apache Tomcat\nImplementation-Version: 9.0.50\n".as_slice();
        let catalina = jar(&[
            ("META-INF/MANIFEST.MF", manifest),
            ("org/apache/catalina/A.class", b"x"),
        ]);
        assert_eq!(
            names("lib/catalina.jar", &catalina).0,
            ["org.apache.tomcat:tomcat-catalina 9.0.50"]
        );
    }

    #[test]
    fn classifiers_belong_to_no_version() {
        let read = |path: &str, version: &str| {
            let manifest = format!("Implementation-Version: {version}\n");
            names(path, &jar(&[("META-INF/MANIFEST.MF", manifest.as_bytes())])).0
        };
        assert_eq!(
            read("epoll-4.1.48.Final-linux-x86_64.jar", "4.1.48.Final"),
            ["epoll 4.1.48.Final"]
        );
        assert_eq!(read("a-1.0-SNAPSHOT.jar", "1.0"), ["a 1.0-SNAPSHOT"]);
        assert_eq!(read("a-31.1-jre.jar", "31.1"), ["a 31.1-jre"]);
    }

    #[test]
    fn executable_archives_begin_with_a_script() {
        let mut archive = b"#!/bin/bash\nexec java -jar \"$0\"\nexit\n".to_vec();
        archive.extend(jar(&[("META-INF/maven/org.example/lib/pom.properties", POM)]));
        assert_eq!(names("app.jar", &archive).0, ["org.example:lib 1.1"]);
        let (found, report) = names("app.jar", &archive[..archive.len() - 30]);
        assert!(
            found.is_empty()
                && report
                    .problems
                    .iter()
                    .all(|problem| problem.effect == Effect::Incomplete)
        );
        assert_eq!(report.problems.len(), 1);
        for text in [b"".as_slice(), b"placeholder", b"#!/bin/sh\n"] {
            let (found, report) = names("app.jar", text);
            assert!(found.is_empty() && report.problems.iter().all(|problem| problem.effect == Effect::Note));
        }
    }

    /// The position of the last occurrence: the directory comes after the entries.
    fn last(bytes: &[u8], wanted: &[u8]) -> usize {
        bytes
            .windows(wanted.len())
            .rposition(|window| window == wanted)
            .unwrap()
    }

    #[test]
    fn headers_that_disagree_and_encryption_are_said() {
        let whole = jar(&[("META-INF/maven/org.example/lib/pom.properties", POM)]);
        let incomplete = |bytes: &[u8]| {
            let (found, report) = names("a.jar", bytes);
            assert!(
                report
                    .problems
                    .iter()
                    .any(|problem| problem.effect == Effect::Incomplete),
                "{report:?}"
            );
            found
        };
        let mut renamed = whole.clone();
        let at = last(&renamed, b"org.example");
        renamed[at] = b'O';
        assert_eq!(incomplete(&renamed), ["org.example:lib 1.1"]);
        let directory = last(&whole, b"PK\x01\x02");
        let mut encrypted = whole.clone();
        encrypted[directory + 8] |= 1;
        assert!(incomplete(&encrypted).is_empty());
        let mut method = whole.clone();
        method[directory + 10] = 0;
        assert!(incomplete(&method).is_empty());
        let mut foreign = whole;
        foreign[directory + 10] = 93;
        assert!(incomplete(&foreign).is_empty());
    }

    #[test]
    fn bombs_and_crowds_stop_at_the_budget() {
        let zeros = vec![0u8; 64 << 20];
        let bomb = jar(&[("x.jar", &zeros)]);
        let bombs: Vec<_> = (0..12).map(|number| format!("{number}.jar")).collect();
        let many: Vec<(&str, &[u8])> = bombs.iter().map(|name| (name.as_str(), bomb.as_slice())).collect();
        let (found, report) = names("a.jar", &jar(&many));
        assert!(found.is_empty());
        assert!(
            report
                .problems
                .iter()
                .any(|problem| problem.what.contains("may still be read")),
            "{report:?}"
        );
        // Many packages are not compared with each other one by one.
        let poms: Vec<_> = (0..9000)
            .map(|number| {
                (
                    format!("META-INF/{number}/pom.properties"),
                    format!("version=1\ngroupId=g\nartifactId=a{number}"),
                )
            })
            .collect();
        let entries: Vec<(&str, &[u8])> = poms.iter().map(|(name, pom)| (name.as_str(), pom.as_bytes())).collect();
        assert_eq!(names("a.jar", &jar(&entries)).0.len(), 9000);
    }
}
