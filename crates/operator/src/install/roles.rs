//! Our namespace, our ServiceAccount with the least it needs, and what `view`, `edit` and `admin` may do with our kinds.

use crate::options::NAME;
use crate::resources::GROUP;
use serde_json::{Value, json};

/// Everything, in the order in which it is applied.
pub(super) fn all() -> Vec<Value> {
    let labels = json!({"app.kubernetes.io/name": NAME, "app.kubernetes.io/managed-by": NAME});
    let restricted = json!({
        "app.kubernetes.io/name": NAME, "app.kubernetes.io/managed-by": NAME,
        "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"
    });
    let rbac = "rbac.authorization.k8s.io/v1";
    let aggregated = |to: &str| {
        json!({
            "app.kubernetes.io/name": NAME,
            format!("rbac.authorization.k8s.io/aggregate-to-{to}"): "true"
        })
    };
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME, "labels": restricted}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
               "metadata": {"name": NAME, "namespace": NAME, "labels": labels}}),
        json!({"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": NAME, "labels": labels}, "rules": [
            rule(&["apps"], &["deployments", "statefulsets", "daemonsets"], &["get", "list", "watch", "patch"]),
            rule(&["batch"], &["jobs"], &["get", "list", "watch", "patch"]),
            rule(&["apps"], &["replicasets", "controllerrevisions"], &["get", "list", "watch"]),
            rule(&["batch"], &["cronjobs"], &["get", "list", "watch"]),
            // Deleted are only pods whose image volumes cannot be pinned any more, so that their controller makes them again.
            rule(&[""], &["pods"], &["get", "list", "watch", "patch", "delete"]),
            // Of nodes only the platform counts: an image for several is judged for all of them.
            rule(&[""], &["namespaces", "nodes"], &["get", "list", "watch"]),
            rule(&["", "events.k8s.io"], &["events"], &["create", "patch"]),
            rule(&[GROUP], &["imagescans"], &["get", "list", "watch", "create", "delete"]),
            rule(
                &[GROUP],
                &["scanpolicies", "scanexceptions", "alertchannels", "imageapprovals"],
                &["get", "list", "watch"],
            ),
            rule(
                &[GROUP],
                &["imageapprovals/status", "imagescans/status", "scanpolicies/status", "scanexceptions/status", "alertchannels/status"],
                &["get", "patch", "update"],
            ),
            // Ours alone, and not to make any: their certificates are renewed.
            json!({"apiGroups": ["admissionregistration.k8s.io"],
                   "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
                   "resourceNames": [NAME], "verbs": ["get", "patch"]}),
            // Which namespaces are not governed stands in them.
            json!({"apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingadmissionpolicybindings"],
                   "resourceNames": super::guards::OF_WORKLOADS, "verbs": ["get", "patch"]}),
        ]}),
        json!({"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": NAME, "labels": labels},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
               "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}]}),
        // Who of several works: one Lease of our own.
        json!({"apiVersion": rbac, "kind": "Role", "metadata": {"name": NAME, "namespace": NAME, "labels": labels},
        "rules": [
            rule(&["coordination.k8s.io"], &["leases"], &["create"]),
            json!({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [NAME],
                   "verbs": ["get", "update"]}),
        ]}),
        json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": {"name": NAME, "namespace": NAME, "labels": labels},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME},
               "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}]}),
        json!({"apiVersion": rbac, "kind": "ClusterRole",
               "metadata": {"name": "seaworthy-view", "labels": aggregated("view")},
               "rules": [rule(&[GROUP], &["imagescans", "scanexceptions", "imageapprovals"], &["get", "list", "watch"])]}),
        json!({"apiVersion": rbac, "kind": "ClusterRole",
               "metadata": {"name": "seaworthy-edit", "labels": aggregated("edit")},
               "rules": [rule(&[GROUP], &["imagescans"], &["create", "delete"])]}),
        json!({"apiVersion": rbac, "kind": "ClusterRole",
        "metadata": {"name": "seaworthy-admin", "labels": aggregated("admin")},
        "rules": [
            rule(&[GROUP], &["scanexceptions"], &["create", "update", "patch", "delete", "except"]),
            rule(&[GROUP], &["imagescans"], &["approve", "break-glass"]),
            rule(&[GROUP], &["imageapprovals"], &["create", "delete"]),
        ]}),
    ]
}

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": groups, "resources": resources, "verbs": verbs})
}
