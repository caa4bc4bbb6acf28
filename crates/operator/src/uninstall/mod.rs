//! Takes Seaworthy out of a cluster, with or without an operator that runs: nothing stays held, nothing of ours stays.
//!
//! The order matters. First what refuses requests goes, and our own rights, so that nothing is held anew and a running
//! operator can do nothing any more; then everything that is held is let go; last go our objects and their definitions.

mod objects;
mod workloads;

use crate::client::{Client, ClientError, Connection};
use objects::Ours;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long it may take until nothing of ours is left.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often is looked again.
const PAUSE: Duration = Duration::from_millis(500);

/// What is done on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An object of ours was deleted.
    Deleted {
        /// Kind and name.
        what: String,
    },
    /// Something of somebody else is free, and carries nothing of ours any more.
    Released {
        /// Namespace, kind and name.
        what: String,
        /// The field that it got back, where it was held by itself.
        restored: Option<String>,
    },
    /// Something takes time.
    Waiting {
        /// What is still there.
        for_what: String,
    },
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Objects of ours that were deleted.
    pub deleted: usize,
    /// Workloads and pods that were freed.
    pub released: usize,
}

/// Why something of ours is left.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum UninstallError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("this is still there after {} s: {left}", .waited.as_secs())]
    Left { waited: Duration, left: String },
}

/// Releases all that is held, restores what users had, removes everything of ours, and waits until it is gone.
///
/// # Errors
/// When the cluster does not answer, something is refused, or something is still there after three minutes.
pub fn uninstall(connection: &Connection, seen: &mut dyn FnMut(Step)) -> Result<Done, UninstallError> {
    let client = connection.open()?;
    client.wait(run(&client, seen))
}

async fn run(client: &Client, seen: &mut dyn FnMut(Step)) -> Result<Done, UninstallError> {
    let started = Instant::now();
    let mut done = Done::default();
    for stage in [objects::REFUSING, objects::RIGHTS] {
        for ours in objects::find(client, stage).await? {
            delete(client, &ours, seen, &mut done).await?;
        }
    }
    let mut said = String::new();
    // What was made or changed in the last moment is found by the next look; the API server forgets webhooks and guards
    // only after a moment too, and refuses until then.
    loop {
        let look = workloads::release_all(client, seen).await?;
        done.released += look.released;
        if look.released == 0 && look.refused.is_empty() {
            break;
        }
        if let Some((what, why)) = look.refused.first() {
            if started.elapsed() > PATIENCE {
                return Err(left(started, format!("{what} ({why})")));
            }
            wait(&mut said, seen, format!("{what}: {why}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let mut deleted = BTreeSet::new();
    loop {
        let remaining = objects::find(client, objects::EVERYTHING).await?;
        let Some(first) = remaining.first() else { break };
        for ours in &remaining {
            if deleted.insert(ours.to_string()) {
                delete(client, ours, seen, &mut done).await?;
            }
        }
        if started.elapsed() > PATIENCE {
            return Err(left(started, objects::stuck(client, first).await));
        }
        wait(&mut said, seen, format!("{first} to go"));
        tokio::time::sleep(PAUSE).await;
    }
    // Nothing may have been held in between, by an operator with rights of its own.
    let look = workloads::release_all(client, seen).await?;
    done.released += look.released;
    match look.refused.first() {
        Some((what, why)) => Err(left(started, format!("{what} ({why})"))),
        None => Ok(done),
    }
}

async fn delete(client: &Client, ours: &Ours, seen: &mut dyn FnMut(Step), done: &mut Done) -> Result<(), ClientError> {
    if objects::delete(client, ours).await? {
        done.deleted += 1;
        seen(Step::Deleted { what: ours.to_string() });
    }
    Ok(())
}

fn left(started: Instant, left: String) -> UninstallError {
    UninstallError::Left {
        waited: started.elapsed(),
        left,
    }
}

/// Says what is waited for, once.
fn wait(said: &mut String, seen: &mut dyn FnMut(Step), for_what: String) {
    if *said != for_what {
        said.clone_from(&for_what);
        seen(Step::Waiting { for_what });
    }
}
