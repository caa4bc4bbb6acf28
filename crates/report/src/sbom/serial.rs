//! Serial numbers that follow from the contents: the same image and data give the same document.

use super::Bill;
use sha2::{Digest as _, Sha256};

/// A UUID of version 8 (RFC 9562, "custom") made of the contents' hash.
pub(super) fn of(bill: &Bill<'_>) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(&bill.report.artifact_name);
    let system = bill.system.iter().flat_map(|system| &system.properties);
    for property in bill.subject.iter().chain(system) {
        add(property.name);
        add(&property.value);
    }
    for component in &bill.components {
        add(&component.reference);
        add(&component.id);
    }
    for (finding, component) in &bill.findings {
        add(&finding.matched.id);
        add(&component.to_string());
        add(finding.matched.severity.name());
    }
    let digest = hash.finalize();
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    let number = u128::from_be_bytes(bytes);
    let number = (number & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let mut parts = Vec::with_capacity(5);
    let mut rest = hex.as_str();
    for length in [8, 4, 4, 4] {
        let (part, after) = rest.split_at(length);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts.join("-")
}

/// Sixteen hexadecimal digits of some facts.
pub(super) fn short(facts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for fact in facts {
        hash.update(fact.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
