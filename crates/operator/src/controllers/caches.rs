//! Watches that fill the memory: namespaces, policies, exceptions, and what stands between a pod and its top owner.

use super::Context;
use crate::resources::{ScanException, ScanPolicy};
use crate::shared::Shared;
use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, Resource, ResourceExt};
use seaworthy_gate::{Memory, OwnerRecord, template_id};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Starts the watches and returns when each has seen everything once.
pub(crate) async fn fill(context: &Context) {
    let (ready, mut filled) = mpsc::channel::<()>(8);
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
    owners(
        client,
        shared,
        &ready,
        ("apps", "ReplicaSet", "replicasets"),
        "Deployment",
    );
    owners(client, shared, &ready, ("batch", "Job", "jobs"), "CronJob");
    for _ in 0..5 {
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
    let (shared, ready) = (Arc::clone(shared), ready.clone());
    tokio::spawn(async move {
        let mut all = BTreeMap::new();
        let mut next = BTreeMap::new();
        let mut events = watch(api, watcher::Config::default()).default_backoff().boxed();
        loop {
            match events.try_next().await {
                Ok(Some(Event::Init)) => next.clear(),
                Ok(Some(Event::InitApply(object))) => {
                    next.insert(key(&object), object);
                    continue;
                }
                Ok(Some(Event::InitDone)) => {
                    all = std::mem::take(&mut next);
                    shared.change(|memory| derive(memory, &all));
                    // Only the first time somebody waits for it.
                    let _ = ready.try_send(());
                }
                Ok(Some(Event::Apply(object))) => {
                    all.insert(key(&object), object);
                    shared.change(|memory| derive(memory, &all));
                }
                Ok(Some(Event::Delete(object))) => {
                    all.remove(&key(&object));
                    shared.change(|memory| derive(memory, &all));
                }
                Ok(None) => return,
                Err(error) => tracing::warn!("a watch broke off and is taken up again: {error}"),
            }
        }
    });
}

fn key<K: Resource>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// Keeps of ReplicaSets and Jobs only who owns them and which template their pods have.
///
/// They are read as they come: a typed copy would drop what newer API servers say, and with it the template's identity.
fn owners(
    client: &Client,
    shared: &Arc<Shared>,
    ready: &mpsc::Sender<()>,
    (group, kind, plural): (&str, &str, &str),
    above: &'static str,
) {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let (shared, ready) = (Arc::clone(shared), ready.clone());
    tokio::spawn(async move {
        let mut events = watch(api, watcher::Config::default()).default_backoff().boxed();
        loop {
            match events.try_next().await {
                Ok(Some(Event::Init)) => {}
                Ok(Some(Event::InitApply(object) | Event::Apply(object))) => {
                    let Some((uid, record)) = record(&object, above) else {
                        continue;
                    };
                    let known = shared.memory().owners.get(&uid) == Some(&record);
                    if !known {
                        shared.change(|memory| {
                            memory.owners.insert(uid, record);
                        });
                    }
                }
                Ok(Some(Event::InitDone)) => {
                    let _ = ready.try_send(());
                }
                Ok(Some(Event::Delete(object))) => {
                    let uid = object.uid().unwrap_or_default();
                    shared.change_silently(|memory| {
                        memory.owners.remove(&uid);
                    });
                }
                Ok(None) => return,
                Err(error) => tracing::warn!("a watch broke off and is taken up again: {error}"),
            }
        }
    });
}

fn record(object: &DynamicObject, above: &str) -> Option<(String, OwnerRecord)> {
    let uid = object.uid()?;
    let value = serde_json::to_value(object).ok()?;
    let top = object
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == above)
        .map_or_else(|| uid.clone(), |owner| owner.uid.clone());
    let record = OwnerRecord {
        top,
        labels: object.labels().clone(),
        template: template_id(value.pointer("/spec/template")?),
    };
    Some((uid, record))
}
