//! Mapping a file into memory: the only `unsafe` of the workspace.
//!
//! Advisory files are never changed in place: updates write a new file and rename it over the old one, so the mapped pages
//! stay those of the file that was opened. Every section is hashed before it is used, and used from its inflated copy.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Maps the whole file for reading.
pub(super) fn map(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    #[expect(unsafe_code, reason = "there is no safe way to map a file")]
    // SAFETY: the mapping is read-only and private to this process; files of this kind are replaced by rename, not
    // written to. Should someone truncate one all the same, the kernel ends the process: no wrong result comes of it.
    unsafe {
        Mmap::map(&file)
    }
}
