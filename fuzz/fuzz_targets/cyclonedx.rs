//! A bill of materials in JSON: CycloneDX, attestations of one, snapshots, and whatever else JSON may claim to be.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    seaworthy_fuzz::bill(bytes, b'{');
});
