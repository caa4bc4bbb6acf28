//! Which requests are sent to us, and what becomes of them while we are away: the two webhook configurations, kept as our
//! certificates and the policies (`failurePolicy`) ask. A namespace that is new, or that nobody knows, waits for us.

use crate::shared::Shared;
use crate::{Error, Options, install};
use kube::Client;
use seaworthy_gate::Memory;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long changes are gathered, and how long is waited after a failure.
const GATHER: Duration = Duration::from_millis(50);
const AGAIN: Duration = Duration::from_secs(5);

/// What the API server was told last.
pub(crate) struct Reach {
    client: Client,
    options: Options,
    told: Mutex<Told>,
}

#[derive(Clone, Debug)]
struct Told {
    /// Certificates of the authorities that are trusted.
    authorities: String,
    /// Namespaces in which things go on without us; nothing before the API server was told anything.
    open: Option<BTreeSet<String>>,
}

impl Reach {
    pub(crate) fn new(client: Client, options: Options, authorities: String) -> Self {
        Self {
            client,
            options,
            told: Mutex::new(Told {
                authorities,
                open: None,
            }),
        }
    }

    /// Tells the API server where we are. `client` may make the configurations, which we ourselves may only change.
    pub(crate) async fn connect(&self, client: &Client, open: BTreeSet<String>) -> Result<(), Error> {
        let mut told = self.told.lock().await;
        install::connect(client, &self.options, &told.authorities, &open).await?;
        told.open = Some(open);
        Ok(())
    }

    /// Makes the API server trust other authorities, at once or, before it was told anything, when it is.
    pub(crate) async fn trust(&self, authorities: String) -> Result<(), Error> {
        let mut told = self.told.lock().await;
        if let Some(open) = &told.open {
            install::connect(&self.client, &self.options, &authorities, open).await?;
        }
        told.authorities = authorities;
        Ok(())
    }

    /// Follows policies and namespaces for as long as we run.
    pub(crate) async fn follow(&self, shared: &Shared) {
        let mut changes = shared.changes();
        loop {
            let open = open(&shared.memory());
            let mut wait = GATHER;
            let is_new = self.told.lock().await.open.as_ref().is_some_and(|told| *told != open);
            if is_new {
                match self.connect(&self.client, open).await {
                    Ok(()) => tracing::info!("the webhooks follow the policies"),
                    Err(error) => {
                        tracing::warn!("the webhooks do not follow the policies yet: {error}");
                        wait = AGAIN;
                        changes.mark_changed();
                    }
                }
            }
            tokio::time::sleep(wait).await;
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The namespaces in which things go on without us.
pub(crate) fn open(memory: &Memory) -> BTreeSet<String> {
    let is_open = |name: &&String| {
        memory.governs(name) && seaworthy_policy::open_while_away(&memory.policies, &memory.namespace_labels(name))
    };
    memory.namespaces.keys().filter(is_open).cloned().collect()
}
