//! AlertChannels: each is checked, tried when somebody asks, and shows in its status how it fares.
//!
//! A trial is asked for by the annotation `seaworthy.dev/alert-test` with any new value (`kubectl scan alert-test` writes
//! one); it is made once for each value, and `status.lastTest` has the value and how it went.

use crate::alerts::{Alerts, Failure, Outcome, Secrets};
use crate::resources::{AlertChannel, AlertChannelStatus, AlertTest, SecretKey};
use crate::shared::now;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The annotation that asks for a trial.
const TEST: &str = "seaworthy.dev/alert-test";
/// Characters of its value that count.
const NONCE_CHARACTERS: usize = 128;
/// How long outcomes are gathered before they are written.
const GATHER: Duration = Duration::from_secs(1);
/// A channel that is not ready is checked again after this time: its Secret may be there by now.
const AGAIN: Duration = Duration::from_secs(30);

/// Reads Secrets as our ServiceAccount may, which is none until somebody grants it.
pub(crate) struct ClusterSecrets(pub(crate) Client);

impl Secrets for ClusterSecrets {
    fn read<'a>(&'a self, key: &'a SecretKey) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let SecretKey { namespace, name, key } = key;
            let place = format!("Secret {namespace}/{name}");
            let api: Api<Secret> = Api::namespaced(self.0.clone(), namespace);
            let secret = match tokio::time::timeout(Duration::from_secs(10), api.get_opt(name)).await {
                Ok(Ok(Some(secret))) => secret,
                Ok(Ok(None)) => return Err(Failure::new("SecretNotFound", format!("{place} is not there"))),
                Ok(Err(kube::Error::Api(status))) if matches!(status.code, 401 | 403) => {
                    return Err(Failure::new(
                        "SecretForbidden",
                        format!("{place} may not be read: {}", grant(namespace, name)),
                    ));
                }
                Ok(Err(_)) | Err(_) => {
                    return Err(Failure::new("SecretUnavailable", format!("{place} cannot be read now")));
                }
            };
            let value = secret.data.unwrap_or_default().remove(key);
            let value = value.and_then(|value| String::from_utf8(value.0).ok());
            match value.filter(|value| !value.trim().is_empty()) {
                Some(value) => Ok(value),
                None => Err(Failure::new(
                    "SecretKeyMissing",
                    format!("{place} has no text under {key:?}"),
                )),
            }
        })
    }
}

/// The commands that let us read one Secret and nothing else.
fn grant(namespace: &str, name: &str) -> String {
    let account = crate::options::NAME;
    format!(
        "kubectl create role {account}-alerts -n {namespace} --verb=get --resource=secrets --resource-name={name} && \
         kubectl create rolebinding {account}-alerts -n {namespace} --role={account}-alerts \
         --serviceaccount={account}:{account}"
    )
}

enum Word {
    Watch(Box<Result<Event<AlertChannel>, watcher::Error>>),
    Outcomes,
    Again,
}

pub(super) async fn run(client: Client, alerts: Arc<Alerts>) {
    let api: Api<AlertChannel> = Api::all(client);
    let events = watch(api.clone(), watcher::Config::default())
        .default_backoff()
        .map(|event| Word::Watch(Box::new(event)));
    let outcomes = stream::unfold(alerts.outcomes(), |mut outcomes| async move {
        outcomes.changed().await.ok()?;
        tokio::time::sleep(GATHER).await;
        outcomes.mark_unchanged();
        Some((Word::Outcomes, outcomes))
    });
    let again = stream::unfold((), |()| async {
        tokio::time::sleep(AGAIN).await;
        Some((Word::Again, ()))
    });
    let mut words = stream::select(events.boxed(), stream::select(outcomes.boxed(), again.boxed()));
    let mut all: BTreeMap<String, AlertChannel> = BTreeMap::new();
    let mut next = BTreeMap::new();
    // Values that were acted on, until the status has them.
    let mut tried: BTreeMap<String, String> = BTreeMap::new();
    while let Some(word) = words.next().await {
        let touched: Vec<String> = match word {
            Word::Watch(event) => match *event {
                Ok(Event::Init) => {
                    next = BTreeMap::new();
                    continue;
                }
                Ok(Event::InitApply(channel)) => {
                    next.insert(channel.name_any(), channel);
                    continue;
                }
                Ok(Event::InitDone) => {
                    all = std::mem::take(&mut next);
                    all.keys().cloned().collect()
                }
                Ok(Event::Apply(channel)) => {
                    let name = channel.name_any();
                    all.insert(name.clone(), channel);
                    vec![name]
                }
                Ok(Event::Delete(channel)) => {
                    all.remove(&channel.name_any());
                    Vec::new()
                }
                Err(error) => {
                    tracing::warn!("a watch broke off and is taken up again: {error}");
                    continue;
                }
            },
            Word::Outcomes => all.keys().cloned().collect(),
            Word::Again => all
                .iter()
                .filter(|(_, channel)| !is_ready(channel))
                .map(|(name, _)| name.clone())
                .collect(),
        };
        alerts.retain_channels(&all.keys().cloned().collect::<HashSet<_>>());
        tried.retain(|name, _| all.contains_key(name));
        for name in touched {
            let Some(channel) = all.get(&name) else { continue };
            alerts.set_channel(&name, channel.spec.clone());
            let test = wanted_test(channel).filter(|nonce| tried.get(&name) != Some(nonce));
            if let Some(nonce) = &test {
                tried.insert(name.clone(), nonce.clone());
            }
            let (alerts, api, channel) = (Arc::clone(&alerts), api.clone(), channel.clone());
            // A Secret or a receiver that takes its time holds up nobody else.
            let work = async move { attend(&api, &alerts, &channel, test).await };
            tokio::spawn(work);
        }
    }
}

fn is_ready(channel: &AlertChannel) -> bool {
    let conditions = channel.status.iter().flat_map(|status| &status.conditions);
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The value of the annotation that asks for a trial which was not made yet.
fn wanted_test(channel: &AlertChannel) -> Option<String> {
    let nonce = channel.annotations().get(TEST).filter(|nonce| !nonce.is_empty())?;
    let nonce: String = nonce.chars().take(NONCE_CHARACTERS).collect();
    let last = channel.status.as_ref().and_then(|status| status.last_test.as_ref());
    (last.map(|test| &test.nonce) != Some(&nonce)).then_some(nonce)
}

/// Tries a channel where somebody asked, checks it, and writes its status where that says something new.
async fn attend(api: &Api<AlertChannel>, alerts: &Alerts, channel: &AlertChannel, test: Option<String>) {
    let name = channel.name_any();
    let test = match test {
        Some(nonce) => {
            let result = alerts.test(&name, &channel.spec, &nonce).await;
            Some(AlertTest {
                nonce,
                succeeded: result.is_ok(),
                message: result
                    .err()
                    .map(|failure| format!("{}: {}", failure.reason, failure.message)),
                at: time(now()),
            })
        }
        None => None,
    };
    let checked = alerts.check(&channel.spec).await.map(drop);
    let present = channel.status.clone().unwrap_or_default();
    let outcome = alerts.outcome(&name).unwrap_or_default();
    let status = status(&present, channel.metadata.generation, checked, &outcome, test);
    if status == present {
        return;
    }
    let value = serde_json::to_value(&status).unwrap_or(Value::Null);
    let patch = Patch::Merge(json!({"status": value}));
    match api.patch_status(&name, &PatchParams::default(), &patch).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => tracing::warn!(channel = name, "cannot write the status of an AlertChannel: {error}"),
    }
}

/// The status that a check, the last attempt and a trial give.
fn status(
    present: &AlertChannelStatus,
    generation: Option<i64>,
    checked: Result<(), Failure>,
    outcome: &Outcome,
    test: Option<AlertTest>,
) -> AlertChannelStatus {
    let (ready, reason, message) = match (checked, &outcome.failure) {
        (Err(failure), _) => ("False", failure.reason, failure.message),
        (Ok(()), Some(failure)) => ("False", failure.reason, failure.message.clone()),
        (Ok(()), None) => match outcome.last_sent {
            Some(_) => ("True", "Sent", "the last message arrived".to_owned()),
            None => (
                "True",
                "Configured",
                "messages can be made; none was sent since the start".to_owned(),
            ),
        },
    };
    let before = present.conditions.iter().find(|condition| condition.type_ == "Ready");
    let since = before
        .filter(|before| before.status == ready)
        .map(|before| before.last_transition_time.clone());
    AlertChannelStatus {
        // Of what was sent before the last start the object itself knows.
        last_sent: outcome.last_sent.map(time).or_else(|| present.last_sent.clone()),
        last_test: test.or_else(|| present.last_test.clone()),
        conditions: vec![Condition {
            type_: "Ready".to_owned(),
            status: ready.to_owned(),
            reason: reason.to_owned(),
            message,
            last_transition_time: since.unwrap_or_else(|| time(now())),
            observed_generation: generation,
        }],
        observed_generation: generation,
    }
}

fn time(seconds: i64) -> Time {
    Time(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
}
