//! A bill of materials as SPDX writes them: JSON of version 2, JSON-LD of version 3, and tag-value; also lists of purls.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    seaworthy_fuzz::bill(bytes, b'S');
});
