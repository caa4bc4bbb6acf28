//! The advisory file: as bytes (0), as bytes with a right checksum over its index (1), or made of inflated frames.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_advisories::database::Database;
use seaworthy_fuzz::{advisory_parts, choice, scratch};
use seaworthy_model::{Distribution, Ecosystem, Family, Inventory, Package};

fn inventories() -> [Inventory; 3] {
    let inventory = |distribution: Option<Distribution>, packages: &[(Ecosystem, &str, &str)]| Inventory {
        distribution,
        packages: packages
            .iter()
            .map(|(ecosystem, name, version)| Package::new(*ecosystem, *name, *version, "x"))
            .collect(),
        ..Inventory::default()
    };
    [
        inventory(
            Some(Distribution::new(Family::Alpine, "3.20.1")),
            &[
                (Ecosystem::Apk, "openssl", "3.3.0-r2"),
                (Ecosystem::Npm, "left-pad", "0.9.0"),
                (Ecosystem::PyPi, "django", "4.2.1"),
            ],
        ),
        inventory(
            Some(Distribution::new(Family::Debian, "12.5")),
            &[(Ecosystem::Deb, "openssl", "3.0.11-1~deb12u2")],
        ),
        inventory(
            Some(Distribution::new(Family::RedHat, "9.4")),
            &[(Ecosystem::Rpm, "openssl", "1:3.0.7-27.el9")],
        ),
    ]
}

fuzz_target!(|bytes: &[u8]| {
    let Some((form, rest)) = choice(bytes) else { return };
    let mut file = rest.to_vec();
    match form {
        0 => {}
        1 => advisory_parts::seal(&mut file),
        _ => file = advisory_parts::assemble(&advisory_parts::read(rest)),
    }
    let directory = scratch::directory("advisory-file");
    let path = scratch::write(&directory, "advisories.db", &file);
    let Ok(database) = Database::open(&path) else { return };
    database.info();
    database.summary(20_000);
    let whole = database.verify().is_ok();
    for inventory in inventories() {
        let found = database.find(&inventory, 20_000);
        assert!(found.is_ok() || !whole, "a verified file fails: {:?}", found.err());
        for found in found.into_iter().flat_map(|findings| findings.matches) {
            assert!(found.package < inventory.packages.len());
        }
    }
    for id in ["CVE-2024-5535", "GHSA-aaaa-bbbb-cccc", ""] {
        assert!(database.facts(id).is_ok() || !whole, "a verified file fails");
    }
});
