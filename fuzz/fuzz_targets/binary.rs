//! Programs: the first byte chooses a path (and with it what is looked for as text), the rest is the program, whole or, for
//! the higher half, behind a beginning that makes it one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, root};

/// Beginnings by which a file counts as a program.
const BEGINNINGS: [&[u8]; 5] = [
    b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
    b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe\0\0\0\x02",
    b"MZ",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((which, content)) = choice(bytes) else { return };
    let path = root::PROGRAMS[which % root::PROGRAMS.len()];
    match which
        .checked_sub(128)
        .and_then(|which| BEGINNINGS.get(which % BEGINNINGS.len()))
    {
        Some(beginning) => root::inventory(&[(path, &[beginning, content].concat())]),
        None => root::inventory(&[(path, content)]),
    };
});
