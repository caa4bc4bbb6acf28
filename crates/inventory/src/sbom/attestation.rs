//! In-toto attestations of a bill: DSSE envelopes, Sigstore bundles around them, and bare statements.
//!
//! The signature is not looked at: whoever gives the file trusts it, as with a bill that has none.

use super::{Bill, Unreadable, cyclonedx, first_of, spdx, spdx3};
use serde_json::Value;

/// Envelopes in envelopes. Bundle, envelope, statement, cosign's own predicate: four are usual.
const DEPTH: usize = 8;

pub(super) fn read(bytes: &[u8]) -> Result<Bill, Unreadable> {
    let value: Value = first_of(bytes, "attestation")?;
    open(value, DEPTH)
}

fn open(mut value: Value, depth: usize) -> Result<Bill, Unreadable> {
    if depth == 0 {
        return Err(Unreadable::Unknown("an attestation that is nested too deep"));
    }
    if value.get("bomFormat").is_some() {
        return cyclonedx::from_value(value);
    }
    if value.get("spdxVersion").is_some() {
        return spdx::from_value(value);
    }
    if value.get("@graph").is_some() {
        return spdx3::from_value(&value);
    }
    for key in ["dsseEnvelope", "predicate", "Data", "sbom"] {
        if let Some(inner) = value.get_mut(key) {
            return match inner.take() {
                // Cosign keeps predicates that are no JSON to it as text.
                Value::String(text) => open(inner_json(text.as_bytes())?, depth - 1),
                inner => open(inner, depth - 1),
            };
        }
    }
    if let Some(payload) = value.get("payload").and_then(Value::as_str) {
        let bytes = base64(payload).ok_or(Unreadable::Unknown("an envelope whose payload is no base64"))?;
        return open(inner_json(&bytes)?, depth - 1);
    }
    Err(Unreadable::Unknown("an attestation of something else"))
}

fn inner_json(bytes: &[u8]) -> Result<Value, Unreadable> {
    let what = "attestation";
    serde_json::from_slice(bytes).map_err(|source| Unreadable::Broken { what, source })
}

/// Decodes base64 of either alphabet (RFC 4648), with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for letter in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;
    use crate::sbom::read;

    #[test]
    fn base64_is_decoded() {
        for (text, expected) in [("", ""), ("Zg==", "f"), ("Zm8", "fo"), ("Zm9v\nYmFy", "foobar")] {
            assert_eq!(base64(text).as_deref(), Some(expected.as_bytes()), "{text}");
        }
        assert_eq!(base64("Z*"), None);
    }

    #[test]
    fn statements_of_cosign_and_of_others() {
        let bom =
            r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","purl":"pkg:npm/a@1"}]}"#;
        let quoted = serde_json::to_string(bom).unwrap();
        for statement in [
            format!(
                r#"{{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://cyclonedx.org/bom","predicate":{bom}}}"#
            ),
            format!(r#"{{"predicateType":"https://cyclonedx.org/bom","predicate":{{"Data":{bom},"Timestamp":""}}}}"#),
            format!(r#"{{"predicateType":"https://cyclonedx.org/bom","predicate":{{"Data":{quoted}}}}}"#),
        ] {
            let sbom = read(statement.as_bytes(), "a").unwrap_or_else(|error| panic!("{statement}: {error}"));
            assert_eq!(sbom.inventory.packages.len(), 1, "{statement}");
        }
        for other in [
            r#"{"predicateType":"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{}}}"#,
            r#"{"payload":"****"}"#,
            r#"{"payload":"e30="}"#,
        ] {
            assert!(read(other.as_bytes(), "a").is_err(), "{other}");
        }
    }
}
