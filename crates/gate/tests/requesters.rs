//! Who asked for what waits: taken from the request, kept while the template stays, and nobody's to write.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, and use a part of the support"
)]

mod support;

use seaworthy_gate::{Phase, REQUESTED_BY, ask};
use serde_json::{Value, json};
use support::{NOW, create, deployment, memory, patched, review_by};

fn requester(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][REQUESTED_BY].as_str()
}

fn update_by(user: &str, old: &Value, new: &Value) -> Value {
    let review = review_by(user, "UPDATE", "Deployment", new, Some(old));
    patched(new, &ask(&review, Phase::Mutating, &memory(), NOW).patches)
}

#[test]
fn whoever_changed_the_template_last_asked_for_it() {
    let mut new = deployment("myapp:v1");
    new["metadata"]["annotations"] = json!({REQUESTED_BY: "somebody-else"});
    let stored = patched(&new, &create(&memory(), &new).patches);
    assert_eq!(
        requester(&stored),
        Some("ann"),
        "what the request says of it counts nothing"
    );

    let mut scaled = stored.clone();
    scaled["spec"]["replicas"] = json!(5);
    scaled["metadata"]["annotations"][REQUESTED_BY] = json!("nobody");
    let scaled = update_by("bob", &stored, &scaled);
    assert_eq!(requester(&scaled), Some("ann"), "the template is the same");

    let mut changed = scaled.clone();
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = json!("myapp:v2");
    assert_eq!(requester(&update_by("bob", &scaled, &changed)), Some("bob"));
}

#[test]
fn a_pod_without_a_controller_has_a_requester_too() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default", "uid": "p-1"},
                     "spec": {"containers": [{"name": "c", "image": "myapp:v1"}]}});
    assert_eq!(requester(&patched(&pod, &create(&memory(), &pod).patches)), Some("ann"));
    let mut controlled = pod;
    controlled["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s", "uid": "s-1", "controller": true}]);
    assert_eq!(
        requester(&patched(&controlled, &create(&memory(), &controlled).patches)),
        None
    );
}

#[test]
fn whoever_changed_an_exception_last_asked_for_it_and_nobody_writes_another_name() {
    let exception = |reason: &str| {
        json!({"apiVersion": "seaworthy.dev/v1alpha1", "kind": "ScanException",
               "metadata": {"name": "e", "namespace": "default", "annotations": {REQUESTED_BY: "somebody-else"}},
               "spec": {"vulnerabilities": ["CVE-1"], "reason": reason, "expires": {"whenFixed": true}}})
    };
    let ask_as = |user: &str, new: &Value, old: Option<&Value>| {
        let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
        let review = review_by(user, operation, "ScanException", new, old);
        let answer = ask(&review, Phase::Mutating, &memory(), NOW);
        assert!(answer.allowed && answer.scans.is_empty(), "{answer:?}");
        let patched = patched(new, &answer.patches);
        // Asked again it changes nothing, and the second webhook has nothing to refuse.
        let again = review_by(user, operation, "ScanException", &patched, old);
        assert_eq!(
            ask(&again, Phase::Mutating, &memory(), NOW).patches,
            Vec::<Value>::new()
        );
        assert!(ask(&again, Phase::Validating, &memory(), NOW).allowed);
        patched
    };
    let stored = ask_as("ann", &exception("a"), None);
    assert_eq!(requester(&stored), Some("ann"));
    let relabelled = ask_as("bob", &exception("a"), Some(&stored));
    assert_eq!(requester(&relabelled), Some("ann"), "it says the same");
    assert_eq!(requester(&ask_as("bob", &exception("b"), Some(&stored))), Some("bob"));
}
