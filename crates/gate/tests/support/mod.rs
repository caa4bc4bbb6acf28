//! Reviews, a memory and an applier of JSON patches for the tests of the gate.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test file uses a part of it; tests fail by panicking"
)]

use seaworthy_gate::{
    Admission, Answer, Glass, Memory, OwnerRecord, Phase, PodOwner, Revision, Subject, TagKey, ask, owner_of_pod,
    pod_images, stand,
};
use seaworthy_model::{AssessedFinding, Assessment, Severity};
use seaworthy_policy::ScanPolicy;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const OURSELVES: &str = "system:serviceaccount:seaworthy:seaworthy";

pub(crate) fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

pub(crate) fn assessment(critical: bool) -> Arc<Assessment> {
    let findings = match critical {
        false => vec![],
        true => vec![AssessedFinding {
            id: "CVE-2021-3711".to_owned(),
            vendor_ids: vec![],
            package: "openssl".to_owned(),
            installed: "1.1.1k-r0".to_owned(),
            fixed: "1.1.1l-r0".to_owned(),
            severity: Severity::Critical,
            cvss: Some(9.8),
            epss: None,
            known_exploited: false,
            published: None,
        }],
    };
    Arc::new(Assessment {
        scanned_at: NOW - 10,
        findings,
        ..Assessment::default()
    })
}

/// A memory with the default policy: `good:v1` is clean, `bad:v1` has a critical finding, both known everywhere.
pub(crate) fn memory() -> Memory {
    let mut memory = Memory {
        ready: true,
        ourselves: OURSELVES.to_owned(),
        policies: vec![ScanPolicy::default_of_installation()],
        ..Memory::default()
    };
    memory.excluded.insert("kube-system".to_owned());
    memory.assessments.insert(digest('a'), assessment(false));
    memory.assessments.insert(digest('b'), assessment(true));
    for (image, letter) in [("good:v1", 'a'), ("bad:v1", 'b')] {
        memory.resolved("default", image, &digest(letter), NOW);
    }
    memory
}

/// Lets the memory know what a tag means for a workload and template.
pub(crate) fn know(memory: &mut Memory, owner: &str, template: &str, image: &str, letter: char) {
    memory.tags.insert(
        TagKey {
            namespace: "default".to_owned(),
            owner: owner.to_owned(),
            template: template.to_owned(),
            image: image.to_owned(),
        },
        digest(letter),
    );
}

/// A Deployment and its ReplicaSet, whose pods have a container `app`.
pub(crate) fn know_replica_set(memory: &mut Memory, uid: &str, top: &str, template: &str) {
    for (kind, uid) in [("ReplicaSet", uid), ("Deployment", top)] {
        memory.owners.insert(
            uid.to_owned(),
            OwnerRecord {
                kind: kind.to_owned(),
                namespace: "default".to_owned(),
                top: top.to_owned(),
                revision: Revision {
                    template: template.to_owned(),
                    ..Revision::default()
                },
                ..OwnerRecord::default()
            },
        );
    }
}

/// What a pod that is there may always run from now on.
pub(crate) fn admissions(memory: &Memory, pod: &Value) -> Vec<Admission> {
    let owner = owner_of_pod(pod, memory);
    let subject = Subject {
        glass: owner.glass(memory, "default"),
        ..subject(&owner)
    };
    stand(memory, &subject, pod_images(pod).unwrap(), NOW).admissions("default", &owner.top)
}

/// Whose images those of a pod are.
pub(crate) fn subject(owner: &PodOwner) -> Subject<'_> {
    Subject {
        namespace: "default",
        labels: &owner.labels,
        owner: &owner.top,
        template: &owner.template,
        glass: Glass::Whole,
        asked_by: &owner.asked_by,
        latest: false,
    }
}

pub(crate) fn review_by(user: &str, operation: &str, kind: &str, object: &Value, old: Option<&Value>) -> Vec<u8> {
    let group = match kind {
        "Pod" => "",
        "Job" | "CronJob" => "batch",
        "ScanException" => "seaworthy.dev",
        _ => "apps",
    };
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "0b5e",
            "kind": {"group": group, "version": "v1", "kind": kind},
            "operation": operation,
            "namespace": object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default"),
            "userInfo": {"username": user, "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": old,
            "dryRun": false
        }
    })
    .to_string()
    .into_bytes()
}

pub(crate) fn create(memory: &Memory, object: &Value) -> Answer {
    let kind = object["kind"].as_str().unwrap();
    ask(
        &review_by("ann", "CREATE", kind, object, None),
        Phase::Mutating,
        memory,
        NOW,
    )
}

pub(crate) fn update(memory: &Memory, old: &Value, object: &Value) -> Answer {
    let kind = object["kind"].as_str().unwrap();
    ask(
        &review_by("ann", "UPDATE", kind, object, Some(old)),
        Phase::Mutating,
        memory,
        NOW,
    )
}

pub(crate) fn validate(memory: &Memory, old: Option<&Value>, object: &Value) -> Answer {
    let kind = object["kind"].as_str().unwrap();
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    ask(
        &review_by("ann", operation, kind, object, old),
        Phase::Validating,
        memory,
        NOW,
    )
}

pub(crate) fn deployment(image: &str) -> Value {
    json!({
        "kind": "Deployment",
        "metadata": {"name": "app", "namespace": "default"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}},
                "spec": {"containers": [{"name": "app", "image": image}]}
            }
        }
    })
}

pub(crate) fn pod(image: &str) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": "app-1", "namespace": "default"},
        "spec": {"containers": [{"name": "app", "image": image}]}
    })
}

/// Applies a JSON patch: `add`, `replace`, `remove` and `test`, as the API server does.
pub(crate) fn patched(object: &Value, patches: &[Value]) -> Value {
    let mut object = object.clone();
    for patch in patches {
        let path = patch["path"].as_str().unwrap();
        let (parent, last) = path.rsplit_once('/').unwrap();
        let last = last.replace("~1", "/").replace("~0", "~");
        let place = object
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("no {parent} for {patch}"));
        match patch["op"].as_str().unwrap() {
            "add" if place.is_array() => place.as_array_mut().unwrap().push(patch["value"].clone()),
            "add" => place[&last] = patch["value"].clone(),
            "replace" => {
                assert!(place.get(&last).is_some(), "{patch}");
                place[&last] = patch["value"].clone();
            }
            "remove" if place.is_array() => {
                place.as_array_mut().unwrap().remove(last.parse().unwrap());
            }
            "remove" => {
                place
                    .as_object_mut()
                    .unwrap()
                    .shift_remove(&last)
                    .unwrap_or_else(|| panic!("{patch}"));
            }
            "test" => {
                let value = match place {
                    Value::Array(list) => list.get(last.parse::<usize>().unwrap()),
                    _ => place.get(&last),
                };
                assert_eq!(value, Some(&patch["value"]), "{patch}");
            }
            other => panic!("{other}"),
        }
    }
    object
}
