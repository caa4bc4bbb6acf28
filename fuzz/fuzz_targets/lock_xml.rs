//! Lock files and manifests: see `source_tree::XML`; the first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::source_tree;

fuzz_target!(|bytes: &[u8]| source_tree::read(source_tree::XML, bytes));
