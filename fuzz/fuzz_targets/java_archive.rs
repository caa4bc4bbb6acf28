//! Java archives: as bytes (first byte 0), or with one entry that has the bytes as content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, root, zip_archive};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    let entry = which.checked_sub(1).and_then(|which| root::JAVA_ENTRIES.get(which));
    let archive = match entry {
        Some(entry) => zip_archive::stored(entry, content),
        None => content.to_vec(),
    };
    root::inventory(&[("app/lib/log4j-core-2.17.0.jar", &archive)]);
});
