//! rpm's SQLite database, then its write-ahead log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{part, root};

fuzz_target!(|bytes: &[u8]| {
    let Some((database, log)) = part(bytes) else { return };
    let path = "var/lib/rpm/rpmdb.sqlite";
    if log.is_empty() {
        root::database(&[(path, database)]);
    } else {
        root::database(&[(path, database), ("var/lib/rpm/rpmdb.sqlite-wal", log)]);
    }
});
