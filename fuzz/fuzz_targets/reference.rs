//! Image references: what is accepted has a normalised form that means itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_registry::Reference;

fuzz_target!(|text: &str| {
    let Ok(reference) = text.parse::<Reference>() else {
        return;
    };
    let normalized = reference.normalized();
    let again: Reference = normalized.parse().expect("a normalised reference is one");
    assert_eq!(again.normalized(), normalized);
    assert_eq!(reference.to_string(), text.trim());
    assert!(!reference.target().is_empty() && !reference.familiar_name().is_empty());
});
