//! Flags become the options of a scan.

use crate::arguments::{PlatformChoice, ScanArguments};
use anyhow::{Context, Result};
use jiff::Timestamp;
use seaworthy_model::PackageClass;
use seaworthy_scanner::{IgnoreFile, Options, Pattern, Rules, Selection};
use std::path::Path;

/// The ignore file that is read when none is named.
const IGNORE_FILE: &str = ".trivyignore";

/// What the flags that decide about a scan mean.
pub(super) fn options(arguments: &ScanArguments, now: Timestamp) -> Result<Options> {
    let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect();
    Ok(Options {
        platform: match &arguments.platform {
            Some(PlatformChoice::One(platform)) => Some(platform.clone()),
            Some(PlatformChoice::All) | None => None,
        },
        selection: Selection {
            skip_directories: patterns(&arguments.skip_dirs),
            skip_files: patterns(&arguments.skip_files),
            only: None,
        },
        package_classes: classes(arguments),
        rules: rules(arguments, now)?,
        timeout: Some(arguments.timeout).filter(|timeout| !timeout.is_zero()),
        distribution: arguments.distro.clone(),
        comprehensive: arguments.detection_priority == "comprehensive",
        now,
        ..Options::default()
    })
}

/// The kinds of packages asked for.
pub(super) fn classes(arguments: &ScanArguments) -> Vec<PackageClass> {
    let named = |name: &str| arguments.pkg_types.iter().any(|kind| kind == name);
    let kinds = [("os", PackageClass::Os), ("library", PackageClass::Language)];
    kinds
        .into_iter()
        .filter(|(name, _)| named(name))
        .map(|(_, class)| class)
        .collect()
}

/// What decides which findings count.
pub(super) fn rules(arguments: &ScanArguments, now: Timestamp) -> Result<Rules> {
    Ok(Rules {
        severities: arguments.severity.iter().copied().collect(),
        ignore_unfixed: arguments.ignore_unfixed,
        ignore_status: arguments.ignore_status.iter().copied().collect(),
        ignored: ignore_file(arguments.ignorefile.as_deref(), now)?,
        exit_on_findings: arguments.exit_code != 0,
        fail_on: arguments.fail_on,
    })
}

/// Reads the named ignore file, which must exist, or the usual one, which need not.
fn ignore_file(named: Option<&Path>, now: Timestamp) -> Result<Vec<seaworthy_scanner::Ignored>> {
    let path = named.unwrap_or_else(|| Path::new(IGNORE_FILE));
    let bytes = match crate::small_file::read(path) {
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.with_context(|| format!("cannot read the ignore file {}", path.display()))?,
    };
    let today = now.to_string();
    let file = IgnoreFile::parse(&bytes, &path.display().to_string(), today.get(..10).unwrap_or_default());
    for warning in &file.warnings {
        tracing::warn!("{warning}");
    }
    Ok(file.entries)
}
