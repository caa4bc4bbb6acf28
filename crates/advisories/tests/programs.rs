//! Programs that only distributions speak of, held against the data that the binary carries: what upstream says of these
//! versions is what must be found.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use seaworthy_advisories::database::Database;
use seaworthy_advisories::matching::Findings;
use seaworthy_model::{Confidence, Ecosystem, Effect, Inventory, MatchKind, Package, limits};
use std::path::Path;

fn find(name: &str, version: &str) -> Findings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db");
    let inventory = Inventory {
        packages: vec![Package::new(Ecosystem::Generic, name, version, "usr/local/bin/x")],
        ..Inventory::default()
    };
    Database::open(path).unwrap().find(&inventory, 20_148).unwrap()
}

/// The ids and fixes found of these years.
fn of_years(name: &str, version: &str, years: &[&str]) -> Vec<(String, String)> {
    let of_year = |id: &str| years.iter().any(|year| id.starts_with(&format!("CVE-{year}-")));
    let matches = find(name, version).matches.into_iter();
    let found = matches.filter(|found| of_year(&found.id));
    found.map(|found| (found.id, found.fixed_version)).collect()
}

/// `id=fix`, the fix is empty where none is known.
fn check(name: &str, version: &str, years: &[&str], expected: &[&str]) {
    let found = of_years(name, version, years);
    let found: Vec<String> = found.iter().map(|(id, fix)| format!("{id}={fix}")).collect();
    assert_eq!(found, expected, "{name} {version}");
}

#[test]
fn openssl_by_the_fixes_of_its_line() {
    check(
        "openssl",
        "3.0.13",
        &["2024"],
        &[
            "CVE-2024-13176=",
            "CVE-2024-2511=3.0.14",
            "CVE-2024-4741=3.0.14",
            "CVE-2024-5535=3.0.14",
            "CVE-2024-6119=3.0.15",
            "CVE-2024-9143=3.0.15",
        ],
    );
    // The last of its line: what later ids say of it, and nothing of what came with 3.0.
    check("openssl", "1.1.1w", &["2021", "2022"], &[]);
    let ids: Vec<_> = of_years("openssl", "1.1.1w", &["2023"])
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(ids, ["CVE-2023-5678"]);
    check(
        "openssl",
        "1.1.1k",
        &["2021"],
        &["CVE-2021-3711=1.1.1l", "CVE-2021-3712=1.1.1l", "CVE-2021-4160=1.1.1m"],
    );
}

#[test]
fn programs_without_lines_by_any_fix() {
    check("curl", "8.11.0", &["2023", "2024"], &["CVE-2024-11053=8.11.1"]);
    // What came with 8.x does not concern the version that Debian 12 has.
    let curl = of_years("curl", "7.88.1", &["2024"]);
    assert!(curl.iter().any(|(id, _)| id == "CVE-2024-7264"));
    for later in ["CVE-2024-0853", "CVE-2024-2466", "CVE-2024-6197", "CVE-2024-6874"] {
        assert!(curl.iter().all(|(id, _)| id != later), "{later}");
    }
    check("openssh", "9.2p1", &["2024"], &["CVE-2024-6387=9.8p1"]);
    check("openssh", "9.8p1", &["2023", "2024"], &[]);
    check(
        "busybox",
        "1.36.1",
        &["2021", "2023"],
        &[
            "CVE-2023-39810=",
            "CVE-2023-42363=1.37.0",
            "CVE-2023-42364=1.37.0",
            "CVE-2023-42365=1.37.0",
            "CVE-2023-42366=",
        ],
    );
    check("bash", "5.2.15", &["2019", "2022"], &[]);
}

#[test]
fn such_a_finding_is_a_guess_and_says_so() {
    let findings = find("curl", "8.11.0");
    for found in &findings.matches {
        assert_eq!(found.kind, MatchKind::Product);
        assert!(matches!(&found.confidence, Confidence::Uncertain(why) if why.contains("curl")));
    }
    let [problem] = findings.problems.as_slice() else {
        unreachable!("{:?}", findings.problems)
    };
    assert!(
        problem.effect == Effect::Note && problem.what.contains("curl"),
        "{problem:?}"
    );
    // A version that is none is not clean.
    let unclear = find("curl", "latest");
    assert!(
        unclear
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Uncertain)
    );
    // Who has records of its own is matched by these.
    let sqlite = find("sqlite", "3.40.1");
    assert!(sqlite.matches.iter().all(|found| found.source.id == "bitnami") && !sqlite.matches.is_empty());
    let deno = find("deno", "1.40.0");
    assert!(
        deno.matches
            .iter()
            .any(|found| found.id == "CVE-2024-27934" && found.fixed_version == "1.40.3")
    );
    assert!(deno.matches.iter().all(|found| found.confidence == Confidence::Exact));
}

#[test]
fn many_programs_end_at_the_limit_of_findings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db");
    let program = Package::new(Ecosystem::Generic, "ffmpeg", "4.0.1", "bom.json");
    let of = |count: usize| {
        let inventory = Inventory {
            packages: vec![program.clone(); count],
            ..Inventory::default()
        };
        Database::open(&path).unwrap().find(&inventory, 20_148).unwrap()
    };
    let one = of(1).matches.len();
    assert!(one > 50, "{one}");
    let many = of(limits::FINDINGS / one + 2);
    assert_eq!(many.matches.len(), limits::FINDINGS);
    let cut = many
        .problems
        .iter()
        .find(|problem| problem.effect == Effect::Incomplete);
    // One finding more than is listed, and the rest of the program's own: whatever comes after is not even looked for.
    let told = format!("{} findings", (limits::FINDINGS / one + 1) * one);
    assert!(cut.is_some_and(|cut| cut.what.starts_with(&told)), "{cut:?}");
    assert_eq!(of(limits::FINDINGS / one + 50).matches.len(), limits::FINDINGS);
}

#[test]
fn go_modules_whose_package_url_has_no_capitals_are_found() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db");
    let database = Database::open(path).unwrap();
    let ids = |name: &str| {
        let inventory = Inventory {
            packages: vec![Package::new(Ecosystem::Go, name, "v0.107.50", "bom.json")],
            ..Inventory::default()
        };
        let matches = database.find(&inventory, 20_148).unwrap().matches;
        matches.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    let spelled = ids("github.com/AdguardTeam/AdGuardHome");
    assert!(!spelled.is_empty());
    assert_eq!(ids("github.com/adguardteam/adguardhome"), spelled);
    assert!(ids("github.com/adguardteam/adguard").is_empty());
}
