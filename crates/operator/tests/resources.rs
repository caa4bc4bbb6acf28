//! The definitions in `deploy/crds` are those of the code, and every field of theirs has a sentence.
//!
//! `UPDATE_GENERATED=1 cargo test -p seaworthy-operator --test resources` writes them anew.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use seaworthy_operator::resources::definitions;
use std::path::Path;

const HEAD: &str = "# Generated from crates/operator/src/resources; see crates/operator/tests/resources.rs.\n";

#[test]
fn the_committed_definitions_are_those_of_the_code() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crds");
    for (file, definition) in definitions() {
        let expected = format!("{HEAD}{}", serde_saphyr::to_string(&definition).unwrap());
        let path = directory.join(file);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            found, expected,
            "{file} is stale: run this test with UPDATE_GENERATED=1"
        );
    }
}

#[test]
fn every_field_has_a_sentence() {
    fn check(value: &serde_json::Value, place: &str, missing: &mut Vec<String>) {
        for (name, field) in value["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}.{name}");
            let described = field["description"].as_str().is_some_and(|text| text.len() > 10);
            if !described && !matches!(name.as_str(), "spec" | "status") {
                missing.push(place.clone());
            }
            check(field, &place, missing);
            check(&field["items"], &place, missing);
        }
    }
    let mut missing = Vec::new();
    for (_, definition) in definitions() {
        let definition = serde_json::to_value(definition).unwrap();
        let kind = definition["spec"]["names"]["kind"].as_str().unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert!(
            schema["description"]
                .as_str()
                .is_some_and(|text| !text.contains("Auto-generated"))
        );
        check(schema, kind, &mut missing);
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
