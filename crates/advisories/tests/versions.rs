//! Version schemes against the native tools: rows that those tools decided, dpkg itself where it is installed, and the
//! laws that every order must keep.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is how a test fails")]

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use seaworthy_advisories::versions::Scheme;
use seaworthy_testkit::data::rows;

fn holds(order: Ordering, operator: &str) -> bool {
    match operator {
        "<" => order.is_lt(),
        "=" => order.is_eq(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        "!=" => order.is_ne(),
        _ => panic!("operator {operator}"),
    }
}

/// Every row must hold, mirrored too, and for the sort keys as well.
fn check_rows(scheme: Scheme) {
    let Some(rows) = rows(&format!("vectors/versions/{scheme}.tsv")) else {
        return;
    };
    assert!(rows.len() > 5, "{scheme}: only {} rows", rows.len());
    let mut wrong = String::new();
    for row in &rows {
        let [a, operator, b, ..] = row.as_slice() else {
            panic!("{scheme}: row {row:?}")
        };
        let answer = scheme.compare(a, b).and_then(|order| {
            let mirrored = scheme.compare(b, a)?;
            let keys = scheme.sort_key(a)?.zip(scheme.sort_key(b)?);
            Ok((order, mirrored, keys.is_none_or(|(a, b)| a.cmp(&b) == order)))
        });
        match answer {
            Ok((order, mirrored, true)) if holds(order, operator) && mirrored == order.reverse() => {}
            _ => writeln!(wrong, "{a} {operator} {b}: {answer:?}").unwrap(),
        }
    }
    assert!(
        wrong.is_empty(),
        "{scheme}: {} of {} rows are wrong\n{wrong}",
        wrong.lines().count(),
        rows.len()
    );
}

#[test]
fn every_scheme_agrees_with_its_native_tool() {
    for scheme in Scheme::ALL {
        // No rows: Bitnami's order is Semantic Versioning's, the others are what advisories mean by pub and Composer.
        if !matches!(scheme, Scheme::Bitnami | Scheme::Dart | Scheme::Php) {
            check_rows(*scheme);
        }
    }
}

/// Maven, Conan and libalpm put some versions before and after the same others; of those that exist few have no key.
#[test]
fn real_versions_have_keys() {
    for scheme in Scheme::ALL {
        if matches!(scheme, Scheme::Bitnami | Scheme::Dart | Scheme::Php) {
            continue;
        }
        let Some(rows) = rows(&format!("vectors/versions/{scheme}.tsv")) else {
            return;
        };
        let without = rows
            .iter()
            .filter(|row| scheme.sort_key(&row[0]).is_ok_and(|key| key.is_none()))
            .count();
        let allowed = match scheme {
            Scheme::Maven => rows.len() / 20,
            Scheme::Conan | Scheme::Pacman => rows.len() / 3,
            _ => 0,
        };
        assert!(without <= allowed, "{scheme}: {without} of {}", rows.len());
    }
}

/// What the native tools refuse is invalid here from both sides, with an order that is defined all the same.
#[test]
fn refused_versions_are_invalid_and_ordered_all_the_same() {
    let Some(rows) = rows("vectors/versions/dropped.tsv") else {
        return;
    };
    let mut seen = 0;
    for row in &rows {
        let [name, a, _, b, answer, ..] = row.as_slice() else {
            panic!("row {row:?}")
        };
        // dpkg only warns about these.
        let (Ok(scheme), "rejects/invalid") = (name.parse::<Scheme>(), answer.as_str()) else {
            continue;
        };
        if scheme == Scheme::Deb {
            continue;
        }
        assert!(scheme.compare(a, b).is_err(), "{scheme}: {a} {b}");
        assert!(scheme.compare(b, a).is_err(), "{scheme}: {b} {a}");
        assert_eq!(
            scheme.order_or_fallback(a, b),
            scheme.order_or_fallback(b, a).reverse(),
            "{scheme}: {a} {b}"
        );
        seen += 1;
    }
    assert!(seen > 150, "only {seen} rows");
}

#[test]
fn invalid_versions_sort_where_they_belong() {
    let cases = [
        (Scheme::Apk, "1.8.31-r1", "<", "1.8.31p1-r1"),
        (Scheme::Apk, "1.8.31p1-r1", "<", "1.9.0-r1"),
        (Scheme::Apk, "1.9.5p1-r1", "<", "1.9.5p2-r1"),
        (Scheme::Apk, "6.0.2p1-r7", "<", "6.0.2p1-r10"),
        (Scheme::Apk, "1.7.4_p5-r1", "<", "1.7.4p6-r1"),
        (Scheme::Apk, "invalid", ">", "1.4.0-r0"),
        (Scheme::Pep440, "0.9-doduo", "<", "0.9-eevee"),
        (Scheme::Pep440, "0.9-doduo", "<", "1.0"),
        (Scheme::Pep440, "trunk", ">", "99!1"),
        (Scheme::Pep440, "0.7.11p2", "<", "0.7.11p10"),
        (Scheme::Semver, "1.2", "=", "1.2.0"),
        (Scheme::Semver, "1.21rc2", "=", "1.21.0-rc2"),
        (Scheme::Semver, "1.0.0.beta", "<", "1.0.0-rc"),
        (Scheme::Semver, "1.2.3.4", ">", "1.2.3"),
        (Scheme::Semver, "1.2.3.4", "<", "1.2.4"),
        (Scheme::Npm, "=v1.2", "<", "1.2.1"),
        (Scheme::Npm, "latest", ">", "1.2.1"),
        (Scheme::Deb, "1:", ">", "0.9"),
        (Scheme::Maven, "", ">", "1"),
        (Scheme::Rpm, "", ">", "1"),
    ];
    for (scheme, a, operator, b) in cases {
        assert!(scheme.compare(a, b).is_err(), "{scheme}: {a} {b} should be invalid");
        assert!(
            holds(scheme.order_or_fallback(a, b), operator),
            "{scheme}: {a} {operator} {b}"
        );
        assert!(
            holds(scheme.order_or_fallback(b, a).reverse(), operator),
            "{scheme}: {b} {operator} {a}, mirrored"
        );
    }
}

/// dpkg's own answer; `None` where it refuses one of the versions.
fn dpkg(a: &str, operator: &str, b: &str) -> Option<bool> {
    let status = Command::new("dpkg")
        .args(["--compare-versions", a, operator, b])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    match status.code() {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None,
    }
}

#[test]
fn deb_agrees_with_the_installed_dpkg() {
    if Command::new("dpkg")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("skipped: dpkg is not installed");
        return;
    }
    // Few characters, so that many pairs share a beginning or are equal. What begins with a hyphen would be an option.
    let version = proptest::string::string_regex("[0-2:+~a ]?[0-2~a:.+_A-]{0,5}[0-2a~.]{0,2}[- ]?").unwrap();
    let mut runner = TestRunner::deterministic();
    let (mut valid, mut refused) = (0, 0);
    while valid < 400 {
        let mut draw = || version.new_tree(&mut runner).unwrap().current();
        let (a, b) = (draw(), draw());
        // An empty argument has a meaning of its own for dpkg: no version.
        if a.is_empty() || b.is_empty() || a.starts_with('-') || b.starts_with('-') {
            continue;
        }
        let expected = match (dpkg(&a, "lt", &b), dpkg(&a, "eq", &b)) {
            (Some(true), _) => Some(Ordering::Less),
            (_, Some(true)) => Some(Ordering::Equal),
            (Some(_), Some(_)) => Some(Ordering::Greater),
            _ => None,
        };
        assert_eq!(Scheme::Deb.compare(&a, &b).ok(), expected, "{a:?} {b:?}");
        if expected.is_some() {
            valid += 1;
        } else {
            refused += 1;
        }
        assert!(refused < 4000, "nearly all that is drawn is invalid");
    }
    assert!(refused > 20, "only {refused} refused pairs");
}

/// Versions that are mostly valid, from so few characters that ties and shared beginnings are frequent.
fn plausible(scheme: Scheme) -> BoxedStrategy<String> {
    let pattern = match scheme {
        Scheme::Apk => {
            "[0-2]{1,2}(\\.[0-2]{1,3}){0,2}[ab]?(_(alpha|rc|p|git)[01]{0,2}){0,2}(~[0a]{1,2})?(-r[0-2]{1,2})?"
        }
        Scheme::Deb => "([01]:)?[0-2a~.+]{0,4}[0-9]{1,2}[a~.+_:-]{0,2}(-[0-2a~.+]{1,3})?",
        Scheme::Rpm => "([01]?:)?[0-2aB~^._]{1,6}(-[0-2a~^.]{0,3}){0,2}",
        Scheme::Pep440 => {
            "([01]!)?[0-2](\\.[0-2]){0,3}([._-]?(a|beta|rc)[.-]?[0-2]?)?(-[01]|[._-]?(post|r)[01]?)?(\\.?dev[0-2]?)?(\\+[01a](\\.[01b]{1,2}){0,2})?"
        }
        Scheme::Maven => "v?[0-2](\\.[0-2]){0,2}([.-]?(alpha|b|RC|ga|sp|jre|[0-2])([.-]?[0-2]{1,2}){0,2}){0,2}",
        Scheme::Gem => "[0-2](\\.[0-2ab]{1,3}){0,3}(-[0-2a]{1,2}(\\.[0-2b]{1,2})?)?",
        Scheme::Composer | Scheme::Packagist => {
            "v?[0-2](\\.[0-2]){0,2}([.-]?(dev|a|beta|RC|rc|pl|p|x)[.-]?[0-2]?){0,2}[.+]?"
        }
        Scheme::Php => "v?[0-2](\\.[0-2]){0,3}([.-]?(alpha|b|RC|p)[.-]?[0-2]?)?(-dev)?",
        Scheme::Cran => "[0-2]([.-][0-2]{1,2}){0,3}",
        Scheme::Hackage => "[0-2](\\.[0-2]{1,2}){0,3}",
        Scheme::Conan => "[0-2](\\.[0-2a]{1,2}){0,2}(-[0-2a]{0,2}(\\.[0-2]{1,2})?)?(\\+[0-2b](\\.[0-2])?)?",
        Scheme::Jvm => "(1\\.)?[0-2](\\.[0-2]{1,2}){0,2}([_u][0-2]{1,2})?(-(ea|rc|beta))?(-b[0-2]|\\+[0-2])?",
        Scheme::Pacman => "([01]:)?[0-2]{1,2}([._+]{0,2}[0-2a]{1,2}){0,3}(-[0-2](\\.[0-2])?)?",
        Scheme::Portage => "[0-2]{1,2}(\\.[0-2]{1,3}){0,2}[ab]?(_(alpha|rc|pre|p)[01]{0,2}){0,2}(-r[0-2]{1,2})?",
        Scheme::NuGet => "[0-2](\\.[0-2]{1,2}){0,3}(-[0-2aA]{1,2}(\\.[0-2b]{1,2})?)?(\\+[abA])?",
        Scheme::Cargo | Scheme::Hex => "[0-2]\\.[0-2]\\.(0|1[0-9]{0,3})(-[1a-]{1,2}(\\.[1b-]{1,3}){0,2})?(\\+[ab])?",
        _ => "v?[0-2]\\.[0-2]\\.(0|1[0-9]{0,20})(-[01a-]{1,2}(\\.[01b-]{1,3}){0,2})?(\\+[ab])?",
    };
    proptest::string::string_regex(pattern).unwrap().boxed()
}

/// Plausible versions, near misses and anything at all.
fn text(scheme: Scheme) -> BoxedStrategy<String> {
    prop_oneof![
        8 => plausible(scheme),
        2 => "[0-9a-z.~^:+_!v -]{0,12}",
        1 => any::<String>(),
        1 => (plausible(scheme), "[0-9a-z.~^:+_-]{0,3}").prop_map(|(version, rest)| version + &rest),
        // Runs of digits and of letters that are longer than a byte can count.
        1 => ("[1a.~-]", 0..600_usize, plausible(scheme)).prop_map(|(run, count, rest)| format!("1{}{rest}", run.repeat(count))),
    ]
    .boxed()
}

fn check_laws(scheme: Scheme) -> Result<(), proptest::test_runner::TestError<(String, String, String)>> {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3000,
        ..ProptestConfig::default()
    });
    runner.run(&(text(scheme), text(scheme), text(scheme)), |(a, b, c)| {
        prop_assert_eq!(scheme.check(&a).is_ok(), scheme.sort_key(&a).is_ok());
        prop_assert_eq!(
            scheme.compare(&a, &b).is_ok(),
            scheme.check(&a).is_ok() && scheme.check(&b).is_ok()
        );
        if let Ok(order) = scheme.compare(&a, &b) {
            prop_assert_eq!(scheme.compare(&b, &a), Ok(order.reverse()));
            if let (Some(key_a), Some(key_b)) = (scheme.sort_key(&a).unwrap(), scheme.sort_key(&b).unwrap()) {
                prop_assert_eq!(key_a.cmp(&key_b), order);
                prop_assert!(order.is_eq() || !(key_a.starts_with(&key_b) || key_b.starts_with(&key_a)));
            }
            prop_assert_eq!(scheme.order_or_fallback(&a, &b), order);
        }
        if scheme.check(&a).is_ok() {
            prop_assert_eq!(scheme.compare(&a, &a), Ok(Ordering::Equal));
        }
        // Total and transitive also where some are invalid, but for versions that Maven itself cannot sort.
        if [&a, &b, &c].iter().any(|version| scheme.sort_key(version) == Ok(None)) {
            return Ok(());
        }
        let mut sorted = [a, b, c];
        sorted.sort_by(|a, b| scheme.order_or_fallback(a, b));
        let [a, b, c] = &sorted;
        prop_assert!(scheme.order_or_fallback(a, b).is_le());
        prop_assert!(scheme.order_or_fallback(b, c).is_le());
        prop_assert!(scheme.order_or_fallback(a, c).is_le());
        prop_assert!(scheme.order_or_fallback(c, a).is_ge());
        if scheme.order_or_fallback(a, b).is_eq() {
            prop_assert_eq!(scheme.order_or_fallback(a, c), scheme.order_or_fallback(b, c));
        }
        Ok(())
    })
}

#[test]
fn every_order_keeps_the_laws() {
    for scheme in Scheme::ALL {
        check_laws(*scheme).unwrap_or_else(|error| panic!("{scheme}: {error}"));
    }
}

/// The strategy above must not test invalid versions only.
#[test]
fn plausible_versions_are_mostly_valid() {
    let mut runner = TestRunner::deterministic();
    for scheme in Scheme::ALL {
        let strategy = plausible(*scheme);
        let valid = (0..200)
            .filter(|_| scheme.check(&strategy.new_tree(&mut runner).unwrap().current()).is_ok())
            .count();
        assert!(valid > 100, "{scheme}: {valid} of 200");
    }
}

#[test]
fn hostile_versions_cost_little() {
    let long = |piece: &str| piece.repeat(2_000_000 / piece.len());
    let fitting = |piece: &str| piece.repeat(1000 / piece.len());
    let pieces = [
        "0", "9", "1.", "a", "~", "^", "-", "1-", ":", "1_p", "_alpha", "+", "!", " ", "1.0a", "é", "\0", "-r1",
    ];
    let start = Instant::now();
    for scheme in Scheme::ALL {
        for piece in pieces {
            for text in [
                long(piece),
                fitting(piece),
                format!("1{}", fitting(piece)),
                format!("1.2.3-{}", fitting(piece)),
            ] {
                for other in ["1.2.3", "", text.as_str()] {
                    let _ = scheme.compare(&text, other);
                    let order = scheme.order_or_fallback(&text, other);
                    assert_eq!(scheme.order_or_fallback(other, &text), order.reverse());
                }
                let _ = scheme.sort_key(&text);
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
