//! Scans: a reference is resolved once for whoever needs it, a digest is read once however many ask.
//!
//! Bounded in number; a failure is kept for people to see and tried again later and later.

use crate::Options;
use crate::error::Error;
use crate::pull_secrets::PullSecrets;
use crate::shared::{Shared, now};
use crate::store::Resolution;
use seaworthy_gate::TagKey;
use seaworthy_model::{Assessment, Platform};
use seaworthy_policy::image_name;
use seaworthy_registry::{Client, ClientOptions, Reference, Retry, Timeouts};
use seaworthy_scanner::{Database, ImageSource, Network, Options as ScanOptions, Target, Unobserved};
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a registry may take to begin an answer.
const RESPONSE: Duration = Duration::from_secs(10);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The longest wait where a login is missing.
const LOGIN_WAIT: Duration = Duration::from_secs(30);

/// What is to be scanned, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Wanted {
    pub(crate) namespace: String,
    pub(crate) image: String,
    /// The workload and template that the tag is resolved for.
    pub(crate) owner: Option<(String, String)>,
}

/// The scans that are under way.
#[derive(Debug)]
pub(crate) struct Scans {
    shared: Arc<Shared>,
    database: Arc<Database>,
    client: Client,
    network: Network,
    registries: ClientOptions,
    /// Of namespaces, for images that ask for a login.
    pub(crate) pull_secrets: PullSecrets,
    allow_local: bool,
    permits: Semaphore,
    under_way: Mutex<BTreeSet<Wanted>>,
    /// One lock a digest, so that it is read once.
    digests: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Scans {
    pub(crate) fn new(
        shared: Arc<Shared>,
        database: Arc<Database>,
        options: &Options,
        cluster: kube::Client,
    ) -> Result<Self, Error> {
        let registries = impatient(options.registries.clone());
        let client =
            Client::new(registries.clone(), options.credentials.clone()).map_err(|source| Error::Registry {
                source: Box::new(source),
            })?;
        Ok(Self {
            shared,
            database,
            client,
            network: Network::new(registries.clone(), options.credentials.clone()),
            registries,
            pull_secrets: PullSecrets::new(cluster),
            allow_local: options.allow_local_registries || options.install,
            permits: Semaphore::new(options.scans.max(1)),
            under_way: Mutex::default(),
            digests: Mutex::default(),
        })
    }

    /// Whether an image of a namespace is being scanned.
    pub(crate) fn is_under_way(&self, namespace: &str, image: &str) -> bool {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way
            .iter()
            .any(|wanted| wanted.namespace == namespace && wanted.image == image)
    }

    /// Starts what is wanted, unless it is under way.
    pub(crate) fn start(self: &Arc<Self>, wanted: Wanted) {
        let is_new = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(wanted.clone());
        if !is_new {
            return;
        }
        let scans = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let Err((reason, message)) = scans.run(&wanted).await else {
                    break;
                };
                tracing::warn!(namespace = wanted.namespace, image = wanted.image, reason, "{message}");
                let attempts = scans.shared.failed(&wanted.namespace, &wanted.image, reason, message);
                // What no repetition changes is left; a new request starts it again.
                if attempts > 20 {
                    break;
                }
                let wait = Duration::from_secs(2).saturating_mul(1 << attempts.min(10));
                // Somebody who grants the namespace's Role looks whether it helped.
                let longest = if reason == "RegistryUnauthorized" {
                    LOGIN_WAIT
                } else {
                    LONGEST_WAIT
                };
                tokio::time::sleep(wait.min(longest)).await;
            }
            scans
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&wanted);
            scans.shared.change(|_| ());
        });
    }

    async fn run(&self, wanted: &Wanted) -> Result<(), (&'static str, String)> {
        let reference = Reference::from_str(&wanted.image).map_err(|error| ("InvalidImageName", error.to_string()))?;
        if !self.allow_local && is_local(reference.registry()) {
            let message = format!("{}: registries on this machine are not allowed", wanted.image);
            return Err(("RegistryNotAllowed", message));
        }
        let (digest, network) = match resolve(&self.client, &reference).await {
            Ok(digest) => (digest, self.network.clone()),
            Err(error) if asks_for_login(&error) => self.with_pull_secrets(wanted, &reference, &error).await?,
            Err(error) => return Err(failure(&wanted.image, &error)),
        };
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

    /// The digest of an image that wants a login, and what its layers are read with: as the namespace could pull it.
    async fn with_pull_secrets(
        &self,
        wanted: &Wanted,
        reference: &Reference,
        refused: &seaworthy_registry::Error,
    ) -> Result<(String, Network), (&'static str, String)> {
        let Wanted { namespace, image, .. } = wanted;
        let credentials = self.pull_secrets.open(namespace, image).await.map_err(|closed| {
            let line = format!("{image}: {refused}: {}", closed.advice(namespace));
            ("RegistryUnauthorized", seaworthy_policy::cut(line))
        })?;
        let failed = |error| failure(image, &error);
        let client = Client::new(self.registries.clone(), credentials.clone()).map_err(failed)?;
        let digest = resolve(&client, reference).await.map_err(failed)?;
        Ok((digest, Network::new(self.registries.clone(), credentials)))
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
        let database = Arc::clone(&self.database);
        let started = std::time::Instant::now();
        let name = image.to_owned();
        tracing::info!(image, digest, "scan started");
        let platforms = self.shared.memory().platforms.clone();
        let assessment = tokio::task::spawn_blocking(move || assess(&target, options, &database, platforms))
            .await
            .map_err(|error| ("ScanFailed", format!("{name}: the scan broke off: {error}")))?
            .map_err(|error| ("ScanFailed", format!("{name}: {}", with_causes(error.as_ref()))))?;
        let found = assessment.counts();
        tracing::info!(image, digest, elapsed = ?started.elapsed(), found, "scanned");
        // Before anybody else may look: who waits for the lock must find the verdict.
        let kept = self.shared.keep_assessment(digest, assessment).await;
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

/// Reads and matches an image, of one for several platforms those that nodes have: the worst of them counts.
fn assess(
    target: &Target,
    options: ScanOptions,
    database: &Database,
    needed: BTreeSet<String>,
) -> Result<Assessment, Box<seaworthy_scanner::Error>> {
    let scan = |platform: Option<Platform>| {
        let options = ScanOptions {
            platform,
            ..options.clone()
        };
        let report = seaworthy_scanner::scan(target, &options, database, &Unobserved)?;
        Ok(Assessment::of(&report, now()))
    };
    let offered = seaworthy_scanner::platforms(target, &options)?;
    let name = |platform: &Platform| format!("{}/{}", platform.os, platform.architecture);
    let (one, several) = match offered.as_slice() {
        [] => return scan(None),
        [one] => return scan(Some(one.clone())),
        [first, ..] => (
            first,
            offered.iter().filter(|platform| needed.contains(&name(platform))),
        ),
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

/// Whether a registry is on this machine or on its link: an address that means something else in a cluster.
fn is_local(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => {
            address.is_loopback() || address.is_link_local() || address.is_unspecified()
        }
        Ok(std::net::IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unicast_link_local() || address.is_unspecified()
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn knows_registries_of_this_machine() {
        for (registry, expected) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
            ("169.254.169.254", true),
            ("ghcr.io", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_local(registry), expected, "{registry}");
        }
    }
}
