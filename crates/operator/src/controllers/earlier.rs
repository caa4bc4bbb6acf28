//! What ran before Seaworthy was there: remembered once, so that no restart of it waits.
//!
//! Remembered by owner and template, and by digest where the node says which one it runs. Whatever else uses the same image
//! is judged anew.

use super::{Context, Error};
use crate::client::list_all;
use crate::options::NAME;
use crate::resources::ImageScan;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use seaworthy_gate::{Admission, Earlier, Memory, STATE, TagKey, owner_of_pod, pod_images};
use seaworthy_policy::image_name;
use serde_json::Value;

/// What is to be remembered of running pods.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) earlier: Vec<Earlier>,
    pub(crate) tags: Vec<(TagKey, String)>,
    pub(crate) admissions: Vec<Admission>,
}

/// What is said where the store knows nothing although we were here before.
const LOST: &str = "the store is empty although this cluster was governed before: what was let in, approved and found is \
    forgotten. What runs now goes on and restarts freely as if it had run before the installation, also what only a warning, \
    an exception or broken glass let in; everything else is scanned again";

/// Remembers, the first time that this store is used, what runs already. Tells whether an earlier store was lost.
pub(crate) async fn remember_what_runs(context: &Context) -> Result<bool, Error> {
    if context.shared.store.has_begun().await? {
        return Ok(false);
    }
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "Pod"), "pods");
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource);
    let pods = list_all(&api).await.map_err(|error| Error::Cluster {
        source: Box::new(error),
    })?;
    let mut running = Running::default();
    for pod in &pods {
        let value = serde_json::to_value(pod)?;
        note(&context.shared.memory(), &value, &mut running);
    }
    tracing::info!(containers = running.earlier.len(), "what ran before goes on as it is");
    context.shared.begin(running).await?;
    let scans: Api<ImageScan> = Api::all(context.client.clone());
    let scans = list_all(&scans).await.map_err(|error| Error::Cluster {
        source: Box::new(error),
    })?;
    // Only we write a status: there is none before the first start, and none is left by `seaworthy uninstall`.
    let is_lost = scans
        .iter()
        .any(|scan| scan.status.as_ref().is_some_and(|status| status.scanned_at.is_some()));
    if is_lost {
        tracing::warn!("{LOST}");
        let ourselves = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("ServiceAccount".to_owned()),
            name: Some(NAME.to_owned()),
            namespace: Some(NAME.to_owned()),
            ..ObjectReference::default()
        };
        // It is another Event each time that it happens.
        let time = Timestamp::now().to_string();
        context.tell(&ourselves, &time, "StoreLost", LOST).await;
    }
    Ok(is_lost)
}

/// Notes the containers of a pod that runs on a node, has a controller and was not let in by us.
fn note(memory: &Memory, pod: &Value, running: &mut Running) {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let is_ours = pod
        .pointer("/metadata/annotations")
        .is_some_and(|annotations| annotations.get(STATE).is_some());
    let is_over = matches!(text("/status/phase"), "Succeeded" | "Failed");
    let namespace = text("/metadata/namespace");
    if text("/spec/nodeName").is_empty() || is_over || is_ours || !memory.governs(namespace) {
        return;
    }
    let owner = owner_of_pod(pod, memory);
    if owner.top.is_empty() || !owner.is_controlled {
        return;
    }
    for image in pod_images(pod).unwrap_or_default() {
        if let Some(digest) = reported_digest(pod, &image.container) {
            running.admissions.push(Admission {
                namespace: namespace.to_owned(),
                owner: owner.top.clone(),
                container: image.container.clone(),
                digest: digest.to_owned(),
            });
            if image_name::digest(&image.image).is_none() {
                let key = TagKey {
                    namespace: namespace.to_owned(),
                    owner: owner.top.clone(),
                    template: owner.template.clone(),
                    image: image.image.clone(),
                };
                running.tags.push((key, digest.to_owned()));
            }
        }
        running.earlier.push(Earlier {
            namespace: namespace.to_owned(),
            owner: owner.top.clone(),
            template: owner.template.clone(),
            container: image.container,
            image: image.image,
        });
    }
}

/// The digest that the node pulled for a container. Without a repository before it, it is that of something else.
fn reported_digest<'a>(pod: &'a Value, container: &str) -> Option<&'a str> {
    ["containerStatuses", "initContainerStatuses"]
        .into_iter()
        .find_map(|list| {
            let statuses = pod.pointer("/status")?.get(list)?.as_array()?;
            let status = statuses
                .iter()
                .find(|status| status.get("name").and_then(Value::as_str) == Some(container))?;
            let (_, digest) = status.get("imageID")?.as_str()?.split_once('@')?;
            digest.starts_with("sha256:").then_some(digest)
        })
}

#[cfg(test)]
mod tests {
    use super::{Running, note};
    use seaworthy_gate::{Memory, owner_record};
    use serde_json::{Value, json};

    fn pod(image_id: &str) -> Value {
        json!({
            "metadata": {"namespace": "default", "labels": {"app": "a"}, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "rs", "controller": true}]},
            "spec": {"nodeName": "node-0", "containers": [{"name": "a", "image": "a:v1"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "a", "imageID": image_id}]}
        })
    }

    #[test]
    fn what_runs_is_remembered_by_owner_and_template_and_by_digest_where_the_node_says_it() {
        let mut memory = Memory::default();
        let replica_set = json!({"metadata": {"uid": "rs", "namespace": "default"}, "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"spec": {"containers": [{"name": "a", "image": "a:v1"}]}}}});
        memory.owners.extend(owner_record("ReplicaSet", &replica_set));
        let digest = format!("sha256:{}", "a".repeat(64));
        for (image_id, digests) in [
            (format!("docker.io/library/a@{digest}"), 1),
            (format!("docker-pullable://a@{digest}"), 1),
            (digest, 0),
            ("a:v1".to_owned(), 0),
            (String::new(), 0),
        ] {
            let mut running = Running::default();
            note(&memory, &pod(&image_id), &mut running);
            assert_eq!(running.earlier.len(), 1, "{image_id}");
            assert_eq!(
                (running.admissions.len(), running.tags.len()),
                (digests, digests),
                "{image_id}"
            );
        }
        let cases: [fn(&mut Value); 5] = [
            |pod| pod["spec"]["nodeName"] = json!(""),
            |pod| pod["status"]["phase"] = json!("Succeeded"),
            |pod| pod["metadata"]["labels"] = json!({}),
            |pod| pod["metadata"]["ownerReferences"] = json!([]),
            |pod| pod["metadata"]["annotations"] = json!({"seaworthy.dev/state": "Created"}),
        ];
        for (index, change) in cases.iter().enumerate() {
            let mut other = pod("");
            change(&mut other);
            let mut running = Running::default();
            note(&memory, &other, &mut running);
            assert!(running.earlier.is_empty(), "case {index}");
        }
    }
}
