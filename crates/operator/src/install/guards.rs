//! ValidatingAdmissionPolicies: only we lift a hold, also while we are down. Keyed on what the object *was*.

use crate::options::ourselves;
use serde_json::{Value, json};

/// The old object's hold, where it has one.
const WAS_HELD: &str = "has(oldObject.metadata.annotations) && 'seaworthy.dev/hold' in oldObject.metadata.annotations";
const IS_HELD: &str = "has(object.metadata.annotations) && 'seaworthy.dev/hold' in object.metadata.annotations";

pub(super) fn all(excluded: &[String]) -> Vec<Value> {
    let mut objects = policy("seaworthy-holds", excluded, holds());
    objects.extend(policy("seaworthy-gates", excluded, gates()));
    objects.extend(policy("seaworthy-break-glass", excluded, break_glass()));
    objects.extend(policy("seaworthy-annotations", excluded, super::words::annotations()));
    // Our own kinds are ours in every namespace.
    objects.extend(policy("seaworthy-approvals", &[], super::approvals::approvals()));
    objects.extend(policy("seaworthy-exceptions", &[], super::words::exceptions()));
    objects.extend(policy("seaworthy-statuses", &[], super::words::statuses()));
    objects
}

/// A workload that was held stays held, by the annotation and by its own field.
fn holds() -> (Value, Value) {
    let by_field = "request.resource.resource == 'deployments' ? (has(object.spec.paused) && object.spec.paused) : \
        request.resource.resource == 'jobs' ? (has(object.spec.suspend) && object.spec.suspend) : \
        request.resource.resource == 'daemonsets' ? object.spec.updateStrategy.type == 'OnDelete' : \
        (has(object.spec.updateStrategy.rollingUpdate) && has(object.spec.updateStrategy.rollingUpdate.partition) && \
        object.spec.updateStrategy.rollingUpdate.partition == 2147483647)";
    let rules = json!([
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
         "resources": ["deployments", "statefulsets", "daemonsets"]},
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["jobs"]},
    ]);
    let validations = json!([
        {
            "expression": format!("!({WAS_HELD}) || ({IS_HELD} && ({by_field}))"),
            "messageExpression": "'only Seaworthy lifts this hold, when its images are approved: ' + \
                (has(oldObject.metadata.annotations) && 'seaworthy.dev/reason' in oldObject.metadata.annotations ? \
                oldObject.metadata.annotations['seaworthy.dev/reason'] : 'not scanned yet')",
            "message": "only Seaworthy lifts this hold, when its images are approved"
        },
    ]);
    (rules, validations)
}

/// A pod that had our gate keeps it.
fn gates() -> (Value, Value) {
    let rules = json!([
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]},
    ]);
    let validations = json!([{
        "expression": "!has(oldObject.spec.schedulingGates) || \
            !oldObject.spec.schedulingGates.exists(gate, gate.name == 'seaworthy.dev/scan') || \
            (has(object.spec.schedulingGates) && \
            object.spec.schedulingGates.exists(gate, gate.name == 'seaworthy.dev/scan'))",
        "message": "only Seaworthy lifts the gate seaworthy.dev/scan, when the images are approved"
    }]);
    (rules, validations)
}

/// Who may break the glass.
fn break_glass() -> (Value, Value) {
    let rules = json!([
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
         "resources": ["deployments", "statefulsets", "daemonsets"]},
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["jobs"]},
    ]);
    let key = "'seaworthy.dev/break-glass'";
    let validations = json!([{
        "expression": format!(
            "!(has(object.metadata.annotations) && {key} in object.metadata.annotations) || \
             (oldObject != null && has(oldObject.metadata.annotations) && {key} in oldObject.metadata.annotations && \
             oldObject.metadata.annotations[{key}] == object.metadata.annotations[{key}]) || \
             authorizer.group('seaworthy.dev').resource('imagescans').namespace(object.metadata.namespace)\
             .check('break-glass').allowed()"
        ),
        "message": "seaworthy.dev/break-glass needs the verb break-glass on imagescans.seaworthy.dev in this namespace"
    }]);
    (rules, validations)
}

/// A policy and its binding; `excluded` are the namespaces in which it does not hold.
fn policy(name: &str, excluded: &[String], (rules, validations): (Value, Value)) -> Vec<Value> {
    let version = "admissionregistration.k8s.io/v1";
    let namespaces = match excluded.is_empty() {
        true => json!({}),
        false => json!({"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": excluded}
        ]}),
    };
    let variables = match validations.to_string().contains("variables.") {
        true => super::words::variables(),
        false => json!([]),
    };
    vec![
        json!({"apiVersion": version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": rules, "namespaceSelector": namespaces},
            "matchConditions": [{
                "name": "not-seaworthy",
                "expression": format!("request.userInfo.username != '{}'", ourselves())
            }],
            "variables": variables,
            "validations": validations
        }}),
        json!({"apiVersion": version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
               "spec": {"policyName": name, "validationActions": ["Deny", "Audit"]}}),
    ]
}
