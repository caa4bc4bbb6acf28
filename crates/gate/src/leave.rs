//! What takes everything of ours off an object, whatever its template and its verdict: for when Seaworthy leaves.

use crate::annotations::PREFIX;
use crate::hold::{GATE, Hold, Kind};
use crate::json_patch::{pointer, remove, test};
use serde_json::Value;

/// Whether an object carries anything of ours: an annotation, or the gate of a pod.
pub fn carries_ours(object: &Value) -> bool {
    ours(object).next().is_some() || gate(object).is_some()
}

/// The patches that take everything of ours off an object and give the user's own value back; none where nothing is.
///
/// `kind` is that of a workload that can be held by itself. Where somebody has changed the field since, it stays.
pub fn leave(kind: Option<Kind>, object: &Value) -> Vec<Value> {
    if !carries_ours(object) {
        return Vec::new();
    }
    let mut patches = Vec::new();
    if let Some(version) = object.pointer("/metadata/resourceVersion") {
        patches.push(test("/metadata/resourceVersion", version.clone()));
    }
    if let Some(kind) = kind
        && let Some(hold) = Hold::of(object)
        && kind.holds(object)
    {
        patches.extend(kind.restore(object, hold.own.as_ref()));
    }
    if let Some(index) = gate(object) {
        patches.push(remove(&format!("/spec/schedulingGates/{index}")));
    }
    patches.extend(ours(object).map(|key| remove(&pointer(&["metadata", "annotations", key]))));
    patches
}

fn ours(object: &Value) -> impl Iterator<Item = &String> {
    object
        .pointer("/metadata/annotations")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .filter(|key| key.starts_with(PREFIX))
}

fn gate(object: &Value) -> Option<usize> {
    let gates = object.pointer("/spec/schedulingGates")?.as_array()?;
    gates
        .iter()
        .position(|gate| gate.get("name").and_then(Value::as_str) == Some(GATE))
}

#[cfg(test)]
mod tests {
    use super::{carries_ours, leave};
    use crate::hold::Kind;
    use serde_json::{Value, json};

    fn held(spec: Value, own: Option<Value>) -> Value {
        let hold = match own {
            Some(own) => json!({"template": "another", "own": own}),
            None => json!({"template": "another"}),
        };
        json!({"metadata": {"resourceVersion": "7", "annotations": {
            "seaworthy.dev/hold": hold.to_string(), "seaworthy.dev/state": "Blocked", "mine": "stays"}}, "spec": spec})
    }

    #[test]
    fn the_users_own_value_comes_back_whatever_the_template() {
        let (removed, set) = ("remove", "add");
        for (kind, spec, own, expected) in [
            (
                Kind::Deployment,
                json!({"paused": true}),
                None,
                Some((removed, "/spec/paused", None)),
            ),
            (
                Kind::Deployment,
                json!({"paused": true}),
                Some(json!(true)),
                Some((set, "/spec/paused", Some(json!(true)))),
            ),
            // Somebody has changed it since.
            (Kind::Deployment, json!({"paused": false}), None, None),
            (
                Kind::Job,
                json!({"suspend": true}),
                Some(json!(false)),
                Some((set, "/spec/suspend", Some(json!(false)))),
            ),
            (
                Kind::DaemonSet,
                json!({"updateStrategy": {"type": "OnDelete"}}),
                Some(json!({"type": "RollingUpdate"})),
                Some((set, "/spec/updateStrategy", Some(json!({"type": "RollingUpdate"})))),
            ),
        ] {
            let patches = leave(Some(kind), &held(spec.clone(), own));
            let field = patches
                .iter()
                .find(|patch| patch["path"].as_str().unwrap().starts_with("/spec"));
            let found = field.map(|patch| {
                (
                    patch["op"].as_str().unwrap(),
                    patch["path"].as_str().unwrap(),
                    patch.get("value").cloned(),
                )
            });
            assert_eq!(found, expected, "{kind:?} {spec}");
            let paths: Vec<&str> = patches.iter().filter_map(|patch| patch["path"].as_str()).collect();
            assert_eq!(paths[0], "/metadata/resourceVersion");
            assert!(paths.contains(&"/metadata/annotations/seaworthy.dev~1hold"));
            assert!(!paths.contains(&"/metadata/annotations/mine"));
        }
    }

    #[test]
    fn a_pod_loses_our_gate_and_no_other() {
        let pod =
            json!({"metadata": {}, "spec": {"schedulingGates": [{"name": "other"}, {"name": "seaworthy.dev/scan"}]}});
        assert!(carries_ours(&pod));
        assert_eq!(
            leave(None, &pod),
            [json!({"op": "remove", "path": "/spec/schedulingGates/1"})]
        );
        let free = json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"schedulingGates": [{"name": "other"}]}});
        assert!(leave(None, &free).is_empty());
    }
}
