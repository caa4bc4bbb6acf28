//! Whom a pod or a Job belongs to: what its owner references claim counts only as far as it is borne out.
#![allow(clippy::unwrap_used, dead_code, reason = "tests fail by panicking")]

mod support;

use seaworthy_gate::{
    Admission, Earlier, Memory, Revision, owner_of_pod, owner_of_workload, owner_record, owner_revision, template_id,
};
use serde_json::{Value, json};
use support::{create, digest, know, memory, patched};

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "app", "image": image}]}})
}

fn reference(version: &str, kind: &str, uid: &str) -> Value {
    json!([{"apiVersion": version, "kind": kind, "name": "x", "uid": uid, "controller": true}])
}

fn object(kind: &str, uid: &str, owners: Value) -> Value {
    json!({
        "kind": kind,
        "metadata": {"uid": uid, "namespace": "default", "labels": {"app": "a"}, "ownerReferences": owners},
        "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template("bad:v1")}
    })
}

fn know_owner(memory: &mut Memory, object: &Value) {
    memory
        .owners
        .extend(owner_record(object["kind"].as_str().unwrap(), object));
}

/// A Deployment `d` and its ReplicaSet `r`, admitted to run the bad image in `app`.
fn admitted() -> Memory {
    let mut memory = memory();
    know_owner(&mut memory, &object("Deployment", "d", json!([])));
    know_owner(
        &mut memory,
        &object("ReplicaSet", "r", reference("apps/v1", "Deployment", "d")),
    );
    memory.admissions.insert(Admission {
        namespace: "default".to_owned(),
        owner: "d".to_owned(),
        container: "app".to_owned(),
        digest: digest('b'),
    });
    know(&mut memory, "d", &template_id(&template("bad:v1")), "bad:v1", 'b');
    memory
}

fn pod(owners: Value) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"namespace": "default", "labels": {"app": "a"}, "ownerReferences": owners},
        "spec": {"containers": [{"name": "app", "image": "bad:v1"}]}
    })
}

fn waits(memory: &Memory, pod: &Value) -> bool {
    let stored = patched(pod, &create(memory, pod).patches);
    !stored["spec"]["schedulingGates"].is_null()
}

#[test]
fn a_pod_that_looks_like_its_owner_runs_what_the_owner_may_run_and_another_does_not() {
    let memory = admitted();
    let owned = pod(reference("apps/v1", "ReplicaSet", "r"));
    assert!(!waits(&memory, &owned));
    let mut injected = owned.clone();
    let containers = injected["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "sidecar", "image": format!("good@{}", digest('a'))}));
    assert!(
        !waits(&memory, &injected),
        "others may add containers, which are judged"
    );

    let lies: [fn(&mut Value); 5] = [
        |pod| pod["metadata"]["labels"] = json!({"app": "b"}),
        |pod| pod["spec"]["containers"][0]["name"] = json!("other"),
        |pod| pod["metadata"]["ownerReferences"] = reference("apps/v1", "ReplicaSet", "unknown"),
        |pod| pod["metadata"]["ownerReferences"] = reference("apps/v1", "StatefulSet", "r"),
        |pod| pod["metadata"]["ownerReferences"] = reference("example.com/v1", "Anything", "d"),
    ];
    for (index, lie) in lies.iter().enumerate() {
        let mut impostor = owned.clone();
        lie(&mut impostor);
        assert!(waits(&memory, &impostor), "lie {index}");
    }
}

#[test]
fn the_uid_of_a_former_owner_is_of_no_use_under_another_kind() {
    let mut memory = admitted();
    memory.owners.clear();
    let impostor = pod(reference("example.com/v1", "Anything", "d"));
    assert!(waits(&memory, &impostor));
    assert_eq!(owner_of_pod(&impostor, &memory).top, "example.com/Anything/d");
}

#[test]
fn a_replica_set_that_claims_a_deployment_which_does_not_select_it_stands_alone() {
    let mut memory = admitted();
    let mut claiming = object("ReplicaSet", "r2", reference("apps/v1", "Deployment", "d"));
    claiming["metadata"]["labels"] = json!({"app": "b"});
    know_owner(&mut memory, &claiming);
    let owned = pod(reference("apps/v1", "ReplicaSet", "r2"));
    assert_eq!(owner_of_pod(&owned, &memory).top, "r2");
    assert!(waits(&memory, &owned));
}

#[test]
fn a_replica_set_does_not_say_who_asked_for_it() {
    let mut memory = memory();
    let mut alone = object("ReplicaSet", "r3", json!([]));
    alone["metadata"]["annotations"] = json!({"seaworthy.dev/requested-by": "bob"});
    know_owner(&mut memory, &alone);
    let owner = owner_of_pod(&pod(reference("apps/v1", "ReplicaSet", "r3")), &memory);
    assert_eq!((owner.top.as_str(), owner.asked_by.len()), ("r3", 0));
}

#[test]
fn only_a_job_belongs_to_a_cron_job_and_only_when_it_has_its_containers() {
    let mut memory = memory();
    let cron_job = json!({"kind": "CronJob", "metadata": {"uid": "c", "namespace": "default"},
        "spec": {"jobTemplate": {"spec": {"template": template("bad:v1")}}}});
    let job = object("Job", "j", reference("batch/v1", "CronJob", "c"));
    assert_eq!(owner_of_workload(&job, &memory), "", "not known yet");
    know_owner(&mut memory, &cron_job);
    assert_eq!(owner_of_workload(&job, &memory), "c");
    let mut other = job;
    other["spec"]["template"]["spec"]["containers"][0]["name"] = json!("other");
    assert_eq!(owner_of_workload(&other, &memory), "j");
    let deployment = object("Deployment", "d", reference("batch/v1", "CronJob", "c"));
    assert_eq!(owner_of_workload(&deployment, &memory), "d");
}

#[test]
fn pods_of_a_stateful_set_have_the_template_of_their_revision() {
    let mut memory = memory();
    know_owner(&mut memory, &object("StatefulSet", "s", json!([])));
    let revision = |name: &str, image: &str| {
        let mut data = template(image);
        data["$patch"] = json!("replace");
        json!({"metadata": {"name": name, "ownerReferences": reference("apps/v1", "StatefulSet", "s")},
               "data": {"spec": {"template": data}}})
    };
    for (name, image) in [("s-1", "old:v1"), ("s-2", "bad:v1")] {
        let (owner, names, revision) = owner_revision(&revision(name, image)).unwrap();
        assert_eq!((owner.as_str(), names.as_slice()), ("s", [name.to_owned()].as_slice()));
        assert_eq!(revision.template, template_id(&template(image)));
        memory.revisions.insert((owner, name.to_owned()), revision);
    }
    let mut owned = pod(reference("apps/v1", "StatefulSet", "s"));
    owned["metadata"]["labels"]["controller-revision-hash"] = json!("s-1");
    let owner = owner_of_pod(&owned, &memory);
    assert_eq!(
        (owner.top.as_str(), owner.template),
        ("s", template_id(&template("old:v1")))
    );
    owned["metadata"]["labels"]["controller-revision-hash"] = json!("s-3");
    assert_eq!(
        owner_of_pod(&owned, &memory).top,
        "",
        "a revision that is not known yet"
    );
    memory
        .revisions
        .insert(("s".to_owned(), "s-3".to_owned()), Revision::default());
    assert_eq!(owner_of_pod(&owned, &memory).top, "s");
}

#[test]
fn what_ran_before_goes_on_from_its_template_with_its_image_and_no_other() {
    let mut memory = admitted();
    memory.admissions.clear();
    let owned = pod(reference("apps/v1", "ReplicaSet", "r"));
    assert!(waits(&memory, &owned));
    let earlier = Earlier {
        namespace: "default".to_owned(),
        owner: "d".to_owned(),
        template: template_id(&template("bad:v1")),
        container: "app".to_owned(),
        image: "bad:v1".to_owned(),
    };
    memory.earlier.insert(earlier);
    let answer = create(&memory, &owned);
    assert!(answer.allowed && answer.patches.is_empty());
    assert!(support::admissions(&memory, &owned).is_empty());
    let mut other = owned;
    other["spec"]["containers"][0]["image"] = json!("worse:v1");
    assert!(waits(&memory, &other));
    assert!(waits(&memory, &pod(json!([]))));
}
