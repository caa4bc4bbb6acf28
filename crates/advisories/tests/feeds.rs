//! The real feeds, compiled: known facts of every publisher, counts that add up, the same result twice; and hostile
//! feeds, which are refused by name.
#![allow(missing_docs)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use seaworthy_advisories::error::Error;
use seaworthy_advisories::feeds::{PART, compile};
use seaworthy_advisories::record::{Compilation, FeedSummary, RangeEnd, Record, SourceId};
use seaworthy_model::{FixStatus, Severity};
use seaworthy_testkit::data;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

fn real() -> Option<&'static Compilation> {
    static REAL: OnceLock<Option<Compilation>> = OnceLock::new();
    REAL.get_or_init(|| Some(compile(&data::path("feeds")?, &|_| ()).expect("the real feeds compile")))
        .as_ref()
}

/// `<1.2` is fixed in 1.2, `<=1.2` ends with it, `|1.2` is a limit; what begins later has its beginning before it.
fn ranges(record: &Record) -> String {
    let ranges = record.ranges.iter().map(|range| {
        let end = match &range.end {
            RangeEnd::Open => "open".to_owned(),
            RangeEnd::Fixed(version) => format!("<{version}"),
            RangeEnd::LastAffected(version) => format!("<={version}"),
            RangeEnd::Limit(version) => format!("|{version}"),
        };
        if range.introduced.is_empty() {
            end
        } else {
            format!("{}..{end}", range.introduced)
        }
    });
    ranges
        .chain(record.versions.iter().map(|version| format!("={version}")))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Ranges, status, then whatever else the record says.
fn text(record: &Record) -> String {
    let mut text = format!("{} {}", ranges(record), record.status.name());
    if let Some(severity) = record.severity {
        text = format!("{text} {severity}");
    }
    for (name, value) in [
        ("vendor", record.vendor_ids.join(",")),
        ("module", record.module.clone()),
        ("product", record.product.clone()),
        ("arches", record.arches.join(",")),
    ] {
        if !value.is_empty() {
            text = format!("{text} {name}={value}");
        }
    }
    if record.unimportant {
        format!("{text} unimportant")
    } else {
        text
    }
}

fn find<'a>(all: &'a Compilation, section: &str, package: &str, id: &str) -> Vec<&'a Record> {
    let wanted = |it: &&Record| it.section == section && it.package == package && it.id == id;
    all.records.iter().filter(wanted).collect()
}

/// Each row: section, package, id, and all records of these.
#[test]
fn every_publisher_says_what_it_says() {
    let Some(real) = real() else { return };
    let rows: &[(&str, &str, &str, &[&str])] = &[
        // secdb: fixed; several ids in one text; `0` is never affected, also when the CVE is fixed in another package.
        ("alpine 3.20", "aom", "CVE-2021-30473", &["<3.1.1-r0 fixed"]),
        ("alpine edge", "aom", "CVE-2024-5171", &["<3.9.1-r0 fixed"]),
        (
            "alpine 3.12",
            "xen",
            "CVE-2020-11741",
            &["<4.13.0-r3 fixed vendor=XSA-313"],
        ),
        ("alpine 3.12", "xen", "XSA-312", &["<4.13.1-r0 fixed"]),
        ("alpine 3.12", "openssl", "CVE-2022-1292", &[]),
        // The tracker with the ids of DSA and DLA; open and of no consequence; a release that only advisories cover.
        (
            "debian 11",
            "openssl",
            "CVE-2023-0464",
            &["<1.1.1n-0+deb11u5 fixed vendor=DSA-5417-1"],
        ),
        ("debian 12", "openssl", "CVE-2023-0464", &["<3.0.9-1 fixed"]),
        (
            "debian 12",
            "glibc",
            "CVE-2010-4756",
            &["open affected LOW unimportant"],
        ),
        ("debian 10", "kfreebsd-10", "CVE-2014-7250", &["open end_of_life"]),
        (
            "debian 9",
            "waitress",
            "CVE-2019-16785",
            &["<1.0.1-1+deb9u1 fixed vendor=DLA-3000-1"],
        ),
        // Fixed for all, fixed for subscribers only, put off, given up.
        (
            "ubuntu 22.04",
            "openssl",
            "CVE-2022-0778",
            &["<3.0.2-0ubuntu1 fixed HIGH"],
        ),
        ("ubuntu 16.04", "openssl", "CVE-2022-0778", &[]),
        (
            "ubuntu-pro 16.04",
            "openssl",
            "CVE-2022-0778",
            &["<1.0.2g-1ubuntu4.20+esm2 fixed HIGH"],
        ),
        ("ubuntu 22.04", "coreutils", "CVE-2016-2781", &["open fix_deferred LOW"]),
        ("ubuntu 16.04", "coreutils", "CVE-2016-2781", &["open will_not_fix LOW"]),
        // An extended line, states without a fix, a module.
        (
            "redhat 9",
            "buildah",
            "CVE-2024-34156",
            &[
                "<1:1.26.7-1.el9_0.1 fixed vendor=RHSA-2024:7793 product=e4s 9.0",
                "<1:1.29.3-1.el9_2.1 fixed vendor=RHSA-2024:7819 product=eus 9.2",
                "<2:1.33.9-1.el9_4 fixed vendor=RHSA-2024:8112",
                "<2:1.37.5-1.el9_5 fixed vendor=RHSA-2024:9459",
            ],
        ),
        ("redhat 7", "gimp", "CVE-2017-17789", &["open will_not_fix MEDIUM"]),
        ("redhat 6", "gimp", "CVE-2017-17789", &["open end_of_life MEDIUM"]),
        (
            "redhat 8",
            "mysql",
            "CVE-2024-21193",
            &["open affected MEDIUM module=mysql:8.0"],
        ),
        (
            "redhat 8",
            "mysql",
            "CVE-2024-21054",
            &["open will_not_fix MEDIUM module=mysql:8.0"],
        ),
        ("redhat 9", "mysql", "CVE-2024-21054", &["open will_not_fix MEDIUM"]),
        // A fix by the build of a module: the package that the record names, else the module itself.
        (
            "redhat 8",
            "httpd",
            "CVE-2006-20001",
            &["<8070020230131172653 fixed MEDIUM vendor=RHSA-2023:0852 module=httpd:2.4"],
        ),
        ("redhat 8", "mod_http2", "CVE-2006-20001", &[]),
        (
            "redhat 8",
            "python27:2.7",
            "CVE-2015-20107",
            &["<8070020220617114255 fixed MEDIUM vendor=RHSA-2022:7593 module=python27:2.7"],
        ),
        // Streams from the title, and for a title without one from the other errata.
        (
            "alma 9",
            "nodejs",
            "CVE-2025-55132",
            &[
                "<1:24.13.0-1.module_el9.7.0+209+ecf6523e fixed HIGH vendor=ALSA-2026:2781 module=nodejs:24",
                "<1:22.22.0-1.module_el9.7.0+208+fb06c0ab fixed HIGH vendor=ALSA-2026:2782 module=nodejs:22",
                "<1:20.20.0-1.module_el9.7.0+207+84573810 fixed HIGH vendor=ALSA-2026:2783 module=nodejs:20",
            ],
        ),
        (
            "alma 8",
            "varnish",
            "CVE-2023-44487",
            &["<6.0.8-3.module_el8.8.0+3665+0b8dabc5.1.alma.1 fixed HIGH vendor=ALSA-2023:5989 module=varnish:6"],
        ),
        (
            "alma 8",
            "firefox",
            "CVE-2023-23598",
            &["<102.7.0-1.el8_7.alma fixed HIGH vendor=ALSA-2023:0288"],
        ),
        (
            "rocky 9",
            "dotnet7.0",
            "CVE-2024-30045",
            &["<7.0.119-1.el9_4 fixed HIGH vendor=RLSA-2024:2843"],
        ),
        (
            "rocky 8",
            "libecap",
            "CVE-2021-46784",
            &["<1.0.1-2.module+el8.4.0+404+316a0dc5 fixed HIGH vendor=RLSA-2022:5526 module=squid:4"],
        ),
        // Binary packages; a line that subscribers pay for; kernels by source package.
        (
            "sles 15.5",
            "glibc-locale",
            "CVE-2024-2961",
            &["<2.31-150300.74.1 fixed vendor=SUSE-SU-2024:1375-1"],
        ),
        (
            "sles 15.3",
            "glibc-locale",
            "CVE-2024-2961",
            &["<2.31-150300.74.1 fixed vendor=SUSE-SU-2024:1375-1 product=LTSS"],
        ),
        (
            "slem 5.3",
            "glibc",
            "CVE-2024-2961",
            &["<2.31-150300.74.1 fixed vendor=SUSE-SU-2024:1375-1"],
        ),
        (
            "slem 5.1",
            "kernel-rt",
            "CVE-2023-2163",
            &["<5.3.18-150300.149.1 fixed vendor=SUSE-SU-2023:4358-1"],
        ),
        // A kernel for subscribers only, what belongs to it, and its live patch.
        (
            "sles 15.3",
            "kernel-default",
            "CVE-2019-19083",
            &["<5.3.18-150300.59.109.1 fixed vendor=SUSE-SU-2023:0152-1 product=LTSS"],
        ),
        (
            "sles 15.3",
            "cluster-md-kmp-default",
            "CVE-2019-19083",
            &["<5.3.18-150300.59.109.1 fixed vendor=SUSE-SU-2023:0152-1 product=LTSS"],
        ),
        (
            "sles 15.3",
            "kernel-livepatch-5_3_18-150300_59_109-default",
            "CVE-2019-19083",
            &["<1-150300.7.3.1 fixed vendor=SUSE-SU-2023:0152-1 product=Live Patching"],
        ),
        (
            "opensuse-leap 15.3",
            "postgresql13-contrib",
            "CVE-2021-23214",
            &["<13.5-5.22.1 fixed vendor=openSUSE-SU-2021:3762-1"],
        ),
        // Core, a live patch for one architecture.
        (
            "amazon 2",
            "python-perf",
            "CVE-2017-5754",
            &["<4.9.76-38.79.amzn2 fixed CRITICAL vendor=ALAS2-2018-939 arches=x86_64"],
        ),
        (
            "amazon 2",
            "kernel-livepatch-4.14.165-131.185",
            "CVE-2019-15918",
            &["<1.0-2.amzn2 fixed HIGH vendor=ALAS2LIVEPATCH-2020-001 product=livepatch arches=x86_64"],
        ),
        (
            "azurelinux 3.0",
            "oath-toolkit",
            "CVE-2024-47191",
            &["<2.6.7-3.azl3 fixed HIGH"],
        ),
        ("cbl-mariner 2.0", "fish", "CVE-2007-1397", &[]),
        // Languages: stretches of one package together, the CVE first, names normalised, ends given apart.
        (
            "npm",
            "lodash",
            "CVE-2019-10744",
            &["<4.17.12 fixed CRITICAL vendor=GHSA-jf85-cpcp-j695"],
        ),
        (
            "npm",
            "ember-power-timepicker",
            "GHSA-28f8-hqmc-7ph8",
            &["=1.0.8 affected CRITICAL"],
        ),
        ("pypi", "gratient", "PYSEC-2024-1", &["=0.5 affected"]),
        ("pypi", "spam", "GHSA-2r6g-7r83-jg72", &["=2.0.2 =4.0.2 affected HIGH"]),
        (
            "go",
            "stdlib",
            "CVE-2021-27919",
            &["1.16.0-0..<1.16.1 fixed vendor=GO-2021-0067"],
        ),
        (
            "maven",
            "org.apache.logging.log4j:log4j-core",
            "CVE-2021-44228",
            &["2.0-beta9..<2.3.1 2.13.0..<2.15.0 2.4..<2.12.2 fixed CRITICAL vendor=GHSA-jfh8-c2jp-5v3q"],
        ),
        (
            "maven",
            "org.xbib.elasticsearch:log4j",
            "CVE-2021-44228",
            &["=6.3.2.1 affected CRITICAL vendor=GHSA-jfh8-c2jp-5v3q"],
        ),
        (
            "rubygems",
            "authlogic",
            "CVE-2012-6497",
            &[
                "<3.3.0 fixed MEDIUM vendor=GHSA-rx7j-mw4c-76g9",
                "<3.3.0 fixed vendor=GHSA-rx7j-mw4c-76g9,OSVDB-89064",
            ],
        ),
        (
            "bitnami",
            "gitlab",
            "CVE-2022-1175",
            &["14.4.0..<14.7.7 14.8.0..<14.8.5 14.9.0..<14.9.2 fixed MEDIUM vendor=BIT-gitlab-2022-1175"],
        ),
        (
            "kubernetes",
            "sigs.k8s.io/secrets-store-csi-driver",
            "CVE-2023-2878",
            &["<1.3.3 fixed"],
        ),
    ];
    let mut wrong = Vec::new();
    for (section, package, id, expected) in rows {
        let found: Vec<String> = find(real, section, package, id).into_iter().map(text).collect();
        if found != *expected {
            wrong.push(format!(
                "{section} {package} {id}\n  expected {expected:#?}\n  found {found:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_summaries_add_up() {
    let Some(real) = real() else { return };
    for summary in &real.summaries {
        let refused: u64 = summary
            .refused
            .iter()
            .filter(|(reason, _)| !reason.starts_with(PART))
            .map(|(_, count)| count)
            .sum();
        assert_eq!(summary.read, summary.kept + refused, "{summary:?}");
    }
    // The counts of the feeds' own description.
    for (feed, read) in [
        ("osv/AlmaLinux/all.zip", 5_637),
        ("osv/Debian/all.zip", 39_302),
        ("osv/Ubuntu/all.zip", 25_039),
        ("osv/Red Hat/all.zip", 9_455),
        ("osv/SUSE/all.zip", 7_952),
        ("osv/openSUSE/all.zip", 5_589),
        ("osv/PyPI/all.zip", 6_126),
        ("redhat/cve.jsonl.gz", 36_166),
        ("epss/epss_scores-current.csv.gz", 360_142),
        ("kev/known_exploited_vulnerabilities.json", 1_653),
        ("cvss/cve-cvss.csv.gz", 272_520),
    ] {
        let summary = real.summaries.iter().find(|summary| summary.feed == feed).expect(feed);
        assert_eq!(summary.read, read, "{feed}");
        assert!(summary.kept > 0, "{feed}");
    }
    let amazon: u64 = real
        .summaries
        .iter()
        .filter(|it| it.feed.starts_with("amazon/"))
        .map(|it| it.read)
        .sum();
    assert_eq!(amazon, 3_305);
    let nvd: u64 = real
        .summaries
        .iter()
        .filter(|it| it.feed.starts_with("nvd/"))
        .map(|it| it.read)
        .sum();
    assert_eq!(nvd, 208_625);
    let dated: BTreeSet<&str> = real
        .summaries
        .iter()
        .filter(|it| it.newest.is_some())
        .map(|it| it.feed.as_str())
        .collect();
    assert!(dated.contains("osv/Debian/all.zip") && dated.contains("epss/epss_scores-current.csv.gz"));
}

#[test]
fn every_section_of_the_feeds_is_there() {
    let Some(real) = real() else { return };
    let sections: BTreeSet<&str> = real.records.iter().map(|record| record.section.as_str()).collect();
    for section in [
        "alpine 3.20",
        "alpine edge",
        "debian 7",
        "debian 12",
        "debian 13",
        "ubuntu 14.04",
        "ubuntu 24.04",
        "ubuntu-pro 22.04",
        "redhat 6",
        "redhat 9",
        "alma 8",
        "alma 9",
        "alma 10",
        "rocky 8",
        "rocky 9",
        "sles 15",
        "sles 15.6",
        "slem 5.3",
        "opensuse-leap 15.5",
        "amazon 2",
        "amazon 2023",
        "azurelinux 3.0",
        "cbl-mariner 2.0",
        "npm",
        "pypi",
        "go",
        "maven",
        "nuget",
        "packagist",
        "rubygems",
        "crates.io",
        "bitnami",
        "kubernetes",
    ] {
        assert!(sections.contains(section), "{section} is missing");
    }
    for record in &real.records {
        assert!(!record.id.is_empty() && !record.package.is_empty());
        assert!(!record.ranges.is_empty() || !record.versions.is_empty(), "{record:?}");
        let fixed = record
            .ranges
            .iter()
            .any(|range| matches!(range.end, RangeEnd::Fixed(_)));
        assert_eq!(fixed, record.status == FixStatus::Fixed, "{record:?}");
        assert!(record.vendor_ids.is_sorted(), "{record:?}");
    }
    assert!(real.records.is_sorted_by(|one, other| one < other), "each record once");
}

#[test]
fn withdrawn_and_harmless_records_are_left_out() {
    let Some(real) = real() else { return };
    for id in [
        "GO-2022-0617",
        "RUSTSEC-2020-0053",
        "PYSEC-2021-13",
        "RUSTSEC-2016-0005",
    ] {
        assert!(
            !real
                .records
                .iter()
                .any(|it| it.id == id || it.vendor_ids.iter().any(|vendor| vendor == id)),
            "{id}"
        );
    }
    let withdrawn = |feed: &str| {
        let summary = real.summaries.iter().find(|summary| summary.feed == feed).expect(feed);
        summary.refused.get("withdrawn").copied().unwrap_or(0)
    };
    // 17, 13 and 10 are so marked; the others say it in their titles.
    assert!(
        withdrawn("osv/Go/all.zip") >= 17
            && withdrawn("osv/crates.io/all.zip") >= 13
            && withdrawn("osv/PyPI/all.zip") >= 10
    );
}

#[test]
fn facts_come_with_their_sources() {
    let Some(real) = real() else { return };
    let log4j = &real.facts["CVE-2021-44228"];
    assert_eq!(
        log4j.cvss[&SourceId::Nvd].v3.as_deref(),
        Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H")
    );
    assert_eq!(log4j.severities[&SourceId::RedHat], Severity::Critical);
    assert_eq!(log4j.severities[&SourceId::Ghsa], Severity::Critical);
    // 2021-12-10, the day on which it was published and on which it came into the catalogue.
    assert_eq!(log4j.published.map(|second| second / 86_400), Some(18_971));
    assert_eq!(log4j.known_exploited, Some((18_971, true)));
    let (score, percentile) = log4j.epss.unwrap();
    assert!(
        (90_000..=100_000).contains(&score) && (99_000..=100_000).contains(&percentile),
        "{score} {percentile}"
    );
    assert_eq!(
        real.facts["CVE-2017-17789"].severities[&SourceId::RedHat],
        Severity::Medium
    );
    let known: BTreeSet<&str> = real.records.iter().map(|record| record.id.as_str()).collect();
    assert!(real.facts.keys().all(|id| known.contains(id.as_str())));
}

/// Run with `--nocapture` to see what the sections hold.
#[test]
fn sections_are_counted() {
    let Some(real) = real() else { return };
    let mut sections: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for record in &real.records {
        *sections.entry(&record.section).or_default() += 1;
    }
    for (section, count) in &sections {
        println!("{count:8} {section}");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!(
        "{} records, {} facts, {:?}",
        real.records.len(),
        real.facts.len(),
        status.lines().find(|it| it.starts_with("VmHWM"))
    );
    assert!(real.records.len() > 1_000_000 && real.facts.len() > 60_000);
}

// Made feeds.

fn zip(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, record) in records {
        let (mut entry, config) = archive
            .new_file(*name)
            .compression_method(rawzip::CompressionMethod::DEFLATE)
            .start()
            .unwrap();
        let mut writer = config.wrap(flate2::write::DeflateEncoder::new(
            &mut entry,
            flate2::Compression::fast(),
        ));
        writer.write_all(record).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn compiled(files: &[(&str, &[u8])]) -> Result<Compilation, Error> {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        put(directory.path(), name, bytes);
    }
    compile(directory.path(), &|_| ())
}

fn summary<'a>(all: &'a Compilation, feed: &str) -> &'a FeedSummary {
    all.summaries.iter().find(|summary| summary.feed == feed).expect(feed)
}

const GOOD: &[u8] = br#"{"id":"GHSA-aaaa-bbbb-cccc","modified":"2024-01-02T00:00:00Z","aliases":["CVE-2024-0001"],
    "affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"}]}]}]}"#;

#[test]
fn bad_records_are_refused_and_good_ones_beside_them_kept() {
    let deep = [br#"{"id":"GHSA-deep","x":"#.as_slice(), &vec![b'['; 1_000_000]].concat();
    let deep_events = [
        br#"{"id":"GHSA-deep","database_specific":{"severity":"#.as_slice(),
        &vec![b'['; 1_000_000],
    ]
    .concat();
    let bomb = vec![b' '; (64 << 20) + 1];
    let control =
        br#"{"id":"GHSA-aaaa-bbbb-dddd\n","affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"]}]}"#;
    let zip = zip(&[
        ("good.json", GOOD),
        ("half.json", &GOOD[..100]),
        ("number.json", b"17"),
        ("types.json", br#"{"id":17,"affected":"all"}"#),
        ("binary.json", &[0xff; 100]),
        ("deep.json", &deep),
        ("deeper.json", &deep_events),
        ("bomb.json", &bomb),
        ("control.json", control),
        (
            "withdrawn.json",
            br#"{"id":"GHSA-x","withdrawn":"2024-01-01T00:00:00Z","affected":[]}"#,
        ),
        ("empty.json", br#"{"id":"GHSA-y","affected":[]}"#),
        (
            "null.json",
            br#"{"id":"GHSA-z","affected":null,"aliases":null,"severity":null}"#,
        ),
        (
            "nothing.json",
            br#"{"id":"GHSA-w","affected":[{"package":{"ecosystem":"npm","name":"x"}}]}"#,
        ),
    ]);
    let all = compiled(&[("osv/npm/all.zip", &zip)]).unwrap();
    assert_eq!(all.records.len(), 1);
    assert_eq!(text(&all.records[0]), "<1.2.3 fixed vendor=GHSA-aaaa-bbbb-cccc");
    let summary = summary(&all, "osv/npm/all.zip");
    assert_eq!((summary.read, summary.kept), (13, 1));
    assert_eq!(summary.refused["not an OSV record"], 6);
    assert_eq!(summary.refused["larger than a record may be"], 1);
    assert_eq!(summary.refused["withdrawn"], 1);
    assert_eq!(summary.refused["no affected package"], 2);
    assert_eq!(summary.refused["affected package without versions"], 2);
}

#[test]
fn a_damaged_entry_is_refused_and_a_damaged_archive_ends_the_build() {
    let whole = zip(&[("one.json", GOOD), ("two.json", GOOD)]);
    let mut flipped = whole.clone();
    flipped[45] ^= 0xff;
    let all = compiled(&[("osv/npm/all.zip", &flipped)]).unwrap();
    assert_eq!(summary(&all, "osv/npm/all.zip").refused["damaged zip entry"], 1);
    assert_eq!(summary(&all, "osv/npm/all.zip").kept, 1);
    for length in [0, 10, whole.len() / 2, whole.len() - 30, whole.len() - 1] {
        let error = compiled(&[("osv/npm/all.zip", &whole[..length])]).unwrap_err();
        assert!(
            matches!(&error, Error::Feed { feed, .. } if feed == "osv/npm/all.zip"),
            "{length}: {error}"
        );
    }
    // Whatever a byte is changed to, nothing panics.
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] = changed[position].wrapping_add(0x81);
        let _ = compiled(&[("osv/npm/all.zip", &changed)]);
    }
}

#[test]
fn damaged_documents_end_the_build() {
    let npm = zip(&[("one.json", GOOD)]);
    let good = ("osv/npm/all.zip", npm.as_slice());
    let xml = gzip(b"<updates><update><id>ALAS2-2024-1</id>");
    let deep_xml = gzip("<a>".repeat(100_000).as_bytes());
    let half = &gzip(&vec![b'x'; 100_000])[..200];
    for (name, bytes) in [
        (
            "alpine/v3.20/main.json",
            br#"{"distroversion":"v3.20","packages":[{"pkg":"#.as_slice(),
        ),
        ("amazon/2/core/updateinfo.xml.gz", &xml),
        ("amazon/2/core/updateinfo.xml.gz", &deep_xml),
        ("amazon/2/core/updateinfo.xml.gz", half),
        ("amazon/2/core/updateinfo.xml.gz", b"no gzip"),
        ("azurelinux/azurelinux-3.0-oval.xml.gz", &gzip(b"")),
        ("azurelinux/otherlinux-3.0-oval.xml.gz", &gzip(b"<a/>")),
        ("redhat/cve.jsonl.gz", half),
        ("nvd/nvdcve-2.0-2024.json.gz", &gzip(b"[]")),
        ("epss/epss_scores-current.csv.gz", &gzip(b"nothing,here\n")),
        ("cvss/cve-cvss.csv.gz", &gzip(b"a,b,c\n")),
        ("kev/known_exploited_vulnerabilities.json", b"{}"),
    ] {
        match compiled(&[good, (name, bytes)]) {
            Err(Error::Feed { feed, .. }) => assert_eq!(feed, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_missing_or_unknown_is_said() {
    let npm = zip(&[("one.json", GOOD)]);
    let all = compiled(&[
        ("osv/npm/all.zip", &npm),
        ("osv/Gopher/all.zip", b"x"),
        ("README.md", b"x"),
    ])
    .unwrap();
    assert_eq!(
        summary(&all, "osv/Debian/all.zip").refused["not in the feed directory"],
        0
    );
    assert_eq!(summary(&all, "osv/Gopher/all.zip").refused["belongs to no feed"], 1);
    assert!(!all.summaries.iter().any(|summary| summary.feed == "README.md"));
    assert!(matches!(compiled(&[("README.md", b"x")]), Err(Error::NoFeeds(_))));
    assert!(matches!(
        compile(Path::new("/does/not/exist"), &|_| ()),
        Err(Error::Read { .. })
    ));
}

#[test]
fn aliases_become_one_id() {
    let by_ghsa = br#"{"id":"PYSEC-2024-1","aliases":["GHSA-aaaa-bbbb-cccc"],"affected":[{"package":{"ecosystem":"PyPI","name":"Left_Pad"},"versions":["1.0"]}]}"#;
    let npm = zip(&[("one.json", GOOD)]);
    let pypi = zip(&[("one.json", by_ghsa)]);
    let all = compiled(&[("osv/npm/all.zip", &npm), ("osv/PyPI/all.zip", &pypi)]).unwrap();
    let found: Vec<String> = all
        .records
        .iter()
        .map(|it| format!("{} {} {} {}", it.section, it.package, it.id, it.vendor_ids.join(",")))
        .collect();
    assert_eq!(
        found,
        [
            "npm left CVE-2024-0001 GHSA-aaaa-bbbb-cccc",
            "pypi left-pad CVE-2024-0001 GHSA-aaaa-bbbb-cccc,PYSEC-2024-1",
        ]
    );
}

#[test]
fn the_same_feeds_give_the_same_result() {
    let Some(root) = data::path("feeds") else { return };
    // A part of the real feeds with many files, read twice, with other work between.
    let directory = tempfile::tempdir().unwrap();
    for name in [
        "osv/npm/all.zip",
        "osv/PyPI/all.zip",
        "osv/NuGet/all.zip",
        "osv/Maven/all.zip",
        "osv/RubyGems/all.zip",
        "osv/Rocky Linux/all.zip",
        "alpine/v3.20/main.json",
        "alpine/edge/community.json",
        "debian/DSA/list",
        "debian/DLA/list",
        "azurelinux/azurelinux-3.0-oval.xml.gz",
        "amazon/2023/core/updateinfo.xml.gz",
        "kev/known_exploited_vulnerabilities.json",
        "nvd/nvdcve-2.0-2022.json.gz",
    ] {
        put(directory.path(), name, &std::fs::read(root.join(name)).unwrap());
    }
    let order = Mutex::new(Vec::new());
    let one = compile(directory.path(), &|feed| order.lock().unwrap().push(feed.to_owned())).unwrap();
    let other = compile(directory.path(), &|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
    })
    .unwrap();
    assert_eq!(one.records, other.records);
    assert_eq!(one.facts, other.facts);
    assert_eq!(one.summaries, other.summaries);
    assert!(order.lock().unwrap().iter().any(|feed| feed == "Rocky Linux"));
    assert!(one.records.len() > 20_000);
}
