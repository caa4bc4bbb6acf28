//! Which advisory data a scan uses: the file given, else the newer of the cached file and the one inside the binary.

use anyhow::{Context, Result};
use seaworthy_scanner::{Cache, Database, Removed, writable_by_others};
use std::path::{Path, PathBuf};

/// Written by `seaworthy db build` from the feeds named in `NOTICE`; facts only.
static BUILT_IN: &[u8] = include_bytes!("../../../data/advisories.db");

/// Name of the file below the cache directory.
const CACHED: &str = "db/advisories.db";

/// Opens the data to use.
///
/// A cached file that cannot be opened is an error, not a reason to use older data silently.
pub(crate) fn open(given: Option<&Path>, given_cache: Option<&Path>) -> Result<Database> {
    if let Some(path) = given {
        return Ok(Database::open(path)?);
    }
    let built_in = Database::from_static(BUILT_IN).context("the advisory data inside this binary are damaged")?;
    let cached = place(None, given_cache);
    let trusted = |path: &PathBuf| {
        let shared = writable_by_others(path) || path.parent().is_some_and(writable_by_others);
        if shared {
            let path = path.display();
            tracing::warn!("{path} is not used: others can write there; name it with --db if it is to be trusted");
        }
        !shared
    };
    match cached.filter(|path| path.is_file() && trusted(path)) {
        Some(path) => {
            let cached = Database::open(&path)?;
            Ok(if cached.info().built > built_in.info().built {
                cached
            } else {
                built_in
            })
        }
        None => Ok(built_in),
    }
}

/// Where a file is, or would be, that is used in place of the data inside the binary.
pub(crate) fn place(given: Option<&Path>, given_cache: Option<&Path>) -> Option<PathBuf> {
    let cached = || {
        let directory = given_cache.map(Path::to_owned).or_else(cache_directory)?;
        Some(directory.join(CACHED))
    };
    given.map(Path::to_owned).or_else(cached)
}

/// `$XDG_CACHE_HOME/seaworthy`, else `~/.cache/seaworthy`.
pub(crate) fn cache_directory() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("seaworthy"))
}

/// Where results of layers are kept, if they are.
///
/// A home that does not exist is not made: users without one have `/nonexistent`.
pub(crate) fn cache(no_cache: bool, given: Option<&Path>) -> Option<Cache> {
    if no_cache {
        return None;
    }
    if let Some(directory) = given {
        return Some(Cache::new(directory));
    }
    let directory = cache_directory();
    let home = directory
        .as_deref()
        .and_then(|directory| directory.parent()?.parent())
        .is_some_and(Path::is_dir);
    if !home {
        tracing::debug!("results of layers are not kept: there is no home directory; name one with --cache-dir");
    }
    directory.filter(|_| home).map(|directory| Cache::new(&directory))
}

/// Removes the downloaded advisory file.
pub(crate) fn remove_downloaded(cache_directory: &Path) -> std::io::Result<Removed> {
    let path = cache_directory.join(CACHED);
    let bytes = match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Removed::default()),
        metadata => metadata?.len(),
    };
    std::fs::remove_file(path)?;
    Ok(Removed { files: 1, bytes })
}
