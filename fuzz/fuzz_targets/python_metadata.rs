//! METADATA, PKG-INFO and eggs of installed Python packages; the first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, root, zip_archive};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    match root::PYTHON_FILES.get(which % (root::PYTHON_FILES.len() + 1)) {
        Some(path) => root::inventory(&[(path, content)]),
        None => {
            let egg = zip_archive::stored("EGG-INFO/PKG-INFO", content);
            root::inventory(&[("usr/lib/python3/site-packages/Foo_Bar-1.0-py3.egg", &egg)])
        }
    };
});
