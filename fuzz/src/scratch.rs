//! Files for parsers that open paths. They lie below `TMPDIR`, which `run.sh` puts into memory and removes afterwards.

use std::path::{Path, PathBuf};

/// A directory of this process.
pub fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("seaworthy-fuzz-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for temporary files");
    directory
}

/// Writes a file below a directory, with the directories in between.
pub fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).expect("a directory for temporary files");
    }
    // A new file each time: the one before may still be mapped.
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, bytes).expect("a temporary file");
    path
}
