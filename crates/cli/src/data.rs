//! Which advisory data a scan uses: the file given, else the newer of the cached file and the one inside the binary.

use anyhow::{Context, Result};
use seaworthy_scanner::Database;
use std::path::{Path, PathBuf};

/// Written by `seaworthy db build` from the feeds named in `NOTICE`; facts only.
static BUILT_IN: &[u8] = include_bytes!("../../../data/advisories.db");

/// Name of the file below the cache directory.
const CACHED: &str = "db/advisories.db";

/// Opens the data to use.
///
/// A cached file that cannot be opened is an error, not a reason to use older data silently.
pub(crate) fn open(given: Option<&Path>, cache_directory: Option<&Path>) -> Result<Database> {
    if let Some(path) = given {
        return Ok(Database::open(path)?);
    }
    let built_in = Database::from_static(BUILT_IN).context("the advisory data inside this binary are damaged")?;
    let cached = cache_directory
        .map(Path::to_owned)
        .or_else(default_cache_directory)
        .map(|directory| directory.join(CACHED));
    match cached.filter(|path| path.is_file()) {
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

/// `$XDG_CACHE_HOME/seaworthy`, else `~/.cache/seaworthy`.
fn default_cache_directory() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("seaworthy"))
}
