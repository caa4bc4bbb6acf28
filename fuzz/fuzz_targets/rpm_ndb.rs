//! rpm's ndb database.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::root;

fuzz_target!(|bytes: &[u8]| root::database(&[("usr/lib/sysimage/rpm/Packages.db", bytes)]));
