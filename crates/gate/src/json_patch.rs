//! JSON patches (RFC 6902) under construction.

use crate::annotations;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A pointer (RFC 6901) made of these steps.
pub(crate) fn pointer(steps: &[&str]) -> String {
    steps
        .iter()
        .map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")))
        .collect()
}

pub(crate) fn add(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

pub(crate) fn replace(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

pub(crate) fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

pub(crate) fn test(path: &str, value: Value) -> Value {
    json!({"op": "test", "path": path, "value": value})
}

/// The patches that make our annotations these, `None` for those that are to go.
pub(crate) fn annotate(object: &Value, wanted: &BTreeMap<String, Option<String>>) -> Vec<Value> {
    let present = object
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"))
        .and_then(Value::as_object);
    if present.is_none() {
        let all: Map<String, Value> = wanted
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), Value::String(value.clone()?))))
            .collect();
        return match all.is_empty() {
            true => Vec::new(),
            false => vec![add("/metadata/annotations", Value::Object(all))],
        };
    }
    let mut patches = Vec::new();
    for (key, value) in wanted {
        let path = pointer(&["metadata", "annotations", key]);
        match (annotations::get(object, key), value) {
            (Some(present), Some(wanted)) if present == wanted => {}
            (_, Some(wanted)) => patches.push(add(&path, Value::String(wanted.clone()))),
            (Some(_), None) => patches.push(remove(&path)),
            (None, None) => {}
        }
    }
    patches
}
