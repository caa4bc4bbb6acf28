//! Broken glass lets in what the template says, and nothing else that a pod of it says it has.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, and use a part of the support"
)]

mod support;

use seaworthy_gate::{Memory, Phase, ask, owner_record, template_id};
use serde_json::{Value, json};
use support::{NOW, create, digest, know, memory, patched, review_by, update, validate};

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": {
        "containers": [{"name": "app", "image": "bad:v1"}],
        "volumes": [{"name": "data", "image": {"reference": "data:v1"}}]}})
}

/// A Deployment `d` with its ReplicaSet `r`, the glass of whose template is broken.
fn broken() -> Memory {
    let mut memory = memory();
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "uid": "d", "controller": true}]);
    for (kind, uid, owners) in [("Deployment", "d", json!([])), ("ReplicaSet", "r", owner)] {
        let object = json!({"kind": kind,
            "metadata": {"uid": uid, "namespace": "default", "labels": {"app": "a"}, "ownerReferences": owners},
            "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template()}});
        memory.owners.extend(owner_record(kind, &object));
    }
    let key = ("default".to_owned(), "d".to_owned(), template_id(&template()));
    memory.break_glass("d", Some(key));
    memory
}

/// A pod as the ReplicaSet makes it.
fn pod() -> Value {
    let mut pod = template();
    pod["kind"] = json!("Pod");
    pod["metadata"]["namespace"] = json!("default");
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "r", "controller": true}]);
    pod
}

fn waits(memory: &Memory, pod: &Value) -> bool {
    let answer = create(memory, pod);
    let stored = patched(pod, &answer.patches);
    assert!(validate(memory, None, &stored).allowed, "asked again, it is the same");
    !stored["spec"]["schedulingGates"].is_null()
}

#[test]
fn a_pod_behind_broken_glass_has_the_images_of_the_template_and_no_others() {
    let memory = broken();
    assert!(!waits(&memory, &pod()));
    let lies: [fn(&mut Value); 5] = [
        |pod| pod["spec"]["containers"][0]["image"] = json!("worse:v1"),
        |pod| pod["spec"]["containers"][0]["image"] = json!(format!("bad:v1@{}", digest('c'))),
        |pod| pod["spec"]["volumes"][0]["image"]["reference"] = json!("worse:v1"),
        |pod| pod["spec"]["initContainers"] = json!([{"name": "more", "image": "worse:v1"}]),
        |pod| pod["spec"]["containers"][1] = json!({"name": "more", "image": "bad:v1"}),
    ];
    for (index, lie) in lies.iter().enumerate() {
        let mut other = pod();
        other["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "good", "image": format!("good@{}", digest('a'))}));
        assert!(!waits(&memory, &other), "what others add is judged");
        lie(&mut other);
        assert!(waits(&memory, &other), "lie {index}");
    }
}

#[test]
fn a_pod_behind_broken_glass_runs_the_digest_that_the_tag_was_resolved_to_and_no_other() {
    let mut memory = broken();
    know(&mut memory, "d", &template_id(&template()), "bad:v1", 'b');
    let stored = patched(&pod(), &create(&memory, &pod()).patches);
    let image = &stored["spec"]["containers"][0]["image"];
    assert_eq!(*image, format!("bad:v1@{}", digest('b')));
    assert!(!waits(&memory, &stored), "pinned, it is let in as well");
    let mut other = stored;
    other["spec"]["containers"][0]["image"] = json!(format!("bad:v1@{}", digest('c')));
    assert!(waits(&memory, &other));
}

#[test]
fn broken_glass_lets_no_other_image_into_a_running_pod() {
    let memory = broken();
    let mut running = pod();
    running["spec"]["nodeName"] = json!("node-0");
    let mut in_place = running.clone();
    in_place["spec"]["containers"][0]["image"] = json!("worse:v1");
    assert!(!update(&memory, &running, &in_place).allowed);
    let mut debugged = running.clone();
    debugged["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": "worse:v1"}]);
    let review = String::from_utf8(review_by("ann", "UPDATE", "Pod", &debugged, Some(&running))).unwrap();
    let review = review.replace("\"operation\"", "\"subResource\":\"ephemeralcontainers\",\"operation\"");
    assert!(!ask(review.as_bytes(), Phase::Mutating, &memory, NOW).allowed);
    // The rest of it is nobody's business.
    let mut labelled = running.clone();
    labelled["metadata"]["labels"]["more"] = json!("x");
    assert!(update(&memory, &running, &labelled).allowed);
}

#[test]
fn mended_glass_lets_no_pod_of_that_template_in() {
    let mut memory = broken();
    memory.break_glass("d", Some(("default".to_owned(), "d".to_owned(), "another".to_owned())));
    assert!(waits(&memory, &pod()), "it is broken for another template now");
    let key = ("default".to_owned(), "d".to_owned(), template_id(&template()));
    // Two Jobs of one CronJob say the same: it is mended when none does.
    memory.break_glass("d", Some(key.clone()));
    memory.break_glass("e", Some(key.clone()));
    assert_eq!(memory.glass_broken_by("e"), Some(&key));
    memory.break_glass("d", None);
    assert!(!waits(&memory, &pod()));
    memory.break_glass("e", None);
    assert!(waits(&memory, &pod()));
    assert_eq!(memory.broken_glass.len(), 0);
}
