//! One OSV record as a feed's zip holds it; the first byte chooses the feed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, feed_directory};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, record)) = choice(bytes) else { return };
    feed_directory::osv(feed_directory::OSV[which % feed_directory::OSV.len()], record);
});
