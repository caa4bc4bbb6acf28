//! Trials of AlertChannels: an annotation asks for one, the status says how it went.

use super::{Client, ClientError};
use crate::resources::AlertChannel;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::time::{Duration, Instant};

/// The annotation that asks for a trial.
const TEST: &str = "seaworthy.dev/alert-test";
/// How often the status is looked at.
const PAUSE: Duration = Duration::from_millis(250);

/// How a trial of a channel went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whether the message arrived.
    pub succeeded: bool,
    /// Why it did not, where it did not.
    pub message: Option<String>,
}

impl Client {
    /// Asks for a message to a channel and waits until it was sent.
    ///
    /// # Errors
    /// When there is no such channel, it may not be changed, or nobody has tried in time.
    pub fn try_channel(&self, name: &str, patience: Duration) -> Result<Trial, ClientError> {
        let channels: Api<AlertChannel> = Api::all(self.client.clone());
        let thing = format!("AlertChannel {name}");
        let nonce = format!("{}-{}", jiff::Timestamp::now().as_nanosecond(), std::process::id());
        let patch = Patch::Merge(json!({"metadata": {"annotations": {TEST: nonce}}}));
        self.wait(async {
            channels
                .patch(name, &PatchParams::default(), &patch)
                .await
                .map_err(ClientError::of(&format!("ask for a trial of {thing}"), &thing))?;
            let started = Instant::now();
            while started.elapsed() < patience {
                let channel = channels
                    .get(name)
                    .await
                    .map_err(ClientError::of(&format!("read {thing}"), &thing))?;
                let trial = channel.status.and_then(|status| status.last_test);
                if let Some(trial) = trial.filter(|trial| trial.nonce == nonce) {
                    return Ok(Trial {
                        succeeded: trial.succeeded,
                        message: trial.message,
                    });
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(ClientError::NoAnswer { waited: patience })
        })
    }
}
