//! The webhook configurations: which requests are sent to us, and what happens while we are away.

use crate::options::NAME;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Seconds that the API server waits for us. OpenShift allows 13 at most; answers take a millisecond.
const PATIENCE: u32 = 5;

/// The label that every namespace has, and that nobody can change.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// An update that changes neither the specification nor the annotations is none of our business. Events of the kubelet
/// and of controllers are most of all updates.
const CHANGED: &str = "request.operation != 'UPDATE' || object.spec != oldObject.spec || \
    (has(object.metadata.annotations) ? object.metadata.annotations : {}) != \
    (has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {})";

/// At `url`, or without one behind our Service. Of the namespaces, all by name, `excluded` send us nothing, and in those
/// that are `open` things go on without us while we are away.
pub(super) fn all(url: Option<&str>, authorities: &str, excluded: &[String], open: &BTreeSet<String>) -> Vec<Value> {
    let rules = json!([
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "scope": "Namespaced",
         "resources": ["deployments", "statefulsets", "daemonsets"]},
        // Of CronJobs only what people say on them counts: their Jobs are held.
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "scope": "Namespaced",
         "resources": ["jobs", "cronjobs"]},
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "scope": "Namespaced",
         "resources": ["pods", "pods/ephemeralcontainers"]},
        // Whoever asks for an exception is noted.
        {"apiGroups": ["seaworthy.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"],
         "scope": "Namespaced", "resources": ["scanexceptions"]},
    ]);
    let client = |path: &str| {
        let mut client = match url {
            Some(url) => json!({"url": format!("{}/{path}", url.trim_end_matches('/'))}),
            None => json!({"service": {"name": NAME, "namespace": NAME, "path": format!("/{path}"), "port": 443}}),
        };
        if let Some(client) = client.as_object_mut() {
            client.insert("caBundle".to_owned(), json!(STANDARD.encode(authorities)));
        }
        client
    };
    let webhook = |path: &str, name: &str, failure_policy: &str, namespaces: Value| {
        let mut webhook = json!({
            "name": format!("{name}.gate.seaworthy.dev"),
            "admissionReviewVersions": ["v1"],
            "sideEffects": "NoneOnDryRun",
            "timeoutSeconds": PATIENCE,
            "failurePolicy": failure_policy,
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [namespaces]},
            "matchConditions": [{"name": "changed", "expression": CHANGED}],
            "rules": rules,
            "clientConfig": client(path)
        });
        if let (Some(webhook), "mutate") = (webhook.as_object_mut(), path) {
            // What other webhooks add after us is seen by us again.
            webhook.insert("reinvocationPolicy".to_owned(), json!("IfNeeded"));
        }
        webhook
    };
    let elsewhere: BTreeSet<&String> = excluded.iter().chain(open).collect();
    let open: Vec<&String> = open.iter().filter(|name| !excluded.contains(name)).collect();
    let named = |operator: &str, names: Value| json!({"key": NAMESPACE_NAME, "operator": operator, "values": names});
    let of = |kind: &str, path: &str| {
        let open = match open.is_empty() {
            // Every namespace has the label, so that this is none; a list must not be empty.
            true => json!({"key": NAMESPACE_NAME, "operator": "DoesNotExist"}),
            false => named("In", json!(open)),
        };
        let mut entries = vec![
            webhook(path, path, "Fail", named("NotIn", json!(elsewhere))),
            webhook(path, &format!("{path}.open"), "Ignore", open),
        ];
        if path == "mutate" {
            entries.push(preview(&client("preview"), &named("NotIn", json!(excluded))));
        }
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
               "metadata": {"name": NAME}, "webhooks": entries})
    };
    vec![
        of("MutatingWebhookConfiguration", "mutate"),
        of("ValidatingWebhookConfiguration", "validate"),
    ]
}

/// Questions about policies come as dry runs of them (`preview.rs`), and stay unanswered while we are away. Policies are in
/// no namespace; the plugin reads here which of those are not governed.
fn preview(client: &Value, governed: &Value) -> Value {
    json!({
        "name": "preview.gate.seaworthy.dev",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": PATIENCE,
        "failurePolicy": "Ignore",
        "namespaceSelector": {"matchExpressions": [governed]},
        "matchConditions": [{"name": "asks", "expression": "has(request.dryRun) && request.dryRun && \
            has(object.metadata.annotations) && 'seaworthy.dev/preview' in object.metadata.annotations"}],
        "rules": [{"apiGroups": ["seaworthy.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"],
                   "resources": ["scanpolicies"], "scope": "Cluster"}],
        "clientConfig": client
    })
}

#[cfg(test)]
mod tests {
    use super::all;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn entries(excluded: &[&str], open: &[&str]) -> Vec<(Value, Value)> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let open: BTreeSet<String> = names(open).into_iter().collect();
        let all = all(None, "", &names(excluded), &open);
        let entries = all.iter().flat_map(|object| object["webhooks"].as_array().unwrap());
        entries
            .filter(|entry| entry["name"] != "preview.gate.seaworthy.dev")
            .map(|entry| {
                let namespaces = &entry["namespaceSelector"]["matchExpressions"][0];
                (entry["failurePolicy"].clone(), namespaces.clone())
            })
            .collect()
    }

    #[test]
    fn every_namespace_is_in_one_entry_of_each_webhook_and_what_is_excluded_in_none() {
        let name = "kubernetes.io/metadata.name";
        let none = json!({"key": name, "operator": "DoesNotExist"});
        let closed = |names: Value| {
            (
                json!("Fail"),
                json!({"key": name, "operator": "NotIn", "values": names}),
            )
        };
        let open = |names: Value| (json!("Ignore"), json!({"key": name, "operator": "In", "values": names}));
        for (excluded, open_ones, expected) in [
            (&["a"], &[][..], [closed(json!(["a"])), (json!("Ignore"), none.clone())]),
            (
                &["a"],
                &["b", "c"],
                [closed(json!(["a", "b", "c"])), open(json!(["b", "c"]))],
            ),
            // What is not governed does not become governed by a policy for all.
            (&["a"], &["a"], [closed(json!(["a"])), (json!("Ignore"), none)]),
        ] {
            let found = entries(excluded, open_ones);
            let (mutating, validating) = found.split_at(2);
            assert_eq!((mutating, validating), (&expected[..], &expected[..]), "{open_ones:?}");
        }
    }
}
