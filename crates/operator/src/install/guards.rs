//! ValidatingAdmissionPolicies: only we lift a hold, also while we are down. Keyed on what the object *was*.

use crate::options::{SYSTEM_NAMESPACES, ourselves};
use serde_json::{Value, json};

/// Guards of what others own. They do not stand in namespaces that are not governed.
pub(super) const OF_WORKLOADS: [&str; 4] = ["seaworthy-holds", "seaworthy-gates", "seaworthy-break-glass", OF_LABELS];

/// The last of them, which refuses labels of ours.
pub(super) const OF_LABELS: &str = "seaworthy-annotations";

/// Guards of our own kinds, which are ours in every namespace.
const OF_OUR_KINDS: [&str; 3] = ["seaworthy-approvals", "seaworthy-exceptions", "seaworthy-statuses"];

const VERSION: &str = "admissionregistration.k8s.io/v1";

/// The old object's hold, where it has one.
const WAS_HELD: &str = "has(oldObject.metadata.annotations) && 'seaworthy.dev/hold' in oldObject.metadata.annotations";
const IS_HELD: &str = "has(object.metadata.annotations) && 'seaworthy.dev/hold' in object.metadata.annotations";

/// Every guard with its binding; `excluded` are namespaces that are not governed beside those of the system.
pub(super) fn all(excluded: &[String]) -> Vec<Value> {
    let system = json!({"matchExpressions": [not_in(&SYSTEM_NAMESPACES.map(str::to_owned))]});
    let of_workloads = [holds(), gates(), break_glass(), super::words::annotations()];
    let of_our_kinds = [
        super::approvals::approvals(),
        super::words::exceptions(),
        super::words::statuses(),
    ];
    let mut objects = Vec::new();
    for (name, rules) in OF_WORKLOADS.into_iter().zip(of_workloads) {
        objects.push(policy(name, &system, rules));
        objects.push(binding(name, excluded));
    }
    for (name, rules) in OF_OUR_KINDS.into_iter().zip(of_our_kinds) {
        objects.push(policy(name, &json!({}), rules));
        objects.push(binding(name, &[]));
    }
    objects
}

/// The bindings that say where the guards of workloads do not stand: all that we ourselves may change of a guard.
pub(super) fn bindings(excluded: &[String]) -> Vec<Value> {
    OF_WORKLOADS.map(|name| binding(name, excluded)).to_vec()
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

/// Who may break the glass: on a workload, on a CronJob, and for the Jobs that a CronJob makes. Annotations also come with
/// a status.
fn break_glass() -> (Value, Value) {
    let rules = json!([
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
         "resources": ["deployments", "deployments/status", "statefulsets", "statefulsets/status", "daemonsets",
                       "daemonsets/status"]},
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
         "resources": ["jobs", "jobs/status", "cronjobs", "cronjobs/status"]},
    ]);
    let key = "'seaworthy.dev/break-glass'";
    let may = "authorizer.group('seaworthy.dev').resource('imagescans').namespace(object.metadata.namespace)\
        .check('break-glass').allowed()";
    let message = "seaworthy.dev/break-glass needs the verb break-glass on imagescans.seaworthy.dev in this namespace";
    // What a Job is given by its CronJob was allowed where it stands, below.
    let by_cron_job = "request.resource.resource == 'jobs' && request.userInfo.username in \
        ['system:serviceaccount:kube-system:cronjob-controller', 'system:kube-controller-manager']";
    let validations = json!([
        {
            "expression": format!(
                "!(has(object.metadata.annotations) && {key} in object.metadata.annotations) || \
                 (oldObject != null && has(oldObject.metadata.annotations) && \
                 {key} in oldObject.metadata.annotations && \
                 oldObject.metadata.annotations[{key}] == object.metadata.annotations[{key}]) || \
                 ({by_cron_job}) || {may}"
            ),
            "message": message, "reason": "Forbidden"
        },
        {
            "expression": format!(
                "request.resource.resource != 'cronjobs' || !(has(object.spec.jobTemplate.metadata) && \
                 has(object.spec.jobTemplate.metadata.annotations) && \
                 {key} in object.spec.jobTemplate.metadata.annotations) || \
                 (oldObject != null && object.spec.jobTemplate == oldObject.spec.jobTemplate) || {may}"
            ),
            "message": message, "reason": "Forbidden"
        },
    ]);
    (rules, validations)
}

/// A policy, which holds in these namespaces; its binding says where of them it does not stand.
fn policy(name: &str, namespaces: &Value, (rules, validations): (Value, Value)) -> Value {
    let variables = match validations.to_string().contains("variables.") {
        true => super::words::variables(),
        false => json!([]),
    };
    json!({"apiVersion": VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules, "namespaceSelector": namespaces},
        "matchConditions": [{
            "name": "not-seaworthy",
            "expression": format!("request.userInfo.username != '{}'", ourselves())
        }],
        "variables": variables,
        "validations": validations
    }})
}

fn binding(name: &str, excluded: &[String]) -> Value {
    let mut binding = json!({
        "apiVersion": VERSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny", "Audit"]}
    });
    if !excluded.is_empty() {
        binding["spec"]["matchResources"] = json!({"namespaceSelector": {"matchExpressions": [not_in(excluded)]}});
    }
    binding
}

fn not_in(namespaces: &[String]) -> Value {
    json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": namespaces})
}
