//! Made archives: coordinates by each way, nesting, damage and bombs.

use super::{ANALYZER, Effect, FileReport};
use crate::content::Content;
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
    let mut inner = bytes;
    (ANALYZER.analyze)(path, &mut Content::new(&mut inner, bytes.len() as u64), &mut report);
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
fn of_two_manifests_the_last_counts_and_it_is_said() {
    let manifest = |version: &str, by: &str| {
        format!("Implementation-Vendor-Id: org.example\nImplementation-Version: {version}\nBuilt-By: {by}\n")
            .into_bytes()
    };
    let (first, second) = (manifest("1.0", "a"), manifest("2.0", "a"));
    let (found, report) = names(
        "a-1.jar",
        &jar(&[("META-INF/MANIFEST.MF", &first), ("META-INF/MANIFEST.MF", &second)]),
    );
    assert_eq!(found, ["org.example:a 1"], "the name's version");
    assert!(
        report.problems[0].what.contains("manifests that differ"),
        "{:?}",
        report.problems
    );
    let other = manifest("1.0", "b");
    let (_, report) = names(
        "a-1.jar",
        &jar(&[("META-INF/MANIFEST.MF", &first), ("META-INF/MANIFEST.MF", &other)]),
    );
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let plugin = |version: &str| format!("Plugin-Version: {version}\nGroup-Id: g\nShort-Name: a\n").into_bytes();
    let (old, new) = (plugin("1"), plugin("2"));
    let twice = jar(&[("META-INF/MANIFEST.MF", &old), ("META-INF/MANIFEST.MF", &new)]);
    assert_eq!(names("a.hpi", &twice).0, ["g:a 2"]);
}

#[test]
fn archives_without_end_side_by_side_are_a_problem() {
    let inner = jar(&[]);
    let names_of_jars: Vec<String> = (0..9_000).map(|number| format!("{number}.jar")).collect();
    let entries: Vec<(&str, &[u8])> = names_of_jars
        .iter()
        .map(|name| (name.as_str(), inner.as_slice()))
        .collect();
    let war = jar(&entries);
    let ear = jar(&[("a.war", &war), ("b.war", &war), ("c.war", &war)]);
    let (_, report) = names("all.ear", &ear);
    assert_eq!(report.problems.len(), 1);
    let what = &report.problems[0].what;
    // 27,003 in all.
    assert!(
        what.contains("more than 20000 archives inside") && what.contains("and 7002 more"),
        "{what}"
    );
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

/// An archive without compression, as nested ones lie in applications.
fn stored(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    let (mut entry, config) = archive.new_file(name).start().unwrap();
    let mut writer = config.wrap(&mut entry);
    writer.write_all(content).unwrap();
    let (_, descriptor) = writer.finish().unwrap();
    entry.finish(descriptor).unwrap();
    archive.finish().unwrap();
    bytes
}

#[test]
fn only_what_the_directory_names_exists() {
    let lib = jar(&[("META-INF/maven/org.example/lib/pom.properties", POM)]);
    // An archive under another name is data, with all its headers.
    assert!(names("a.jar", &jar(&[("data.bin", &lib)])).0.is_empty());
    assert!(names("a.jar", &stored("data.bin", &lib)).0.is_empty());
    // An entry that was taken out of the directory is gone.
    let other: &[u8] = b"version=2\ngroupId=g\nartifactId=other\n";
    let mut deleted = jar(&[("META-INF/maven/g/other/pom.properties", other)]);
    let end = deleted.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    deleted.truncate(end);
    deleted.extend(&lib);
    assert_eq!(names("a.jar", &deleted).0, ["org.example:lib 1.1"]);
}

#[test]
fn what_is_read_in_small_pieces_is_the_same() {
    struct Slow<'a>(&'a [u8]);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(7).min(self.0.len());
            let (head, rest) = self.0.split_at(count);
            buffer[..count].copy_from_slice(head);
            self.0 = rest;
            Ok(count)
        }
    }
    let noise: Vec<u8> = (0..400_000u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let inner = jar(&[
        ("META-INF/maven/org.example/lib/pom.properties", POM),
        ("x.class", &noise),
    ]);
    let outer = jar(&[
        ("a.class", &noise),
        ("BOOT-INF/lib/inner.jar", &inner),
        ("b.class", &noise),
    ]);
    let mut report = FileReport::default();
    let mut slow = Slow(&outer);
    (ANALYZER.analyze)("app.jar", &mut Content::new(&mut slow, outer.len() as u64), &mut report);
    assert_eq!(names("app.jar", &outer).1, report);
    assert_eq!(report.packages.len(), 1);
    assert!(report.problems.is_empty(), "{report:?}");
}

#[test]
fn an_archive_inside_that_is_damaged_is_said() {
    let inner = jar(&[("META-INF/maven/org.example/lib/pom.properties", POM)]);
    let mut outer = jar(&[
        ("BOOT-INF/lib/inner.jar", &inner),
        ("META-INF/maven/org.example/lib/pom.properties", POM),
    ]);
    let at = outer.windows(4).position(|window| window == b"PK\x03\x04").unwrap() + 60;
    outer[at] ^= 0xff;
    let (found, report) = names("a.jar", &outer);
    assert_eq!(found, ["org.example:lib 1.1"]);
    assert!(
        report
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Incomplete),
        "{report:?}"
    );
}
