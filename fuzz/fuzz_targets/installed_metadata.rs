//! The small files that package managers of languages and distributions leave: the first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, root};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    let path = root::INSTALLED_FILES[which % root::INSTALLED_FILES.len()];
    root::inventory(&[(path, content)]);
});
