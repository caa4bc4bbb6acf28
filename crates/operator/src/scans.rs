//! Scans: a reference is resolved once for whoever needs it, a digest is read once however many ask.
//!
//! Bounded in number; a failure is kept for people to see and tried again later and later.

use crate::Options;
use crate::advisory_data::{Current, DataWatch};
use crate::error::Error;
use crate::pull_secrets::PullSecrets;
use crate::rematch::{Read, rematch_one};
use crate::shared::{Shared, now};
use crate::store::{Resolution, pack};
use seaworthy_gate::TagKey;
use seaworthy_model::{Assessment, Inventory, Platform, limits};
use seaworthy_policy::image_name;
use seaworthy_registry::{Client, ClientOptions, Reference, Retry, Timeouts};
use seaworthy_scanner::{Database, ImageSource, Network, Options as ScanOptions, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

/// How long a registry may take to begin an answer.
const RESPONSE: Duration = Duration::from_secs(10);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The longest wait where a login is missing.
const LOGIN_WAIT: Duration = Duration::from_secs(30);

/// After so many attempts a scan that nobody asks for is left.
const ATTEMPTS: u32 = 20;
/// Nobody asks for what was not asked for in this time.
const NOBODY_ASKS: Duration = Duration::from_secs(600);

/// What is to be scanned, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Wanted {
    pub(crate) namespace: String,
    pub(crate) image: String,
    /// The workload and template that the tag is resolved for.
    pub(crate) owner: Option<(String, String)>,
    /// Whether nothing is left that wants it when it fails: a request that was refused.
    pub(crate) once: bool,
}

/// A scan that runs, or waits to be tried again.
#[derive(Debug)]
struct UnderWay {
    /// When it was asked for last. What is held asks every minute.
    asked: Instant,
    /// Wakes it while it waits.
    wake: Arc<Notify>,
}

/// The scans that are under way.
#[derive(Debug)]
pub(crate) struct Scans {
    shared: Arc<Shared>,
    pub(crate) data: Arc<DataWatch>,
    client: Client,
    network: Network,
    registries: ClientOptions,
    /// Of namespaces, for images that ask for a login.
    pub(crate) pull_secrets: PullSecrets,
    permits: Semaphore,
    /// For resolving references.
    turns: Semaphore,
    turns_of_registries: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// What is under way.
    under_way: Mutex<BTreeMap<Wanted, UnderWay>>,
    /// One lock a digest, so that it is read once.
    digests: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Scans {
    pub(crate) fn new(
        shared: Arc<Shared>,
        data: Arc<DataWatch>,
        options: &Options,
        cluster: kube::Client,
    ) -> Result<Self, Error> {
        let registries = ClientOptions {
            deny_local: !(options.allow_local_registries || options.install),
            ..impatient(options.registries.clone())
        };
        let client =
            Client::new(registries.clone(), options.credentials.clone()).map_err(|source| Error::Registry {
                source: Box::new(source),
            })?;
        Ok(Self {
            shared,
            data,
            client,
            network: Network::new(registries.clone(), options.credentials.clone()),
            registries,
            pull_secrets: PullSecrets::new(cluster),
            permits: Semaphore::new(options.scans.max(1)),
            turns: Semaphore::new(limits::RESOLUTIONS),
            turns_of_registries: Mutex::default(),
            under_way: Mutex::default(),
            digests: Mutex::default(),
        })
    }

    /// Whether an image of a namespace is being scanned.
    pub(crate) fn is_under_way(&self, namespace: &str, image: &str) -> bool {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way
            .keys()
            .any(|wanted| wanted.namespace == namespace && wanted.image == image)
    }

    /// Takes a failed image up again at once, as if it had never been tried: somebody asks for it anew.
    pub(crate) fn try_anew(&self, namespace: &str, image: &str) {
        if !self.shared.succeeded(namespace, image) {
            return;
        }
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        for (wanted, under_way) in under_way.iter() {
            if wanted.namespace == namespace && wanted.image == image {
                under_way.wake.notify_one();
            }
        }
    }

    /// Starts what is wanted, unless it is under way or there is no room for it: what waits asks again.
    pub(crate) fn start(self: &Arc<Self>, wanted: Wanted) {
        let wake = Arc::new(Notify::new());
        {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = Instant::now();
            if let Some(known) = under_way.get_mut(&wanted) {
                known.asked = asked;
                return;
            }
            if !has_room(&under_way, wanted.once) {
                return;
            }
            let wake = Arc::clone(&wake);
            under_way.insert(wanted.clone(), UnderWay { asked, wake });
        }
        let scans = Arc::clone(self);
        tokio::spawn(async move {
            let mut attempts = 0u32;
            while let Err((reason, message)) = scans.run(&wanted).await {
                tracing::warn!(namespace = wanted.namespace, image = wanted.image, reason, "{message}");
                scans.shared.failed(&wanted.namespace, &wanted.image, reason, message);
                attempts = attempts.saturating_add(1);
                let wait = Duration::from_secs(2).saturating_mul(1 << attempts.min(10));
                // Somebody who grants the namespace's Role looks whether it helped.
                let longest = if reason == "RegistryUnauthorized" {
                    LOGIN_WAIT
                } else {
                    LONGEST_WAIT
                };
                // Whichever comes first.
                let woken = tokio::time::timeout(wait.min(longest), wake.notified()).await;
                if woken.is_ok() {
                    attempts = 0;
                } else if wanted.once {
                    break;
                } else if attempts > ATTEMPTS && scans.give_up(&wanted) {
                    return;
                }
            }
            scans.ended(&wanted);
        });
    }

    fn ended(&self, wanted: &Wanted) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.remove(wanted);
        let is_wanted = |other: &Wanted| other.namespace == wanted.namespace && other.image == wanted.image;
        let is_over = wanted.once && !under_way.keys().any(is_wanted);
        drop(under_way);
        // Nobody looks at a failure of what was never let in.
        if is_over {
            self.shared.succeeded(&wanted.namespace, &wanted.image);
        }
        self.shared.change(|_| ());
    }

    /// Leaves what nobody has asked for lately; a new request starts it again. What somebody asks for must stay under way:
    /// left, it would be started again at once, and so without end.
    fn give_up(&self, wanted: &Wanted) -> bool {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let is_left = under_way
            .get(wanted)
            .is_none_or(|under_way| under_way.asked.elapsed() > NOBODY_ASKS);
        if is_left {
            under_way.remove(wanted);
        }
        is_left
    }

    async fn run(&self, wanted: &Wanted) -> Result<(), (&'static str, String)> {
        let reference = Reference::from_str(&wanted.image).map_err(|error| ("InvalidImageName", error.to_string()))?;
        let turn = self.turn(reference.registry()).await;
        let (digest, network) = match resolve(&self.client, &reference).await {
            Ok(digest) => (digest, self.network.clone()),
            Err(error) if asks_for_login(&error) => self.with_pull_secrets(wanted, &reference, &error).await?,
            Err(error) => return Err(failure(&wanted.image, &error)),
        };
        drop(turn);
        let by_digest = reference_digest(&reference).is_some();
        let stored = |error: crate::store::StoreError| ("StoreFailed", error.to_string());
        self.shared
            .keep_resolution(
                Resolution {
                    namespace: wanted.namespace.clone(),
                    image: wanted.image.clone(),
                    digest: digest.clone(),
                    at: now(),
                },
                wanted
                    .owner
                    .clone()
                    .filter(|_| !by_digest)
                    .map(|(owner, template)| TagKey {
                        namespace: wanted.namespace.clone(),
                        owner,
                        template,
                        image: wanted.image.clone(),
                    }),
            )
            .await
            .map_err(stored)?;
        self.read_once(&wanted.image, &digest, network).await?;
        self.shared.succeeded(&wanted.namespace, &wanted.image);
        Ok(())
    }

    /// Waits until a reference of this registry may be resolved.
    async fn turn(&self, registry: &str) -> impl Sized {
        let of_registry = {
            let mut turns = self.turns_of_registries.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turns| Arc::strong_count(turns) > 1);
            let new = || Arc::new(Semaphore::new(limits::RESOLUTIONS_OF_REGISTRY));
            Arc::clone(turns.entry(registry.to_owned()).or_insert_with(new))
        };
        // First the registry's own: whoever waits for a slow one takes nobody's place.
        let of_registry = of_registry.acquire_owned().await.ok();
        (of_registry, self.turns.acquire().await.ok())
    }

    /// The digest of an image that wants a login, and what its layers are read with: as the namespace could pull it.
    async fn with_pull_secrets(
        &self,
        wanted: &Wanted,
        reference: &Reference,
        refused: &seaworthy_registry::Error,
    ) -> Result<(String, Network), (&'static str, String)> {
        let Wanted { namespace, image, .. } = wanted;
        let opened = self.pull_secrets.open(namespace, image).await;
        let opened = opened.map_err(|closed| ("RegistryUnauthorized", closed.line(image, namespace, refused)))?;
        let client = Client::new(self.registries.clone(), opened.credentials.clone());
        let client = client.map_err(|error| failure(image, &error))?;
        match resolve(&client, reference).await {
            Ok(digest) => Ok((digest, Network::new(self.registries.clone(), opened.credentials))),
            Err(error) if asks_for_login(&error) => Err(("RegistryUnauthorized", opened.line(image, &error))),
            Err(error) => Err(failure(image, &error)),
        }
    }

    /// Reads, matches and keeps a digest, unless its verdict is known and no policy finds it too old.
    async fn read_once(&self, image: &str, digest: &str, network: Network) -> Result<(), (&'static str, String)> {
        let lock = {
            let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
            // Locks that nobody else has are not needed any more.
            digests.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(digests.entry(digest.to_owned()).or_default())
        };
        let _one = lock.lock().await;
        if self.is_fresh(digest) {
            return Ok(());
        }
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|error| ("Stopped", error.to_string()))?;
        let target = Target::ImageReference(image_name::pin(image_name::unpinned(image), digest));
        let options = ScanOptions {
            sources: vec![ImageSource::Registry],
            network,
            ..ScanOptions::default()
        };
        let data = self.data.current();
        let started = std::time::Instant::now();
        let name = image.to_owned();
        tracing::info!(image, digest, "scan started");
        let platforms = self.shared.memory().platforms.clone();
        let with = Arc::clone(&data);
        let (assessment, inventories) =
            tokio::task::spawn_blocking(move || assess(&target, options, &with.database, platforms))
                .await
                .map_err(|error| ("ScanFailed", format!("{name}: the scan broke off: {error}")))?
                .map_err(|error| ("ScanFailed", format!("{name}: {}", with_causes(error.as_ref()))))?;
        let found = assessment.counts();
        tracing::info!(image, digest, elapsed = ?started.elapsed(), found, "scanned");
        self.keep(image, digest, &data, assessment, inventories).await
    }

    /// Keeps what was found before anybody else may look: who waits for the digest must find the verdict.
    async fn keep(
        &self,
        image: &str,
        digest: &str,
        data: &Arc<Current>,
        mut assessment: Assessment,
        inventories: Vec<Inventory>,
    ) -> Result<(), (&'static str, String)> {
        // Without them it is scanned again when the data change.
        let inventories = pack(&inventories).unwrap_or_default();
        let _verdicts = self.data.keeping().await;
        let current = self.data.current();
        if !Arc::ptr_eq(&current, data) {
            let failed = |what| ("ScanFailed", format!("{image}: {what}"));
            assessment = rematch_one(&current.database, &inventories, assessment).map_err(failed)?;
        }
        let kept = self.shared.keep_assessment(digest, assessment, inventories).await;
        kept.map_err(|error| ("StoreFailed", error.to_string()))
    }

    fn is_fresh(&self, digest: &str) -> bool {
        let memory = self.shared.memory();
        let strictest = memory.policies.iter().filter_map(|policy| policy.scan_max_age).min();
        memory.assessments.get(digest).is_some_and(|assessment| {
            assessment.missing_platform(&memory.platforms).is_none()
                && strictest.is_none_or(|age| now().saturating_sub(assessment.scanned_at) <= age)
        })
    }
}

/// Whether one more may be under way; what was refused must not take the place of what is held.
fn has_room(under_way: &BTreeMap<Wanted, UnderWay>, once: bool) -> bool {
    let of_refused = || under_way.keys().filter(|wanted| wanted.once).count();
    under_way.len() < limits::SCANS_WAITING && (!once || of_refused() < limits::SCANS_OF_REFUSED)
}

/// What a reference means. A digest that it names counts for a namespace once its manifest was read for it.
async fn resolve(client: &Client, reference: &Reference) -> Result<String, seaworthy_registry::Error> {
    let repository = client.repository(reference);
    match reference_digest(reference) {
        Some(digest) => repository.manifest().await.map(|_| digest),
        None => repository.digest().await.map(|digest| digest.to_string()),
    }
}

fn asks_for_login(error: &seaworthy_registry::Error) -> bool {
    use seaworthy_registry::Error as Registry;
    matches!(
        error,
        Registry::LoginNeeded { .. } | Registry::LoginRefused { .. } | Registry::Forbidden { .. }
    )
}

/// Reads and matches an image, of one for several platforms those that nodes have: the worst of them counts. Also gives what
/// was read.
fn assess(
    target: &Target,
    options: ScanOptions,
    database: &Database,
    needed: BTreeSet<String>,
) -> Result<(Assessment, Vec<Inventory>), Box<seaworthy_scanner::Error>> {
    let read = Read::default();
    let assessment = assess_platforms(target, options, database, needed, &read)?;
    Ok((assessment, read.into_inventories()))
}

fn assess_platforms(
    target: &Target,
    options: ScanOptions,
    database: &Database,
    needed: BTreeSet<String>,
    read: &Read,
) -> Result<Assessment, Box<seaworthy_scanner::Error>> {
    let scan = |platform: Option<Platform>| {
        let options = ScanOptions {
            platform,
            ..options.clone()
        };
        let report = seaworthy_scanner::scan(target, &options, database, read)?;
        Ok(Assessment::of(&report, now()))
    };
    let offered = seaworthy_scanner::platforms(target, &options)?;
    let (one, several) = match offered.as_slice() {
        [] => return scan(None),
        [one] => return scan(Some(one.clone())),
        [first, ..] => (first, runnable(&offered, &needed)),
    };
    let mut joined: Option<Assessment> = None;
    for platform in several {
        let assessment = scan(Some(platform.clone()))?;
        match &mut joined {
            Some(joined) => joined.join(assessment),
            None => joined = Some(assessment),
        }
    }
    // No node could run it. It has a verdict all the same.
    let mut assessment = match joined {
        Some(joined) => joined,
        None => scan(Some(one.clone()))?,
    };
    assessment.platforms = match needed.is_empty() {
        true => BTreeSet::from([name(one)]),
        false => needed,
    };
    Ok(assessment)
}

/// As nodes say it.
fn name(platform: &Platform) -> String {
    format!("{}/{}", platform.os, platform.architecture)
}

/// What nodes may run of an index. One for which there is nothing may take another of its system (386 in place of amd64),
/// so that then all of those count.
fn runnable<'a>(offered: &'a [Platform], needed: &BTreeSet<String>) -> Vec<&'a Platform> {
    let is_offered = |needed: &String| offered.iter().any(|platform| name(platform) == *needed);
    let all = needed.iter().all(is_offered);
    let of_system = |platform: &Platform| {
        let mut systems = needed.iter().filter_map(|needed| needed.split('/').next());
        systems.any(|system| system == platform.os)
    };
    let is_run = |platform: &&Platform| match all {
        true => needed.contains(&name(platform)),
        false => of_system(platform),
    };
    offered.iter().filter(is_run).collect()
}

/// Somebody waits to read why a workload is held, and we try again ourselves: what does not answer is said soon.
fn impatient(registries: ClientOptions) -> ClientOptions {
    ClientOptions {
        retry: Retry {
            attempts: registries.retry.attempts.min(2),
            ..registries.retry
        },
        timeouts: Timeouts {
            response: registries.timeouts.response.min(RESPONSE),
            ..registries.timeouts
        },
        ..registries
    }
}

fn reference_digest(reference: &Reference) -> Option<String> {
    image_name::digest(&reference.normalized()).map(str::to_owned)
}

/// One word and one line for a registry that gave no answer.
fn failure(image: &str, error: &seaworthy_registry::Error) -> (&'static str, String) {
    use seaworthy_registry::Error as Registry;
    let reason = match error {
        Registry::NotFound { .. } => "ImageNotFound",
        Registry::LoginNeeded { .. } | Registry::LoginRefused { .. } | Registry::Forbidden { .. } => {
            "RegistryUnauthorized"
        }
        Registry::RateLimited { .. } => "RegistryRateLimited",
        Registry::Local { .. } => "RegistryNotAllowed",
        Registry::UnknownHost { .. } | Registry::Unreachable { .. } | Registry::TimedOut { .. } => {
            "RegistryUnreachable"
        }
        _ => "RegistryFailed",
    };
    (
        reason,
        seaworthy_policy::cut(format!("{image}: {}", with_causes(error))),
    )
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

#[cfg(test)]
#[path = "scans_tests.rs"]
mod retry_tests;
