//! One file of a feed that is not OSV: secdb, security lists, OVAL, updateinfo, CVSS, EPSS; the first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, feed_directory};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    feed_directory::file(feed_directory::FILES[which % feed_directory::FILES.len()], content);
});
