//! The advisory data that scans use, and what follows when they are others: every inventory that is kept is matched again,
//! and the verdicts follow. No image is pulled for it.
//!
//! All verdicts in the store and in the memory are of the same data. What cannot be matched again (nothing is kept of it) is
//! forgotten, so that it is scanned again. Data that are damaged change nothing.

use crate::metrics::Metrics;
use crate::rematch::{Again, RematchError, rematch};
use crate::shared::Shared;
use seaworthy_scanner::Database;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Mutex, MutexGuard};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(10);

type Open = dyn Fn() -> Result<Database, String> + Send + Sync;

/// The advisory data to begin with, and where other ones will be.
pub struct AdvisoryData {
    database: Database,
    watched: Option<(PathBuf, Arc<Open>)>,
}

impl AdvisoryData {
    /// Data that are opened again whenever the file at `path`, which need not be there yet, is another one.
    pub fn watched(
        database: Database,
        path: PathBuf,
        open: impl Fn() -> Result<Database, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            database,
            watched: Some((path, Arc::new(open))),
        }
    }
}

impl From<Database> for AdvisoryData {
    /// Data that stay the same.
    fn from(database: Database) -> Self {
        Self {
            database,
            watched: None,
        }
    }
}

impl std::fmt::Debug for AdvisoryData {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AdvisoryData").finish_non_exhaustive()
    }
}

/// Data that scans use.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) database: Arc<Database>,
    /// What tells them from others.
    pub(crate) identity: String,
    /// The newest fact in them, in seconds since 1970.
    pub(crate) built: i64,
}

impl Current {
    fn new(database: Database) -> Arc<Self> {
        Arc::new(Self {
            identity: database.identity(),
            built: database.info().built,
            database: Arc::new(database),
        })
    }

    /// What verdicts were made with: another program may make others of the same data.
    fn stamp(&self) -> String {
        format!("{} {}", env!("CARGO_PKG_VERSION"), self.identity)
    }
}

/// The data that scans use, and the watch for others.
pub(crate) struct DataWatch {
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
    current: RwLock<Arc<Current>>,
    watched: Option<(PathBuf, Arc<Open>)>,
    /// Held while a verdict is kept, and while all are made again: none of other data comes in between.
    verdicts: Mutex<()>,
}

impl std::fmt::Debug for DataWatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DataWatch").finish_non_exhaustive()
    }
}

impl DataWatch {
    pub(crate) fn new(data: AdvisoryData, shared: Arc<Shared>, metrics: Arc<Metrics>) -> Self {
        let current = Current::new(data.database);
        metrics.advisory_data(current.built);
        Self {
            shared,
            metrics,
            current: RwLock::new(current),
            watched: data.watched,
            verdicts: Mutex::default(),
        }
    }

    /// The data to scan with.
    pub(crate) fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nothing is matched again while this is held.
    pub(crate) async fn keeping(&self) -> MutexGuard<'_, ()> {
        self.verdicts.lock().await
    }

    /// Makes the verdicts again that were made with other data than those of now.
    pub(crate) async fn begin(&self, stored: Option<&str>) {
        let current = self.current();
        if stored == Some(&current.stamp()) {
            return;
        }
        if let Err(error) = self.change(current).await {
            // They were right when they were made, and nothing new is approved by data that cannot be used.
            tracing::error!("verdicts of earlier advisory data stay: {error}");
        }
    }

    /// Looks at the file for as long as the process runs.
    pub(crate) async fn watch(&self) {
        let Some((path, open)) = &self.watched else {
            return std::future::pending().await;
        };
        let mut seen = mark(path);
        loop {
            tokio::time::sleep(LOOK).await;
            let found = mark(path);
            // A file that is gone is no news: its data are open still.
            if found.is_none() || found == seen {
                continue;
            }
            seen = found;
            if let Err(error) = self.reload(open).await {
                self.metrics.advisory_data_refused();
                tracing::error!("{} is not used: {error}", path.display());
            }
        }
    }

    /// Opens the data and, where they are others, makes all verdicts again.
    async fn reload(&self, open: &Arc<Open>) -> Result<(), RematchError> {
        let open = Arc::clone(open);
        let opened = tokio::task::spawn_blocking(move || {
            let database = open()?;
            // Once and for all, so that no scan meets a part that is damaged.
            database.verify().map_err(|error| error.to_string())?;
            Ok(Current::new(database))
        });
        let new = opened.await?.map_err(RematchError::Data)?;
        if new.identity == self.current().identity {
            return Ok(());
        }
        self.change(new).await
    }

    /// Matches every inventory that is kept again, keeps the verdicts that are others, and uses the data from then on.
    async fn change(&self, new: Arc<Current>) -> Result<(), RematchError> {
        let _verdicts = self.verdicts.lock().await;
        let started = Instant::now();
        let before = self.shared.memory().assessments.clone();
        let count = before.len();
        let rematched = rematch(
            self.shared.store.as_ref(),
            before,
            Arc::clone(&new.database),
            new.stamp(),
        );
        let Again { changed, forgotten } = rematched.await?;
        tracing::info!(
            images = count,
            changed = changed.len(),
            forgotten = forgotten.len(),
            elapsed = ?started.elapsed(),
            data = new.identity,
            "matched again"
        );
        self.metrics.advisory_data(new.built);
        self.metrics.rematched(count, changed.len(), forgotten.len());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.shared.change(|memory| {
            memory.assessments.extend(changed);
            for digest in &forgotten {
                memory.assessments.remove(digest);
            }
        });
        Ok(())
    }
}

/// What another file at the same place differs in.
fn mark(path: &Path) -> Option<(SystemTime, u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}
