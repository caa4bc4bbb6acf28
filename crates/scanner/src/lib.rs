//! The one pipeline that the command line and the cluster share: open, read, match, decide, report.

mod error;
mod read;

pub use error::Error;
pub use seaworthy_advisories::database::Database;
pub use seaworthy_image::Progress;
pub use seaworthy_inventory::{Pattern, Selection};
pub use seaworthy_policy::{IgnoreFile, Ignored, Rules};

use jiff::Timestamp;
use seaworthy_model::{
    ArtifactKind, DatabaseInfo, Distribution, Effect, Family, ImageMetadata, Inventory, PackageClass, Platform,
    Problem, ScanReport,
};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What is scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An archive or layout, as `--input` takes it.
    ImageInput(String),
    /// An unpacked root file system.
    RootDirectory(PathBuf),
}

/// How a scan is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// The platform asked for; `None` takes this machine's where there is a choice.
    pub platform: Option<Platform>,
    /// What is left out.
    pub selection: Selection,
    /// Which packages are listed and matched (`--pkg-types`).
    pub package_classes: Vec<PackageClass>,
    /// What is shown and what fails.
    pub rules: Rules,
    /// When to give up; `None` never.
    pub timeout: Option<Duration>,
    /// Layers read at the same time.
    pub threads: usize,
    /// The distribution to assume in place of the one detected (`--distro`).
    pub distribution: Option<Distribution>,
    /// The time that ages and expiries are judged by.
    pub now: Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            platform: None,
            selection: Selection::default(),
            package_classes: vec![PackageClass::Os, PackageClass::Language],
            rules: Rules::default(),
            timeout: Some(seaworthy_model::limits::TIMEOUT),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            distribution: None,
            now: Timestamp::now(),
        }
    }
}

/// The family with this name: Trivy's, or the `ID` of os-release.
pub fn family_from_id(id: &str) -> Option<Family> {
    let named = Family::ALL
        .into_iter()
        .find(|family| family.name().eq_ignore_ascii_case(id));
    named
        .or_else(|| Some(seaworthy_inventory::release::family::from_id(id, "")))
        .filter(|family| *family != Family::Other)
}

/// Told how far a scan is; the calls come from the thread that scans.
pub trait Observer: Sync {
    /// The counter of stored bytes read.
    fn progress(&self) -> &Progress;
    /// Layers are about to be read; `bytes` is their stored size, 0 where unknown.
    fn reading(&self, layers: usize, bytes: u64);
    /// The layers are read and about to be merged.
    fn merging(&self) {}
    /// The packages are known and about to be matched.
    fn matching(&self, packages: usize) {
        let _ = packages;
    }
}

/// An observer that nobody listens to.
#[derive(Debug, Default)]
pub struct Unobserved(Progress);

impl Observer for Unobserved {
    fn progress(&self) -> &Progress {
        &self.0
    }
    fn reading(&self, _layers: usize, _bytes: u64) {}
}

/// Scans one target.
///
/// # Errors
/// When it could not be read as a whole: a report is never made of half an image. What single files hold becomes
/// problems in the report.
pub fn scan(
    target: &Target,
    options: &Options,
    database: &Database,
    observer: &dyn Observer,
) -> Result<ScanReport, Error> {
    let started = Instant::now();
    let bounds = read::Bounds {
        threads: options.threads.max(1),
        deadline: options.timeout.and_then(|timeout| started.checked_add(timeout)),
    };
    let (inventory, image, name, kind) = match target {
        Target::ImageInput(input) => {
            let image = seaworthy_image::open_input(input, options.platform.as_ref())?;
            tracing::debug!(elapsed = ?started.elapsed(), layers = image.metadata().layers.len(), "image opened");
            let inventory = read::image(&image, &options.selection, bounds, observer)?;
            (
                inventory,
                Some(image.metadata().clone()),
                input.clone(),
                ArtifactKind::ContainerImage,
            )
        }
        Target::RootDirectory(path) => {
            let inventory = read::root_directory(path, &options.selection, bounds, observer)?;
            (inventory, None, path.display().to_string(), ArtifactKind::Filesystem)
        }
    };
    tracing::debug!(elapsed = ?started.elapsed(), packages = inventory.packages.len(), "layers read and merged");
    let report = judge(inventory, image, name, kind, options, database, observer)?;
    tracing::debug!(elapsed = ?started.elapsed(), findings = report.decision.findings.len(), "matched and judged");
    Ok(report)
}

/// Matches an inventory and applies the policy: the half of a scan that needs no image.
fn judge(
    mut inventory: Inventory,
    image: Option<ImageMetadata>,
    artifact_name: String,
    artifact_kind: ArtifactKind,
    options: &Options,
    database: &Database,
    observer: &dyn Observer,
) -> Result<ScanReport, Error> {
    if let Some(distribution) = &options.distribution {
        inventory.distribution = Some(distribution.clone());
    }
    inventory
        .packages
        .retain(|package| options.package_classes.contains(&package.ecosystem.class()));
    if inventory.distribution.is_none() && inventory.packages.is_empty() && inventory.problems.is_empty() {
        let what = "neither a distribution nor a package was recognised: what is installed here without a package manager is not seen";
        inventory.problems.push(Problem::of_artifact(Effect::Uncertain, what));
    }
    observer.matching(inventory.packages.len());
    let today = options.now.as_second().div_euclid(86_400);
    let findings = database.find(&inventory, today)?;
    inventory.problems.extend(findings.problems);
    inventory.problems.sort();
    inventory.problems.dedup();
    let decision = seaworthy_policy::evaluate(&options.rules, &inventory, findings.matches);
    let database = DatabaseInfo {
        distribution_newest: findings.distribution_newest,
        ..database.summary(today)
    };
    Ok(ScanReport {
        report_id: uuid::Uuid::now_v7().to_string(),
        created_at: options.now.to_string(),
        artifact_name,
        artifact_kind,
        image,
        inventory,
        end_of_life: findings.end_of_life,
        distribution_supported: findings.distribution_supported,
        decision,
        database,
    })
}
