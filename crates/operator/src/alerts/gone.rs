//! Workloads that were deleted, also while nobody watched: what is open of them is over.

use super::{Alerts, Observation, Workload};
use crate::shared::Shared;
use futures_util::{StreamExt, stream};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often they are looked for.
const PAUSE: Duration = Duration::from_secs(10);
/// How many are looked for each time, and at the same time.
const AT_ONCE: usize = 500;
const TOGETHER: usize = 4;
/// What is of a kind that we may not read is gone when nobody has heard of it for this long.
const SILENCE: Duration = Duration::from_secs(900);

/// Kinds that we may read, with their group and plural.
const KINDS: [(&str, &str, &str); 7] = [
    ("Deployment", "apps", "deployments"),
    ("StatefulSet", "apps", "statefulsets"),
    ("DaemonSet", "apps", "daemonsets"),
    ("ReplicaSet", "apps", "replicasets"),
    ("Job", "batch", "jobs"),
    ("CronJob", "batch", "cronjobs"),
    ("Pod", "", "pods"),
];

/// Looks for them until the process ends.
pub(crate) async fn forget_the_gone(client: Client, shared: Arc<Shared>, alerts: Arc<Alerts>) {
    let started = Instant::now();
    let mut first = 0;
    loop {
        tokio::time::sleep(PAUSE).await;
        let mut open = alerts.open_workloads().await;
        open.sort();
        let count = open.len();
        let turn: Vec<Workload> = open.into_iter().cycle().skip(first).take(count.min(AT_ONCE)).collect();
        first = if count == 0 { 0 } else { (first + turn.len()) % count };
        stream::iter(turn)
            .for_each_concurrent(TOGETHER, |workload| {
                let (client, shared, alerts) = (client.clone(), &shared, &alerts);
                async move {
                    if !shared.memory().governs(&workload.namespace) {
                        // Nothing is in its way any more.
                        let exists = true;
                        alerts.observe(Observation {
                            exists,
                            ..Observation::gone(workload)
                        });
                    } else if is_gone(client, alerts, &workload, started).await {
                        tracing::debug!(name = workload.name, "gone");
                        alerts.observe(Observation::gone(workload));
                    }
                }
            })
            .await;
    }
}

async fn is_gone(client: Client, alerts: &Alerts, workload: &Workload, started: Instant) -> bool {
    let Some((kind, group, plural)) = KINDS.iter().find(|(kind, ..)| *kind == workload.kind) else {
        let silence = alerts.silence(workload).unwrap_or_else(|| started.elapsed());
        return silence > SILENCE;
    };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
    let api: Api<DynamicObject> = Api::namespaced_with(client, &workload.namespace, &resource);
    // Whatever else the answer is, an error for example, it is asked again.
    matches!(api.get_metadata_opt(&workload.name).await, Ok(None))
}
