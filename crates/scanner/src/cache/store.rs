//! A directory of small files, one a result, for many processes at once and without a lock.
//!
//! A file is written under a name of its own and renamed when it is whole: readers see all of it or none. What is torn,
//! altered or from elsewhere fails its checksum or names another key, counts as absent and is replaced. Whatever fails
//! here costs time and nothing else: it is said at debug level. The files tell what is inside private images, so nobody
//! else may read them.

use super::key::Key;
use seaworthy_model::limits;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// First bytes of every file, with the version of the form below.
const MAGIC: &[u8; 8] = b"SWKEPT1\n";
/// The directory below the cache directory.
const DIRECTORY: &str = "scans";
/// Beginning of the names of files that are not whole yet.
const UNFINISHED: &str = "new-";
/// Its time of change is when the directory was last looked through.
const TRIMMED: &str = "trimmed";
/// A file that is not whole after this time belongs to a process that was killed.
const ABANDONED: Duration = Duration::from_secs(60 * 60);
/// How often the size is looked at, unless much was written.
const TRIM_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// The time of use is only as exact as this, so that most uses write nothing.
const USE_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Level 1 takes a millisecond for a layer with 10,000 files.
const LEVEL: i32 = 1;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    limit: u64,
    written: AtomicU64,
    /// Set after a failure that the next file would meet too.
    unusable: AtomicBool,
    counter: AtomicU64,
}

impl Store {
    pub(super) fn new(directory: &Path, limit: u64) -> Self {
        let directory = directory.join(DIRECTORY);
        let shared = writable_by_others(&directory);
        if shared {
            tracing::warn!(
                "{} can be written by other users: results of layers are neither kept nor used",
                directory.display()
            );
        }
        Self {
            directory,
            limit,
            written: AtomicU64::new(0),
            unusable: AtomicBool::new(shared),
            counter: AtomicU64::new(0),
        }
    }

    pub(super) fn path(&self, key: &Key) -> PathBuf {
        let hex = seaworthy_model::Digest::from_bytes(*key).hex();
        let (shard, name) = hex.split_at_checked(2).unwrap_or_default();
        self.directory.join(shard).join(name)
    }

    /// The bytes that are kept under the key.
    pub(super) fn get(&self, key: &Key) -> Option<Vec<u8>> {
        if self.unusable.load(Ordering::Relaxed) && !self.directory_is_ours() {
            return None;
        }
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        match read(&file, key) {
            Ok(bytes) => {
                touch(&file);
                Some(bytes)
            }
            Err(error) => {
                tracing::debug!("{} is not usable and will be replaced: {error}", path.display());
                None
            }
        }
    }

    /// After a failure to write, reading goes on; in a directory that others can write it does not.
    fn directory_is_ours(&self) -> bool {
        !writable_by_others(&self.directory)
    }

    /// Keeps bytes under the key; a failure is said at debug level and costs the next scan some time.
    pub(super) fn put(&self, key: &Key, bytes: &[u8]) {
        if self.unusable.load(Ordering::Relaxed) || bytes.len() as u64 > limits::CACHE_ENTRY_BYTES {
            return;
        }
        match self.write(key, bytes) {
            Ok(written) => {
                self.written.fetch_add(written, Ordering::Relaxed);
            }
            Err(error) => {
                self.unusable.store(true, Ordering::Relaxed);
                tracing::debug!("results are not kept in {}: {error}", self.directory.display());
            }
        }
    }

    fn write(&self, key: &Key, bytes: &[u8]) -> io::Result<u64> {
        let mut packed = Vec::with_capacity(64 + bytes.len() / 3);
        packed.extend_from_slice(MAGIC);
        packed.extend_from_slice(key);
        let mut encoder = zstd::Encoder::new(packed, LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.write_all(bytes)?;
        let packed = encoder.finish()?;
        if packed.len() as u64 > self.limit / 4 {
            return Ok(0);
        }
        let path = self.path(key);
        let shard = path.parent().unwrap_or(&self.directory);
        make_directory(shard)?;
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let unfinished = self
            .directory
            .join(format!("{UNFINISHED}{}-{count}-{}", std::process::id(), nanoseconds()));
        let written = create(&unfinished)
            .and_then(|mut file| file.write_all(&packed))
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        Ok(packed.len() as u64)
    }

    /// Removes what was not used for longest until a tenth of the limit is free; seldom looks.
    pub(super) fn trim(&self) {
        let written = self.written.load(Ordering::Relaxed);
        if written == 0 || self.unusable.load(Ordering::Relaxed) {
            return;
        }
        let marker = self.directory.join(TRIMMED);
        let lately = fs::metadata(&marker)
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| age(time) < TRIM_INTERVAL);
        if lately && written < self.limit / 16 {
            return;
        }
        self.written.store(0, Ordering::Relaxed);
        if create_or_open(&marker)
            .and_then(|file| file.set_modified(SystemTime::now()))
            .is_err()
        {
            return;
        }
        if let Err(error) = self.evict() {
            tracing::debug!("cannot look through {}: {error}", self.directory.display());
        }
    }

    fn evict(&self) -> io::Result<()> {
        let mut files = Vec::new();
        let mut total = 0u64;
        for file in self.files()? {
            let Ok(metadata) = fs::metadata(&file.path) else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if file.unfinished {
                if age(used) > ABANDONED {
                    let _ = fs::remove_file(&file.path);
                }
                continue;
            }
            total = total.saturating_add(metadata.len());
            files.push((used, metadata.len(), file.path));
        }
        if total <= self.limit {
            return Ok(());
        }
        files.sort();
        let mut removed = Removed::default();
        for (_, bytes, path) in files {
            if total <= self.limit / 10 * 9 {
                break;
            }
            // Another process may have removed it.
            let _ = fs::remove_file(&path);
            total = total.saturating_sub(bytes);
            removed.files += 1;
            removed.bytes += bytes;
        }
        tracing::debug!(
            files = removed.files,
            bytes = removed.bytes,
            "removed what was not used for longest"
        );
        Ok(())
    }

    /// Every file that is ours by its name.
    fn files(&self) -> io::Result<Vec<Kept>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.starts_with(UNFINISHED) {
                files.push(Kept {
                    path: entry.path(),
                    unfinished: true,
                });
            } else if is_hex(name, 2) && entry.file_type()?.is_dir() {
                let Ok(shard) = fs::read_dir(entry.path()) else {
                    continue;
                };
                let kept = shard
                    .filter_map(Result::ok)
                    .filter(|entry| entry.file_name().to_str().is_some_and(|name| is_hex(name, 62)))
                    .map(|entry| Kept {
                        path: entry.path(),
                        unfinished: false,
                    });
                files.extend(kept);
            }
        }
        Ok(files)
    }

    pub(super) fn clean(&self) -> io::Result<Removed> {
        let files = match self.files() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Removed::default()),
            files => files?,
        };
        let mut removed = Removed::default();
        for file in files {
            let bytes = fs::metadata(&file.path).map_or(0, |metadata| metadata.len());
            match fs::remove_file(&file.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => {
                    done?;
                    removed.files += 1;
                    removed.bytes += bytes;
                }
            }
        }
        let _ = fs::remove_file(self.directory.join(TRIMMED));
        if let Ok(shards) = fs::read_dir(&self.directory) {
            for shard in shards.filter_map(Result::ok) {
                // Only empty ones go: what is not ours stays.
                let _ = fs::remove_dir(shard.path());
            }
        }
        let _ = fs::remove_dir(&self.directory);
        Ok(removed)
    }
}

struct Kept {
    path: PathBuf,
    unfinished: bool,
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads one file whole: magic, key, then one zstd frame with a checksum.
fn read(mut file: &File, key: &Key) -> io::Result<Vec<u8>> {
    let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    let size = file.metadata()?.len();
    if size > limits::CACHE_ENTRY_BYTES {
        return wrong("it is too large");
    }
    let mut packed = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    Read::by_ref(&mut file)
        .take(limits::CACHE_ENTRY_BYTES)
        .read_to_end(&mut packed)?;
    let Some(frame) = packed
        .strip_prefix(MAGIC.as_slice())
        .and_then(|rest| rest.strip_prefix(key.as_slice()))
    else {
        return wrong("it is not what its name says");
    };
    let mut bytes = Vec::with_capacity(frame.len() * 4);
    let mut decoder = zstd::Decoder::with_buffer(frame)?.single_frame();
    Read::by_ref(&mut decoder)
        .take(limits::CACHE_ENTRY_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits::CACHE_ENTRY_BYTES {
        return wrong("it inflates beyond what is written");
    }
    Ok(bytes)
}

/// Remembers that the file was used; a read-only cache stays as it is.
fn touch(file: &File) {
    let stale = file
        .metadata()
        .and_then(|metadata| metadata.modified())
        .is_ok_and(|time| age(time) > USE_INTERVAL);
    if stale {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// How long ago; nothing for times to come.
fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

fn nanoseconds() -> u32 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos())
}

#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

fn create(path: &Path) -> io::Result<File> {
    private().create_new(true).open(path)
}

fn create_or_open(path: &Path) -> io::Result<File> {
    private().create(true).truncate(false).open(path)
}

/// Whether somebody else could have written a directory or file: who can write there can say what an image holds.
#[cfg(unix)]
pub fn writable_by_others(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = fs::metadata(directory) else {
        return false;
    };
    // The owner of our entry in /proc is who we are; elsewhere only the mode counts.
    let us = fs::metadata("/proc/self").map(|own| own.uid()).ok();
    !is_trusted(metadata.mode(), metadata.uid(), us)
}

/// Not for everybody to write, and of ourselves or root. Root uses what it is pointed at, as in containers with a volume of
/// somebody's; the group may write, because volumes of a cluster are handed out so.
#[cfg(unix)]
fn is_trusted(mode: u32, owner: u32, us: Option<u32>) -> bool {
    mode & 0o002 == 0 && us.is_none_or(|us| us == 0 || owner == us || owner == 0)
}

/// Whether somebody else could have written a directory or file.
#[cfg(not(unix))]
pub const fn writable_by_others(_directory: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
