//! Approvals by people: for whom they count, and what they leave behind.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, and use a part of the support"
)]

mod support;

use seaworthy_gate::{Memory, Phase, REASON, REQUESTED_BY, ask, owner_record, template_id};
use seaworthy_policy::{Exception, Expiry};
use serde_json::{Value, json};
use support::{NOW, admissions, create, deployment, digest, know, know_replica_set, memory, patched, pod, review_by};

const CONTROLLER: &str = "system:serviceaccount:kube-system:cronjob-controller";

/// A memory whose policy holds what nobody has approved, with these approvals of the clean image.
fn approved_by(names: &[&str]) -> Memory {
    let mut memory = memory();
    memory.policies[0].approval_required = true;
    let by = names.iter().map(|name| (*name).to_owned()).collect();
    memory.approvals.insert(("default".to_owned(), digest('a')), by);
    memory
}

/// The object as it is stored when somebody makes it.
fn made_by(user: &str, memory: &Memory, object: &Value) -> Value {
    let review = review_by(user, "CREATE", object["kind"].as_str().unwrap(), object, None);
    patched(object, &ask(&review, Phase::Mutating, memory, NOW).patches)
}

fn is_held(object: &Value) -> bool {
    let spec = &object["spec"];
    spec["paused"] == json!(true) || spec["suspend"] == json!(true) || !spec["schedulingGates"].is_null()
}

#[test]
fn nobody_approves_beforehand_what_they_ask_for_afterwards() {
    let new = deployment(&format!("good@{}", digest('a')));
    for (approvers, requester, held) in [
        (vec!["ann"], "ann", true),
        (vec!["ann"], "bob", false),
        (vec!["ann", "bob"], "ann", false),
    ] {
        let memory = approved_by(&approvers);
        let stored = made_by(requester, &memory, &new);
        assert_eq!(is_held(&stored), held, "{approvers:?} {requester}");
        // Also of what runs it is known who asked: its pods are judged too.
        assert_eq!(stored["metadata"]["annotations"][REQUESTED_BY], requester);
        let reason = stored["metadata"]["annotations"][REASON].as_str().unwrap_or_default();
        assert_eq!(reason.contains("ann asked for it, so somebody else"), held, "{reason}");
        // A pod that somebody makes by hand is no other thing.
        let pod = made_by(requester, &memory, &pod(&format!("good@{}", digest('a'))));
        assert_eq!(is_held(&pod), held, "{approvers:?} {requester}");
    }
}

#[test]
fn whoever_asks_for_another_template_is_who_asked_also_while_no_policy_requires_approvals() {
    let stored = made_by("ann", &approved_by(&[]), &deployment("good:v1"));
    let mut changed = stored.clone();
    changed["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["-x"]);
    let review = review_by("bob", "UPDATE", "Deployment", &changed, Some(&stored));
    let stored = patched(&changed, &ask(&review, Phase::Mutating, &memory(), NOW).patches);
    assert_eq!(stored["metadata"]["annotations"][REQUESTED_BY], "bob");
}

#[test]
fn the_pods_of_a_workload_were_asked_for_by_whoever_asked_for_it() {
    let mut owned = pod("good:v1");
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "rs-1", "controller": true}]);
    for (approvers, requester, held) in [
        (vec!["ann"], "ann", true),
        (vec!["ann"], "bob", false),
        // A ReplicaSet that somebody makes by hand: nobody knows who.
        (vec!["ann"], "", true),
        (vec!["ann", "bob"], "", false),
    ] {
        let mut memory = approved_by(&approvers);
        know_replica_set(&mut memory, "rs-1", "d-1", "t-1");
        know(&mut memory, "d-1", "t-1", "good:v1", 'a');
        memory.owners.get_mut("d-1").unwrap().requested_by = requester.to_owned();
        let pod = made_by(
            "system:serviceaccount:kube-system:replicaset-controller",
            &memory,
            &owned,
        );
        assert_eq!(is_held(&pod), held, "{approvers:?} {requester}");
    }
}

#[test]
fn nobody_approves_the_jobs_of_their_own_cron_job() {
    let cron_job = json!({
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "default", "uid": "c-1"},
        "spec": {"jobTemplate": {"spec": {"template": {
            "spec": {"containers": [{"name": "app", "image": format!("good@{}", digest('a'))}]}}}}}
    });
    let job = json!({
        "kind": "Job",
        "metadata": {"name": "nightly-1", "namespace": "default", "uid": "j-1", "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "CronJob", "uid": "c-1", "controller": true}]},
        "spec": cron_job["spec"]["jobTemplate"]["spec"]
    });
    for (approvers, held, other_held) in [
        (vec!["ann"], true, true),
        (vec!["bob"], false, true),
        (vec!["ann", "bob"], false, false),
    ] {
        let mut memory = approved_by(&approvers);
        let stored = made_by("ann", &memory, &cron_job);
        assert_eq!(stored["metadata"]["annotations"], json!({REQUESTED_BY: "ann"}));
        memory.owners.extend(owner_record("CronJob", &stored));
        let stored = made_by(CONTROLLER, &memory, &job);
        assert_eq!(is_held(&stored), held, "{approvers:?}");
        // Made by hand it was asked for by whoever did that, too.
        assert!(approvers != ["bob"] || is_held(&made_by("bob", &memory, &job)));
        // Its controller makes it of what somebody wrote who may not have been the last one.
        let mut other = job.clone();
        other["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["-x"]);
        assert_eq!(
            is_held(&made_by(CONTROLLER, &memory, &other)),
            other_held,
            "{approvers:?}"
        );

        memory.owners.extend(owner_record("Job", &stored));
        let mut of_job = pod(&format!("good@{}", digest('a')));
        of_job["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "batch/v1", "kind": "Job", "uid": "j-1", "controller": true}]);
        let template = template_id(&job["spec"]["template"]);
        assert_eq!(memory.owners["j-1"].revision.template, template);
        let of_job = made_by("system:serviceaccount:kube-system:job-controller", &memory, &of_job);
        assert_eq!(is_held(&of_job), held, "{approvers:?}");
    }
}

#[test]
fn an_approval_of_what_only_an_exception_lets_pass_is_no_lasting_admission() {
    let mut memory = memory();
    memory.policies[0].approval_required = true;
    know_replica_set(&mut memory, "rs-1", "d-1", "t-1");
    know(&mut memory, "d-1", "t-1", "bad:v1", 'b');
    memory.owners.get_mut("d-1").unwrap().requested_by = "ann".to_owned();
    memory.approvals.insert(
        ("default".to_owned(), digest('b')),
        std::collections::BTreeSet::from(["bob".to_owned()]),
    );
    let exception = Exception {
        name: "accepted".to_owned(),
        vulnerabilities: vec!["CVE-2021-3711".to_owned()],
        images: vec![],
        packages: vec![],
        expiry: Expiry::Never,
    };
    memory.exceptions.insert("default".to_owned(), vec![exception]);
    let mut owned = pod("bad:v1");
    owned["metadata"]["ownerReferences"] = json!([
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "rs-1", "controller": true}]);
    let answer = create(&memory, &owned);
    assert_eq!(answer.decision, "allowed");
    assert_eq!(admissions(&memory, &patched(&owned, &answer.patches)), []);
    memory.exceptions.clear();
    assert_eq!(create(&memory, &owned).decision, "held");
}
