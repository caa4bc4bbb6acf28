//! What stands above a pod or a Job: what its ownerReferences claim, as far as the claim is borne out.
//!
//! Anybody who may make pods may write any owner into them. So an owner that is known must be of that kind, select the
//! pod by its labels and have its containers; else the pod is judged as one that nobody stands above.

use crate::annotations::{self, REQUESTED_BY};
use crate::images::{images, pod_images};
use crate::memory::{Memory, OwnerRecord, Revision};
use crate::standing::Glass;
use crate::template::template_id;
use seaworthy_policy::image_name;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What stands above a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodOwner {
    /// The `uid` of the top owner, the pod's own where nothing stands above it; empty while that is not known.
    pub top: String,
    /// The identity of the template that it came from.
    pub template: String,
    /// The labels that workload selectors see.
    pub labels: BTreeMap<String, String>,
    /// Who asked for it; nobody where that is not known.
    pub asked_by: Vec<String>,
    /// The images of that template by container, where it is known.
    pub images: BTreeMap<String, String>,
    /// Whether a controller would make it again.
    pub is_controlled: bool,
}

impl PodOwner {
    /// Whether somebody broke the glass of what the pod comes from: for the images of that template, and no other that the
    /// pod says it has.
    pub fn glass(&self, memory: &Memory, namespace: &str) -> Glass<'_> {
        match memory.glass_is_broken(namespace, &self.top, &self.template) {
            true => Glass::BrokenFor(&self.images),
            false => Glass::Whole,
        }
    }
}

/// The kinds whose objects are watched: one of them that is not known yet will be known in a moment.
const WATCHED: [(&str, &str); 6] = [
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
];

/// What stands above a pod, as far as it is known.
pub fn owner_of_pod(pod: &Value, memory: &Memory) -> PodOwner {
    let Some(claim) = controller(pod) else {
        return alone(pod);
    };
    let (uid, kind, group) = (text(claim, "/uid"), text(claim, "/kind"), group(claim));
    let Some(record) = memory.owners.get(&uid) else {
        let labels = annotations::labels(pod);
        let template = template_of_images(pod);
        // Until one of a watched kind is known its pods are held. Of other kinds nothing can be known; the kind in the
        // name keeps a claim apart from the `uid` of anything that is.
        let top = match WATCHED.contains(&(group.as_str(), kind.as_str())) || uid.is_empty() {
            true => String::new(),
            false => format!("{group}/{kind}/{uid}"),
        };
        return PodOwner {
            top,
            template,
            labels,
            asked_by: Vec::new(),
            images: BTreeMap::new(),
            is_controlled: true,
        };
    };
    let labels = annotations::labels(pod);
    if record.kind != kind || record.namespace != text(pod, "/metadata/namespace") || !selects(record, &labels) {
        return alone(pod);
    }
    let revision = match kind.as_str() {
        "StatefulSet" | "DaemonSet" => match labels.get("controller-revision-hash") {
            Some(name) => memory.revisions.get(&(uid.clone(), name.clone())),
            None => return alone(pod),
        },
        _ => Some(&record.revision),
    };
    let above = top(memory, &uid, record);
    let (Some(revision), Some((top, above))) = (revision, above) else {
        return PodOwner {
            top: String::new(),
            template: template_of_images(pod),
            labels,
            asked_by: Vec::new(),
            images: BTreeMap::new(),
            is_controlled: true,
        };
    };
    if !has_containers(&containers(pod, &["spec"]), revision) {
        return alone(pod);
    }
    let mut labels = labels;
    labels.extend(record.labels.clone());
    labels.extend(above.iter().flat_map(|record| record.labels.clone()));
    PodOwner {
        top,
        template: revision.template.clone(),
        labels,
        asked_by: match above {
            Some(above) if record.kind == "Job" => asked_by_job(&record.revision.template, &record.requested_by, above),
            Some(above) => known([&above.requested_by]),
            None => known([&record.requested_by]),
        },
        images: revision.images.clone(),
        is_controlled: true,
    }
}

/// The `uid` of the top owner of a workload: the CronJob of a Job, else the workload itself. Empty while it has none, or
/// while its CronJob is not known.
pub fn owner_of_workload(object: &Value, memory: &Memory) -> String {
    let own = text(object, "/metadata/uid");
    let claim = controller(object).filter(|claim| text(claim, "/kind") == "CronJob" && group(claim) == "batch");
    let is_job = text(object, "/kind") == "Job";
    let Some(claim) = claim.filter(|_| is_job) else {
        return own;
    };
    let uid = text(claim, "/uid");
    let containers = containers(object, &["spec", "template", "spec"]);
    match memory.owners.get(&uid) {
        None => String::new(),
        Some(above) if is_job_of(&text(object, "/metadata/namespace"), &containers, above) => uid,
        Some(_) => own,
    }
}

/// Who asked for a workload, `named` being who did by what stands on it; nobody where that is not known.
///
/// A Job of a CronJob is made by its controller, or by hand from what it says: then whoever wrote that has asked too.
pub fn asked_by(object: &Value, owner: &str, template: &str, named: &str, memory: &Memory) -> Vec<String> {
    match memory.owners.get(owner) {
        Some(above) if above.kind == "CronJob" && text(object, "/kind") == "Job" => {
            asked_by_job(template, named, above)
        }
        _ => known([named]),
    }
}

/// Of a Job with another template than its CronJob has now nobody knows who wrote it.
fn asked_by_job(template: &str, named: &str, above: &OwnerRecord) -> Vec<String> {
    match above.revision.template == template {
        true => known([named, &above.requested_by]),
        false => Vec::new(),
    }
}

/// These names, if all of them are known.
pub(crate) fn known<const COUNT: usize>(names: [&str; COUNT]) -> Vec<String> {
    match names.contains(&"") {
        true => Vec::new(),
        false => names.map(str::to_owned).to_vec(),
    }
}

/// What is remembered of an object of a watched kind, under its `uid`.
pub fn owner_record(kind: &str, object: &Value) -> Option<(String, OwnerRecord)> {
    let uid = object.pointer("/metadata/uid")?.as_str()?.to_owned();
    let steps: &[&str] = match kind {
        "CronJob" => &["spec", "jobTemplate", "spec", "template"],
        _ => &["spec", "template"],
    };
    let template = steps.iter().try_fold(object, |place, step| place.get(step))?;
    let above = match kind {
        "ReplicaSet" => "Deployment",
        "Job" => "CronJob",
        _ => "",
    };
    let top = controller(object)
        .filter(|claim| text(claim, "/kind") == above && !above.is_empty())
        .map_or_else(|| uid.clone(), |claim| text(claim, "/uid"));
    let selector = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let record = OwnerRecord {
        kind: kind.to_owned(),
        namespace: text(object, "/metadata/namespace"),
        top,
        labels: annotations::labels(object),
        requested_by: match kind {
            // Nothing of ours stands before these, so that what one says is its author's own word.
            "ReplicaSet" => String::new(),
            _ => annotations::get(object, REQUESTED_BY).unwrap_or_default().to_owned(),
        },
        selector: selector
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        revision: revision(template),
    };
    Some((uid, record))
}

/// What a ControllerRevision says: the `uid` of its StatefulSet or DaemonSet, the names by which pods call it, and what
/// the pods look like.
pub fn owner_revision(object: &Value) -> Option<(String, Vec<String>, Revision)> {
    let uid = text(controller(object)?, "/uid");
    let mut template = object.pointer("/data/spec/template")?.clone();
    // It is stored as a patch that replaces the template.
    template.as_object_mut()?.remove("$patch");
    let labels = annotations::labels(object);
    // Pods of a StatefulSet call it by its name, those of a DaemonSet by its hash.
    let names = [
        Some(text(object, "/metadata/name")),
        labels.get("controller-revision-hash").cloned(),
    ];
    Some((uid, names.into_iter().flatten().collect(), revision(&template)))
}

fn revision(template: &Value) -> Revision {
    Revision {
        template: template_id(template),
        images: containers(template, &["spec"]),
    }
}

/// The owner reference of the controller of an object.
fn controller(object: &Value) -> Option<&Value> {
    object
        .get("metadata")?
        .get("ownerReferences")?
        .as_array()?
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// The top owner of what has this record, with what is known of it; nothing while the owner that it claims is not known.
fn top<'a>(memory: &'a Memory, uid: &str, record: &OwnerRecord) -> Option<(String, Option<&'a OwnerRecord>)> {
    if record.top == uid {
        return Some((uid.to_owned(), None));
    }
    let above = memory.owners.get(&record.top)?;
    let is_true = match record.kind.as_str() {
        "ReplicaSet" => {
            above.kind == "Deployment" && above.namespace == record.namespace && selects(above, &record.labels)
        }
        _ => is_job_of(&record.namespace, &record.revision.images, above),
    };
    Some(match is_true {
        true => (record.top.clone(), Some(above)),
        false => (uid.to_owned(), None),
    })
}

fn is_job_of(namespace: &str, containers: &BTreeMap<String, String>, above: &OwnerRecord) -> bool {
    above.kind == "CronJob" && above.namespace == namespace && has_containers(containers, &above.revision)
}

fn has_containers(containers: &BTreeMap<String, String>, revision: &Revision) -> bool {
    revision.images.keys().all(|name| containers.contains_key(name))
}

fn selects(record: &OwnerRecord, labels: &BTreeMap<String, String>) -> bool {
    record
        .selector
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// The images of the pod specification below these steps by container, image volumes among them.
fn containers(object: &Value, steps: &[&str]) -> BTreeMap<String, String> {
    let found = images(object, steps).unwrap_or_default();
    found.into_iter().map(|image| (image.container, image.image)).collect()
}

/// A pod that nobody stands above.
fn alone(pod: &Value) -> PodOwner {
    PodOwner {
        top: text(pod, "/metadata/uid"),
        template: template_of_images(pod),
        labels: annotations::labels(pod),
        asked_by: known([annotations::get(pod, REQUESTED_BY).unwrap_or_default()]),
        images: BTreeMap::new(),
        is_controlled: false,
    }
}

/// For pods whose template nobody names: their images, without the digests that we put there.
fn template_of_images(pod: &Value) -> String {
    let images: Vec<(String, String)> = pod_images(pod)
        .unwrap_or_default()
        .into_iter()
        .map(|image| (image.container, image_name::unpinned(&image.image).to_owned()))
        .collect();
    template_id(&json!(images))
}

fn group(claim: &Value) -> String {
    let version = text(claim, "/apiVersion");
    version
        .split_once('/')
        .map_or_else(String::new, |(group, _)| group.to_owned())
}

fn text(object: &Value, pointer: &str) -> String {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
