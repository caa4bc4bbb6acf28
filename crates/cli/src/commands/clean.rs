//! `seaworthy clean`: removes kept results and downloaded data, and nothing that others put beside them.

use crate::arguments::CleanArguments;
use crate::data;
use crate::progress::Talk;
use anyhow::{Context, Result, bail};
use seaworthy_scanner::{Cache, Removed};
use std::path::Path;

/// Removes what the flags name; results of layers where they name nothing.
pub(crate) fn run(arguments: &CleanArguments, cache_directory: Option<&Path>, talk: Talk) -> Result<()> {
    let Some(directory) = cache_directory.map(Path::to_owned).or_else(data::cache_directory) else {
        bail!("there is no cache directory: neither --cache-dir, XDG_CACHE_HOME nor HOME is set");
    };
    let CleanArguments {
        all,
        scan_cache,
        vuln_db,
        java_db,
        checks_bundle,
        vex_repo,
    } = *arguments;
    // Trivy keeps these apart; here they are a part of the advisory data, or do not exist.
    let only_trivys = (java_db || checks_bundle || vex_repo) && !(all || scan_cache || vuln_db);
    if all || scan_cache || !(vuln_db || only_trivys) {
        let removed = Cache::new(&directory)
            .clean()
            .with_context(|| format!("cannot remove the results kept in {}", directory.display()))?;
        say(talk, removed, "kept result", &directory);
    }
    if all || vuln_db {
        let removed = data::remove_downloaded(&directory)
            .with_context(|| format!("cannot remove the advisory data in {}", directory.display()))?;
        say(talk, removed, "advisory file", &directory);
    }
    if only_trivys {
        talk.say("nothing to remove: Seaworthy keeps no such data");
    }
    Ok(())
}

fn say(talk: Talk, removed: Removed, what: &str, directory: &Path) {
    let plural = if removed.files == 1 { "" } else { "s" };
    talk.say(&format!(
        "Removed {} {what}{plural} ({}) from {}",
        removed.files,
        indicatif::DecimalBytes(removed.bytes),
        directory.display()
    ));
}
