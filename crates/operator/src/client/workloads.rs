//! What we have said of workloads: the state and the line of each, as they stand in their annotations.

use super::connection::list_all;
use super::target::{KINDS, Named};
use super::why::controller;
use super::{Client, ClientError, Scope};
use kube::ResourceExt;
use kube::core::DynamicObject;
use seaworthy_gate::{REASON, STATE};

/// Where one workload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadState {
    /// Its namespace.
    pub namespace: String,
    /// Its kind and name.
    pub workload: Named,
    /// `Created`, `Blocked`, `Pending approval` or `Deployed`.
    pub state: String,
    /// The one line, where there is something to say.
    pub reason: Option<String>,
}

impl Client {
    /// Every workload that we have said something of, by namespace, kind and name; of kinds that may not be listed none.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub fn workload_states(&self, scope: &Scope) -> Result<Vec<WorkloadState>, ClientError> {
        self.wait(async {
            let mut states = Vec::new();
            // Nothing is said of ReplicaSets and CronJobs: their Deployments and Jobs have it.
            for row in KINDS.iter().filter(|row| !matches!(row.kind, "ReplicaSet" | "CronJob")) {
                let objects = match list_all(&self.dynamic(scope, &row.resource())).await {
                    Ok(objects) => objects,
                    Err(kube::Error::Api(status)) if status.code == 403 => continue,
                    Err(error) => return Err(ClientError::of(&format!("list {}", row.plural), row.plural)(error)),
                };
                states.extend(objects.iter().filter_map(|object| said(row.kind, object)));
            }
            states.sort_by(|a, b| {
                (&a.namespace, a.workload.kind, &a.workload.name).cmp(&(
                    &b.namespace,
                    b.workload.kind,
                    &b.workload.name,
                ))
            });
            Ok(states)
        })
    }
}

/// What stands on an object, but on pods that another object speaks for.
fn said(kind: &'static str, object: &DynamicObject) -> Option<WorkloadState> {
    let state = object.annotations().get(STATE)?.clone();
    let spoken_for = kind == "Pod" && controller(&serde_json::to_value(object).ok()?).is_some();
    (!spoken_for).then(|| WorkloadState {
        namespace: object.namespace().unwrap_or_default(),
        workload: Named {
            kind,
            name: object.name_any(),
        },
        state,
        reason: object.annotations().get(REASON).cloned(),
    })
}
