//! Bills of materials of other projects, and what those say is in them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use seaworthy_inventory::sbom::{Format, Unreadable, read};
use seaworthy_model::{Effect, Family, Package, limits};
use seaworthy_testkit::data;
use std::path::Path;

/// Type, name and version of every row of a case.
fn expected(case: &Path) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(case.join("expected.tsv")).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            let (name, version, kind) = (next(), next(), next());
            (kind, name, version)
        })
        .collect()
}

/// Whether a row means this package: a row without a type means any, Maven's rows have the artifact alone.
fn means((kind, name, version): &(String, String, String), package: &Package) -> bool {
    let own = package.name.rsplit(':').next().unwrap_or_default();
    (kind.is_empty() || kind == package.ecosystem.purl_type())
        && (*name == package.name || name == own)
        && *version == package.version
}

#[test]
fn every_case_gives_all_rows_and_none_more() {
    let Some(modes) = data::path("vectors/inventory/MODES.tsv") else {
        return;
    };
    let folder = modes.parent().unwrap();
    let arguable = std::fs::read_to_string(folder.join("ARGUABLE.tsv")).unwrap();
    let mut cases = 0;
    for row in std::fs::read_to_string(&modes).unwrap().lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        let [case, "sbom", file, ..] = fields.as_slice() else {
            continue;
        };
        let bytes = std::fs::read(folder.join(case).join("input").join(file)).unwrap();
        if file.ends_with(".xml") || file.ends_with(".rdf") {
            assert!(matches!(read(&bytes, file), Err(Unreadable::Refused { .. })), "{case}");
            continue;
        }
        let sbom = read(&bytes, file).unwrap_or_else(|error| panic!("{case}: {error}"));
        if arguable.contains(&format!("{case}\t*\t")) {
            continue;
        }
        cases += 1;
        let expected = expected(&folder.join(case));
        let packages = &sbom.inventory.packages;
        for row in &expected {
            assert!(
                packages.iter().any(|package| means(row, package)),
                "{case}: {row:?} is missing: {packages:#?}"
            );
        }
        for package in packages {
            assert!(
                expected.iter().any(|row| means(row, package)),
                "{case}: too much: {package:?}"
            );
        }
    }
    assert!(cases >= 6, "{cases}");
}

#[test]
fn trivys_documents_say_the_same_in_every_format() {
    let folder = "vectors/matching/trivy-integration/fixtures/sbom";
    for (name, format) in [
        ("centos-7-cyclonedx.json", Format::CycloneDx),
        ("centos-7-cyclonedx.intoto.jsonl", Format::CycloneDx),
        ("centos-7-spdx.json", Format::Spdx),
        ("centos-7-spdx.txt", Format::Spdx),
    ] {
        let Some(path) = data::path(&format!("{folder}/{name}")) else {
            return;
        };
        let sbom = read(&std::fs::read(path).unwrap(), name).unwrap();
        assert_eq!(sbom.format, format, "{name}");
        let inventory = sbom.inventory;
        let distribution = inventory.distribution.unwrap();
        assert_eq!(
            (distribution.family, distribution.version.as_str()),
            (Family::CentOs, "7.6.1810"),
            "{name}"
        );
        let packages: Vec<(&str, &str, &str)> = inventory
            .packages
            .iter()
            .map(|package| {
                (
                    package.name.as_str(),
                    package.version.as_str(),
                    package.source_name.as_str(),
                )
            })
            .collect();
        // The tag-value and JSON forms of SPDX give openssl-libs no source of another name.
        let source = if format == Format::Spdx {
            "openssl-libs"
        } else {
            "openssl"
        };
        assert_eq!(
            packages,
            [
                ("bash", "4.2.46-31.el7", "bash"),
                ("openssl-libs", "1:1.0.2k-16.el7", source)
            ],
            "{name}"
        );
        assert_eq!(inventory.problems, [], "{name}");
    }
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    for (text, what) in [
        ("spdxVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\n", "YAML"),
        ("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/>", "XML"),
        ("<rdf:RDF/>", "RDF"),
        (r#"{"artifacts":[],"schema":{}}"#, "Syft"),
        (r#"{"SchemaVersion":2,"Results":[]}"#, "report"),
    ] {
        match read(text.as_bytes(), "x") {
            Err(error @ Unreadable::Refused { .. }) => {
                assert!(error.to_string().contains(what) && error.hint().is_some(), "{error}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in [
        "",
        " \n",
        "hello",
        "{}",
        "[]",
        "{",
        "\0\0\0",
        r#"{"bomFormat":"CycloneDX","components":5}"#,
    ] {
        assert!(read(text.as_bytes(), "x").is_err(), "{text:?}");
    }
}

#[test]
fn hostile_documents_end() {
    let deep = format!("{}{}", "{\"components\":[".repeat(100_000), "]}".repeat(100_000));
    assert!(read(deep.as_bytes(), "x").is_err());
    let nested = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{}]}}"#,
        deep
    );
    assert!(read(nested.as_bytes(), "x").is_err());
    // Each component depends on every other one, and the purls are absurd.
    let many: String = (0..2000)
        .map(|n| format!("pkg:npm/{}@{n}\n", "a%2F".repeat(200)))
        .collect();
    assert_eq!(read(many.as_bytes(), "x").unwrap().inventory.packages.len(), 2000);
    let tags = format!("SPDXVersion: SPDX-2.3\n{}", "PackageName: <text>".repeat(10_000));
    let sbom = read(tags.as_bytes(), "x").unwrap();
    assert!(
        sbom.inventory
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Incomplete)
    );
}

#[test]
fn dependencies_on_a_long_name_are_not_copied_without_end() {
    let long = "x".repeat(1 << 20);
    let many: String = (0..2000)
        .map(|number| format!(r#",{{"type":"library","name":"n{number}","version":"1","bom-ref":"{number}"}}"#))
        .collect();
    let edges: String = (0..2000)
        .map(|number| format!(r#",{{"ref":"{number}","dependsOn":["a","a","a"]}}"#))
        .collect();
    let text = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{{"type":"library","name":"{long}","version":"1","bom-ref":"a"}}{many}],"dependencies":[{{"ref":"z","dependsOn":[]}}{edges}]}}"#
    );
    let inventory = read(text.as_bytes(), "x").unwrap().inventory;
    assert_eq!(inventory.packages.len(), 2001);
    let copied: usize = inventory
        .packages
        .iter()
        .flat_map(|package| &package.depends_on)
        .map(String::len)
        .sum();
    assert!(copied > 0 && copied <= limits::PACKAGE_TEXT_BYTES);
    assert!(
        inventory
            .problems
            .iter()
            .any(|problem| problem.what.contains("dependencies"))
    );
}
