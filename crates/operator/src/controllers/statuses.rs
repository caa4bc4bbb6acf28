//! The status of ScanPolicies and ScanExceptions: how many workloads a policy keeps waiting, and what counts now.

use super::{AGAIN, Context, Error};
use crate::resources::{AlertChannel, GROUP, ScanException, ScanExceptionStatus, ScanPolicy, ScanPolicyStatus};
use crate::shared::now;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use seaworthy_gate::{REQUESTED_BY, State};
use seaworthy_policy::effective;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often is looked when nothing was heard: an exception ends, a channel is made.
const TICK: Duration = Duration::from_secs(10);
/// The shortest time between two looks, however much changes.
const PAUSE: Duration = Duration::from_secs(1);

/// Kind, namespace and name of a workload.
type Name = (String, String, String);

/// Workloads that are kept from running. Each is looked at every minute while it is; what is not any more is gone.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<Name, Waits>>);

#[derive(Clone, Debug)]
struct Waits {
    labels: BTreeMap<String, String>,
    state: State,
    seen: Instant,
}

impl Waiting {
    /// Notes how a workload stands now.
    pub(crate) fn note(&self, name: Name, labels: &BTreeMap<String, String>, state: Option<State>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            Some(state) => {
                let labels = labels.clone();
                let seen = Instant::now();
                waiting.insert(name, Waits { labels, state, seen });
            }
            None => {
                waiting.remove(&name);
            }
        }
    }

    /// Namespaces, labels and states of what was seen lately.
    fn lately(&self, now: Instant) -> Vec<(String, BTreeMap<String, String>, State)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, waits| now.saturating_duration_since(waits.seen) < AGAIN * 3);
        let of = |((_, namespace, _), waits): (&Name, &Waits)| (namespace.clone(), waits.labels.clone(), waits.state);
        waiting.iter().map(of).collect()
    }
}

pub(super) async fn run(context: Context) {
    let mut changes = context.shared.changes();
    loop {
        if let Err(error) = look(&context).await {
            tracing::warn!("the status of policies and exceptions is not written yet: {error}");
        }
        tokio::time::sleep(PAUSE).await;
        // Whichever comes first.
        let _ = tokio::time::timeout(TICK, changes.changed()).await;
    }
}

async fn look(context: &Context) -> Result<(), Error> {
    let cluster = |source| Error::Cluster {
        source: Box::new(source),
    };
    // From the API server's memory: this is asked often.
    let lately = ListParams::default().match_any();
    let policies: Api<ScanPolicy> = Api::all(context.client.clone());
    let channels: Api<AlertChannel> = Api::all(context.client.clone());
    let exceptions: Api<ScanException> = Api::all(context.client.clone());
    let channels: BTreeSet<String> = channels
        .list(&lately)
        .await
        .map_err(cluster)?
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    let counts = counts(context);
    for policy in policies.list(&lately).await.map_err(cluster)? {
        let count = counts.get(&policy.name_any()).copied().unwrap_or_default();
        let status = of_policy(&policy, count, &channels);
        if policy.status.as_ref() != Some(&status) {
            write(&policies, &policy.name_any(), &status).await?;
        }
    }
    for exception in exceptions.list(&lately).await.map_err(cluster)? {
        let status = of_exception(&exception, now());
        if exception.status.as_ref() != Some(&status) {
            let namespace = exception.namespace().unwrap_or_default();
            write(
                &in_namespace::<ScanException>(context, &namespace),
                &exception.name_any(),
                &status,
            )
            .await?;
        }
    }
    Ok(())
}

fn in_namespace<K>(context: &Context, namespace: &str) -> Api<K>
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(context.client.clone(), namespace)
}

async fn write<K, S>(api: &Api<K>, name: &str, status: &S) -> Result<(), Error>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    S: serde::Serialize,
{
    let patch = Patch::Merge(json!({"status": serde_json::to_value(status)?}));
    match api.patch_status(name, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(source) => Err(Error::Cluster {
            source: Box::new(source),
        }),
    }
}

/// Workloads that each policy has a say in and that wait, and those that something speaks against.
fn counts(context: &Context) -> HashMap<String, (u32, u32)> {
    let waiting = context.waiting.lately(Instant::now());
    let memory = context.shared.memory();
    let mut counts: HashMap<String, (u32, u32)> = HashMap::new();
    for (namespace, labels, state) in waiting {
        for policy in effective(&memory.policies, &memory.namespace_labels(&namespace), &labels) {
            let (held, blocked) = counts.entry(policy.name.clone()).or_default();
            let count = if state == State::Blocked { blocked } else { held };
            *count = count.saturating_add(1);
        }
    }
    counts
}

fn of_policy(policy: &ScanPolicy, (held, blocked): (u32, u32), channels: &BTreeSet<String>) -> ScanPolicyStatus {
    let missing: Vec<&str> = policy
        .spec
        .alerts
        .iter()
        .map(String::as_str)
        .filter(|name| !channels.contains(*name))
        .take(8)
        .collect();
    let present = policy.status.clone().unwrap_or_default();
    let (status, reason, message) = match missing.as_slice() {
        [] => ("True", "InForce", String::new()),
        names => {
            let names = names.join(", ");
            let message = format!("in force, but nobody is told: there is no alertchannels.{GROUP} named {names}");
            ("False", "AlertChannelMissing", message)
        }
    };
    ScanPolicyStatus {
        held: Some(held),
        blocked: Some(blocked),
        conditions: vec![condition(
            "Ready",
            (status, reason, message),
            &present.conditions,
            policy.metadata.generation,
        )],
        observed_generation: policy.metadata.generation,
    }
}

fn of_exception(exception: &ScanException, now: i64) -> ScanExceptionStatus {
    let present = exception.status.clone().unwrap_or_default();
    let expires = &exception.spec.expires;
    let (status, reason, message) = match (&expires.date, expires.when_fixed) {
        (Some(Time(date)), _) if date.as_second() <= now => ("False", "Expired", format!("it ended at {date}")),
        (Some(_), _) => ("True", "UntilDate", String::new()),
        (None, Some(true)) => (
            "True",
            "UntilFixed",
            "it ends for each finding when a fix exists".to_owned(),
        ),
        (None, _) => ("False", "NoEnd", "it says no end, so it does not count".to_owned()),
    };
    ScanExceptionStatus {
        // Admission wrote it, and guards it.
        requested_by: exception.annotations().get(REQUESTED_BY).cloned(),
        conditions: vec![condition(
            "Active",
            (status, reason, message),
            &present.conditions,
            exception.metadata.generation,
        )],
        observed_generation: exception.metadata.generation,
    }
}

/// A condition that keeps the time at which its status changed.
fn condition(
    name: &str,
    (status, reason, message): (&str, &str, String),
    before: &[Condition],
    generation: Option<i64>,
) -> Condition {
    let same = before
        .iter()
        .find(|before| before.type_ == name && before.status == status);
    let since = same.map(|before| before.last_transition_time.clone());
    Condition {
        type_: name.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: since
            .unwrap_or_else(|| Time(Timestamp::from_second(now()).unwrap_or(Timestamp::UNIX_EPOCH))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Waiting, of_exception, of_policy};
    use crate::resources::{ExceptionExpiry, ScanException, ScanExceptionSpec, ScanPolicy, ScanPolicySpec};
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use seaworthy_gate::State;
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::{Duration, Instant};

    #[test]
    fn a_policy_that_names_a_channel_that_is_not_there_says_so() {
        let spec = ScanPolicySpec {
            alerts: vec!["team".to_owned(), "gone".to_owned()],
            ..ScanPolicySpec::default()
        };
        let mut policy = ScanPolicy::new("default", spec);
        let channels = BTreeSet::from(["team".to_owned()]);
        let status = of_policy(&policy, (2, 1), &channels);
        assert_eq!((status.held, status.blocked), (Some(2), Some(1)));
        let ready = &status.conditions[0];
        assert_eq!(
            (ready.status.as_str(), ready.reason.as_str()),
            ("False", "AlertChannelMissing")
        );
        assert!(ready.message.ends_with("named gone"), "{}", ready.message);

        policy.status = Some(status.clone());
        assert_eq!(
            of_policy(&policy, (2, 1), &channels),
            status,
            "what is the same is not written again"
        );
        let channels = BTreeSet::from(["team".to_owned(), "gone".to_owned()]);
        assert_eq!(of_policy(&policy, (0, 0), &channels).conditions[0].status, "True");
    }

    #[test]
    fn an_exception_is_active_until_its_end() {
        let of = |date: Option<i64>, when_fixed| {
            let expires = ExceptionExpiry {
                date: date.map(|date| Time(Timestamp::from_second(date).unwrap())),
                when_fixed,
            };
            let spec = ScanExceptionSpec {
                vulnerabilities: vec!["CVE-1".to_owned()],
                images: Vec::new(),
                packages: Vec::new(),
                reason: "x".to_owned(),
                expires,
            };
            let condition = of_exception(&ScanException::new("x", spec), 100).conditions.remove(0);
            format!("{} {}", condition.status, condition.reason)
        };
        assert_eq!(of(Some(101), None), "True UntilDate");
        assert_eq!(of(Some(100), None), "False Expired");
        assert_eq!(of(None, Some(true)), "True UntilFixed");
        assert_eq!(of(None, None), "False NoEnd");
    }

    #[test]
    fn what_was_not_seen_for_minutes_waits_no_more() {
        let waiting = Waiting::default();
        let name = |name: &str| ("Deployment".to_owned(), "shop".to_owned(), name.to_owned());
        waiting.note(name("a"), &BTreeMap::new(), Some(State::Blocked));
        waiting.note(name("b"), &BTreeMap::new(), Some(State::Created));
        waiting.note(name("b"), &BTreeMap::new(), None);
        let now = Instant::now();
        assert_eq!(waiting.lately(now).len(), 1);
        assert_eq!(waiting.lately(now + Duration::from_secs(200)).len(), 0);
    }
}
