//! Tells the program which sources its results come from, for the key under which results are kept.
//!
//! A number that people must raise is forgotten sooner or later, and then old results stand for what the new code would
//! say. The sources of everything between a layer's bytes and an inventory, and the versions of all dependencies, cannot be.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What decides about an inventory, relative to this package.
const SOURCES: [&str; 5] = [
    "../inventory/src",
    "../model/src",
    "../image/src/compression.rs",
    "src/read.rs",
    "../../Cargo.lock",
];

fn main() -> io::Result<()> {
    let mut instructions = io::stdout();
    let mut files = Vec::new();
    for source in SOURCES {
        writeln!(instructions, "cargo::rerun-if-changed={source}")?;
        collect(Path::new(source), &mut files)?;
    }
    files.sort();
    // FNV-1a: nobody has a reason to make two sources collide.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let name = file.to_string_lossy().replace('\\', "/");
        for byte in name.bytes().chain([0]).chain(std::fs::read(&file)?).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    writeln!(instructions, "cargo::rustc-env=SEAWORTHY_INVENTORY_SOURCES={hash:016x}")
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.push(path.to_owned());
    }
    Ok(())
}
