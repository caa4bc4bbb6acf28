//! Trials of AlertChannels: an annotation asks for one, the status says how it went.

use super::connection::list_all;
use super::{Client, ClientError};
use crate::resources::{AlertChannel, ScanPolicy};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
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
            if let Err(error) = channels.patch(name, &PatchParams::default(), &patch).await {
                let mut error = ClientError::of(&format!("ask for a trial of {thing}"), &thing)(error);
                if let ClientError::NotFound { what } = &mut error {
                    what.push_str(&self.named_by(name).await);
                }
                return Err(error);
            }
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

    /// The policies that would tell a channel, as an addition to its name; nothing where there are none.
    async fn named_by(&self, channel: &str) -> String {
        let policies: Api<ScanPolicy> = Api::all(self.client.clone());
        // Who may not list them learns no less than before.
        let policies = list_all(&policies).await.unwrap_or_default();
        let names: Vec<String> = policies
            .iter()
            .filter(|policy| policy.spec.alerts.iter().any(|name| name == channel))
            .map(ResourceExt::name_any)
            .collect();
        match names.is_empty() {
            true => String::new(),
            false => format!(", which ScanPolicy {} names: nobody is told", names.join(", ")),
        }
    }
}
