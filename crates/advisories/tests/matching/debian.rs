//! Debian and Ubuntu: what the tracker's words mean, packages of other releases and of others, long-term channels.

use super::rules::Expected::{Fix, No, Open, Perhaps};
use super::rules::{Expected, Installed, check, installed, on};
use super::{TODAY, database, find};
use seaworthy_model::{Distribution, Ecosystem, Effect, Family, FixStatus, Inventory, Package, Severity};

fn on_debian(release: &str, rows: &[(Installed, &str, Expected)]) {
    check(Some(&on(Family::Debian, release)), Ecosystem::Deb, rows);
}

fn openssl(version: &'static str) -> Installed {
    installed("libssl3", version).built_from("openssl", version)
}

/// Rule 2: a rebuild has its source's version, which decides although the binary's own sorts elsewhere.
#[test]
fn rebuilds_have_the_version_of_their_source() {
    let bash = |binary, source| installed("bash", binary).built_from("bash", source);
    on_debian(
        "12",
        &[
            (bash("5.1-6+b2", "5.1-6"), "CVE-2022-3715", Fix("5.2-1")),
            (bash("5.2-1+b2", "5.2-1"), "CVE-2022-3715", No),
            // The binary alone would be above the fix.
            (bash("5.3-1", "5.1-6"), "CVE-2022-3715", Fix("5.2-1")),
            (installed("bash", "5.1-6+b2").of("dash"), "CVE-2022-3715", No),
            (bash("5.1-6+b2", "5.1 6"), "CVE-2022-3715", Perhaps("5.2-1")),
        ],
    );
}

/// Rule 4: the end of support is a status of its own, what is not fixed yet is affected, what is not listed is not.
#[test]
fn words_of_the_tracker() {
    let glibc = |version| installed("libc6", version).built_from("glibc", version);
    on_debian(
        "12",
        &[
            (glibc("2.36-9+deb12u9"), "CVE-2010-4756", Open(FixStatus::Affected)),
            (glibc("2.36-9+deb12u5"), "CVE-2024-2961", Fix("2.36-9+deb12u6")),
            (glibc("2.36-9+deb12u6"), "CVE-2024-2961", No),
            (installed("consul", "1.8.7+dfsg1-6"), "CVE-2021-37219", No),
            (glibc("2.36 9"), "CVE-2024-2961", Perhaps("2.36-9+deb12u6")),
        ],
    );
    let consul = |version| installed("consul", version);
    on_debian(
        "11",
        &[
            (consul("1.8.7+dfsg1-2"), "CVE-2021-37219", Open(FixStatus::EndOfLife)),
            (
                installed("bash", "5.1-2+deb11u1"),
                "CVE-2022-3715",
                Open(FixStatus::Affected),
            ),
        ],
    );
    // Of no consequence is Low, whatever others say of the CVE.
    let Some(findings) = find(
        Some(on(Family::Debian, "12")),
        package("libc6", "glibc", "2.36-9+deb12u9"),
    ) else {
        return;
    };
    let found = findings
        .matches
        .iter()
        .find(|found| found.id == "CVE-2010-4756")
        .unwrap();
    assert_eq!(
        (found.severity, found.severity_source.as_str()),
        (Severity::Low, "debian")
    );
}

/// Rule 5: backports and packages of other releases are judged where they came from.
#[test]
fn packages_of_other_releases_are_judged_by_those() {
    let bash = |version| installed("bash", version).built_from("bash", version);
    on_debian(
        "11",
        &[
            // 11 does not fix it; what was installed from unstable has the fix that unstable got.
            (bash("5.1-2+deb11u1"), "CVE-2022-3715", Open(FixStatus::Affected)),
            (bash("5.2.15-2+b2"), "CVE-2022-3715", No),
            (bash("5.2-1"), "CVE-2022-3715", No),
            (bash("5.2 15"), "CVE-2022-3715", Perhaps("")),
        ],
    );
    on_debian(
        "12",
        &[
            // Above the fix of 12, below that of 13, from which it was built.
            (openssl("3.2.1-3~bpo12+1"), "CVE-2024-5535", Fix("3.3.2-1")),
            (openssl("3.3.2-1~bpo12+1"), "CVE-2024-5535", No),
            (openssl("3.2.1-3~bpo12+1"), "CVE-2023-5678", No),
            (openssl("3.2 1~bpo12+1"), "CVE-2024-5535", Perhaps("3.3.2-1")),
            // Left from the release before: below every fix of 12, above that of 11.
            (openssl("1.1.1w-0+deb11u1"), "CVE-2024-5535", Fix("1.1.1w-0+deb11u2")),
            (openssl("1.1.1w-0+deb11u2"), "CVE-2024-5535", No),
            (openssl("1.1.1w-0+deb11u1"), "CVE-2023-6237", No),
            (openssl("3.0.14-1~deb12u2"), "CVE-2024-5535", Fix("3.0.15-1~deb12u1")),
        ],
    );
    // A release of which the data have nothing is said.
    let of_14 = find(
        Some(on(Family::Debian, "13")),
        package("libssl3", "openssl", "3.4.0-1~bpo13+1"),
    );
    let Some(of_14) = of_14 else { return };
    let said = |problem: &&seaworthy_model::Problem| problem.effect == Effect::Uncertain;
    let problem = of_14.problems.iter().find(said).unwrap();
    assert!(problem.what.contains("debian 14"), "{problem:?}");
}

/// Rule 6: advisories of a distribution are about what it built.
#[test]
fn packages_of_others_are_not_judged() {
    let ours = "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>";
    let theirs = "Acme <packages@nginx.com>";
    on_debian(
        "12",
        &[
            (
                openssl("3.0.14-1~deb12u2").by(ours),
                "CVE-2024-5535",
                Fix("3.0.15-1~deb12u1"),
            ),
            (openssl("3.0.15-1~deb12u1").by(ours), "CVE-2024-5535", No),
            (openssl("3.0.14-1~deb12u2").by(theirs), "CVE-2024-5535", No),
            (openssl("3.0 14").by(ours), "CVE-2024-5535", Perhaps("3.0.15-1~deb12u1")),
        ],
    );
    let rpm = |version| installed("openssl", version);
    check(
        Some(&on(Family::Alma, "8.5")),
        Ecosystem::Rpm,
        &[
            (
                rpm("1:1.1.1k-5.el8_5").by("AlmaLinux"),
                "CVE-2022-0778",
                Fix("1:1.1.1k-6.el8_5"),
            ),
            (rpm("1:1.1.1k-6.el8_5").by("AlmaLinux"), "CVE-2022-0778", No),
            (rpm("1:1.1.1k-5.el8_5").by("Remi's RPM repository"), "CVE-2022-0778", No),
            (rpm("").by("AlmaLinux"), "CVE-2022-0778", Perhaps("1:1.1.1k-6.el8_5")),
        ],
    );
    let mut package = package("libssl3", "openssl", "3.0.14-1~deb12u2");
    package.maintainer = theirs.to_owned();
    let Some(findings) = find(Some(on(Family::Debian, "12")), package) else {
        return;
    };
    assert!(
        findings.problems.iter().any(|problem| problem.effect == Effect::Note),
        "{findings:?}"
    );
}

/// Rule 7: what only subscribers get is a fix for them alone, and no reason to call the others fixed.
#[test]
fn long_term_fixes_are_for_subscribers() {
    let ssl = |version| installed("libssl1.0.0", version).built_from("openssl", version);
    let rows = |fix| {
        [
            (ssl("1.0.2g-1ubuntu4.20"), "CVE-2022-0778", fix),
            (ssl("1.0.2g-1ubuntu4.20+esm2"), "CVE-2022-0778", No),
            (ssl("1.0.2g-1ubuntu4.20"), "CVE-2022-1343", No),
        ]
    };
    let plain = on(Family::Ubuntu, "16.04");
    let mut subscribed = plain.clone();
    subscribed.channels.push("esm-infra".to_owned());
    let deb = Ecosystem::Deb;
    check(Some(&plain), deb, &rows(Open(FixStatus::Affected)));
    check(Some(&subscribed), deb, &rows(Fix("1.0.2g-1ubuntu4.20+esm2")));
    let unclear = ssl("1.0 2g");
    check(Some(&plain), deb, &[(unclear, "CVE-2022-0778", Perhaps(""))]);
    check(
        Some(&subscribed),
        deb,
        &[(unclear, "CVE-2022-0778", Perhaps("1.0.2g-1ubuntu4.20+esm2"))],
    );
}

/// Rule 12: signed kernels are built from `linux`.
#[test]
fn signed_kernels_are_judged_as_linux() {
    let image = |version| installed("linux-image-6.1.0-18-amd64", version).built_from("linux-signed-amd64", version);
    on_debian(
        "12",
        &[
            (image("6.1.76+1"), "CVE-2024-26581", Fix("6.1.82-1")),
            (image("6.1.82+1"), "CVE-2024-26581", No),
            (image("6.1.76+1"), "CVE-2024-0582", No),
            (image("6.1 76"), "CVE-2024-26581", Perhaps("6.1.82-1")),
        ],
    );
}

/// Rule 11 on Debian: each installed version is judged by itself.
#[test]
fn two_kernels_are_judged_one_by_one() {
    let Some(database) = database() else { return };
    let kernel = |version: &str| package(&format!("linux-image-{version}"), "linux", version);
    let inventory = Inventory {
        distribution: Some(Distribution::new(Family::Debian, "12")),
        packages: vec![kernel("6.1.76-1"), kernel("6.1.82-1"), kernel("6.1 x")],
        ..Inventory::default()
    };
    let findings = database.find(&inventory, TODAY).unwrap();
    let of = findings.matches.iter().filter(|found| found.id == "CVE-2024-26581");
    assert_eq!(of.map(|found| found.package).collect::<Vec<_>>(), [0, 2]);
    // They are kept, and the reader is told that a container does not run them.
    let note = findings
        .problems
        .iter()
        .find(|problem| problem.what.contains("kernel's sources"));
    let note = note.expect("kernels are classified");
    assert_eq!(note.effect, Effect::Note);
    let count = format!("{} findings are", findings.matches.len());
    assert!(note.what.starts_with(&count), "{}", note.what);
}

#[test]
fn programs_that_are_no_kernel_are_not_called_one() {
    let Some(findings) = super::find(
        Some(Distribution::new(Family::Debian, "12")),
        package("curl", "curl", "7.88.1-10"),
    ) else {
        return;
    };
    assert!(!findings.matches.is_empty());
    assert!(findings.problems.is_empty(), "{:?}", findings.problems);
}

fn package(name: &str, source: &str, version: &str) -> Package {
    super::binary(Ecosystem::Deb, name, source, version)
}
