//! dpkg's status and file lists; the first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, root};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    let path = root::DPKG_FILES[which % root::DPKG_FILES.len()];
    let files = [(path, content)];
    if path.ends_with("status") {
        root::database(&files);
    } else {
        root::inventory(&files);
    }
});
