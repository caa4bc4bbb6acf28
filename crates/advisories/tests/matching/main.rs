//! The rules of matching, each on real records: affected, fixed, not affected, uncertain.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod alpine;
mod collection;
mod debian;
mod python;
mod rpm;
mod rules;

use seaworthy_advisories::database::Database;
use seaworthy_advisories::feeds::compile;
use seaworthy_advisories::file::write;
use seaworthy_advisories::matching::Findings;
use seaworthy_advisories::record::Compilation;
use seaworthy_model::{
    Confidence, Distribution, Ecosystem, Effect, Family, FixStatus, Inventory, Match, MatchKind, Package, Severity,
};
use std::sync::OnceLock;

/// 2025-03-01.
const TODAY: i64 = 20_148;

/// Packages that the cases are about: a file of all of them would take its time to compress.
const PACKAGES: &[&str] = &[
    "bash",
    "certifi",
    "curl",
    "expat",
    "glibc",
    "kernel",
    "libopenssl1_1",
    "linux",
    "lodash",
    "minimist",
    "nodejs",
    "openssl",
    "org.apache.logging.log4j:log4j-api",
    "org.apache.logging.log4j:log4j-core",
    "org.apache.logging.log4j:log4j-to-slf4j",
    "com.google.guava:guava",
    "org.springframework:spring-beans",
    "python3.9",
    "pyyaml",
    "samba",
    "sudo",
    "torch",
    "xine-ui",
    "zlib",
    "kernel-livepatch",
    "abrt",
    "arrayfire",
    "bzip2",
    "cluster-md-kmp-default",
    "container-tools:rhel8",
    "dnsmasq",
    "docker",
    "dotnet6.0",
    "fastapi",
    "gerapy",
    "golang",
    "httpd",
    "kernel-default",
    "kernel-livepatch-5_3_18-150300_59_63-default",
    "loguru",
    "mod_http2",
    "podman",
    "python-multipart",
    "python2",
    "python27:2.7",
    "rubygem-json",
    "scipy",
    "unbound",
    "consul",
    "kernel-core",
    "openssl-libs",
    "oslo-middleware",
    "products-pluggableauthservice",
    "url-regex",
];

fn database() -> Option<&'static Database> {
    static DATABASE: OnceLock<Option<Database>> = OnceLock::new();
    DATABASE
        .get_or_init(|| {
            let feeds = seaworthy_testkit::data::path("feeds")?;
            let mut all: Compilation = compile(&feeds, &|_| {}).unwrap();
            all.records.retain(|record| PACKAGES.contains(&record.package.as_str()));
            let used: std::collections::HashSet<&str> = all.records.iter().map(|record| record.id.as_str()).collect();
            all.facts.retain(|id, _| used.contains(id.as_str()));
            Some(Database::from_static(Vec::leak(write(&all).unwrap())).unwrap())
        })
        .as_ref()
}

fn find(distribution: Option<Distribution>, package: Package) -> Option<Findings> {
    let inventory = Inventory {
        distribution,
        packages: vec![package],
        ..Inventory::default()
    };
    Some(database()?.find(&inventory, TODAY).unwrap())
}

fn binary(ecosystem: Ecosystem, name: &str, source: &str, version: &str) -> Package {
    let mut package = Package::new(ecosystem, name, version, "var/lib/db");
    package.source_name = source.to_owned();
    package
}

/// What is expected of one vulnerability: its fix (empty when there is none), or nothing at all.
#[track_caller]
fn check(family: Family, release: &str, package: Package, id: &str, expected: Option<&str>) -> Option<Match> {
    let what = format!("{} {release}: {} {} {id}", family.name(), package.name, package.version);
    let findings = find(Some(Distribution::new(family, release)), package)?;
    let found = findings.matches.into_iter().find(|found| found.id == id);
    assert_eq!(
        found.as_ref().map(|found| found.fixed_version.as_str()),
        expected,
        "{what}"
    );
    found
}

#[test]
fn alpine_by_origin_and_branch() {
    let apk = |name: &str, origin: &str, version: &str| binary(Ecosystem::Apk, name, origin, version);
    for (version, expected) in [("3.3.0-r2", Some("3.3.1-r1")), ("3.3.1-r1", None), ("3.3.2-r0", None)] {
        check(
            Family::Alpine,
            "3.20.1",
            apk("libcrypto3", "openssl", version),
            "CVE-2024-5535",
            expected,
        );
    }
    // `secfixes: "0"`: never affected. Another origin: nothing.
    check(
        Family::Alpine,
        "3.20.1",
        apk("openssl", "openssl", "3.3.0-r2"),
        "CVE-2022-1292",
        None,
    );
    check(
        Family::Alpine,
        "3.20.1",
        apk("libcrypto3", "other", "3.3.0-r2"),
        "CVE-2024-5535",
        None,
    );
    let Some(found) = check(
        Family::Alpine,
        "3.20.1",
        apk("libssl3", "openssl", "not.a-version"),
        "CVE-2024-5535",
        Some("3.3.1-r1"),
    ) else {
        return;
    };
    assert!(matches!(found.confidence, Confidence::Uncertain(_)), "{found:?}");
    let findings = find(
        Some(Distribution::new(Family::Alpine, "3.20.1")),
        apk("libssl3", "openssl", "not.a-version"),
    )
    .unwrap();
    assert!(
        findings
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Uncertain && problem.what.contains("not.a-version"))
    );
}

#[test]
fn a_finding_carries_what_is_known() {
    let package = binary(Ecosystem::Apk, "libcrypto3", "openssl", "3.3.0-r2");
    let Some(found) = check(Family::Alpine, "3.20.1", package, "CVE-2024-5535", Some("3.3.1-r1")) else {
        return;
    };
    assert_eq!(
        (found.kind, found.status, &found.confidence),
        (MatchKind::Source, FixStatus::Fixed, &Confidence::Exact)
    );
    assert_eq!(found.range, "< 3.3.1-r1");
    assert_eq!(found.source.id, "alpine");
    assert_eq!(found.severity, Severity::Critical);
    let cvss = &found.cvss[&found.severity_source];
    assert_eq!(
        cvss.v3_vector.as_deref(),
        Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H")
    );
    assert_eq!(cvss.v3_score, Some(9.1));
    assert!(found.epss.is_some() && found.published.is_some(), "{found:?}");
}

#[test]
fn debian_by_source_package_and_source_version() {
    let deb = |name: &str, source: &str, version: &str, source_version: &str| {
        let mut package = binary(Ecosystem::Deb, name, source, version);
        package.source_version = source_version.to_owned();
        package
    };
    let bookworm = |package, id, expected| check(Family::Debian, "12.5", package, id, expected);
    let fix = Some("3.0.15-1~deb12u1");
    bookworm(
        deb("libssl3", "openssl", "3.0.11-1~deb12u2", "3.0.11-1~deb12u2"),
        "CVE-2024-5535",
        fix,
    );
    bookworm(
        deb("libssl3", "openssl", "3.0.15-1~deb12u1", "3.0.15-1~deb12u1"),
        "CVE-2024-5535",
        None,
    );
    // A rebuild of the binary alone has the source's version.
    bookworm(
        deb("libssl3", "openssl", "3.0.15-1~deb12u1+b1", "3.0.15-1~deb12u1"),
        "CVE-2024-5535",
        None,
    );
    // The binary's own version says nothing: libldb2 2:2.6.2+samba4.17.12 is samba 2:4.17.12.
    let ldb = deb(
        "libldb2",
        "samba",
        "2:2.6.2+samba4.17.12+dfsg-0+deb12u1",
        "2:4.17.12+dfsg-0+deb12u1",
    );
    bookworm(ldb, "CVE-2022-32743", None);
    let wrong = deb("libssl3", "openssl", "one two", "one two");
    let found = bookworm(wrong, "CVE-2024-5535", fix);
    assert!(found.is_none_or(|found| matches!(found.confidence, Confidence::Uncertain(_))));
}

#[test]
fn debian_of_no_consequence_is_low_and_kept() {
    let package = binary(Ecosystem::Deb, "libc6", "glibc", "2.36-9+deb12u9");
    let Some(found) = check(Family::Debian, "12", package, "CVE-2010-4756", Some("")) else {
        return;
    };
    assert_eq!(
        (found.severity, found.severity_source.as_str()),
        (Severity::Low, "debian")
    );
    assert_eq!(found.status, FixStatus::Affected);
}

#[test]
fn signed_kernels_are_their_source() {
    let kernel = |source: &str, version: &str| {
        let mut package = binary(Ecosystem::Deb, "linux-image", source, version);
        package.source_version = version.to_owned();
        package
    };
    check(
        Family::Debian,
        "12",
        kernel("linux-signed-amd64", "6.1.76+1"),
        "CVE-2024-26581",
        Some("6.1.82-1"),
    );
    check(
        Family::Debian,
        "12",
        kernel("linux-signed-amd64", "6.1.82+1"),
        "CVE-2024-26581",
        None,
    );
    let fix = Some("5.15.0-105.115");
    check(
        Family::Ubuntu,
        "22.04",
        kernel("linux-signed", "5.15.0-101.111"),
        "CVE-2024-26581",
        fix,
    );
    check(
        Family::Ubuntu,
        "22.04",
        kernel("linux-signed", "5.15.0-105.115"),
        "CVE-2024-26581",
        None,
    );
    check(
        Family::Ubuntu,
        "22.04",
        kernel("linux-meta", "5.15.0.101.98"),
        "CVE-2024-26581",
        fix,
    );
    check(
        Family::Ubuntu,
        "22.04",
        kernel("linux-meta", "5.15.0.105.102"),
        "CVE-2024-26581",
        None,
    );
}

#[test]
fn ubuntu_and_its_long_term_channel() {
    let openssl = |version: &str| binary(Ecosystem::Deb, "libssl", "openssl", version).tap_source();
    check(
        Family::Ubuntu,
        "22.04",
        openssl("3.0.2-0ubuntu1.15"),
        "CVE-2024-5535",
        Some("3.0.2-0ubuntu1.17"),
    );
    check(
        Family::Ubuntu,
        "22.04",
        openssl("3.0.2-0ubuntu1.17"),
        "CVE-2024-5535",
        None,
    );
    check(
        Family::Ubuntu,
        "22.04",
        openssl("3.0.2-0ubuntu1.15"),
        "CVE-2022-0778",
        None,
    );
    // 16.04 has this fix with Ubuntu Pro only: affected, and no version that an unsubscribed image can install.
    let Some(found) = check(
        Family::Ubuntu,
        "16.04",
        openssl("1.0.2g-1ubuntu4.20"),
        "CVE-2022-0778",
        Some(""),
    ) else {
        return;
    };
    assert_eq!(found.status, FixStatus::Affected);
    assert!(
        found.range.contains("1.0.2g-1ubuntu4.20+esm2 with Ubuntu Pro only"),
        "{}",
        found.range
    );
    let mut subscribed = Distribution::new(Family::Ubuntu, "16.04");
    subscribed.channels.push("esm-infra".to_owned());
    let of = |version: &str| {
        let findings = find(Some(subscribed.clone()), openssl(version)).unwrap();
        findings
            .matches
            .into_iter()
            .find(|found| found.id == "CVE-2022-0778")
            .map(|found| found.fixed_version)
    };
    assert_eq!(of("1.0.2g-1ubuntu4.20").as_deref(), Some("1.0.2g-1ubuntu4.20+esm2"));
    assert_eq!(of("1.0.2g-1ubuntu4.20+esm2"), None);
    // A build from the channel shows the subscription by itself.
    check(
        Family::Ubuntu,
        "16.04",
        openssl("1.0.2g-1ubuntu4.20+esm1"),
        "CVE-2022-0778",
        Some("1.0.2g-1ubuntu4.20+esm2"),
    );
}

trait TapSource {
    fn tap_source(self) -> Self;
}

impl TapSource for Package {
    /// The source has the binary's version.
    fn tap_source(mut self) -> Self {
        self.source_version.clone_from(&self.version);
        self
    }
}

fn rpm(name: &str, source: &str, version: &str) -> Package {
    let mut package = binary(Ecosystem::Rpm, name, source, version).tap_source();
    package.arch = "x86_64".to_owned();
    package
}

#[test]
fn red_hat_by_stream_and_product() {
    let fix = "2.34-60.el9_2.7";
    check(
        Family::RedHat,
        "9.2",
        rpm("glibc", "glibc", "2.34-60.el9"),
        "CVE-2023-4911",
        Some(fix),
    );
    check(
        Family::RedHat,
        "9.2",
        rpm("glibc", "glibc", "2.34-60.el9_2.7"),
        "CVE-2023-4911",
        None,
    );
    check(
        Family::RedHat,
        "9.4",
        rpm("glibc-common", "glibc", "2.34-100.el9"),
        "CVE-2023-4911",
        None,
    );
    check(
        Family::CentOs,
        "8.5",
        rpm("glibc", "glibc", "2.28-164.el8"),
        "CVE-2023-4911",
        Some("2.28-225.el8_8.6"),
    );
    // Source rpms carry no epoch.
    let mut module = rpm("python3.9-libs", "python3.9", "3.9.18-1.el9");
    check(
        Family::RedHat,
        "9.4",
        module.clone(),
        "CVE-2024-8088",
        Some("3.9.19-8.el9"),
    );
    // Advisories about packages outside of modules say nothing about those inside.
    module.modularity_label = "python39:3.9:8:abc".to_owned();
    check(Family::RedHat, "9.4", module, "CVE-2024-8088", None);
    let Some(found) = check(
        Family::RedHat,
        "9.2",
        rpm("glibc", "glibc", "2.34-60.el9"),
        "CVE-2023-4911",
        Some(fix),
    ) else {
        return;
    };
    assert_eq!(
        (found.severity, found.severity_source.as_str()),
        (Severity::High, "redhat")
    );
    assert!(found.vendor_ids.contains(&"RHSA-2023:5453".to_owned()));
}

#[test]
fn lines_for_subscribers_are_not_mixed_in() {
    // Red Hat fixed glibc for subscribers of 8.6 in a build of its own.
    let plain = Distribution::new(Family::RedHat, "8.6");
    let mut extended = plain.clone();
    extended
        .content_sets
        .push("rhel-8-for-x86_64-baseos-eus-rpms__8_DOT_6".to_owned());
    let of = |distribution: &Distribution, version: &str| {
        let findings = find(Some(distribution.clone()), rpm("glibc", "glibc", version))?;
        Some(
            findings
                .matches
                .into_iter()
                .find(|found| found.id == "CVE-2023-4813")
                .map(|found| found.fixed_version),
        )
    };
    let Some(plain) = of(&plain, "2.28-189.5.el8_6") else {
        return;
    };
    assert_eq!(plain.as_deref(), Some("2.28-225.el8_8.6"));
    assert_eq!(
        of(&extended, "2.28-189.5.el8_6").unwrap().as_deref(),
        Some("2.28-189.8.el8_6")
    );
    assert_eq!(of(&extended, "2.28-189.8.el8_6").unwrap(), None);
}

#[test]
fn alma_and_rocky_by_their_own_errata() {
    let fix = Some("1:1.1.1k-6.el8_5");
    check(
        Family::Alma,
        "8.5",
        rpm("openssl", "openssl", "1:1.1.1k-5.el8_5"),
        "CVE-2022-0778",
        fix,
    );
    check(
        Family::Alma,
        "8.5",
        rpm("openssl", "openssl", "1:1.1.1k-6.el8_5"),
        "CVE-2022-0778",
        None,
    );
    let rocky = Some("1:1.1.1k-4.el8");
    check(
        Family::Rocky,
        "8.4",
        rpm("openssl", "openssl", "1:1.1.1g-15.el8_3"),
        "CVE-2021-23840",
        rocky,
    );
    check(
        Family::Rocky,
        "8.4",
        rpm("openssl", "openssl", "1:1.1.1k-4.el8"),
        "CVE-2021-23840",
        None,
    );
    // Rocky names sources, whose version has no epoch.
    check(
        Family::Rocky,
        "8.4",
        rpm("openssl-libs", "openssl", "1.1.1g-15.el8_3"),
        "CVE-2021-23840",
        rocky,
    );
}

#[test]
fn modules_match_by_name_and_stream() {
    let node = |version: &str, stream: &str| {
        let mut package = rpm("nodejs", "nodejs", version);
        package.modularity_label = format!("nodejs:{stream}:8040020210708131418:522a0ee4");
        package
    };
    let id = "CVE-2021-22883";
    let old = check(
        Family::Alma,
        "8.4",
        node("1:10.23.1-1.module_el8.3.0+2018+3d1b9e1a", "10"),
        id,
        Some("1:10.24.0-1.module_el8.3.0+2047+b07ac28e"),
    );
    assert!(old.is_none_or(|found| found.vendor_ids.contains(&"ALSA-2021:0735".to_owned())));
    // A rebuild of the fixed version contains the fix.
    check(
        Family::Alma,
        "8.4",
        node("1:10.24.0-1.module_el8.4.0+2224+b07ac28e", "10"),
        id,
        None,
    );
    // The fix of another stream says nothing about this one.
    let other = node("1:12.1.0-1.module_el8.4.0+1+abcdef12", "12");
    if let Some(findings) = find(Some(Distribution::new(Family::Alma, "8.4")), other) {
        assert!(
            findings
                .matches
                .iter()
                .all(|found| !found.vendor_ids.contains(&"ALSA-2021:0735".to_owned()))
        );
        assert!(
            findings.matches.iter().any(|found| found.id == "CVE-2021-22930"),
            "stream 12 has errata of its own"
        );
    }
    let mut plain = node("1:10.23.1-1.el8", "10");
    plain.modularity_label.clear();
    check(Family::Alma, "8.4", plain, id, None);
}

#[test]
fn suse_amazon_and_azure() {
    let suse = |version: &str| rpm("libopenssl1_1", "openssl-1_1", version);
    check(
        Family::Sles,
        "15.3",
        suse("1.1.1d-11.38.1"),
        "CVE-2022-0778",
        Some("1.1.1d-11.43.1"),
    );
    check(Family::Sles, "15.3", suse("1.1.1d-11.43.1"), "CVE-2022-0778", None);
    let azure = |version: &str| rpm("openssl-libs", "openssl", version);
    check(
        Family::CblMariner,
        "2.0",
        azure("1.1.1k-19.cm2"),
        "CVE-2022-2097",
        Some("1.1.1k-20.cm2"),
    );
    check(Family::CblMariner, "2.0", azure("1.1.1k-20.cm2"), "CVE-2022-2097", None);
}

/// Every fix of Amazon's kernel lines: no build of another line is judged by it.
#[test]
fn amazon_lines_hold_for_their_own_packages_only() {
    let Some(database) = database() else { return };
    let find = |version: &str| {
        let inventory = Inventory {
            distribution: Some(Distribution::new(Family::Amazon, "2 (Karoo)")),
            packages: vec![rpm("kernel", "kernel", version)],
            ..Inventory::default()
        };
        database.find(&inventory, TODAY).unwrap().matches
    };
    let old = find("4.14.200-155.322.amzn2");
    assert!(!old.is_empty() && old.iter().all(|found| found.fixed_version.starts_with("4.14.")));
    let newer = find("5.10.50-44.131.amzn2");
    assert!(!newer.is_empty() && newer.iter().all(|found| found.fixed_version.starts_with("5.10.")));
    assert!(find("5.10.9999-1.amzn2").is_empty());
}

fn language(ecosystem: Ecosystem, name: &str, version: &str, id: &str) -> Option<Option<Match>> {
    let findings = find(None, Package::new(ecosystem, name, version, "app/x"))?;
    Some(
        findings
            .matches
            .into_iter()
            .find(|found| found.id == id || found.vendor_ids.iter().any(|other| other == id)),
    )
}

#[test]
fn npm_and_python_by_ranges() {
    let cases = [
        (Ecosystem::Npm, "lodash", "4.17.20", "CVE-2021-23337", Some("4.17.21")),
        (Ecosystem::Npm, "lodash", "4.17.21", "CVE-2021-23337", None),
        // A pre-release of the fixed version comes before the fix.
        (
            Ecosystem::Npm,
            "lodash",
            "4.17.21-rc.1",
            "CVE-2021-23337",
            Some("4.17.21"),
        ),
        // Each branch has its own fix.
        (Ecosystem::Npm, "minimist", "0.0.8", "CVE-2020-7598", Some("0.2.1")),
        (Ecosystem::Npm, "minimist", "1.2.0", "CVE-2020-7598", Some("1.2.3")),
        (Ecosystem::Npm, "minimist", "0.2.1", "CVE-2020-7598", None),
        (Ecosystem::PyPi, "PyYAML", "5.1", "CVE-2019-20477", Some("5.2")),
        (Ecosystem::PyPi, "PyYAML", "5.2", "CVE-2019-20477", None),
        (Ecosystem::PyPi, "PyYAML", "3.13", "CVE-2019-20477", None),
        // Leading zeros mean nothing in PEP 440.
        (Ecosystem::PyPi, "Certifi", "2022.12.7", "CVE-2022-23491", None),
        (
            Ecosystem::PyPi,
            "certifi",
            "2022.9.24",
            "CVE-2022-23491",
            Some("2022.12.07"),
        ),
        // A local build is the release that it was built from.
        (Ecosystem::PyPi, "torch", "2.1.0+cu118", "CVE-2024-31580", Some("2.2.0")),
        (Ecosystem::PyPi, "torch", "2.2.0+cu118", "CVE-2024-31580", None),
        (Ecosystem::PyPi, "torch", "2.2.0rc1", "CVE-2024-31580", Some("2.2.0")),
    ];
    for (ecosystem, name, version, id, expected) in cases {
        let Some(found) = language(ecosystem, name, version, id) else {
            return;
        };
        assert_eq!(
            found.map(|found| found.fixed_version).as_deref(),
            expected,
            "{name} {version} {id}"
        );
    }
    let found = language(Ecosystem::PyPi, "torch", "nightly build", "CVE-2024-31580")
        .unwrap()
        .unwrap();
    assert!(matches!(found.confidence, Confidence::Uncertain(_)));
}

#[test]
fn java_by_ranges() {
    const CORE: &str = "org.apache.logging.log4j:log4j-core";
    let cases = [
        (CORE, "2.14.1", "CVE-2021-44228", Some("2.15.0")),
        (CORE, "2.17.1", "CVE-2021-44228", None),
        // Each branch has its own fix, and a beta comes before its release.
        (CORE, "2.12.1", "CVE-2021-44228", Some("2.12.2")),
        (CORE, "2.12.2", "CVE-2021-44228", None),
        (CORE, "2.0-beta9", "CVE-2021-44228", Some("2.3.1")),
        (CORE, "2.0-beta8", "CVE-2021-44228", None),
        (CORE, "2.15.0-rc1", "CVE-2021-44228", Some("2.15.0")),
        // The flaw is in the core only, though all parts of log4j have the same versions.
        ("org.apache.logging.log4j:log4j-api", "2.14.1", "CVE-2021-44228", None),
        (
            "org.apache.logging.log4j:log4j-to-slf4j",
            "2.14.1",
            "CVE-2021-44228",
            None,
        ),
        // Without its group the name says too little.
        ("log4j-core", "2.14.1", "CVE-2021-44228", None),
        // Words that belong to a release, before and after it.
        (
            "com.google.guava:guava",
            "31.1-jre",
            "CVE-2023-2976",
            Some("32.0.0-android"),
        ),
        ("com.google.guava:guava", "32.0.0-jre", "CVE-2023-2976", None),
        (
            "org.springframework:spring-beans",
            "5.2.19.RELEASE",
            "CVE-2022-22965",
            Some("5.2.20.RELEASE"),
        ),
        ("org.springframework:spring-beans", "5.2.20", "CVE-2022-22965", None),
    ];
    for (name, version, id, expected) in cases {
        let Some(found) = language(Ecosystem::Maven, name, version, id) else {
            return;
        };
        assert_eq!(
            found.map(|found| found.fixed_version).as_deref(),
            expected,
            "{name} {version} {id}"
        );
    }
    let found = language(Ecosystem::Maven, CORE, "2.14.1", "GHSA-jfh8-c2jp-5v3q")
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.id.as_str(), found.severity, found.source.name.as_str()),
        ("CVE-2021-44228", Severity::Critical, "GitHub Security Advisory Maven")
    );
    let unknown = language(Ecosystem::Maven, CORE, "", "CVE-2021-44228").unwrap().unwrap();
    assert!(matches!(unknown.confidence, Confidence::Uncertain(_)));
}

#[test]
fn one_vulnerability_is_one_finding() {
    let Some(findings) = find(None, Package::new(Ecosystem::PyPi, "PyYAML", "5.1", "app/x")) else {
        return;
    };
    let mut ids: Vec<&str> = findings.matches.iter().map(|found| found.id.as_str()).collect();
    assert!(ids.iter().all(|id| id.starts_with("CVE-")), "{ids:?}");
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
    let merged = findings
        .matches
        .iter()
        .find(|found| found.id == "CVE-2019-20477")
        .unwrap();
    assert!(
        merged.vendor_ids.contains(&"GHSA-3pqx-4fqf-j49f".to_owned()),
        "{:?}",
        merged.vendor_ids
    );
    assert_eq!(
        (merged.source.id.as_str(), merged.source.name.as_str()),
        ("ghsa", "GitHub Security Advisory pip")
    );
}

#[test]
fn what_is_owned_is_left_to_its_distribution() {
    let mut package = Package::new(Ecosystem::PyPi, "PyYAML", "5.1", "usr/lib/python3/dist-packages/x");
    package.owned_by = Some("python3-yaml".to_owned());
    let Some(findings) = find(None, package) else { return };
    assert!(findings.matches.is_empty());
}

#[test]
fn what_is_not_matched_is_said() {
    let rpm = || rpm("openssl", "openssl", "1:1.1.1k-5.el8_5");
    let Some(none) = find(None, rpm()) else { return };
    assert!(
        !none.distribution_supported && none.problems[0].effect == Effect::Incomplete,
        "{none:?}"
    );
    for (family, version) in [(Family::Fedora, "40"), (Family::Alpine, "9.99.1")] {
        let unknown = find(Some(Distribution::new(family, version)), rpm()).unwrap();
        assert!(!unknown.distribution_supported && unknown.matches.is_empty());
        let problem = &unknown.problems[0];
        assert!(
            problem.effect == Effect::Incomplete && problem.what.contains(version),
            "{problem:?}"
        );
    }
    // Advisories about Debian packages say nothing about an rpm in the same image.
    let mixed = find(Some(Distribution::new(Family::Debian, "12")), rpm()).unwrap();
    assert!(mixed.distribution_supported && mixed.matches.is_empty());
    assert_eq!(mixed.problems[0].effect, Effect::Uncertain, "{:?}", mixed.problems);
    let mut foreign = binary(Ecosystem::Deb, "openssl", "openssl", "1.0").tap_source();
    foreign.maintainer = "Docker <support@docker.com>".to_owned();
    let foreign = find(Some(Distribution::new(Family::Debian, "12")), foreign).unwrap();
    assert!(foreign.matches.is_empty() && foreign.problems[0].effect == Effect::Note);
    let key = find(
        Some(Distribution::new(Family::RedHat, "9.4")),
        Package::new(Ecosystem::Rpm, "gpg-pubkey", "x-y", "db"),
    )
    .unwrap();
    assert!(key.matches.is_empty() && key.problems.is_empty());
    assert_eq!(
        find(Some(Distribution::new(Family::Debian, "10")), rpm())
            .unwrap()
            .end_of_life,
        Some(true)
    );
}
