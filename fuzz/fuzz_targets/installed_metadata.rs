//! The small files that package managers of languages and distributions leave: the first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, root};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    let path = root::INSTALLED_FILES[which % root::INSTALLED_FILES.len()];
    // Chisel compresses its manifest; of changed frames few would be read.
    if path.ends_with(".wall") && content.starts_with(b"{") {
        let content = zstd::encode_all(content, 1).expect("writing to memory does not fail");
        root::inventory(&[(path, &content)]);
    } else {
        root::inventory(&[(path, content)]);
    }
});
