//! Who of several operators works: whoever holds the Lease `seaworthy` in our namespace (`coordination.k8s.io/v1`).
//!
//! Whether the holder lives is told by our own clock, from when we last saw the Lease change: clocks of machines differ. What
//! two do at the same time for a moment is harmless, as every patch of ours names the version that it is for.

use crate::Error;
use crate::options::NAME;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as Record, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use std::time::{Duration, Instant};

/// How long a holder that says nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often the holder says that it lives.
const RENEW: Duration = Duration::from_secs(2);
/// How often those who wait look.
const LOOK: Duration = Duration::from_millis(500);

/// Our turn to work, or our wait for it.
#[derive(Debug)]
pub(crate) struct Lease {
    api: Api<Record>,
    name: String,
}

/// What is to be done about a Lease that somebody may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Take,
    Wait,
}

impl Lease {
    /// `name` is another one for each of those who want it.
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self {
            api: Api::namespaced(client, NAME),
            name,
        }
    }

    /// Waits until it is our turn.
    pub(crate) async fn take(&self) -> Result<(), Error> {
        let mut seen: Option<(Option<LeaseSpec>, Instant)> = None;
        let mut said = false;
        loop {
            let found = self.api.get_opt(NAME).await.map_err(Error::cluster("read our Lease"))?;
            let spec = found.as_ref().and_then(|record| record.spec.clone());
            let since = match &seen {
                Some((before, since)) if *before == spec => *since,
                _ => Instant::now(),
            };
            let holder = holder(spec.as_ref()).to_owned();
            if turn(&self.name, &holder, since.elapsed()) == Turn::Take {
                if self.write(found, &self.name).await? {
                    return Ok(());
                }
            } else if !said {
                tracing::info!("another operator works here ({holder}): we wait until it ends");
                said = true;
            }
            seen = Some((spec, since));
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Says that we live, for as long as we do. Ends when somebody else has taken our turn.
    pub(crate) async fn keep(&self) -> Error {
        loop {
            tokio::time::sleep(RENEW).await;
            let found = match self.api.get_opt(NAME).await {
                Ok(found) => found,
                // Nobody else gets it either.
                Err(error) => {
                    tracing::warn!("our Lease is not renewed yet: {error}");
                    continue;
                }
            };
            let spec = found.as_ref().and_then(|record| record.spec.as_ref());
            let holder = holder(spec).to_owned();
            if !holder.is_empty() && holder != self.name {
                return Error::Replaced { by: holder };
            }
            if let Err(error) = self.write(found, &self.name).await {
                tracing::warn!("our Lease is not renewed yet: {error}");
            }
        }
    }

    /// Lets others have it at once.
    pub(crate) async fn leave(&self) {
        let Ok(Some(found)) = self.api.get_opt(NAME).await else {
            return;
        };
        if holder(found.spec.as_ref()) == self.name {
            // Whoever comes next waits a little where this fails.
            let _ = self.write(Some(found), "").await;
        }
    }

    /// Writes who holds it, unless somebody was faster.
    async fn write(&self, found: Option<Record>, holder: &str) -> Result<bool, Error> {
        let is_new = found.is_none();
        let mut record = found.unwrap_or_else(|| Record {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                ..ObjectMeta::default()
            },
            ..Record::default()
        });
        let before = record.spec.take().unwrap_or_default();
        let now = MicroTime(Timestamp::now());
        let is_same = before.holder_identity.as_deref() == Some(holder);
        record.spec = Some(LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: i32::try_from(PATIENCE.as_secs()).ok(),
            acquire_time: if is_same {
                before.acquire_time
            } else {
                Some(now.clone())
            },
            lease_transitions: Some(
                before
                    .lease_transitions
                    .unwrap_or(0)
                    .saturating_add(i32::from(!is_same)),
            ),
            renew_time: Some(now),
            ..LeaseSpec::default()
        });
        let parameters = PostParams::default();
        let written = match is_new {
            true => self.api.create(&parameters, &record).await,
            false => self.api.replace(NAME, &parameters, &record).await,
        };
        match written {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(Error::cluster("write our Lease")(error)),
        }
    }
}

fn holder(spec: Option<&LeaseSpec>) -> &str {
    spec.and_then(|spec| spec.holder_identity.as_deref())
        .unwrap_or_default()
}

fn turn(ourselves: &str, holder: &str, unchanged: Duration) -> Turn {
    match holder.is_empty() || holder == ourselves || unchanged >= PATIENCE {
        true => Turn::Take,
        false => Turn::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, RENEW, Turn, turn};
    use std::time::Duration;

    #[test]
    fn one_that_lives_is_waited_for_and_one_that_is_silent_is_not() {
        for (holder, unchanged, expected) in [
            ("", Duration::ZERO, Turn::Take),
            // Started again under the same name: a container in its pod.
            ("us", Duration::ZERO, Turn::Take),
            ("them", Duration::ZERO, Turn::Wait),
            ("them", RENEW * 2, Turn::Wait),
            ("them", PATIENCE, Turn::Take),
        ] {
            assert_eq!(turn("us", holder, unchanged), expected, "{holder} {unchanged:?}");
        }
    }
}
