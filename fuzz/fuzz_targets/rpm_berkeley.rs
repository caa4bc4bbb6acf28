//! rpm's Berkeley hash database.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::root;

fuzz_target!(|bytes: &[u8]| root::database(&[("var/lib/rpm/Packages", bytes)]));
