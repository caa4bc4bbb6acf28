//! rpm distributions: several versions side by side, and builds that sort apart from what they contain.

use super::rules::Expected::{Fix, No, Perhaps};
use super::rules::{check, installed, on};
use super::{TODAY, database};
use seaworthy_model::{Confidence, Distribution, Ecosystem, Family, Inventory};

/// Rule 3: advisories name binary packages of other versions than their source's; each is compared with its own.
#[test]
fn binaries_are_compared_with_their_own_fixes() {
    check(
        Some(&on(Family::Alma, "8.5")),
        Ecosystem::Rpm,
        &[
            (
                installed("openssl-libs", "1:1.1.1k-5.el8_5").built_from("openssl", "1.1.1k-5.el8_5"),
                "CVE-2022-0778",
                Fix("1:1.1.1k-6.el8_5"),
            ),
            (
                installed("openssl-libs", "1:1.1.1k-6.el8_5").built_from("openssl", "1.1.1k-6.el8_5"),
                "CVE-2022-0778",
                No,
            ),
            (
                installed("other-libs", "1.1.1a-1.el8").built_from("openssl", "1.1.1a-1.el8"),
                "CVE-2022-0778",
                No,
            ),
            (
                installed("openssl-libs", ""),
                "CVE-2022-0778",
                Perhaps("1:1.1.1k-6.el8_5"),
            ),
        ],
    );
}

/// Rule 11: several versions of a kernel are reported one by one.
#[test]
fn every_installed_kernel_is_judged_by_itself() {
    let Some(database) = database() else { return };
    let versions = ["4.18.0-348.el8", "4.18.0-372.9.1.el8", "4.18.0-372.9.2.el8", ""];
    let inventory = Inventory {
        distribution: Some(Distribution::new(Family::Alma, "8.6")),
        packages: versions
            .map(|version| super::binary(Ecosystem::Rpm, "kernel-core", "kernel", version))
            .to_vec(),
        ..Inventory::default()
    };
    let findings = database.find(&inventory, TODAY).unwrap();
    let found: Vec<_> = findings
        .matches
        .iter()
        .filter(|found| found.id == "CVE-2021-4083")
        .map(|found| {
            let certain = found.confidence == Confidence::Exact;
            (found.package, found.fixed_version.as_str(), certain)
        })
        .collect();
    let fix = "4.18.0-372.9.1.el8";
    assert_eq!(found, [(0, fix, true), (3, fix, false)]);
}

/// Rule 15: a build for one customer sorts below the fix that it may contain.
#[test]
fn temporary_fixes_of_suse_are_uncertain() {
    let glibc = |version| installed("glibc", version);
    let id = "CVE-2024-2961";
    let fix = "2.31-150300.74.1";
    check(
        Some(&on(Family::OpenSuseLeap, "15.5")),
        Ecosystem::Rpm,
        &[
            (glibc("2.31-150300.68.1"), id, Fix(fix)),
            (glibc("2.31-150300.68.1.24876.1.PTF.1203571"), id, Perhaps(fix)),
            (glibc("2.31-150300.74.1.24876.1.PTF.1203571"), id, No),
            (glibc("2.31-150300.74.1"), id, No),
            (installed("glibc-other", "2.31-150300.68.1"), id, No),
        ],
    );
}
