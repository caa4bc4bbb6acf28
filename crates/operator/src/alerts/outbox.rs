//! The outbox at work: notes what is observed, keeps it, and sends, one message at a time to each channel.
//!
//! Nothing is sent before it is kept, and what was sent is kept at once. A receiver that is away is tried again later and
//! later; a crash between sending and keeping repeats a message under the same id, everything else sends it once.

use super::channel::{Failure, Secrets, Settings, wants};
use super::incident::Due;
use super::ledger::Ledger;
use super::news::{Event, Observation, Workload};
use super::notifier;
use crate::resources::AlertChannelSpec;
use crate::shared::now;
use crate::store::{AlertChange, AlertStore, StoreError};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore, watch};

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How often time alone is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Channels that are sent to at the same time.
const SENDERS: u32 = 16;

/// Is told of every message: the channel's type and `sent`, `failed`, `skipped` or `dropped`.
pub type Count = Box<dyn Fn(&'static str, &'static str) + Send + Sync>;

/// How a channel fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// When the last message was sent, in seconds since 1970.
    pub last_sent: Option<i64>,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
}

#[derive(Debug)]
struct Channel {
    spec: Arc<AlertChannelSpec>,
    attempts: u32,
    not_before: Option<Instant>,
    outcome: Outcome,
}

#[derive(Debug, Default)]
struct Inbox {
    /// What was observed last of each workload, as a mark: what stays the same costs nothing.
    seen: HashMap<Workload, (u64, Instant)>,
    new: HashMap<Workload, Observation>,
}

/// Alerts of all workloads to all channels.
pub struct Alerts {
    store: Arc<dyn AlertStore>,
    secrets: Arc<dyn Secrets>,
    count: Count,
    inbox: Mutex<Inbox>,
    ledger: tokio::sync::Mutex<Ledger>,
    /// Changes that the store did not take yet.
    unkept: tokio::sync::Mutex<Vec<AlertChange>>,
    channels: Mutex<BTreeMap<String, Channel>>,
    /// Channels that something is being sent to, also when they are gone by now.
    busy: Mutex<HashSet<String>>,
    wake: Notify,
    outcomes: watch::Sender<u64>,
    senders: Arc<Semaphore>,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Alerts").finish_non_exhaustive()
    }
}

impl Alerts {
    /// Takes up what the store kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(store: Arc<dyn AlertStore>, secrets: Arc<dyn Secrets>, count: Count) -> Result<Self, StoreError> {
        let ledger = Ledger::recall(store.load_alerts().await?)?;
        Ok(Self {
            store,
            secrets,
            count,
            inbox: Mutex::default(),
            ledger: tokio::sync::Mutex::new(ledger),
            unkept: tokio::sync::Mutex::default(),
            channels: Mutex::default(),
            busy: Mutex::default(),
            wake: Notify::new(),
            outcomes: watch::Sender::new(0),
            senders: Arc::new(Semaphore::new(SENDERS as usize)),
        })
    }

    /// Notes everything that is to be told of a workload now. Waits for nothing; the same again costs nothing.
    pub fn observe(&self, observation: Observation) {
        let mark = mark(&observation);
        let mut inbox = lock(&self.inbox);
        let before = inbox.seen.get(&observation.workload).map(|(mark, _)| *mark);
        if observation.exists {
            inbox.seen.insert(observation.workload.clone(), (mark, Instant::now()));
        } else {
            inbox.seen.remove(&observation.workload);
        }
        if before != Some(mark) {
            inbox.new.insert(observation.workload.clone(), observation);
            drop(inbox);
            self.wake.notify_one();
        }
    }

    /// For how long nobody has observed a workload; `None` when nobody ever did.
    pub(super) fn silence(&self, workload: &Workload) -> Option<Duration> {
        lock(&self.inbox).seen.get(workload).map(|(_, at)| at.elapsed())
    }

    /// Workloads that something is open of.
    pub(super) async fn open_workloads(&self) -> Vec<Workload> {
        self.ledger.lock().await.workloads()
    }

    /// How many messages wait.
    pub async fn waiting(&self) -> usize {
        self.ledger.lock().await.waiting()
    }

    /// A channel is there, or is another one now.
    pub fn set_channel(&self, name: &str, spec: AlertChannelSpec) {
        let mut channels = lock(&self.channels);
        match channels.get_mut(name) {
            Some(channel) if *channel.spec == spec => return,
            Some(channel) => {
                channel.spec = Arc::new(spec);
                // Somebody repaired it, perhaps.
                (channel.attempts, channel.not_before) = (0, None);
                channel.outcome.failure = None;
            }
            None => {
                let spec = Arc::new(spec);
                let outcome = Outcome::default();
                let channel = Channel {
                    spec,
                    attempts: 0,
                    not_before: None,
                    outcome,
                };
                channels.insert(name.to_owned(), channel);
            }
        }
        drop(channels);
        self.wake.notify_one();
    }

    /// Only these channels are there.
    pub fn retain_channels(&self, names: &HashSet<String>) {
        lock(&self.channels).retain(|name, _| names.contains(name));
    }

    /// How a channel fares.
    pub fn outcome(&self, name: &str) -> Option<Outcome> {
        lock(&self.channels).get(name).map(|channel| channel.outcome.clone())
    }

    /// Changes when the outcome of a channel does.
    pub fn outcomes(&self) -> watch::Receiver<u64> {
        self.outcomes.subscribe()
    }

    /// Checks a channel as it would be used.
    ///
    /// # Errors
    /// When no message could be sent.
    pub async fn check(&self, spec: &AlertChannelSpec) -> Result<Settings, Failure> {
        let settings = Settings::of(spec, &*self.secrets).await?;
        settings.check()?;
        Ok(settings)
    }

    /// Sends a message that tries a channel.
    ///
    /// # Errors
    /// When it did not arrive.
    pub async fn test(&self, name: &str, spec: &AlertChannelSpec, nonce: &str) -> Result<(), Failure> {
        let settings = self.check(spec).await?;
        let result = settings.send_test(name, nonce, now()).await;
        self.note(name, settings.notifier.name, &result);
        result
    }

    /// Notes and sends until the process ends.
    pub async fn run(self: &Arc<Self>) {
        loop {
            let again = self.turn().await;
            match again {
                true => {
                    let _ = tokio::time::timeout(TICK, self.wake.notified()).await;
                }
                false => self.wake.notified().await,
            }
        }
    }

    /// Waits until what is being sent was sent, and lets nothing more begin.
    pub async fn finish(&self, patience: Duration) {
        // The permits are never given back.
        if let Ok(Ok(permits)) = tokio::time::timeout(patience, self.senders.acquire_many(SENDERS)).await {
            permits.forget();
        }
        self.senders.close();
    }

    /// One look at everything; whether time alone can change something.
    async fn turn(self: &Arc<Self>) -> bool {
        let now = now();
        let new = std::mem::take(&mut lock(&self.inbox).new);
        let refreshed = self.refreshed();
        let (quiet, dropped, due) = {
            let mut ledger = self.ledger.lock().await;
            for observation in new.into_values() {
                ledger.observe(observation, now);
            }
            ledger.announce(now);
            ledger.expire(now);
            if self.keep(&mut ledger).await.is_err() {
                return true;
            }
            let mut due = ledger.channels(now);
            let stale = refreshed
                .into_iter()
                .filter(|(name, every)| ledger.stale(name, *every, now).is_some());
            due.extend(stale.map(|(name, _)| name));
            (ledger.is_quiet(), ledger.take_dropped(), due)
        };
        for _ in 0..dropped {
            (self.count)("any", "dropped");
        }
        if dropped > 0 {
            tracing::error!(
                dropped,
                "messages were given up: they could not be sent for too long, or too many wait"
            );
        }
        self.start(due);
        !quiet
    }

    /// Channels whose receivers forget, with the seconds after which they are told again.
    fn refreshed(&self) -> Vec<(String, i64)> {
        let channels = lock(&self.channels);
        let refreshed = channels.iter().filter_map(|(name, channel)| {
            let every = notifier(channel.spec.channel_type).refresh?;
            Some((name.clone(), every))
        });
        refreshed.collect()
    }

    /// Starts a sender for each channel that has something to be sent and has none.
    fn start(self: &Arc<Self>, due: Vec<String>) {
        let channels = lock(&self.channels);
        for name in due {
            let Some(channel) = channels.get(&name) else { continue };
            let rests = channel.not_before.is_some_and(|time| Instant::now() < time);
            if rests || !lock(&self.busy).insert(name.clone()) {
                continue;
            }
            let (alerts, spec) = (Arc::clone(self), Arc::clone(&channel.spec));
            tokio::spawn(async move {
                alerts.drain(&name, &spec).await;
                lock(&alerts.busy).remove(&name);
                // Something may have come in the meantime.
                alerts.wake.notify_one();
            });
        }
    }

    /// Sends what waits for a channel until there is no more or it cannot be sent.
    async fn drain(&self, name: &str, spec: &Arc<AlertChannelSpec>) {
        let notifier = notifier(spec.channel_type);
        let mut settings = None;
        while let Some(due) = self.next(name, notifier.refresh).await {
            // Repaired or removed in the meantime: the next look at everything starts anew.
            if !self.is_current(name, spec) {
                return;
            }
            // Where we are leaving, nothing new begins.
            let Ok(_permit) = self.senders.acquire().await else {
                return;
            };
            let is_wanted = match due.message.event {
                // Whoever was told hears that it is over, whatever the filters say by now; nobody else does.
                Event::Resolved => !due.earlier.is_empty(),
                _ => due.again || wants(spec, &due.message),
            };
            if !is_wanted {
                (self.count)(notifier.name, "skipped");
                if !self.settle(|ledger| ledger.skipped(due.sequence, now())).await {
                    return;
                }
                continue;
            }
            let ready = match settings.take() {
                Some(ready) => Ok(ready),
                None => Settings::of(spec, &*self.secrets).await,
            };
            let result = match ready {
                Ok(ready) => {
                    let result = ready.send(&due, now()).await;
                    settings = Some(ready);
                    result
                }
                Err(failure) => Err(failure),
            };
            self.note(name, notifier.name, &result);
            let kept = match &result {
                Ok(()) => self.settle(|ledger| ledger.sent(due.sequence, now())).await,
                Err(failure) => {
                    let wait = failure.wait.unwrap_or_else(|| back_off(due.attempts, due.sequence));
                    tracing::warn!(channel = name, reason = failure.reason, again_in = ?wait, "{}", failure.message);
                    let next = now().saturating_add(i64::try_from(wait.as_secs()).unwrap_or(0).max(1));
                    self.settle(|ledger| ledger.failed(due.sequence, next, now())).await
                }
            };
            let stops = result.as_ref().is_err_and(|failure| !failure.only_this);
            if let (true, Err(failure)) = (stops, &result) {
                self.rest(name, spec, failure, due.sequence);
            }
            if stops || !kept {
                return;
            }
        }
    }

    fn is_current(&self, name: &str, spec: &Arc<AlertChannelSpec>) -> bool {
        lock(&self.channels)
            .get(name)
            .is_some_and(|channel| Arc::ptr_eq(&channel.spec, spec))
    }

    /// Leaves a channel alone for a while.
    fn rest(&self, name: &str, spec: &Arc<AlertChannelSpec>, failure: &Failure, sequence: i64) {
        if let Some(channel) = lock(&self.channels).get_mut(name)
            && Arc::ptr_eq(&channel.spec, spec)
        {
            let wait = failure.wait.unwrap_or_else(|| back_off(channel.attempts, sequence));
            channel.attempts = channel.attempts.saturating_add(1);
            channel.not_before = Some(Instant::now() + wait);
        }
    }

    async fn next(&self, name: &str, refresh: Option<i64>) -> Option<Due> {
        let ledger = self.ledger.lock().await;
        let now = now();
        ledger.next(name, now).or_else(|| ledger.stale(name, refresh?, now))
    }

    /// Changes the ledger and keeps it; what cannot be kept now is kept later, before anything else is sent.
    async fn settle(&self, change: impl FnOnce(&mut Ledger)) -> bool {
        let mut ledger = self.ledger.lock().await;
        change(&mut ledger);
        self.keep(&mut ledger).await.is_ok()
    }

    async fn keep(&self, ledger: &mut Ledger) -> Result<(), StoreError> {
        let mut unkept = self.unkept.lock().await;
        unkept.extend(ledger.take_changes());
        if unkept.is_empty() {
            return Ok(());
        }
        match self.store.change_alerts(unkept.clone()).await {
            Ok(()) => {
                unkept.clear();
                Ok(())
            }
            Err(error) => {
                tracing::error!("alerts cannot be kept, and are not sent before they are: {error}");
                Err(error)
            }
        }
    }

    fn note(&self, name: &str, kind: &'static str, result: &Result<(), Failure>) {
        (self.count)(kind, if result.is_ok() { "sent" } else { "failed" });
        if let Some(channel) = lock(&self.channels).get_mut(name) {
            channel.outcome.failure = result.as_ref().err().cloned();
            if result.is_ok() {
                channel.outcome.last_sent = Some(now());
                (channel.attempts, channel.not_before) = (0, None);
            }
        }
        self.outcomes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn mark(observation: &Observation) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{observation:?}").hash(&mut hasher);
    hasher.finish()
}

/// Twice as long each time, and never the same for all who wait.
fn back_off(attempts: u32, sequence: i64) -> Duration {
    let wait = Duration::from_secs(1 << attempts.min(9)).min(LONGEST_WAIT);
    let spread = u32::try_from(sequence.rem_euclid(8)).unwrap_or(0);
    wait + wait * spread / 32
}
