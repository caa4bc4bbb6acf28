//! Constraints of every scheme: reading one, and asking it about a version, ends and gives the same answer twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_advisories::versions::Scheme;
use seaworthy_advisories::versions::constraint::Constraint;
use seaworthy_fuzz::choice;

fuzz_target!(|bytes: &[u8]| {
    let Some((scheme, rest)) = choice(bytes) else { return };
    let scheme = Scheme::ALL[scheme % Scheme::ALL.len()];
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (version, text) = text.split_once('\n').unwrap_or(("1.2.3", text));
    for constraint in [Constraint::parse(scheme, text), Constraint::advisory(scheme, text)]
        .into_iter()
        .flatten()
    {
        assert_eq!(constraint.allows(version), constraint.allows(version));
    }
});
