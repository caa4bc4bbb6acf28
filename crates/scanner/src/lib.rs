//! The one pipeline that the command line and the cluster share: open, read, match, decide, report.

mod bill;
mod cache;
mod directory;
mod error;
mod observer;
mod open;
mod read;
mod source_tree;
mod streams;

pub use cache::{Cache, Removed, writable_by_others};
pub use error::Error;
pub use observer::{LayerProgress, Observer, Step, Unobserved};
pub use open::platforms;
pub use seaworthy_advisories::database::Database;
pub use seaworthy_image::{
    ClientOptions, CredentialFiles, Credentials, Daemons, ImageSource, Mirror, Network, TokenServer,
};
pub use seaworthy_inventory::{Pattern, Selection};
pub use seaworthy_policy::{IgnoreFile, Ignored, Rules, evaluate};

use jiff::Timestamp;
use observer::Phases;
use read::Reading;
use seaworthy_advisories::third_party::is_third_party;
use seaworthy_model::{
    ArtifactKind, DatabaseInfo, Distribution, Effect, Family, ImageMetadata, Inventory, PackageClass, Platform,
    Problem, ScanReport,
};
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use streams::Bounds;

/// What is scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An archive or layout, as `--input` takes it.
    ImageInput(OsString),
    /// A reference, as `image REF` takes it.
    ImageReference(String),
    /// An unpacked root file system.
    RootDirectory(PathBuf),
    /// A file that is a bill of materials.
    Bill(PathBuf),
    /// A source tree with its lock files and manifests.
    SourceTree(PathBuf),
}

impl Target {
    /// What people call it.
    pub fn name(&self) -> String {
        match self {
            Self::ImageInput(input) => input.to_string_lossy().into_owned(),
            Self::ImageReference(reference) => reference.clone(),
            Self::RootDirectory(path) | Self::Bill(path) | Self::SourceTree(path) => path.display().to_string(),
        }
    }
}

/// How a scan is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// The platform asked for; `None` takes this machine's where there is a choice.
    pub platform: Option<Platform>,
    /// Where references are looked for, in this order.
    pub sources: Vec<ImageSource>,
    /// Connections and credentials.
    pub network: Network,
    /// Where the daemons of this machine answer.
    pub daemons: Daemons,
    /// What is left out.
    pub selection: Selection,
    /// Which packages are listed and matched (`--pkg-types`).
    pub package_classes: Vec<PackageClass>,
    /// Whether what lock files have for development only is listed and matched (`--include-dev-deps`).
    pub development: bool,
    /// Whether to find more at the price of wrong findings (`--detection-priority comprehensive`): language packages that
    /// the distribution's own packages brought are matched against the advisories of their language as well, and ranges of
    /// requirements files stand for their lowest versions.
    pub comprehensive: bool,
    /// What is shown and what fails.
    pub rules: Rules,
    /// When to give up; `None` never.
    pub timeout: Option<Duration>,
    /// Layers read at the same time.
    pub threads: usize,
    /// The distribution to assume in place of the one detected (`--distro`).
    pub distribution: Option<Distribution>,
    /// Where results of layers are kept between scans; `None` keeps and uses none.
    pub cache: Option<Arc<Cache>>,
    /// The time that ages and expiries are judged by.
    pub now: Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            platform: None,
            sources: ImageSource::ALL.to_vec(),
            network: Network::default(),
            daemons: Daemons::default(),
            selection: Selection::default(),
            package_classes: vec![PackageClass::Os, PackageClass::Language],
            development: false,
            comprehensive: false,
            rules: Rules::default(),
            timeout: Some(seaworthy_model::limits::TIMEOUT),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            distribution: None,
            cache: None,
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
    let mut phases = Phases::new();
    let bounds = Bounds {
        threads: options.threads.max(1),
        deadline: options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
    };
    observer.step(&Step::Opening);
    let (inventory, image, name, kind) = match target {
        Target::RootDirectory(path) => {
            let inventory = directory::root_directory(path, &options.selection, bounds, observer, &mut phases)?;
            phases.end("merge");
            (inventory, None, target.name(), ArtifactKind::Filesystem)
        }
        Target::Bill(path) => {
            let (inventory, kind) = bill::read(path)?;
            phases.end("read");
            (inventory, None, target.name(), kind)
        }
        Target::SourceTree(path) => {
            let inventory = source_tree::source_tree(path, options, bounds, observer, &mut phases)?;
            phases.end("read");
            (inventory, None, target.name(), ArtifactKind::Filesystem)
        }
        Target::ImageInput(_) | Target::ImageReference(_) => {
            let image = open::image(target, options, bounds.deadline)?;
            phases.end("open");
            let reading = Reading {
                selection: &options.selection,
                bounds,
                cache: options.cache.as_deref(),
                observer,
            };
            let read = reading.image(&image, &mut phases);
            let inventory = read.map_err(|error| error.of(target.name()))?;
            let kind = ArtifactKind::ContainerImage;
            (inventory, Some(image.metadata().clone()), target.name(), kind)
        }
    };
    let late = || Error::TimedOut {
        reached: "every layer was read, the packages were being matched".into(),
    };
    if bounds.is_over() {
        return Err(late());
    }
    let report = judge(inventory, image, name, kind, options, database, observer)?;
    phases.end("match");
    phases.say();
    if bounds.is_over() { Err(late()) } else { Ok(report) }
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
    disown_third_parties(&mut inventory);
    inventory
        .packages
        .retain(|package| options.package_classes.contains(&package.ecosystem.class()));
    if inventory.distribution.is_none() && inventory.packages.is_empty() && inventory.problems.is_empty() {
        let what = "neither a distribution nor a package was recognised: what is installed here without a package manager is not seen";
        inventory.problems.push(Problem::of_artifact(Effect::Uncertain, what));
    }
    observer.inventory(&inventory);
    observer.step(&Step::Matching {
        packages: inventory.packages.len(),
    });
    let today = options.now.as_second().div_euclid(86_400);
    if options.comprehensive {
        inventory
            .packages
            .iter_mut()
            .for_each(|package| package.owned_by = None);
    }
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

/// What a package of others than the distribution brought is not the distribution's: its advisories say nothing about it.
fn disown_third_parties(inventory: &mut Inventory) {
    let (others, own): (Vec<_>, Vec<_>) = inventory
        .packages_of(PackageClass::Os)
        .map(|(_, package)| package)
        .partition(|package| is_third_party(package, inventory.distribution.as_ref()));
    let own: HashSet<&str> = own.into_iter().map(|package| package.name.as_str()).collect();
    let others: HashSet<String> = others
        .into_iter()
        .filter(|package| !own.contains(package.name.as_str()))
        .map(|package| package.name.clone())
        .collect();
    for package in &mut inventory.packages {
        package.owned_by.take_if(|owner| others.contains(owner));
    }
}
