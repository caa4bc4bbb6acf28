//! Writes the archives of `examples/` anew: `cargo run -p seaworthy-testkit --bin example-images [DIR]`.

use seaworthy_testkit::example_image;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("examples"), PathBuf::from);
    std::fs::create_dir_all(&directory)?;
    for (name, fixed) in [("myapp-v1.tar", false), ("myapp-v1-fixed.tar", true)] {
        std::fs::write(directory.join(name), example_image(fixed).docker_archive())?;
    }
    Ok(())
}
