//! package.json of an installed npm package.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::root;

fuzz_target!(|bytes: &[u8]| {
    root::inventory(&[("app/node_modules/left-pad/package.json", bytes)]);
});
