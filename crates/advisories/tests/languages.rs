//! Packages of languages and programs without a package manager, each on real records: affected, fixed, not affected,
//! uncertain.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use seaworthy_advisories::database::Database;
use seaworthy_advisories::feeds::compile;
use seaworthy_advisories::file::write;
use seaworthy_advisories::matching::Findings;
use seaworthy_advisories::record::Compilation;
use seaworthy_model::{Confidence, Ecosystem, Effect, FixStatus, Inventory, Match, MatchKind, Package, Severity};
use std::path::Path;
use std::sync::OnceLock;

/// 2025-03-01.
const TODAY: i64 = 20_148;

/// Packages that the cases are about.
const PACKAGES: &[&str] = &[
    "golang.org/x/net",
    "stdlib",
    "toolchain",
    "istio.io/istio",
    "github.com/hashicorp/vault",
    "time",
    "rack",
    "nokogiri",
    "guzzlehttp/psr7",
    "newtonsoft.json",
    "redis",
    "nginx",
    "java",
    "apache",
    "node",
    "k8s.io/kubelet",
    "jplayer",
    "jquery",
    "git",
    "script-security",
    "core",
    "core lts",
    "org.jenkins-ci.plugins:git",
    "org.jenkins-ci.main:jenkins-core",
];

fn compiled() -> Option<&'static Compilation> {
    static ALL: OnceLock<Option<Compilation>> = OnceLock::new();
    ALL.get_or_init(|| {
        let feeds = seaworthy_testkit::data::path("feeds")?;
        let directory = tempfile::tempdir().unwrap();
        let mut files: Vec<String> = [
            "npm",
            "Maven",
            "Go",
            "crates.io",
            "RubyGems",
            "Packagist",
            "NuGet",
            "Bitnami",
            "Kubernetes",
        ]
        .iter()
        .map(|name| format!("osv/{name}/all.zip"))
        .collect();
        files.push("native/jenkins/warnings.json.gz".to_owned());
        files.push("native/retirejs/jsrepository-v6.json.gz".to_owned());
        files.push("native/nodejs/core-index.json.gz".to_owned());
        for file in files {
            let to = directory.path().join(&file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(feeds.join(&file), to).unwrap();
        }
        let mut all = compile(directory.path(), &|_| {}).unwrap();
        all.records.retain(|record| PACKAGES.contains(&record.package.as_str()));
        let used: std::collections::HashSet<&str> = all.records.iter().map(|record| record.id.as_str()).collect();
        all.facts.retain(|id, _| used.contains(id.as_str()));
        Some(all)
    })
    .as_ref()
}

fn open(all: &Compilation, directory: &Path) -> Database {
    let file = directory.join("advisories.db");
    std::fs::write(&file, write(all).unwrap()).unwrap();
    Database::open(&file).unwrap()
}

fn database() -> Option<&'static Database> {
    static DATABASE: OnceLock<Option<(Database, tempfile::TempDir)>> = OnceLock::new();
    DATABASE
        .get_or_init(|| {
            let directory = tempfile::tempdir().unwrap();
            Some((open(compiled()?, directory.path()), directory))
        })
        .as_ref()
        .map(|(database, _)| database)
}

fn find_in(database: &Database, package: Package) -> Findings {
    let inventory = Inventory {
        packages: vec![package],
        ..Inventory::default()
    };
    database.find(&inventory, TODAY).unwrap()
}

fn find(package: Package) -> Option<Findings> {
    Some(find_in(database()?, package))
}

/// The finding of an id, which must be there with this fix (`Some("")` without one) or not be there (`None`).
fn check(ecosystem: Ecosystem, name: &str, version: &str, id: &str, fix: Option<&str>) -> Option<Match> {
    let findings = find(Package::new(ecosystem, name, version, "some/path"))?;
    let found = findings.matches.into_iter().find(|found| found.id == id);
    assert_eq!(
        found.as_ref().map(|found| found.fixed_version.as_str()),
        fix,
        "{id} in {name} {version}: {found:?}"
    );
    found
}

fn uncertain(ecosystem: Ecosystem, name: &str, version: &str) {
    let Some(findings) = find(Package::new(ecosystem, name, version, "some/path")) else {
        return;
    };
    assert!(!findings.matches.is_empty(), "{name} {version}");
    for found in &findings.matches {
        assert!(
            matches!(found.confidence, Confidence::Uncertain(_)) || found.range == "all versions",
            "{found:?}"
        );
    }
    assert!(
        findings
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Uncertain)
    );
}

#[test]
fn go_modules_by_path_and_tag() {
    let module = |version, fix| check(Ecosystem::Go, "golang.org/x/net", version, "CVE-2023-44487", fix);
    module("v0.16.0", Some("0.17.0"));
    module("0.16.0", Some("0.17.0"));
    module("v0.17.0", None);
    module("v0.17.0-rc.1", Some("0.17.0"));
    module("v0.16.1-0.20230913190518-a3d24e80b04b", Some("0.17.0"));
    // Capitals and major suffixes make another module.
    check(Ecosystem::Go, "golang.org/x/Net", "v0.16.0", "CVE-2023-44487", None);
    check(Ecosystem::Go, "golang.org/x/net/v2", "v0.16.0", "CVE-2023-44487", None);
    uncertain(Ecosystem::Go, "golang.org/x/net", "(devel)");
}

#[test]
fn commits_without_a_tag_have_no_place_among_tags() {
    let id = "CVE-2021-31920";
    let Some(found) = check(
        Ecosystem::Go,
        "istio.io/istio",
        "v0.0.0-20220308185742-91533d04e894",
        id,
        Some("1.8.6"),
    ) else {
        return;
    };
    assert!(matches!(found.confidence, Confidence::Uncertain(_)), "{found:?}");
    let found = check(Ecosystem::Go, "istio.io/istio", "v1.8.5", id, Some("1.8.6")).unwrap();
    assert_eq!(found.confidence, Confidence::Exact);
    check(Ecosystem::Go, "istio.io/istio", "v1.8.6", id, None);
    check(Ecosystem::Go, "istio.io/istio", "v1.9.4", id, Some("1.9.5"));
}

#[test]
fn the_standard_library_of_go_by_release() {
    let id = "CVE-2023-45288";
    for (version, fix) in [
        ("v1.21.8", Some("1.21.9")),
        ("go1.21.8 X:nocoverageredesign", Some("1.21.9")),
        ("1.22.1 (Red Hat 1.22.1-1.el9)", Some("1.22.2")),
        ("go1.22rc1", Some("1.22.2")),
        ("1.21.9", None),
        ("go1.22.2", None),
    ] {
        check(Ecosystem::Go, "stdlib", version, id, fix);
    }
    // Go as it is installed brings its tools.
    check(Ecosystem::Generic, "go", "1.14.13", "CVE-2021-3115", Some("1.14.14"));
    check(Ecosystem::Generic, "go", "1.14.14", "CVE-2021-3115", None);
    check(Ecosystem::Go, "stdlib", "1.14.13", "CVE-2021-3115", None);
}

#[test]
fn crates_by_the_ranges_of_rustsec() {
    let id = "CVE-2020-26235";
    check(Ecosystem::Cargo, "time", "0.2.22", id, Some("0.2.23"));
    check(Ecosystem::Cargo, "time", "0.2.23", id, None);
    // GitHub's range has no gaps; RustSec knows that this release is not affected.
    check(Ecosystem::Cargo, "time", "0.2.6", id, None);
    uncertain(Ecosystem::Cargo, "time", "unknown");
}

#[test]
fn gems_by_the_order_of_rubygems() {
    let id = "CVE-2022-44570";
    check(Ecosystem::Gem, "rack", "2.2.6.1", id, Some("2.2.6.2"));
    check(Ecosystem::Gem, "rack", "2.2.6.2", id, None);
    check(Ecosystem::Gem, "rack", "3.0.4.1.rc1", id, Some("3.0.4.1"));
    check(Ecosystem::Gem, "rack", "1.4.7", id, None);
    // The platform is no pre-release.
    check(
        Ecosystem::Gem,
        "nokogiri",
        "1.13.4-x86_64-linux",
        "CVE-2022-24836",
        None,
    );
    check(
        Ecosystem::Gem,
        "nokogiri",
        "1.13.3-x86_64-linux-gnu",
        "CVE-2022-24836",
        Some("1.13.4"),
    );
    uncertain(Ecosystem::Gem, "rack", "v3");
}

#[test]
fn php_packages_as_composer_normalises_them() {
    let id = "CVE-2022-24775";
    check(Ecosystem::Composer, "guzzlehttp/psr7", "1.8.3", id, Some("1.8.4"));
    check(Ecosystem::Composer, "GuzzleHttp/PSR7", "v2.1.0", id, Some("2.1.1"));
    check(Ecosystem::Composer, "guzzlehttp/psr7", "1.8.4.0", id, None);
    check(Ecosystem::Composer, "guzzlehttp/psr7", "2.1.1", id, None);
    check(Ecosystem::Composer, "guzzlehttp/psr7", "1.9.0", id, None);
    uncertain(Ecosystem::Composer, "guzzlehttp/psr7", "dev-master");
}

#[test]
fn dotnet_packages_without_regard_to_capitals() {
    let id = "CVE-2024-21907";
    check(Ecosystem::NuGet, "Newtonsoft.Json", "12.0.3", id, Some("13.0.1"));
    check(Ecosystem::NuGet, "newtonsoft.json", "13.0.1-beta2", id, Some("13.0.1"));
    check(Ecosystem::NuGet, "newtonsoft.json", "13.0.1beta2", id, Some("13.0.1"));
    check(Ecosystem::NuGet, "Newtonsoft.Json", "13.0.1.0", id, None);
    uncertain(Ecosystem::NuGet, "Newtonsoft.Json", "$(JsonVersion)");
}

#[test]
fn components_of_bitnami_and_programs_of_their_names() {
    let id = "CVE-2024-24989";
    let Some(found) = check(Ecosystem::Bitnami, "nginx", "1.25.3-4", id, Some("1.25.4")) else {
        return;
    };
    assert_eq!((found.kind, found.severity), (MatchKind::Direct, Severity::High));
    check(Ecosystem::Bitnami, "nginx", "1.25.4-1", id, None);
    check(Ecosystem::Bitnami, "nginx", "1.24.0-1", id, None);
    // A program that is only known by what its binary says is matched by name: a guess, and said to be one.
    let found = check(Ecosystem::Generic, "nginx", "1.25.3", id, Some("1.25.4")).unwrap();
    assert_eq!(found.kind, MatchKind::Product);
    check(Ecosystem::Generic, "redis", "6.2.5", "CVE-2021-32626", Some("6.2.6"));
    check(Ecosystem::Generic, "redis", "6.2.6", "CVE-2021-32626", None);
    check(Ecosystem::Generic, "httpd", "2.4.43", "CVE-2020-11984", Some("2.4.44"));
    uncertain(Ecosystem::Generic, "redis", "unstable");
}

#[test]
fn java_runtimes_by_their_own_order() {
    let id = "CVE-2020-14556";
    for (version, fix) in [
        ("1.8.0_252-b09", Some("8.0.261")),
        ("8u252", Some("8.0.261")),
        ("1.8.0_261", None),
        ("11.0.7+10", Some("11.0.8")),
        ("11.0.8+10", None),
        ("17.0.9+9", None),
    ] {
        check(Ecosystem::Generic, "openjdk", version, id, fix);
    }
    uncertain(Ecosystem::Generic, "openjdk", "seventeen");
}

#[test]
fn node_itself_by_its_own_security_group() {
    let id = "CVE-2022-32213";
    let Some(found) = check(Ecosystem::Generic, "node", "18.9.0", id, Some("18.9.1")) else {
        return;
    };
    assert_eq!(
        (found.kind, found.source.id.as_str()),
        (MatchKind::Direct, "nodejs-security-wg")
    );
    check(Ecosystem::Generic, "node", "18.9.1", id, None);
    check(Ecosystem::Generic, "node", "v16.17.0", id, Some("16.17.1"));
    check(Ecosystem::Generic, "node", "20.0.0", id, None);
    // Only on Windows.
    check(Ecosystem::Generic, "node", "18.4.0", "CVE-2022-32223", None);
    // A package of npm that is called so is something else.
    check(Ecosystem::Npm, "node", "18.9.0", id, None);
}

#[test]
fn components_of_kubernetes_by_the_official_feed() {
    check(
        Ecosystem::Generic,
        "kubelet",
        "1.7.13",
        "CVE-2017-1002101",
        Some("1.7.14"),
    );
    check(Ecosystem::Generic, "kubelet", "v1.9.4", "CVE-2017-1002101", None);
    check(Ecosystem::Generic, "kubelet", "1.2.0", "CVE-2017-1002101", None);
}

#[test]
fn jenkins_and_its_plugins_by_the_update_center() {
    let plugin = |name: &str, version: &str| {
        let path = format!("plugins/{name}.jpi");
        let package = Package::new(
            Ecosystem::Maven,
            format!("org.jenkins-ci.plugins:{name}"),
            version,
            path,
        );
        find(package).map(|findings| findings.matches)
    };
    let ids = |matches: &[Match]| matches.iter().map(|found| found.id.clone()).collect::<Vec<_>>();
    let Some(found) = plugin("script-security", "1402.v94c9ce464861") else {
        return;
    };
    let found = found.iter().find(|found| found.id == "SECURITY-3792").unwrap();
    assert_eq!(
        (found.status, found.source.id.as_str()),
        (FixStatus::Affected, "jenkins")
    );
    assert_eq!(found.range, "<= 1402.v94c9ce464861");
    assert!(ids(&plugin("script-security", "1403.0").unwrap()).is_empty());
    // What an advisory with a CVE says is not said again.
    let git = ids(&plugin("git", "4.11.3").unwrap());
    assert!(
        git.contains(&"CVE-2022-36882".to_owned()) && !git.contains(&"SECURITY-284".to_owned()),
        "{git:?}"
    );
    // A warning about the long-term line says nothing about the weekly one.
    let core = |version: &str| {
        let package = Package::new(Ecosystem::Generic, "jenkins", version, "usr/share/jenkins/jenkins.war");
        ids(&find(package).unwrap().matches)
    };
    let newest = "core-2_568".to_owned();
    assert!(core("2.555.2").contains(&newest) && core("2.567").contains(&newest));
    assert!(!core("2.555.3").contains(&newest) && !core("2.568").contains(&newest));
}

#[test]
fn libraries_of_browsers_by_retire_js() {
    let id = "CVE-2013-1942";
    let Some(found) = check(Ecosystem::Npm, "jplayer", "2.2.19", id, Some("2.2.20")) else {
        return;
    };
    assert_eq!(found.source.id, "retirejs");
    check(Ecosystem::Npm, "jplayer", "2.2.20", id, None);
    // GitHub's reviewed range counts where it has one.
    let found = check(Ecosystem::Npm, "jquery", "1.8.0", "CVE-2012-6708", Some("1.9.0")).unwrap();
    assert_eq!(found.source.id, "ghsa");
}

#[test]
fn names_that_no_advisories_are_about_are_not_called_clean() {
    for (ecosystem, name) in [
        (Ecosystem::Generic, "frobnicate"),
        (Ecosystem::Conda, "numpy"),
        (Ecosystem::LuaRocks, "luasec"),
    ] {
        let Some(findings) = find(Package::new(ecosystem, name, "1.0", "some/path")) else {
            return;
        };
        assert!(findings.matches.is_empty());
        let [problem] = findings.problems.as_slice() else {
            unreachable!("{:?}", findings.problems)
        };
        assert_eq!(problem.effect, Effect::Note);
        assert!(problem.what.contains(name), "{problem:?}");
    }
    // A registry's advisories know the names of all its packages.
    let Some(findings) = find(Package::new(Ecosystem::Cargo, "frobnicate", "1.0.0", "some/path")) else {
        return;
    };
    assert!(findings.problems.is_empty(), "{:?}", findings.problems);
}

/// One OSV record, zipped as its ecosystem's feed.
fn feed(root: &Path, ecosystem: &str, name: &str, introduced: &str, fixed: &str) {
    let record = format!(
        r#"{{"id": "GHSA-aaaa-bbbb-cccc", "modified": "2025-01-01T00:00:00Z", "aliases": ["CVE-2025-0001"],
            "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}},
            "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "{introduced}"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
    );
    let path = root.join(format!("osv/{ecosystem}/all.zip"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    let (mut entry, config) = archive.new_file("GHSA-aaaa-bbbb-cccc.json").start().unwrap();
    let mut writer = config.wrap(&mut entry);
    std::io::Write::write_all(&mut writer, record.as_bytes()).unwrap();
    let (_, descriptor) = writer.finish().unwrap();
    entry.finish(descriptor).unwrap();
    archive.finish().unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn ecosystems_whose_feeds_are_not_carried_are_matched_where_they_are_given() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    feed(root, "Hex", "phoenix", "1.0.0", "1.7.0");
    feed(root, "Pub", "http", "0", "0.13.3");
    feed(root, "SwiftURL", "github.com/apple/swift-nio", "0", "2.39.1");
    feed(root, "ConanCenter", "zlib", "0", "1.2.13");
    feed(root, "CRAN", "commonmark", "0", "1.8");
    feed(root, "Hackage", "aeson", "0.4.0.0", "2.0.1.0");
    feed(root, "Julia", "HTTP", "0", "1.10.17");
    let database = open(&compile(root, &|_| {}).unwrap(), root);
    for (ecosystem, name, version, affected) in [
        (Ecosystem::Hex, "phoenix", "1.6.16", true),
        (Ecosystem::Hex, "phoenix", "1.7.0-rc.0", true),
        (Ecosystem::Hex, "phoenix", "1.7.0", false),
        (Ecosystem::Pub, "http", "0.13.2", true),
        (Ecosystem::Pub, "http", "0.14.0-dev.1", false),
        (Ecosystem::Pub, "http", "0.13.3+1", false),
        (
            Ecosystem::Swift,
            "https://github.com/Apple/swift-nio.git",
            "2.39.0",
            true,
        ),
        (Ecosystem::Swift, "github.com/apple/swift-nio", "2.39.1", false),
        (Ecosystem::Conan, "zlib", "1.2.11", true),
        (Ecosystem::Conan, "zlib", "1.2.13", false),
        (Ecosystem::Cran, "commonmark", "1.7", true),
        (Ecosystem::Cran, "commonmark", "1.8-1", false),
        (Ecosystem::Hackage, "aeson", "2.0.0.0", true),
        (Ecosystem::Hackage, "aeson", "0.3.9", false),
        (Ecosystem::Julia, "HTTP", "1.10.16", true),
        (Ecosystem::Julia, "HTTP", "1.10.17", false),
    ] {
        let found = find_in(&database, Package::new(ecosystem, name, version, "some/path")).matches;
        assert_eq!(
            found.iter().any(|found| found.id == "CVE-2025-0001"),
            affected,
            "{name} {version}"
        );
    }
}
