//! Files that people write by hand beside what they scan: settings, ignore lists. Whoever made the directory may have put
//! anything there.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Such a file has some hundred bytes, long lists some hundred thousand.
const BYTES: u64 = 1 << 20;

/// Reads a file whole.
///
/// # Errors
/// When it is no regular file (opening a pipe would wait for a writer), too large, or as the operating system says.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES {
        let what = format!("it is larger than {BYTES} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{BYTES, read};

    #[test]
    fn only_small_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (length, whole) in [(0, true), (BYTES, true), (BYTES + 1, false)] {
            std::fs::write(&path, vec![b'#'; usize::try_from(length).unwrap()]).unwrap();
            assert_eq!(read(&path).is_ok(), whole, "{length}");
        }
        assert!(read(folder.path()).is_err());
        #[cfg(target_os = "linux")]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
            assert!(read(&link).is_err());
        }
    }
}
