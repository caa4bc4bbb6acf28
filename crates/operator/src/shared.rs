//! What all parts of the operator share: the memory, the store, the client, and word of changes.

use crate::controllers::Running;
use crate::lately::Lately;
use crate::store::{Contents, Resolution, Store, StoreError};
use jiff::Timestamp;
use seaworthy_gate::{Admission, Memory, TagKey};
use seaworthy_model::Assessment;
use seaworthy_policy::image_name;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use tokio::sync::watch;

/// Why an image has no verdict although one was tried for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One CamelCase word: `ImageNotFound`, `RegistryUnauthorized`, …
    pub(crate) reason: &'static str,
    /// The line for people.
    pub(crate) message: String,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

/// Shared by webhook, controllers and scans.
#[derive(Debug)]
pub(crate) struct Shared {
    memory: RwLock<Memory>,
    pub(crate) store: Arc<dyn Store>,
    /// Counts changes of verdicts and policies; whoever watches looks again at everything that is held.
    changes: watch::Sender<u64>,
    /// Images of namespaces that could not be scanned, until they are.
    failures: Mutex<Lately<(String, String), Failure>>,
    /// Names and `uid`s of the ImageScans that asked for these.
    asked: Mutex<Lately<(String, String), BTreeMap<String, String>>>,
    /// Since when images of namespaces have no verdict, in seconds since 1970, until they have one.
    waiting: Mutex<Lately<(String, String), i64>>,
}

impl Shared {
    pub(crate) fn new(memory: Memory, store: Arc<dyn Store>) -> Self {
        Self {
            memory: RwLock::new(memory),
            store,
            changes: watch::Sender::new(0),
            failures: Mutex::default(),
            asked: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// The memory, to answer from. Never held across a wait.
    pub(crate) fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the memory and says so.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Memory)) {
        self.change_silently(change);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Changes the memory in a way that frees nothing that is held.
    pub(crate) fn change_silently(&self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn failures(&self) -> MutexGuard<'_, Lately<(String, String), Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failure(&self, namespace: &str, image: &str) -> Option<Failure> {
        self.failures().get(&(namespace.to_owned(), image.to_owned())).cloned()
    }

    pub(crate) fn failed(&self, namespace: &str, image: &str, reason: &'static str, message: String) -> u32 {
        let mut failures = self.failures();
        let first = || Failure {
            reason,
            message: String::new(),
            attempts: 0,
        };
        let (failure, _) = failures.entry((namespace.to_owned(), image.to_owned()), first);
        failure.reason = reason;
        failure.message = message;
        failure.attempts = failure.attempts.saturating_add(1);
        let attempts = failure.attempts;
        drop(failures);
        self.changes.send_modify(|count| *count += 1);
        attempts
    }

    /// Forgets that an image could not be scanned, and how often; whether there was something to forget.
    pub(crate) fn succeeded(&self, namespace: &str, image: &str) -> bool {
        let key = (namespace.to_owned(), image.to_owned());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        self.failures().remove(&key).is_some()
    }

    /// Whether an ImageScan of an image that could not be scanned was made anew: it has the name of an earlier one.
    pub(crate) fn is_asked_anew(&self, namespace: &str, image: &str, name: &str, uid: &str) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (by_name, _) = asked.entry((namespace.to_owned(), image.to_owned()), BTreeMap::new);
        let before = by_name.insert(name.to_owned(), uid.to_owned());
        before.is_some_and(|before| before != uid)
    }

    fn waiting(&self) -> MutexGuard<'_, Lately<(String, String), i64>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when an image has no verdict, which it has not had since this second at the latest.
    pub(crate) fn waiting_since(&self, namespace: &str, image: &str, at_latest: i64) -> i64 {
        let key = (namespace.to_owned(), image_name::unpinned(image).to_owned());
        let mut waiting = self.waiting();
        let (since, _) = waiting.entry(key, || at_latest);
        *since = (*since).min(at_latest);
        *since
    }

    /// It has a verdict, or nobody wants one any more.
    pub(crate) fn waits_no_more(&self, namespace: &str, image: &str) {
        let key = (namespace.to_owned(), image_name::unpinned(image).to_owned());
        self.waiting().remove(&key);
    }

    /// Keeps what a reference means in a namespace and, where it is for one, for a workload's template.
    pub(crate) async fn keep_resolution(&self, resolution: Resolution, key: Option<TagKey>) -> Result<(), StoreError> {
        self.store.keep_resolution(resolution.clone()).await?;
        if let Some(key) = &key {
            self.store.keep_tag(key.clone(), resolution.digest.clone()).await?;
        }
        self.change(|memory| {
            memory.resolved(
                &resolution.namespace,
                &resolution.image,
                &resolution.digest,
                resolution.at,
            );
            if let Some(key) = key {
                memory.tags.entry(key).or_insert(resolution.digest);
            }
        });
        Ok(())
    }

    /// Keeps what a scan found, and the inventories that it read, packed.
    pub(crate) async fn keep_assessment(
        &self,
        digest: &str,
        mut assessment: Assessment,
        inventories: Vec<u8>,
    ) -> Result<(), StoreError> {
        let before = self.memory().assessments.get(digest).cloned();
        if let Some(before) = before {
            assessment.follow(&before, now());
        }
        self.store
            .keep_assessment(digest.to_owned(), assessment.clone(), inventories)
            .await?;
        self.change(|memory| {
            memory.assessments.insert(digest.to_owned(), Arc::new(assessment));
        });
        Ok(())
    }

    /// Keeps what ran before.
    pub(crate) async fn begin(&self, running: Running) -> Result<(), StoreError> {
        for (key, digest) in &running.tags {
            self.store.keep_tag(key.clone(), digest.clone()).await?;
        }
        self.store.keep_admissions(running.admissions.clone()).await?;
        self.store.begin(running.earlier.clone(), now()).await?;
        self.change(|memory| {
            for (key, digest) in running.tags {
                memory.tags.entry(key).or_insert(digest);
            }
            memory.admissions.extend(running.admissions);
            memory.earlier.extend(running.earlier);
        });
        Ok(())
    }

    /// Keeps what was let in. What is known already costs nothing.
    pub(crate) async fn keep_admissions(&self, admissions: Vec<Admission>) -> Result<(), StoreError> {
        let new: Vec<Admission> = {
            let memory = self.memory();
            admissions
                .into_iter()
                .filter(|admission| !memory.admissions.contains(admission))
                .collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        self.store.keep_admissions(new.clone()).await?;
        self.change_silently(|memory| memory.admissions.extend(new));
        Ok(())
    }
}

/// Fills a memory from the store.
pub(crate) fn recall(memory: &mut Memory, contents: Contents) {
    for (digest, assessment) in contents.assessments {
        memory.assessments.insert(digest, Arc::new(assessment));
    }
    memory.tags.extend(contents.tags);
    for resolution in contents.resolutions {
        memory.resolved(
            &resolution.namespace,
            &resolution.image,
            &resolution.digest,
            resolution.at,
        );
    }
    memory.admissions.extend(contents.admissions);
    for (namespace, digest, by) in contents.approvals {
        memory.approvals.entry((namespace, digest)).or_default().insert(by);
    }
    memory.earlier.extend(contents.earlier);
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_second()
}
