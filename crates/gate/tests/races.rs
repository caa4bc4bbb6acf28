//! The races between a user, our controllers and the controllers of the cluster. Each is played with its guard, and once
//! without: what then goes wrong shows that the guard is what prevents it.
#![allow(clippy::unwrap_used, dead_code, reason = "tests fail by panicking")]

mod support;

use seaworthy_gate::{
    Glass, Hold, Kind, Memory, Phase, Standing, State, Subject, ask, hold_by_controller, owner_of_pod, pod_images,
    release, release_pod, stand,
};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{NOW, create, deployment, digest, know, memory, patched, pod, review_by, update, validate};

fn stored(mut object: Value, version: &str) -> Value {
    object["metadata"]["uid"] = json!("d-1");
    object["metadata"]["resourceVersion"] = json!(version);
    object
}

fn held(image: &str) -> Value {
    let new = deployment(image);
    stored(patched(&new, &create(&memory(), &new).patches), "7")
}

/// Whether the API server would take a patch: every `test` in it holds.
fn is_taken(object: &Value, patches: &[Value]) -> bool {
    patches
        .iter()
        .filter(|patch| patch["op"] == "test")
        .all(|patch| object.pointer(patch["path"].as_str().unwrap()) == Some(&patch["value"]))
}

fn without_tests(patches: &[Value]) -> Vec<Value> {
    patches.iter().filter(|patch| patch["op"] != "test").cloned().collect()
}

#[test]
fn race_1_the_template_changes_between_the_verdict_and_the_release() {
    let judged = held("myapp:v1");
    let patches = release(Kind::Deployment, &judged).unwrap();
    let mut changed = judged.clone();
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = json!("worse:v1");
    let changed = stored(patched(&changed, &update(&memory(), &judged, &changed).patches), "8");
    assert!(is_taken(&judged, &patches) && !is_taken(&changed, &patches));
    // Without the tests the hold of a template would go that nobody judged.
    assert_eq!(patched(&changed, &without_tests(&patches))["spec"].get("paused"), None);
    // And without the template in the annotation our own look at it would not tell.
    let mut forged = changed.clone();
    forged["metadata"]["annotations"] = judged["metadata"]["annotations"].clone();
    assert!(release(Kind::Deployment, &forged).is_err() && release(Kind::Deployment, &changed).is_ok());
}

#[test]
fn race_2_two_of_us_release_and_the_user_pauses_in_between() {
    let judged = held("myapp:v1");
    let patches = release(Kind::Deployment, &judged).unwrap();
    let mut released = stored(patched(&judged, &patches), "8");
    assert!(!is_taken(&released, &patches));
    released["spec"]["paused"] = json!(true);
    let second: Vec<Value> = without_tests(&patches)
        .into_iter()
        .filter(|patch| patch["path"].as_str().unwrap().starts_with("/spec"))
        .collect();
    assert_eq!(
        patched(&released, &second)["spec"].get("paused"),
        None,
        "the user's pause would go"
    );
}

#[test]
fn race_3_the_users_own_pause_is_not_taken_for_ours_nor_ours_for_theirs() {
    // The user reads the held object, changes it and writes it back: our `paused` in it is not the user's.
    let before = held("myapp:v1");
    let mut edited = before.clone();
    edited["spec"]["template"]["spec"]["containers"][0]["image"] = json!("other:v1");
    let edited = patched(&edited, &update(&memory(), &before, &edited).patches);
    assert_eq!(Hold::of(&edited).unwrap().own, None);
    // Without what stood in the annotation before, it would be.
    let mut forgotten = before;
    forgotten["metadata"]["annotations"] = json!({});
    let mut written = edited;
    written["metadata"]["annotations"] = json!({});
    let taken = patched(&written, &update(&memory(), &forgotten, &written).patches);
    assert_eq!(Hold::of(&taken).map(|hold| hold.own), Some(Some(json!(true))));
}

fn standing(memory: &Memory, pod: &Value) -> Standing {
    let owner = owner_of_pod(pod, memory);
    let images = pod_images(pod).unwrap();
    stand(memory, &support::subject(&owner), images, NOW)
}

#[test]
fn race_5_and_14_pin_and_gate_go_in_one_patch_that_a_change_in_between_stops() {
    let new = pod("good:v1");
    let gated = stored(patched(&new, &create(&memory(), &new).patches), "3");
    let mut memory = memory();
    let owner = owner_of_pod(&gated, &memory);
    know(&mut memory, &owner.top, &owner.template, "good:v1", 'a');
    let patches = release_pod(&gated, &standing(&memory, &gated)).unwrap();
    let released = patched(&gated, &patches);
    assert_eq!(
        released["spec"]["containers"][0]["image"],
        format!("good:v1@{}", digest('a'))
    );
    assert_eq!(released["spec"]["schedulingGates"], json!([]));
    // Half of it would let the pod run whatever the tag means by then.
    let half: Vec<Value> = patches
        .iter()
        .filter(|patch| patch["op"] != "replace")
        .cloned()
        .collect();
    assert_eq!(patched(&gated, &half)["spec"]["containers"][0]["image"], "good:v1");
    // Somebody gives the gated pod another image before the patch arrives.
    let mut changed = stored(gated.clone(), "4");
    changed["spec"]["containers"][0]["image"] = json!("worse:v1");
    assert!(is_taken(&gated, &patches) && !is_taken(&changed, &patches));
    // And the tag has moved meanwhile: what it meant first for this pod counts.
    memory.resolved("default", "good:v1", &digest('b'), NOW + 1);
    assert_eq!(standing(&memory, &gated).hold(), None);
}

#[test]
fn race_6_an_image_of_several_platforms_waits_for_every_platform_that_nodes_have() {
    let mut memory = memory();
    let mut assessment = (*memory.assessments[&digest('a')]).clone();
    assessment.platforms = ["linux/amd64".to_owned()].into();
    memory.assessments.insert(digest('a'), Arc::new(assessment));
    let new = deployment(&format!("good@{}", digest('a')));
    memory.platforms = ["linux/amd64".to_owned()].into();
    assert_eq!(create(&memory, &new).decision, "allowed");
    memory.platforms.insert("linux/arm64".to_owned());
    let answer = create(&memory, &new);
    assert_eq!(answer.decision, "held");
    assert!(answer.warnings[0].contains("linux/arm64"), "{:?}", answer.warnings);
    // An image that has one platform is what it is on every node.
    let mut assessment = (*memory.assessments[&digest('a')]).clone();
    assessment.platforms.clear();
    memory.assessments.insert(digest('a'), Arc::new(assessment));
    assert_eq!(create(&memory, &new).decision, "allowed");
}

#[test]
fn race_11_without_the_second_webhook_what_an_injector_adds_would_run() {
    let new = pod(&format!("good@{}", digest('a')));
    let mut injected = patched(&new, &create(&memory(), &new).patches);
    let containers = injected["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "sidecar", "image": "proxy:v1"}));
    // This is what would be stored.
    assert!(injected["spec"].get("schedulingGates").is_none());
    assert_eq!(validate(&memory(), None, &injected).code, 409);
    // Asked again, as `reinvocationPolicy: IfNeeded` makes the API server do, the first webhook holds it.
    let again = patched(&injected, &create(&memory(), &injected).patches);
    assert!(!again["spec"]["schedulingGates"].is_null());
    assert!(validate(&memory(), None, &again).allowed);
}

#[test]
fn race_12_a_changed_policy_frees_what_it_held_and_what_goes_with_its_namespace_is_let_go() {
    let mut memory = memory();
    let new = deployment("bad:v1");
    let object = stored(patched(&new, &create(&memory, &new).patches), "7");
    know(
        &mut memory,
        "d-1",
        &seaworthy_gate::template_id(&object["spec"]["template"]),
        "bad:v1",
        'b',
    );
    let images = seaworthy_gate::images(&object, &["spec", "template", "spec"]).unwrap();
    let template = seaworthy_gate::template_id(&object["spec"]["template"]);
    let judge = |memory: &Memory| {
        let labels = Default::default();
        let subject = Subject {
            namespace: "default",
            labels: &labels,
            owner: "d-1",
            template: &template,
            glass: Glass::Whole,
            asked_by: &[],
            latest: false,
        };
        stand(memory, &subject, images.clone(), NOW)
    };
    assert!(judge(&memory).hold().is_some());
    memory.policies[0].rules.clear();
    assert_eq!(judge(&memory).hold(), None);
    assert!(release(Kind::Deployment, &object).is_ok());
    // Finalizers of something that is being deleted go, whatever it holds and whatever we know.
    memory.policies.clear();
    let mut going = object;
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let review = review_by("gc", "UPDATE", "Deployment", &going, Some(&going));
    let answer = ask(&review, Phase::Mutating, &memory, NOW);
    assert!(answer.allowed && answer.patches.is_empty());
}

#[test]
fn race_16_a_job_of_a_queue_is_never_started_by_us() {
    let job = |labels: Value| {
        json!({"kind": "Job", "metadata": {"name": "j", "namespace": "default", "uid": "d-1", "labels": labels},
               "spec": {"suspend": true, "template": {"spec": {"containers": [{"name": "a", "image": "myapp:v1"}]}}}})
    };
    let queued = job(json!({"kueue.x-k8s.io/queue-name": "q"}));
    let stored = patched(&queued, &create(&memory(), &queued).patches);
    assert!(release(Kind::Job, &stored).is_err(), "there is nothing of ours to lift");
    // Without the label it is held by us, and even then the suspension of whoever made it comes back.
    let plain = job(json!({}));
    let stored = patched(&plain, &create(&memory(), &plain).patches);
    let released = patched(&stored, &release(Kind::Job, &stored).unwrap());
    assert_eq!(released["spec"]["suspend"], json!(true));
}

#[test]
fn a_controller_holds_the_version_that_it_looked_at_and_no_later_one() {
    let object = stored(deployment("myapp:v1"), "7");
    let patches = hold_by_controller(Kind::Deployment, &object, State::Created, "x");
    assert_eq!(
        patches[0],
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"})
    );
    assert_eq!(patched(&object, &patches)["spec"]["paused"], json!(true));
}
