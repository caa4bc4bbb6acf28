//! Python: names and versions that are written in several ways.

use super::rules::Expected::{Fix, No, Open, Perhaps};
use super::rules::{check, installed};
use seaworthy_model::{Ecosystem, FixStatus};

/// Rule 24: one name in all its spellings, one version with and without zeros.
#[test]
fn names_and_versions_are_normalised() {
    let fix = "2.6.1";
    let mut rows = Vec::new();
    for name in [
        "Products.PluggableAuthService",
        "products-pluggableauthservice",
        "Products_PluggableAuthService",
        "PRODUCTS.-_PLUGGABLEAUTHSERVICE",
    ] {
        rows.push((installed(name, "2.6.0"), "CVE-2021-21337", Fix(fix)));
        rows.push((installed(name, "2.6.1"), "CVE-2021-21337", No));
        rows.push((installed(name, "2.6 one"), "CVE-2021-21337", Perhaps(fix)));
    }
    rows.push((installed("ProductsPluggableAuthService", "2.6.0"), "CVE-2021-21337", No));
    for name in ["oslo.middleware", "oslo-middleware", "Oslo_Middleware"] {
        rows.push((installed(name, "3.19.0"), "CVE-2017-2592", Fix("3.19.1")));
        rows.push((installed(name, "3.8.1"), "CVE-2017-2592", No));
        rows.push((installed(name, "v3.23"), "CVE-2017-2592", Fix("3.23.1")));
    }
    rows.push((installed("certifi", "2022.12.7"), "CVE-2022-23491", No));
    rows.push((installed("certifi", "2022.12.07"), "CVE-2022-23491", No));
    rows.push((installed("certifi", "2022.09.24"), "CVE-2022-23491", Fix("2022.12.07")));
    check(None, Ecosystem::PyPi, &rows);
}

/// Rule 25: a local build is the release that it was made from; what comes before a fixed release is affected.
#[test]
fn local_versions_and_pre_releases() {
    let torch = |version| installed("torch", version);
    let regex = |version| installed("url_regex", version);
    check(
        None,
        Ecosystem::PyPi,
        &[
            (torch("2.1.0+cu118"), "CVE-2024-31580", Fix("2.2.0")),
            (torch("2.2.0+cu118"), "CVE-2024-31580", No),
            (torch("2.2.0rc1"), "CVE-2024-31580", Fix("2.2.0")),
            (torch("2.2.0.post1"), "CVE-2024-31580", No),
            (torch("2.1.0+cu 118"), "CVE-2024-31580", Perhaps("2.2.0")),
            // Affected up to and with 1.0.4.
            (regex("1.0.4"), "CVE-2022-21195", Open(FixStatus::Affected)),
            (regex("1.0.4+mine.1"), "CVE-2022-21195", Open(FixStatus::Affected)),
            (regex("1.0.5.dev1"), "CVE-2022-21195", No),
            (regex("1.0.5"), "CVE-2022-21195", No),
        ],
    );
}
