//! Alpine: origins, branches, and versions that apk itself would refuse.

use super::rules::Expected::{Fix, No, Perhaps};
use super::rules::{check, installed, on};
use seaworthy_model::{Ecosystem, Family};

/// Rule 16: by origin, in the branch that apk installs from.
#[test]
fn origins_and_branches_decide() {
    let crypto = |version| installed("libcrypto3", version).of("openssl");
    let id = "CVE-2024-5535";
    for (release, branch, fix) in [
        ("3.20.1", None, "3.3.1-r1"),
        ("3.19.1", None, "3.1.6-r0"),
        ("3.17.9", None, "3.0.14-r0"),
        // The repositories say more than the release file.
        ("3.19.1", Some("3.20"), "3.3.1-r1"),
        ("3.20.1", Some("edge"), "3.3.1-r1"),
        ("3.21.0_alpha20240923", None, "3.3.1-r1"),
    ] {
        let mut distribution = on(Family::Alpine, release);
        distribution.repository = branch.map(str::to_owned);
        check(
            Some(&distribution),
            Ecosystem::Apk,
            &[
                (crypto("3.0.13-r0"), id, Fix(fix)),
                (crypto("3.3.1-r1"), id, No),
                (crypto("3.3.2-r4"), id, No),
                (crypto("3.0.13-r0").of("libressl"), id, No),
                // Version 0: never affected.
                (crypto("3.0.1-r0"), "CVE-2022-1292", No),
                (crypto("3.0.13.r0"), id, Perhaps(fix)),
            ],
        );
    }
}

/// Rule 38: an advisory's version that apk would refuse gives no certainty.
#[test]
fn fixes_that_follow_no_scheme_are_uncertain() {
    let sudo = |version| installed("sudo", version);
    check(
        Some(&on(Family::Alpine, "3.12.3")),
        Ecosystem::Apk,
        &[
            (sudo("1.8.30-r0"), "CVE-2019-18634", Fix("1.8.31-r0")),
            (sudo("1.8.31-r0"), "CVE-2019-18634", No),
        ],
    );
}
