//! What others made and we hold or describe: freed kind by kind, owners before what they make.

use super::Step;
use crate::client::{Client, ClientError, Scope, list_all};
use futures_util::{StreamExt, stream};
use kube::api::{Api, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Client as Kube, ResourceExt};
use seaworthy_gate::{Hold, Kind, carries_ours, leave};
use serde_json::Value;

/// Objects that are changed at the same time.
const AT_ONCE: usize = 8;

/// Group, kind and plural. Annotations of a Deployment are copied to its ReplicaSets, so it comes before them.
const KINDS: [(&str, &str, &str); 7] = [
    ("apps", "Deployment", "deployments"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "DaemonSet", "daemonsets"),
    ("batch", "CronJob", "cronjobs"),
    ("batch", "Job", "jobs"),
    ("apps", "ReplicaSet", "replicasets"),
    ("", "Pod", "pods"),
];

/// What one look at everything found.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) released: usize,
    /// What could not be freed now, and why.
    pub(super) refused: Vec<(String, String)>,
}

/// Frees everything in every namespace once.
pub(super) async fn release_all(client: &Client, seen: &mut dyn FnMut(Step)) -> Result<Look, ClientError> {
    let mut look = Look::default();
    for (group, kind, plural) in KINDS {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
        let objects = list_all(&client.dynamic(&Scope::All, &resource))
            .await
            .map_err(ClientError::of(&format!("list {plural}"), plural))?;
        let held = objects.into_iter().filter_map(|object| {
            let value = serde_json::to_value(&object).ok()?;
            let is_leaving = object.metadata.deletion_timestamp.is_some();
            (carries_ours(&value) && !is_leaving).then_some((object, value))
        });
        let cluster = client.kube();
        let mut answers = stream::iter(held)
            .map(|(object, value)| release(cluster.clone(), &resource, kind, object, value))
            .buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            match answer {
                Answer::Released { what, restored } => {
                    look.released += 1;
                    seen(Step::Released { what, restored });
                }
                Answer::Refused { what, why } => look.refused.push((what, why)),
                Answer::Gone => {}
            }
        }
    }
    Ok(look)
}

enum Answer {
    Released { what: String, restored: Option<String> },
    Refused { what: String, why: String },
    Gone,
}

async fn release(cluster: Kube, resource: &ApiResource, kind: &str, object: DynamicObject, value: Value) -> Answer {
    let namespace = object.namespace().unwrap_or_default();
    let what = format!("{namespace}/{}/{}", kind.to_lowercase(), object.name_any());
    let named = Kind::named(kind);
    let patches = leave(named, &value);
    let restored = named.filter(|_| Hold::of(&value).is_some()).and_then(|_| {
        let field = patches.iter().find(|patch| {
            let path = patch.get("path").and_then(Value::as_str);
            path.is_some_and(|path| path.starts_with("/spec/"))
        })?;
        let name = field.get("path")?.as_str()?.trim_start_matches("/spec/");
        Some(match field.get("value") {
            Some(own) => format!("{name}: {own}"),
            None => format!("without {name}"),
        })
    });
    let api: Api<DynamicObject> = Api::namespaced_with(cluster, &namespace, resource);
    let patch = match serde_json::from_value(Value::Array(patches)) {
        Ok(patch) => Patch::<Value>::Json(patch),
        Err(error) => {
            return Answer::Refused {
                what,
                why: error.to_string(),
            };
        }
    };
    match api.patch(&object.name_any(), &PatchParams::default(), &patch).await {
        Ok(_) => Answer::Released { what, restored },
        Err(kube::Error::Api(status)) if status.code == 404 => Answer::Gone,
        Err(kube::Error::Api(status)) => Answer::Refused {
            what,
            why: status.message.clone(),
        },
        Err(error) => Answer::Refused {
            what,
            why: error.to_string(),
        },
    }
}
