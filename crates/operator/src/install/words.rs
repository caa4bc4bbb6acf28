//! Who may write what of ours: states, reasons and holds on workloads, statuses of our kinds, exceptions.
//!
//! Our webhook writes some of it into other people's requests, which the API server cannot tell from what they wrote
//! themselves. So here stands only what nobody gains by, and the webhook puts the rest right while it is there.

use serde_json::{Value, json};

const BEFORE: &str = "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}";
const AFTER: &str = "has(object.metadata.annotations) ? object.metadata.annotations : {}";

/// What the checks below share.
pub(super) fn variables() -> Value {
    json!([
        {"name": "before", "expression": BEFORE},
        {"name": "after", "expression": AFTER},
        {"name": "changed", "expression": "oldObject == null || object.spec != oldObject.spec"},
        {"name": "brokenAnew", "expression":
            "'seaworthy.dev/break-glass' in variables.after && !('seaworthy.dev/break-glass' in variables.before && \
             variables.before['seaworthy.dev/break-glass'] == variables.after['seaworthy.dev/break-glass'])"},
        {"name": "labelsBefore", "expression":
            "oldObject != null && has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}"},
        {"name": "labelsAfter", "expression": "has(object.metadata.labels) ? object.metadata.labels : {}"},
    ])
}

/// Everything named `seaworthy.dev/…` on workloads and pods, also where it comes with a status.
pub(super) fn annotations() -> (Value, Value) {
    let rules = json!([
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
         "resources": ["deployments", "deployments/status", "statefulsets", "statefulsets/status", "daemonsets",
                       "daemonsets/status"]},
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
         "resources": ["jobs", "jobs/status", "cronjobs", "cronjobs/status"]},
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
         "resources": ["pods", "pods/status"]},
    ]);
    let message = "what is named seaworthy.dev/ is written by Seaworthy alone, but for seaworthy.dev/break-glass";
    let validations = json!([
        {
            "expression": "variables.before.all(key, !key.startsWith('seaworthy.dev/') || key in variables.after || \
                key in ['seaworthy.dev/break-glass', 'seaworthy.dev/break-glass-template'])",
            "message": message, "reason": "Forbidden"
        },
        {
            "expression": "variables.after.all(key, !key.startsWith('seaworthy.dev/') || \
                (key in variables.before && variables.before[key] == variables.after[key]) || \
                key == 'seaworthy.dev/break-glass' || \
                (key == 'seaworthy.dev/break-glass-template' && variables.brokenAnew) || \
                (key == 'seaworthy.dev/hold' && variables.changed) || \
                (key == 'seaworthy.dev/requested-by' && variables.changed && \
                 variables.after[key] == request.userInfo.username) || \
                (key in ['seaworthy.dev/state', 'seaworthy.dev/reason'] && variables.after[key] != 'Deployed' && \
                 (variables.changed || 'seaworthy.dev/hold' in variables.after)))",
            "message": message, "reason": "Forbidden"
        },
        {
            "expression": "variables.labelsAfter.all(key, !key.startsWith('seaworthy.dev/') || \
                (key in variables.labelsBefore && variables.labelsBefore[key] == variables.labelsAfter[key]))",
            "message": message, "reason": "Forbidden"
        },
    ]);
    (rules, validations)
}

/// Verdicts and states of our kinds.
pub(super) fn statuses() -> (Value, Value) {
    let rules = json!([
        {"apiGroups": ["seaworthy.dev"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["*/status"]},
    ]);
    let validations = json!([{
        "expression": "false",
        "message": "the status of this kind is written by Seaworthy alone",
        "reason": "Forbidden"
    }]);
    (rules, validations)
}

/// Who may accept a vulnerability.
pub(super) fn exceptions() -> (Value, Value) {
    let rules = json!([
        {"apiGroups": ["seaworthy.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"],
         "resources": ["scanexceptions"]},
    ]);
    let validations = json!([
        {
            "expression": "!variables.changed || authorizer.group('seaworthy.dev').resource('scanexceptions')\
                .namespace(object.metadata.namespace).check('except').allowed()",
            "message": "an exception needs the verb except on scanexceptions.seaworthy.dev in this namespace",
            "reason": "Forbidden"
        },
        {
            "expression": "variables.changed ? !('seaworthy.dev/requested-by' in variables.after) || \
                variables.after['seaworthy.dev/requested-by'] == request.userInfo.username : \
                (variables.after.all(key, key != 'seaworthy.dev/requested-by' || \
                 (key in variables.before && variables.before[key] == variables.after[key])) && \
                 variables.before.all(key, key != 'seaworthy.dev/requested-by' || key in variables.after))",
            "message": "seaworthy.dev/requested-by names whoever asked for the exception, and is written by Seaworthy alone",
            "reason": "Forbidden"
        },
    ]);
    (rules, validations)
}
