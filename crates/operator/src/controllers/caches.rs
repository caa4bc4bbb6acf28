//! Watches that fill the memory: namespaces, policies, exceptions, and what stands between a pod and its top owner.

use super::Context;
use crate::resources::{ScanException, ScanPolicy};
use crate::shared::Shared;
use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, Resource, ResourceExt};
use seaworthy_gate::{Memory, OwnerRecord, break_glass_holds, owner_record, owner_revision};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Kinds of workloads that stand above pods or above each other.
const OWNERS: [(&str, &str, &str); 6] = [
    ("apps", "Deployment", "deployments"),
    ("apps", "ReplicaSet", "replicasets"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "DaemonSet", "daemonsets"),
    ("batch", "Job", "jobs"),
    ("batch", "CronJob", "cronjobs"),
];

/// Starts the watches and returns when each has seen everything once.
pub(crate) async fn fill(context: &Context) {
    let (ready, mut filled) = mpsc::channel::<()>(16);
    let shared = &context.shared;
    let client = &context.client;
    keep::<Namespace, _>(client, shared, &ready, |memory, all| {
        memory.namespaces = all
            .values()
            .map(|namespace| (namespace.name_any(), namespace.labels().clone()))
            .collect();
    });
    keep::<ScanPolicy, _>(client, shared, &ready, |memory, all| {
        memory.policies = all
            .values()
            .map(|policy| policy.spec.to_policy(&policy.name_any()))
            .collect();
    });
    keep::<ScanException, _>(client, shared, &ready, |memory, all| {
        memory.exceptions.clear();
        for exception in all.values() {
            let namespace = exception.namespace().unwrap_or_default();
            let exceptions = memory.exceptions.entry(namespace).or_default();
            exceptions.push(exception.spec.to_exception(&exception.name_any()));
        }
    });
    for kind in OWNERS {
        owners(client, shared, &ready, kind);
    }
    revisions(client, shared, &ready);
    platforms(client, shared, &ready);
    for _ in 0..(3 + OWNERS.len() + 2) {
        filled.recv().await;
    }
}

/// Keeps few and small objects whole, and derives from all of them what the memory has.
fn keep<K, F>(client: &Client, shared: &Arc<Shared>, ready: &mpsc::Sender<()>, derive: F)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    F: Fn(&mut Memory, &BTreeMap<String, K>) + Send + 'static,
{
    let api: Api<K> = Api::all(client.clone());
    let shared = Arc::clone(shared);
    let mut all = BTreeMap::new();
    let mut next = BTreeMap::new();
    each(api, ready, move |event| {
        match event {
            Event::Init => return next.clear(),
            Event::InitApply(object) => {
                next.insert(key(&object), object);
                return;
            }
            Event::InitDone => all = std::mem::take(&mut next),
            Event::Apply(object) => {
                all.insert(key(&object), object);
            }
            Event::Delete(object) => {
                all.remove(&key(&object));
            }
        }
        shared.change(|memory| derive(memory, &all));
    });
}

fn key<K: Resource>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// Keeps of workloads only what their pods and Jobs are known by.
///
/// They are read as they come: a typed copy would drop what newer API servers say, and with it the template's identity.
fn owners(
    client: &Client,
    shared: &Arc<Shared>,
    ready: &mpsc::Sender<()>,
    (group, kind, plural): (&'static str, &'static str, &'static str),
) {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let shared = Arc::clone(shared);
    let mut listed = HashSet::new();
    each(api, ready, move |event| match event {
        Event::Init => listed.clear(),
        Event::InitApply(object) | Event::Apply(object) => {
            let value = serde_json::to_value(&object).unwrap_or_default();
            let Some((uid, record)) = owner_record(kind, &value) else {
                return;
            };
            listed.insert(uid.clone());
            if kind == "CronJob" {
                glass(&shared, &uid, &record, break_glass_holds(&value));
            }
            let known = shared.memory().owners.get(&uid) == Some(&record);
            if !known {
                shared.change(|memory| {
                    memory.owners.insert(uid, record);
                });
            }
        }
        // What was deleted while the watch was broken is in no list any more.
        Event::InitDone => shared.change_silently(|memory| {
            memory
                .owners
                .retain(|uid, record| record.kind != kind || listed.contains(uid));
        }),
        Event::Delete(object) => {
            let uid = object.uid().unwrap_or_default();
            shared.change_silently(|memory| {
                memory.owners.remove(&uid);
                memory.break_glass(&uid, None);
                memory.broken_above.retain(|(_, owner, _)| *owner != uid);
                memory.revisions.retain(|(owner, _), _| *owner != uid);
            });
        }
    });
}

/// Keeps whether the glass of a CronJob is broken, and for which template.
fn glass(shared: &Shared, uid: &str, record: &OwnerRecord, is_broken: bool) {
    let key = (
        record.namespace.clone(),
        uid.to_owned(),
        record.revision.template.clone(),
    );
    let known: Vec<_> = {
        let memory = shared.memory();
        let of_it = memory.broken_above.iter().filter(|(_, owner, _)| owner == uid);
        of_it.cloned().collect()
    };
    let now: Vec<_> = is_broken.then_some(key).into_iter().collect();
    if known != now {
        shared.change(|memory| {
            memory.broken_above.retain(|(_, owner, _)| owner != uid);
            memory.broken_above.extend(now);
        });
    }
}

/// Keeps the templates of StatefulSets and DaemonSets, also former ones: old pods are made again from them.
fn revisions(client: &Client, shared: &Arc<Shared>, ready: &mpsc::Sender<()>) {
    let kind = GroupVersionKind::gvk("apps", "v1", "ControllerRevision");
    let resource = ApiResource::from_gvk_with_plural(&kind, "controllerrevisions");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let shared = Arc::clone(shared);
    each(api, ready, move |event| {
        let (object, is_there) = match event {
            Event::InitApply(object) | Event::Apply(object) => (object, true),
            Event::Delete(object) => (object, false),
            Event::Init | Event::InitDone => return,
        };
        let value = serde_json::to_value(&object).ok();
        let Some((owner, names, revision)) = value.and_then(|value| owner_revision(&value)) else {
            return;
        };
        let keys: Vec<_> = names.into_iter().map(|name| (owner.clone(), name)).collect();
        match is_there {
            true if keys
                .iter()
                .all(|key| shared.memory().revisions.get(key) == Some(&revision)) => {}
            true => shared.change(|memory| {
                memory
                    .revisions
                    .extend(keys.into_iter().map(|key| (key, revision.clone())));
            }),
            false => shared.change_silently(|memory| {
                for key in &keys {
                    memory.revisions.remove(key);
                }
            }),
        }
    });
}

/// Keeps which platforms the nodes have: an image for several is judged for all of them.
fn platforms(client: &Client, shared: &Arc<Shared>, ready: &mpsc::Sender<()>) {
    let api: Api<Node> = Api::all(client.clone());
    let shared = Arc::clone(shared);
    let mut nodes = BTreeMap::new();
    let mut is_listing = true;
    each(api, ready, move |event| {
        match event {
            Event::Init => {
                nodes.clear();
                is_listing = true;
            }
            Event::InitDone => is_listing = false,
            Event::InitApply(node) | Event::Apply(node) => {
                let label = |name: &str| node.labels().get(&format!("kubernetes.io/{name}")).cloned();
                if let (Some(system), Some(architecture)) = (label("os"), label("arch")) {
                    nodes.insert(node.name_any(), format!("{system}/{architecture}"));
                }
            }
            Event::Delete(node) => {
                nodes.remove(&node.name_any());
            }
        }
        let now: BTreeSet<String> = nodes.values().cloned().collect();
        let same = is_listing || shared.memory().platforms == now;
        if !same {
            shared.change(|memory| memory.platforms = now);
        }
    });
}

/// Hands every event of a watch on, for as long as the process runs.
fn each<K>(api: Api<K>, ready: &mpsc::Sender<()>, mut take: impl FnMut(Event<K>) + Send + 'static)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let ready = ready.clone();
    tokio::spawn(async move {
        let mut events = watch(api, watcher::Config::default()).default_backoff().boxed();
        loop {
            match events.try_next().await {
                Ok(Some(event)) => {
                    let is_done = matches!(event, Event::InitDone);
                    take(event);
                    if is_done {
                        // Only the first time somebody waits for it.
                        let _ = ready.try_send(());
                    }
                }
                Ok(None) => return,
                Err(error) => tracing::warn!("a watch broke off and is taken up again: {error}"),
            }
        }
    });
}
