//! The files of a feed directory: found, given to the feeds that read them, and opened under caps.
//!
//! Zip archives are read record by record; nothing is trusted that their headers say about sizes.

use crate::error::Error;
use rawzip::{CompressionMethod, ZipArchive};
use seaworthy_model::limits::{FEED_BYTES, FEED_FILES, FEED_RECORD_BYTES, ZIP_ENTRIES};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// One file below the feed directory.
#[derive(Clone, Debug)]
pub(super) struct FeedFile {
    /// Its path below the feed directory, with `/`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// Whether a relative path fits a pattern in which `*` stands for any text without a slash.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            let segment = rest.find('/').unwrap_or(rest.len());
            (0..=segment).any(|end| rest.get(end..).is_some_and(|rest| fits(after, rest)))
        }),
    }
}

/// Every regular file below the directory, sorted by name. Links to files are followed, links to directories are not.
pub(super) fn list(root: &Path) -> Result<Vec<FeedFile>, Error> {
    let mut files = Vec::new();
    let mut directories = vec![(root.to_owned(), String::new(), 0_usize)];
    while let Some((directory, prefix, depth)) = directories.pop() {
        let unreadable = |source| Error::Read {
            path: directory.clone(),
            source,
        };
        for entry in std::fs::read_dir(&directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                if depth < 16 {
                    directories.push((path, format!("{name}/"), depth + 1));
                }
            } else {
                let metadata = std::fs::metadata(&path).map_err(|source| Error::Read {
                    path: path.clone(),
                    source,
                })?;
                if metadata.is_file() {
                    files.push(FeedFile {
                        name,
                        path,
                        bytes: metadata.len(),
                    });
                }
            }
            if files.len() + directories.len() > FEED_FILES {
                return Err(Error::Feed {
                    feed: prefix,
                    what: format!("more than {FEED_FILES} files in the feed directory"),
                });
            }
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

impl FeedFile {
    /// The error that ends the build because of this file.
    pub(super) fn broken(&self, what: impl std::fmt::Display) -> Error {
        Error::Feed {
            feed: self.name.clone(),
            what: what.to_string(),
        }
    }

    fn open(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(|source| Error::Read {
            path: self.path.clone(),
            source,
        })
    }

    /// The file as a stream, inflated when its name ends in `.gz`. It ends with an error beyond `FEED_BYTES`.
    pub(super) fn stream(&self) -> Result<Box<dyn BufRead>, Error> {
        let file = self.open()?;
        Ok(if self.name.ends_with(".gz") {
            let inflated = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file));
            Box::new(BufReader::with_capacity(
                1 << 16,
                Capped {
                    inner: inflated,
                    left: FEED_BYTES,
                },
            ))
        } else {
            Box::new(BufReader::with_capacity(
                1 << 16,
                Capped {
                    inner: file,
                    left: FEED_BYTES,
                },
            ))
        })
    }

    /// The whole file, inflated when its name ends in `.gz`: for feeds that are one document.
    pub(super) fn document(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let taken = self.stream()?.take(FEED_RECORD_BYTES + 1).read_to_end(&mut bytes);
        taken.map_err(|source| self.broken(source))?;
        if bytes.len() as u64 > FEED_RECORD_BYTES {
            return Err(self.broken(format!("larger than {FEED_RECORD_BYTES} bytes")));
        }
        Ok(bytes)
    }

    /// Calls `each` for every line with its bytes, without the line end.
    pub(super) fn lines(&self, mut each: impl FnMut(&[u8])) -> Result<(), Error> {
        let mut stream = self.stream()?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = stream.by_ref().take(FEED_RECORD_BYTES).read_until(b'\n', &mut line);
            if read.map_err(|source| self.broken(source))? == 0 {
                return Ok(());
            }
            if line.len() as u64 >= FEED_RECORD_BYTES {
                return Err(self.broken(format!("a line is longer than {FEED_RECORD_BYTES} bytes")));
            }
            while matches!(line.last(), Some(b'\n' | b'\r')) {
                line.pop();
            }
            each(&line);
        }
    }

    /// Calls `each` for every file of a zip archive: its bytes, or why they cannot be had.
    pub(super) fn zip_records(&self, mut each: impl FnMut(Result<&[u8], &str>)) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.bytes.min(1 << 30)).unwrap_or(0) + 1);
        let read = self.open()?.take(FEED_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|source| Error::Read {
            path: self.path.clone(),
            source,
        })?;
        if bytes.len() as u64 > FEED_BYTES {
            return Err(self.broken(format!("larger than {FEED_BYTES} bytes")));
        }
        let archive = ZipArchive::from_slice(bytes.as_slice())
            .map_err(|error| self.broken(format!("not a zip archive: {error}")))?;
        let expected = archive.entries_hint();
        if expected > ZIP_ENTRIES as u64 {
            return Err(self.broken(format!("more than {ZIP_ENTRIES} entries")));
        }
        let (mut seen, mut total) = (0_u64, 0_u64);
        let mut record = Vec::new();
        let mut entries = archive.entries();
        while let Some(entry) = entries
            .next_entry()
            .map_err(|error| self.broken(format!("its directory is damaged: {error}")))?
        {
            seen += 1;
            if seen > ZIP_ENTRIES as u64 {
                return Err(self.broken(format!("more than {ZIP_ENTRIES} entries")));
            }
            if entry.is_dir() {
                continue;
            }
            record.clear();
            let data = archive.get_entry(entry.wayfinder());
            let outcome = data.map_err(|_| "damaged zip entry").and_then(|data| {
                let method = entry.compression_method();
                let inflated = if method == CompressionMethod::DEFLATE {
                    let decoder = flate2::bufread::DeflateDecoder::new(data.data());
                    data.verifying_reader(decoder)
                        .take(FEED_RECORD_BYTES + 1)
                        .read_to_end(&mut record)
                } else if method == CompressionMethod::STORE {
                    data.verifying_reader(data.data())
                        .take(FEED_RECORD_BYTES + 1)
                        .read_to_end(&mut record)
                } else {
                    return Err("unknown compression in the zip");
                };
                inflated.map(|_| ()).map_err(|_| "damaged zip entry")
            });
            total += record.len() as u64;
            if total > FEED_BYTES {
                return Err(self.broken(format!("inflates to more than {FEED_BYTES} bytes")));
            }
            if record.len() as u64 > FEED_RECORD_BYTES {
                each(Err("larger than a record may be"));
                record = Vec::new();
            } else {
                each(outcome.map(|()| record.as_slice()));
            }
        }
        if seen != expected {
            return Err(self.broken(format!("its directory promises {expected} entries and has {seen}")));
        }
        Ok(())
    }
}

/// A reader that fails, instead of ending, once more than `left` bytes came out of it.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| std::io::Error::other(format!("inflates to more than {FEED_BYTES} bytes")))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stop_at_slashes() {
        assert!(fits("alpine/*/main.json", "alpine/v3.20/main.json"));
        assert!(!fits("alpine/*/main.json", "alpine/v3.20/more/main.json"));
        assert!(fits("nvd/nvdcve-2.0-*.json.gz", "nvd/nvdcve-2.0-2024.json.gz"));
        assert!(!fits("nvd/nvdcve-2.0-*.json.gz", "nvd/nvdcve-2.0-2024.json"));
        assert!(fits("amazon/*/*/updateinfo.xml.gz", "amazon/2/core/updateinfo.xml.gz"));
        assert!(!fits("osv/npm/all.zip", "osv/npm/all.zip.part"));
    }
}
