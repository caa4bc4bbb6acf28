//! os-release and the other files that name the distribution; the first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, root};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    let path = root::RELEASE_FILES[which % root::RELEASE_FILES.len()];
    root::inventory(&[(path, content)]);
});
