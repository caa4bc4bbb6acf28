//! Plays the whole story with a `seaworthy` that was built before, and prints what a user would see:
//! `cargo run -p seaworthy-testkit --bin story -- target/debug/seaworthy`. Ends with 0 only when all of it was right.

use anyhow::{Context, Result};
use std::path::PathBuf;

fn main() -> Result<()> {
    let binary = std::env::args_os()
        .nth(1)
        .context("name the program: story PATH/TO/seaworthy")?;
    seaworthy_testkit::story::play(&PathBuf::from(binary), &mut std::io::stdout().lock())
}
