//! apk's list of installed packages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::root;

fuzz_target!(|bytes: &[u8]| root::database(&[("lib/apk/db/installed", bytes)]));
