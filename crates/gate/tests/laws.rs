//! Laws that hold for any object: asking twice changes nothing, the second webhook agrees, nothing unscanned slips in.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use proptest::prelude::*;
use seaworthy_gate::{BREAK_GLASS, HOLD, Kind, Memory, STATE, hold_by_controller, release, template_id};
use serde_json::{Value, json};
use support::{create, deployment, digest, know, know_replica_set, memory, patched, pod, update, validate};

fn image() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("good:v1".to_owned()),
        Just("bad:v1".to_owned()),
        Just("new:v1".to_owned()),
        Just(String::new()),
        Just(format!("good@{}", digest('a'))),
        Just(format!("bad:v1@{}", digest('b'))),
    ]
}

fn annotations() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(json!({}))),
        Just(Some(json!({STATE: "Deployed", HOLD: "{\"template\":\"x\"}"}))),
        Just(Some(
            json!({BREAK_GLASS: "incident", "seaworthy.dev/break-glass-template": "forged"})
        )),
        Just(Some(json!({HOLD: "no json", "a/b~c": "d"}))),
    ]
}

prop_compose! {
    fn workload()(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        image in image(),
        paused in prop_oneof![Just(None), Just(Some(true)), Just(Some(false))],
        strategy in prop::sample::select(vec![
            Value::Null,
            json!({"type": "OnDelete"}),
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}),
        ]),
        annotations in annotations(),
        queued in any::<bool>(),
    ) -> Value {
        let mut object = deployment(&image);
        object["kind"] = json!(kind.name());
        object["metadata"]["uid"] = json!("d-1");
        if let Some(paused) = paused {
            object["spec"]["paused"] = json!(paused);
            object["spec"]["suspend"] = json!(paused);
        }
        object["spec"]["updateStrategy"] = strategy;
        if let Some(annotations) = annotations {
            object["metadata"]["annotations"] = annotations;
        }
        if queued {
            object["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "q"});
        }
        object
    }
}

prop_compose! {
    fn any_pod()(
        images in prop::collection::vec(image(), 1..4),
        init in image(),
        annotations in annotations(),
        volume in prop::option::of(image()),
        bound in any::<bool>(),
        gates in prop::sample::select(vec![Value::Null, json!([]), json!([{"name": "other"}])]),
        owned in any::<bool>(),
    ) -> Value {
        let mut object = pod("");
        object["spec"]["containers"] = images.iter().enumerate()
            .map(|(index, image)| json!({"name": format!("c{index}"), "image": image})).collect();
        object["spec"]["initContainers"] = json!([{"name": "init", "image": init}]);
        if let Some(image) = volume {
            object["spec"]["volumes"] = json!([{"name": "v", "image": {"reference": image}}, {"name": "w"}]);
        }
        if bound {
            object["spec"]["nodeName"] = json!("node-0");
        }
        if !gates.is_null() {
            object["spec"]["schedulingGates"] = gates;
        }
        if owned {
            object["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "rs-1", "controller": true}]);
        }
        if let Some(annotations) = annotations {
            object["metadata"]["annotations"] = annotations;
        }
        object
    }
}

/// A memory that knows the tags of this template, or does not, under one of the actions.
fn memory_for(template: &str, knows: bool, action: seaworthy_policy::Action) -> Memory {
    let mut memory = memory();
    memory.policies[0].action = action;
    know_replica_set(&mut memory, "rs-1", "d-1", template);
    if knows {
        know(&mut memory, "d-1", template, "good:v1", 'a');
        know(&mut memory, "d-1", template, "bad:v1", 'b');
    }
    memory
}

fn action() -> impl Strategy<Value = seaworthy_policy::Action> {
    use seaworthy_policy::Action::{Audit, Enforce, Warn};
    prop::sample::select(vec![Enforce, Enforce, Warn, Audit])
}

fn runs_unjudged(pod: &Value) -> bool {
    let gated = pod["spec"]["schedulingGates"]
        .as_array()
        .is_some_and(|gates| gates.iter().any(|gate| gate["name"] == seaworthy_gate::GATE));
    let images = seaworthy_gate::pod_images(pod).unwrap();
    !gated && images.iter().any(|image| !image.image.ends_with(&digest('a')))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn asking_about_a_workload_again_changes_nothing(
        old in prop::option::of(workload()), new in workload(), knows in any::<bool>(), action in action(),
    ) {
        let memory = memory_for(&template_id(&new["spec"]["template"]), knows, action);
        let mut new = new;
        // An update never changes the kind; what was stored went through us before.
        let old = old.map(|mut old| {
            old["kind"] = new["kind"].clone();
            let first = patched(&old, &create(&memory, &old).patches);
            new["metadata"]["uid"] = json!("d-1");
            first
        });
        let ask = |object: &Value| match &old {
            Some(old) => update(&memory, old, object),
            None => create(&memory, object),
        };
        let first = ask(&new);
        prop_assert!(first.allowed);
        let changed = patched(&new, &first.patches);
        let second = ask(&changed);
        prop_assert!(second.patches.is_empty(), "{:?}", second.patches);
        prop_assert!(validate(&memory, old.as_ref(), &changed).allowed);
    }

    #[test]
    fn asking_about_a_pod_again_changes_nothing_and_nothing_unjudged_runs(
        new in any_pod(), knows in any::<bool>(), action in action(),
    ) {
        let memory = memory_for("t-1", knows, action);
        let first = create(&memory, &new);
        if first.allowed {
            let changed = patched(&new, &first.patches);
            let second = create(&memory, &changed);
            prop_assert!(second.allowed);
            prop_assert!(second.patches.is_empty(), "{:?}", second.patches);
            prop_assert!(validate(&memory, None, &changed).allowed);
            if action == seaworthy_policy::Action::Enforce {
                prop_assert!(!runs_unjudged(&changed), "{changed}");
            }
        }
    }

    #[test]
    fn a_release_gives_back_what_the_user_had(new in workload()) {
        let kind = Kind::named(new["kind"].as_str().unwrap()).unwrap();
        let mut new = new;
        new["metadata"].as_object_mut().unwrap().shift_remove("annotations");
        let held = patched(&new, &hold_by_controller(kind, &new, seaworthy_gate::State::Created, "x"));
        let released = patched(&held, &release(kind, &held).unwrap());
        for field in ["paused", "suspend", "updateStrategy"] {
            let value = |object: &Value| object["spec"].get(field).cloned().unwrap_or(Value::Null);
            prop_assert_eq!(value(&released), value(&new), "{}", field);
        }
    }
}
