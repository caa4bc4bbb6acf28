//! The webhook configurations: which requests are sent to us, and what happens while we are away.

use crate::options::NAME;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Seconds that the API server waits for us. OpenShift allows 13 at most; answers take a millisecond.
const PATIENCE: u32 = 5;

/// An update that changes neither the specification nor the annotations is none of our business. Events of the kubelet
/// and of controllers are most of all updates.
const CHANGED: &str = "request.operation != 'UPDATE' || object.spec != oldObject.spec || \
    (has(object.metadata.annotations) ? object.metadata.annotations : {}) != \
    (has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {})";

/// At `url`, or without one behind our Service.
pub(super) fn all(url: Option<&str>, authorities: &str, excluded: &[String]) -> Vec<Value> {
    let rules = json!([
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "scope": "Namespaced",
         "resources": ["deployments", "statefulsets", "daemonsets"]},
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "scope": "Namespaced",
         "resources": ["jobs"]},
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "scope": "Namespaced",
         "resources": ["pods", "pods/ephemeralcontainers"]},
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
    let webhook = |path: &str| {
        json!({
            "name": format!("{path}.gate.seaworthy.dev"),
            "admissionReviewVersions": ["v1"],
            "sideEffects": "NoneOnDryRun",
            "timeoutSeconds": PATIENCE,
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": excluded}
            ]},
            "matchConditions": [{"name": "changed", "expression": CHANGED}],
            "rules": rules,
            "clientConfig": client(path)
        })
    };
    let mut mutating = webhook("mutate");
    if let Some(mutating) = mutating.as_object_mut() {
        // What other webhooks add after us is seen by us again.
        mutating.insert("reinvocationPolicy".to_owned(), json!("IfNeeded"));
    }
    let of = |kind: &str, webhook: Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
               "metadata": {"name": "seaworthy"}, "webhooks": [webhook]})
    };
    vec![
        of("MutatingWebhookConfiguration", mutating),
        of("ValidatingWebhookConfiguration", webhook("validate")),
    ]
}
