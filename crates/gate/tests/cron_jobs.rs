//! CronJobs are not held, their Jobs are. Broken glass on one is good for the Jobs of the template that it had then.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use seaworthy_gate::{
    BREAK_GLASS, BREAK_GLASS_TEMPLATE, Memory, STATE, break_glass_holds, glass_is_broken, owner_record, template_id,
};
use serde_json::{Value, json};
use support::{create, memory, patched, pod, update, validate};

fn cron_job(image: &str) -> Value {
    json!({
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "default", "uid": "c-1"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {
            "metadata": {"labels": {"app": "nightly"}},
            "spec": {"containers": [{"name": "app", "image": image}]}
        }}}}
    })
}

/// A Job as the CronJob's controller makes it.
fn job_of(cron_job: &Value) -> Value {
    let mut spec = cron_job["spec"]["jobTemplate"]["spec"].clone();
    spec["template"]["metadata"]["labels"]["job-name"] = json!("nightly-1");
    json!({
        "kind": "Job",
        "metadata": {"name": "nightly-1", "namespace": "default", "uid": "j-1", "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "CronJob", "uid": "c-1", "controller": true}]},
        "spec": spec
    })
}

fn broken(image: &str) -> Value {
    let mut object = cron_job(image);
    object["metadata"]["annotations"] = json!({BREAK_GLASS: "incident"});
    let answer = create(&memory(), &object);
    assert!(answer.allowed && answer.essential && answer.scans.is_empty());
    patched(&object, &answer.patches)
}

/// What the watch of CronJobs makes of one.
fn seen(cron_job: &Value) -> Memory {
    let mut memory = memory();
    let (uid, record) = owner_record("CronJob", cron_job).unwrap();
    if break_glass_holds(cron_job) {
        let key = ("default".to_owned(), uid.clone(), record.revision.template.clone());
        memory.broken_above.insert(key);
    }
    memory.owners.insert(uid, record);
    memory
}

fn is_held(memory: &Memory, job: &Value) -> bool {
    let answer = create(memory, job);
    let changed = patched(job, &answer.patches);
    let held = changed["spec"]["suspend"] == json!(true);
    assert_eq!(held, answer.decision == "held");
    assert!(validate(memory, None, &changed).allowed);
    held
}

#[test]
fn what_people_say_of_our_annotations_counts_no_more_than_elsewhere() {
    let plain = cron_job("bad:v1");
    assert!(create(&memory(), &plain).patches.is_empty());
    let mut forged = plain.clone();
    forged["metadata"]["annotations"] = json!({
        BREAK_GLASS_TEMPLATE: template_id(&plain["spec"]["jobTemplate"]["spec"]["template"]),
        STATE: "Deployed", BREAK_GLASS: " ", "mine": "stays"});
    let changed = patched(&forged, &create(&memory(), &forged).patches);
    assert_eq!(
        changed["metadata"]["annotations"],
        json!({BREAK_GLASS: " ", "mine": "stays"})
    );
    assert!(!validate(&memory(), None, &forged).allowed);

    let before = broken("bad:v1");
    assert!(break_glass_holds(&before) && create(&memory(), &before).patches.is_empty());
    assert!(validate(&memory(), None, &before).allowed);
    // The same reason does not come with another template, whatever the request says.
    let mut after = before.clone();
    after["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("worse:v1");
    after["metadata"]["annotations"][BREAK_GLASS_TEMPLATE] =
        json!(template_id(&after["spec"]["jobTemplate"]["spec"]["template"]));
    let after = patched(&after, &update(&memory(), &before, &after).patches);
    assert!(!break_glass_holds(&after));
    assert_eq!(
        after["metadata"]["annotations"][BREAK_GLASS_TEMPLATE],
        before["metadata"]["annotations"][BREAK_GLASS_TEMPLATE]
    );
    // Taken away, it is gone, and the stamp with it.
    let mut without = before.clone();
    without["metadata"]["annotations"]
        .as_object_mut()
        .unwrap()
        .shift_remove(BREAK_GLASS);
    let without = patched(&without, &update(&memory(), &before, &without).patches);
    assert_eq!(without["metadata"]["annotations"], json!({}));
}

#[test]
fn broken_glass_is_good_for_the_jobs_of_one_template_and_their_pods() {
    let whole = cron_job("bad:v1");
    assert!(is_held(&seen(&whole), &job_of(&whole)));
    let before = broken("bad:v1");
    let memory = seen(&before);
    let job = job_of(&before);
    assert!(!is_held(&memory, &job));
    let template = template_id(&job["spec"]["template"]);
    assert!(glass_is_broken(&job, "default", "c-1", &template, &memory));

    // One of another template, or of another CronJob, waits.
    let mut other = job.clone();
    other["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["-x"]);
    assert!(is_held(&memory, &other));
    let mut stranger = job.clone();
    stranger["metadata"]["ownerReferences"][0]["uid"] = json!("c-2");
    assert!(is_held(&memory, &stranger));
    let mut alone = job.clone();
    alone["metadata"]["ownerReferences"] = json!([]);
    assert!(is_held(&memory, &alone));

    let mut of_job = pod("bad:v1");
    of_job["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "batch/v1", "kind": "Job", "uid": "j-1", "controller": true}]);
    let mut knows_job = memory;
    knows_job.owners.extend(owner_record("Job", &job));
    assert_eq!(create(&knows_job, &of_job).decision, "allowed");
    let mut closed = seen(&whole);
    closed.owners.extend(owner_record("Job", &job));
    assert_eq!(create(&closed, &of_job).decision, "held");
}
