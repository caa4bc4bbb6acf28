//! Challenges of registries: any header ends, and its parts come from it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_model::limits;

fuzz_target!(|header: &str| {
    let challenges = seaworthy_registry::parse_challenges(header);
    assert!(challenges.len() <= limits::CHALLENGES);
    for challenge in challenges {
        assert!(!challenge.scheme.is_empty() && challenge.parameters.len() <= limits::CHALLENGES);
        challenge.get("realm");
    }
});
