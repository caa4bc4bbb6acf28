//! What `deploy/seaworthy.yaml` holds: everything for running inside a cluster. Roles and guards are those of `--install`.
//!
//! The webhook configurations start empty: the operator, which may change these two and nothing else of their kind, fills
//! them once it can answer. So nothing waits for an operator that never came. Guards stand from the start; where they do not
//! (`--exclude-namespace`) is what the operator says in their bindings.

use super::{guards, roles};
use crate::options::NAME;
use serde_json::{Value, json};

/// The port of the webhook and that of probes and figures.
const PORTS: (u16, u16) = (9443, 8080);

/// The user that the container runs as; it owns nothing else.
const USER: u32 = 65_532;

/// Everything, in the order in which it is applied.
pub fn manifests() -> Vec<Value> {
    let mut objects = roles::all();
    let labels = json!({"app.kubernetes.io/name": NAME});
    let of = |kind: &str| json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": NAME, "labels": labels}});
    objects.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": NAME, "labels": labels},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}));
    objects.push(json!({"apiVersion": "v1", "kind": "Service",
    "metadata": {"name": NAME, "namespace": NAME, "labels": labels},
    "spec": {"selector": labels, "ports": [
        {"name": "webhook", "port": 443, "targetPort": "webhook"},
        {"name": "http", "port": PORTS.1, "targetPort": "http"},
    ]}}));
    objects.push(deployment(&labels));
    objects.push(of("MutatingWebhookConfiguration"));
    objects.push(of("ValidatingWebhookConfiguration"));
    objects.extend(guards::all(&[]));
    objects
}

fn deployment(labels: &Value) -> Value {
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 5});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": NAME, "namespace": NAME, "labels": labels},
    "spec": {
        "replicas": 1,
        // The store is a file that one writes: the old one ends first.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "serviceAccountName": NAME,
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                    "seccompProfile": {"type": "RuntimeDefault"}
                },
                "terminationGracePeriodSeconds": 15,
                "containers": [{
                    "name": "operator",
                    "image": format!("ghcr.io/seaworthy-dev/seaworthy:{}", env!("CARGO_PKG_VERSION")),
                    "args": [
                        "operator",
                        "--store=sqlite:///data/operator.db",
                        format!("--listen=0.0.0.0:{}", PORTS.0),
                        format!("--http-listen=0.0.0.0:{}", PORTS.1)
                    ],
                    "env": [{"name": "HOME", "value": "/tmp"}],
                    "ports": [
                        {"name": "webhook", "containerPort": PORTS.0},
                        {"name": "http", "containerPort": PORTS.1}
                    ],
                    "readinessProbe": probe("/readyz"),
                    "livenessProbe": probe("/healthz"),
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
                        "limits": {"memory": "512Mi", "ephemeral-storage": "1Gi"}
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]}
                    },
                    "volumeMounts": [
                        {"name": "data", "mountPath": "/data"},
                        {"name": "tmp", "mountPath": "/tmp"}
                    ]
                }],
                "volumes": [
                    {"name": "data", "persistentVolumeClaim": {"claimName": NAME}},
                    {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}
                ]
            }
        }
    }})
}
