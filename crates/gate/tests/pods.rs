//! Pods: gated, pinned, let in because they always ran, or refused because they cannot wait.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use seaworthy_gate::{
    Admission, GATE, Memory, NotReleased, Phase, STATE, ask, owner_of_pod, pod_images, release_pod, stand,
};
use serde_json::{Value, json};
use support::{
    NOW, admissions, create, digest, know, know_replica_set, memory, patched, pod, review_by, update, validate,
};

fn is_gated(pod: &Value) -> bool {
    pod["spec"]["schedulingGates"] == json!([{"name": GATE}])
}

/// A pod of a ReplicaSet that belongs to the Deployment `d-1`.
fn owned(image: &str) -> Value {
    let mut pod = pod(image);
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "rs-1", "controller": true}]);
    pod
}

fn with_replica_set() -> Memory {
    let mut memory = memory();
    know_replica_set(&mut memory, "rs-1", "d-1", "t-1");
    memory
}

#[test]
fn an_unknown_image_is_gated_and_released_pinned() {
    let new = pod("myapp:v1");
    let answer = create(&memory(), &new);
    assert_eq!(answer.warnings.len(), 1);
    let mut stored = patched(&new, &answer.patches);
    assert!(is_gated(&stored));
    assert_eq!(stored["metadata"]["annotations"][STATE], "Created");
    stored["metadata"]["uid"] = json!("p-1");
    stored["metadata"]["resourceVersion"] = json!("3");
    let mut memory = memory();
    let owner = owner_of_pod(&stored, &memory);
    know(&mut memory, &owner.top, &owner.template, "myapp:v1", 'a');
    let images = pod_images(&stored).unwrap();
    let standing = stand(&memory, &support::subject(&owner), images, NOW);
    assert_eq!(standing.hold(), None);
    let released = patched(&stored, &release_pod(&stored, &standing).unwrap());
    assert_eq!(released["spec"]["schedulingGates"], json!([]));
    assert_eq!(
        released["spec"]["containers"][0]["image"],
        format!("myapp:v1@{}", digest('a'))
    );
}

#[test]
fn race_5_pods_get_the_digest_that_was_judged_for_their_template() {
    let mut memory = with_replica_set();
    know(&mut memory, "d-1", "t-1", "good:v1", 'a');
    let new = owned("good:v1");
    let answer = create(&memory, &new);
    let stored = patched(&new, &answer.patches);
    assert!(!is_gated(&stored));
    assert_eq!(
        stored["spec"]["containers"][0]["image"],
        format!("good:v1@{}", digest('a'))
    );
    assert_eq!(
        admissions(&memory, &stored),
        [Admission {
            namespace: "default".to_owned(),
            owner: "d-1".to_owned(),
            container: "app".to_owned(),
            digest: digest('a')
        }]
    );
}

#[test]
fn pods_of_an_owner_that_is_not_known_yet_wait() {
    let mut memory = memory();
    know(&mut memory, "rs-1", "t-1", "good:v1", 'a');
    let new = owned("good:v1");
    assert!(is_gated(&patched(&new, &create(&memory, &new).patches)));
}

#[test]
fn what_was_let_in_always_restarts_and_proves_nothing_for_others() {
    let mut memory = with_replica_set();
    know(&mut memory, "d-1", "t-1", "bad:v1", 'b');
    let new = owned("bad:v1");
    assert!(is_gated(&patched(&new, &create(&memory, &new).patches)));
    memory.admissions.insert(Admission {
        namespace: "default".to_owned(),
        owner: "d-1".to_owned(),
        container: "app".to_owned(),
        digest: digest('b'),
    });
    let stored = patched(&new, &create(&memory, &new).patches);
    assert_eq!(
        stored["spec"]["containers"][0]["image"],
        format!("bad:v1@{}", digest('b'))
    );
    know_replica_set(&mut memory, "rs-1", "d-2", "t-1");
    know(&mut memory, "d-2", "t-1", "bad:v1", 'b');
    assert!(is_gated(&patched(&new, &create(&memory, &new).patches)));
}

#[test]
fn what_warnings_exceptions_and_broken_glass_let_in_is_not_remembered() {
    let mut memory = with_replica_set();
    know(&mut memory, "d-1", "t-1", "bad:v1", 'b');
    let new = owned("bad:v1");
    memory.break_glass("d-1", Some(("default".to_owned(), "d-1".to_owned(), "t-1".to_owned())));
    let images = &mut memory.owners.get_mut("rs-1").unwrap().revision.images;
    images.insert("app".to_owned(), "bad:v1".to_owned());
    let answer = create(&memory, &new);
    assert!(admissions(&memory, &patched(&new, &answer.patches)).is_empty());
    assert_eq!(
        patched(&new, &answer.patches)["spec"]["containers"][0]["image"],
        format!("bad:v1@{}", digest('b')),
        "even behind broken glass the pod runs what was looked at"
    );
    memory.break_glass("d-1", None);
    memory.policies[0].action = seaworthy_policy::Action::Warn;
    let answer = create(&memory, &new);
    assert!(answer.allowed && admissions(&memory, &patched(&new, &answer.patches)).is_empty());
}

#[test]
fn only_we_lift_a_gate() {
    let new = pod("myapp:v1");
    let stored = patched(&new, &create(&memory(), &new).patches);
    let mut lifted = stored.clone();
    lifted["spec"]["schedulingGates"] = json!([]);
    let answer = update(&memory(), &stored, &lifted);
    assert_eq!((answer.allowed, answer.code), (false, 403));
    assert!(answer.message.contains("not scanned yet"), "{}", answer.message);
}

#[test]
fn what_cannot_wait_is_refused_until_it_is_approved() {
    let mut bound = pod("myapp:v1");
    bound["spec"]["nodeName"] = json!("node-0");
    let answer = create(&memory(), &bound);
    assert_eq!((answer.allowed, answer.code, answer.scans.len()), (false, 403, 1));
    assert!(
        answer.message.ends_with("scan started, try again"),
        "{}",
        answer.message
    );
    bound["spec"]["containers"][0]["image"] = json!("bad:v1");
    let answer = create(&memory(), &bound);
    assert!(answer.message.contains("CVE-2021-3711"), "{}", answer.message);
    bound["spec"]["containers"][0]["image"] = json!("good:v1");
    let answer = create(&memory(), &bound);
    let stored = patched(&bound, &answer.patches);
    assert_eq!(
        stored["spec"]["containers"][0]["image"],
        format!("good:v1@{}", digest('a'))
    );
}

#[test]
fn only_a_node_makes_its_own_mirror_pods() {
    let mut mirror = pod("myapp:v1");
    mirror["spec"]["nodeName"] = json!("node-0");
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    assert!(!create(&memory(), &mirror).allowed);
    for (user, expected) in [("system:node:node-0", true), ("system:node:node-1", false)] {
        let review = String::from_utf8(review_by(user, "CREATE", "Pod", &mirror, None)).unwrap();
        let review = review.replace("system:authenticated", "system:nodes");
        assert_eq!(
            ask(review.as_bytes(), Phase::Mutating, &memory(), NOW).allowed,
            expected,
            "{user}"
        );
    }
}

/// Puts a debug container into a pod, and checks whether it is let in, pinned.
fn debug(old: &Value, image: &str, allowed: bool) {
    let mut new = old.clone();
    new["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": image}]);
    let review = String::from_utf8(review_by("ann", "UPDATE", "Pod", &new, Some(old))).unwrap();
    let review = review.replace("\"operation\"", "\"subResource\":\"ephemeralcontainers\",\"operation\"");
    let answer = ask(review.as_bytes(), Phase::Mutating, &memory(), NOW);
    assert_eq!(answer.allowed, allowed, "{image}");
    if allowed {
        let image = patched(&new, &answer.patches)["spec"]["ephemeralContainers"][0]["image"].clone();
        assert_eq!(image, format!("good:v1@{}", digest('a')));
    }
}

#[test]
fn a_debug_container_is_let_in_only_when_its_image_is_approved() {
    let old = pod("whatever:v1");
    for (image, allowed) in [("good:v1", true), ("bad:v1", false), ("new:v1", false)] {
        debug(&old, image, allowed);
    }
}

#[test]
fn a_debug_container_of_a_gated_pod_is_judged_at_once_as_it_cannot_be_pinned_later() {
    let old = pod("whatever:v1");
    let old = patched(&old, &create(&memory(), &old).patches);
    assert!(is_gated(&old));
    for (image, allowed) in [("good:v1", true), ("new:v1", false)] {
        debug(&old, image, allowed);
    }
}

#[test]
fn an_image_changed_in_place_is_let_in_only_when_approved() {
    let old = pod("whatever:v1");
    for (image, allowed) in [
        ("good:v1", true),
        ("bad:v1", false),
        ("new:v1", false),
        ("whatever:v1", true),
    ] {
        let mut new = old.clone();
        new["spec"]["containers"][0]["image"] = json!(image);
        assert_eq!(update(&memory(), &old, &new).allowed, allowed, "{image}");
    }
}

#[test]
fn an_image_volume_is_judged_and_pinned_at_creation_and_never_later() {
    let volume = |image: &str| json!([{"name": "data", "image": {"reference": image}}]);
    let mut new = owned(&format!("good@{}", digest('a')));
    new["spec"]["volumes"] = volume("good:v1");
    let mut memory = with_replica_set();
    let stored = patched(&new, &create(&memory, &new).patches);
    assert!(is_gated(&stored));
    know(&mut memory, "d-1", "t-1", "good:v1", 'a');
    let owner = owner_of_pod(&stored, &memory);
    let images = pod_images(&stored).unwrap();
    let standing = stand(&memory, &support::subject(&owner), images, NOW);
    assert_eq!(release_pod(&stored, &standing), Err(NotReleased::MustBeMadeAgain));
    let again = patched(&new, &create(&memory, &new).patches);
    assert_eq!(
        again["spec"]["volumes"][0]["image"]["reference"],
        format!("good:v1@{}", digest('a'))
    );
    let mut alone = pod(&format!("good@{}", digest('a')));
    alone["spec"]["volumes"] = volume("new:v1");
    assert!(!create(&memory, &alone).allowed);
}

#[test]
fn deletion_said_by_a_new_object_does_not_let_it_in() {
    let mut new = pod("myapp:v1");
    new["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(is_gated(&patched(&new, &create(&memory(), &new).patches)));
}

#[test]
fn an_ungated_pod_that_was_never_judged_does_not_pass_the_second_webhook() {
    assert!(!validate(&memory(), None, &pod("myapp:v1")).allowed);
}
