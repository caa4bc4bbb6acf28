//! The package databases of real and made systems, read whole, against lists by their own package managers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use seaworthy_inventory::analyzer::{ANALYZERS, Analyzer, File, FileReport};
use seaworthy_inventory::os;
use seaworthy_model::{Effect, Package};
use seaworthy_testkit::data;

/// Every file below `directory`, with its path relative to `root`.
fn files(root: &Path, directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.push((relative, bytes));
        }
    }
}

/// What the analyzers of distribution packages say about a directory.
fn read_directory(root: &Path) -> FileReport {
    let mut found = Vec::new();
    files(root, root, &mut found);
    let mut all = FileReport::default();
    let names = ["apk", "dpkg", "dpkg-files", "rpm", "rpm-manifest"];
    for analyzer in ANALYZERS.iter().filter(|analyzer| names.contains(&analyzer.name)) {
        for (path, bytes) in found.iter().filter(|(path, _)| (analyzer.wants)(path)) {
            let companion = analyzer.companion.map(|suffix| format!("{path}{suffix}"));
            let companion = found
                .iter()
                .find(|(path, _)| Some(path) == companion.as_ref())
                .map(|(_, bytes)| &**bytes);
            let report = analyze(analyzer, path, bytes, companion);
            assert!(report.database.is_some() || analyzer.name == "dpkg-files", "{path}");
            all.packages.extend(report.packages);
            all.problems.extend(report.problems);
        }
    }
    all
}

fn analyze(analyzer: &Analyzer, path: &str, bytes: &[u8], companion: Option<&[u8]>) -> FileReport {
    let mut report = FileReport::default();
    (analyzer.analyze)(File { path, bytes, companion }, &mut report);
    report
}

/// The source rpm's name that source name and version stand for; the vectors have that.
fn source_rpm(package: &Package) -> String {
    let version = package
        .source_version
        .split_once(':')
        .map_or(&*package.source_version, |(_, version)| version);
    format!("{}-{version}.src.rpm", package.source_name)
}

#[test]
fn databases_are_listed_as_their_package_managers_list_them() {
    let (Some(modes), Some(arguable)) = (
        data::rows("vectors/inventory/MODES.tsv"),
        data::rows("vectors/inventory/ARGUABLE.tsv"),
    ) else {
        return;
    };
    let mut cases = 0;
    let mut failures = Vec::new();
    for mode in modes {
        let [case, mode, destination, plugin, ..] = &*mode else {
            panic!("a short row")
        };
        let plugins = ["os/apk", "os/dpkg", "os/rpm", "alpine", "redhat"];
        if mode != "rootfs" || !plugins.contains(&&**plugin) {
            continue;
        }
        assert_eq!(destination, "", "{case}");
        let arguable = |name: &str| {
            arguable
                .iter()
                .any(|row| row[0] == *case && (row[1] == name || row[1] == "*"))
        };
        let expected: Vec<Vec<String>> = data::rows(&format!("vectors/inventory/{case}/expected.tsv")).unwrap();
        // OpenWrt's database is another package manager's.
        cases += 1;
        let report = read_directory(&data::path(&format!("vectors/inventory/{case}/input")).unwrap());
        let listed: BTreeSet<(&str, &str)> = report
            .packages
            .iter()
            .map(|package| (&*package.name, &*package.version))
            .collect();
        let wanted: BTreeSet<(&str, &str)> = expected
            .iter()
            .filter(|row| !row.get(7).is_some_and(|extra| extra.contains("pseudo")))
            .map(|row| (&*row[0], &*row[1]))
            .collect();
        for (name, version) in wanted.difference(&listed).filter(|(name, _)| !arguable(name)) {
            failures.push(format!("{case}: {name} {version} is missing"));
        }
        for (name, version) in listed.difference(&wanted).filter(|(name, _)| !arguable(name)) {
            failures.push(format!("{case}: {name} {version} is too much"));
        }
        for row in &expected {
            let Some(package) = report.packages.iter().find(|package| {
                package.name == row[0] && package.version == row[1] && (row[5].is_empty() || package.arch == row[5])
            }) else {
                if !row[7].contains("pseudo") && !arguable(&row[0]) {
                    failures.push(format!("{case}: {} {} {} is missing", row[0], row[1], row[5]));
                }
                continue;
            };
            let source = if row[2] == "rpm" {
                source_rpm(package)
            } else {
                package.source_name.clone()
            };
            if !row[3].is_empty() && source != row[3] {
                failures.push(format!("{case}: source of {} is {source}, not {}", row[0], row[3]));
            }
            if !row[4].is_empty() && package.source_version != row[4] {
                failures.push(format!(
                    "{case}: source version of {} is {}",
                    row[0], package.source_version
                ));
            }
            for extra in row[7].split(';') {
                match extra.split_once('=') {
                    Some(("vendor", vendor)) => assert_eq!(package.maintainer, vendor, "{case}"),
                    Some(("module", label)) => assert_eq!(package.modularity_label, label, "{case}"),
                    _ => {}
                }
            }
        }
        if case.starts_with("real-") || case.starts_with("own-") {
            for problem in &report.problems {
                failures.push(format!("{case}: {problem:?}"));
            }
        }
    }
    assert!(cases > 30, "{cases}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every database of the vectors that the analyzer reads, with its path and companion.
fn databases(cases: &[&str]) -> Vec<(String, Vec<u8>, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    for case in cases {
        let Some(root) = data::path(&format!("vectors/inventory/{case}/input")) else {
            return all;
        };
        let mut found = Vec::new();
        files(&root, &root, &mut found);
        for (path, bytes) in &found {
            if (os::rpm::ANALYZER.wants)(path) {
                let wal = found.iter().find(|(other, _)| *other == format!("{path}-wal"));
                all.push((path.clone(), bytes.clone(), wal.map(|(_, bytes)| bytes.clone())));
            }
        }
    }
    all
}

const RPM_CASES: [&str; 5] = [
    "own-rpm-sqlite-tricky",
    "own-rpm-sqlite-wal-uncheckpointed",
    "real-rpm-bdb-dive",
    "real-rpm-bdb-el8-libuuid",
    "real-rpm-sqlite-scancode",
];

#[test]
fn the_name_of_the_file_does_not_tell_its_format() {
    for (path, bytes, wal) in databases(&RPM_CASES) {
        let expected = analyze(&os::rpm::ANALYZER, &path, &bytes, wal.as_deref());
        assert!(!expected.packages.is_empty());
        let renamed = analyze(&os::rpm::ANALYZER, "usr/share/rpm/Packages.db", &bytes, wal.as_deref());
        assert_eq!(renamed.packages.len(), expected.packages.len());
    }
}

#[test]
fn a_database_cut_off_is_incomplete() {
    for (path, bytes, _) in databases(&RPM_CASES) {
        let whole = analyze(&os::rpm::ANALYZER, &path, &bytes, None);
        for eighths in 0..8 {
            let cut = bytes.get(..bytes.len() / 8 * eighths + eighths).unwrap();
            let report = analyze(&os::rpm::ANALYZER, &path, cut, None);
            assert!(
                report
                    .problems
                    .iter()
                    .any(|problem| problem.effect == Effect::Incomplete),
                "{path} {eighths}"
            );
            assert!(report.packages.len() <= whole.packages.len());
            assert!(report.database.is_some());
        }
    }
}

/// A small generator of numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[test]
fn damaged_databases_end_quickly() {
    let mut numbers = Numbers(0x5ea_3047);
    for (path, bytes, wal) in databases(&RPM_CASES) {
        let whole = analyze(&os::rpm::ANALYZER, &path, &bytes, wal.as_deref());
        let mut slowest = Duration::ZERO;
        for round in 0..300 {
            let (mut bytes, mut wal) = (bytes.clone(), wal.clone());
            // One byte, or many, half of them in the heads of pages where the structure is.
            for _ in 0..[1, 4, 64][round % 3] {
                let target = match &mut wal {
                    Some(wal) if numbers.below(3) == 0 => wal,
                    _ => &mut bytes,
                };
                let mut at = numbers.below(target.len());
                if numbers.below(2) == 0 {
                    at = at / 4096 * 4096 + numbers.below(64);
                }
                if let Some(byte) = target.get_mut(at) {
                    *byte = [0, 1, 0x7f, 0x80, 0xff, numbers.below(256) as u8][numbers.below(6)];
                }
            }
            let start = Instant::now();
            let report = analyze(&os::rpm::ANALYZER, &path, &bytes, wal.as_deref());
            slowest = slowest.max(start.elapsed());
            assert!(report.packages.len() <= whole.packages.len() + 64);
            assert!(
                !report.packages.is_empty() || !report.problems.is_empty(),
                "{path}: silence"
            );
            if report.packages.len() < whole.packages.len() {
                assert!(
                    !report.problems.is_empty(),
                    "{path}: a package was lost in silence in round {round}"
                );
            }
        }
        assert!(slowest < Duration::from_secs(2), "{path}: {slowest:?}");
    }
}

/// A Berkeley database as a big-endian machine would have written it.
fn big_endian(bytes: &[u8]) -> Vec<u8> {
    let u16_at = |bytes: &[u8], at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize;
    let page_bytes = u32::from_le_bytes(bytes[20..24].try_into().unwrap()) as usize;
    let mut swapped = bytes.to_vec();
    for page in swapped.chunks_exact_mut(page_bytes) {
        let original = page.to_vec();
        let mut words: Vec<usize> = vec![0, 4, 8, 12, 16];
        match original[25] {
            8 => words.extend([20, 28, 32, 36, 40, 44, 48, 72, 76, 80, 84, 88, 92]),
            kind => {
                page[20..22].reverse();
                page[22..24].reverse();
                if matches!(kind, 2 | 13) {
                    for index in 0..u16_at(&original, 20) {
                        page[26 + 2 * index..28 + 2 * index].reverse();
                        let item = u16_at(&original, 26 + 2 * index);
                        if original[item] == 3 {
                            words.extend([item + 4, item + 8]);
                        }
                    }
                }
            }
        }
        for word in words {
            page[word..word + 4].reverse();
        }
    }
    swapped
}

#[test]
fn berkeley_databases_of_big_endian_machines_are_read() {
    for (path, bytes, _) in databases(&["real-rpm-bdb-fedora", "real-rpm-bdb-el8-libuuid"]) {
        let expected = analyze(&os::rpm::ANALYZER, &path, &bytes, None);
        let swapped = big_endian(&bytes);
        assert_ne!(swapped, bytes);
        assert_eq!(analyze(&os::rpm::ANALYZER, &path, &swapped, None), expected);
    }
}

#[test]
fn a_log_counts_as_far_as_it_is_committed() {
    for (path, bytes, wal) in databases(&["own-rpm-sqlite-wal-uncheckpointed"]) {
        let wal = wal.unwrap();
        let count = |wal: Option<&[u8]>| {
            let report = analyze(&os::rpm::ANALYZER, &path, &bytes, wal);
            (report.packages.len(), report.problems.len())
        };
        assert_eq!(count(Some(&wal)), (11, 0));
        let without = count(None).0;
        assert!(without < 11);
        // Salts of an older log: nothing of it counts, and nothing is wrong.
        let mut stale = wal.clone();
        for frame in stale[32..].chunks_mut(4096 + 24) {
            frame[8] ^= 0xff;
        }
        assert_eq!(count(Some(&stale)), (without, 0));
        // A page that was not written whole, and a header that is no header.
        let mut torn = wal.clone();
        *torn.last_mut().unwrap() ^= 1;
        let (packages, problems) = count(Some(&torn));
        assert!(packages < 11 && problems > 0);
        let mut foreign = wal.clone();
        foreign[0] = 0;
        assert_eq!(count(Some(&foreign)), (without, 1));
        assert_eq!(count(Some(&wal[..wal.len() - 1])).1, 1);
    }
}

/// The log with its checksums reckoned in the other byte order, as a machine of that order would have written it.
fn other_checksums(wal: &[u8]) -> Vec<u8> {
    let mut wal = wal.to_vec();
    wal[3] ^= 1;
    let big = wal[3] & 1 == 1;
    let mut sums = [0u32; 2];
    let mut add = |bytes: &[u8]| {
        for pair in bytes.chunks_exact(8) {
            for (index, word) in pair.chunks_exact(4).enumerate() {
                let word: [u8; 4] = word.try_into().unwrap();
                let word = if big {
                    u32::from_be_bytes(word)
                } else {
                    u32::from_le_bytes(word)
                };
                sums[index] = sums[index].wrapping_add(word).wrapping_add(sums[1 - index]);
            }
        }
        [sums[0].to_be_bytes(), sums[1].to_be_bytes()].concat()
    };
    let (header, frames) = wal.split_at_mut(32);
    let sum = add(&header[..24]);
    header[24..].copy_from_slice(&sum);
    for frame in frames.chunks_exact_mut(24 + 4096) {
        add(&frame[..8]);
        let sum = add(&frame[24..]);
        frame[16..24].copy_from_slice(&sum);
    }
    wal
}

#[test]
fn a_log_may_have_checksums_of_either_byte_order() {
    for (path, bytes, wal) in databases(&["own-rpm-sqlite-wal-uncheckpointed"]) {
        let wal = wal.unwrap();
        let other = other_checksums(&wal);
        assert_eq!(other_checksums(&other), wal);
        let expected = analyze(&os::rpm::ANALYZER, &path, &bytes, Some(&wal));
        assert_eq!(analyze(&os::rpm::ANALYZER, &path, &bytes, Some(&other)), expected);
    }
}

#[test]
fn text_databases_are_read_in_linear_time() {
    let stanza =
        "Package: p\nStatus: install ok installed\nVersion: 1\nDepends: a, b | c (>= 1)\nDescription: x\n y\n\n";
    let record = "P:p\nV:1\nD:a so:b\np:so:c=1\nF:usr/lib/node_modules/x\nR:package.json\n\n";
    for (analyzer, path, text) in [
        (&os::dpkg::ANALYZER, "var/lib/dpkg/status", stanza),
        (&os::apk::ANALYZER, "lib/apk/db/installed", record),
        // No line ever ends, no field ever ends.
        (&os::dpkg::ANALYZER, "var/lib/dpkg/status", "Depends: "),
        (&os::dpkg::ANALYZER, "var/lib/dpkg/status", "Depends: a,\n b,\n c,\n"),
        (&os::apk::ANALYZER, "lib/apk/db/installed", "D:a "),
    ] {
        let bytes = text.repeat((8 << 20) / text.len());
        let start = Instant::now();
        let report = analyze(analyzer, path, bytes.as_bytes(), None);
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_secs(8), "{path}: {elapsed:?}");
        assert!(!report.packages.is_empty() || !report.problems.is_empty(), "{path}");
    }
}

#[test]
fn damaged_text_databases_lose_nothing_in_silence() {
    let mut numbers = Numbers(77);
    for (analyzer, case, path) in [
        (&os::dpkg::ANALYZER, "real-dpkg-ubuntu-noble", "var/lib/dpkg/status"),
        (&os::apk::ANALYZER, "real-apk-alpine-v3.20", "lib/apk/db/installed"),
    ] {
        let Some(file) = data::path(&format!("vectors/inventory/{case}/input/{path}")) else {
            return;
        };
        let bytes = std::fs::read(file).unwrap();
        let whole = analyze(analyzer, path, &bytes, None);
        assert_eq!(whole.problems, []);
        for _ in 0..1000 {
            let mut damaged = bytes.clone();
            let at = numbers.below(bytes.len());
            damaged[at] = numbers.below(256) as u8;
            let report = analyze(analyzer, path, &damaged, None);
            let kept = report.packages.len() >= whole.packages.len();
            assert!(kept || !report.problems.is_empty(), "{path}: byte {at}");
        }
    }
}
