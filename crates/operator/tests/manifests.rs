//! `deploy/seaworthy.yaml` is what the code says, and an API server takes it: restricted pods, no more rights than needed.
//!
//! `UPDATE_GENERATED=1 cargo test -p seaworthy-operator --test manifests` writes it anew.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use seaworthy_operator::manifests;
use seaworthy_testkit::cluster::Cluster;
use std::path::{Path, PathBuf};
use std::process::Output;

const HEAD: &str = "# Generated from crates/operator/src/install; see crates/operator/tests/manifests.rs.\n\
    # kubectl apply --server-side -f deploy/crds -f deploy/seaworthy.yaml && kubectl create -f deploy/default-policy.yaml\n";

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}

fn text(objects: &[serde_json::Value]) -> String {
    let documents: Vec<String> = objects
        .iter()
        .map(|object| serde_saphyr::to_string(object).unwrap())
        .collect();
    documents.join("---\n")
}

fn kubectl(cluster: &Cluster, line: &str) -> (bool, String, String) {
    let Output { status, stdout, stderr } = cluster.kubectl(line.split(' ')).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.success(), text(stdout), text(stderr))
}

#[test]
fn the_committed_manifests_are_those_of_the_code() {
    let path = deploy("seaworthy.yaml");
    let expected = format!("{HEAD}{}", text(&manifests()));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "it is stale: run this test with UPDATE_GENERATED=1");
}

#[test]
fn an_api_server_takes_the_manifests_and_they_grant_no_more_than_they_say() {
    let cluster = Cluster::start().unwrap();
    // A dry run makes neither the namespace nor the definitions that the rest needs.
    let (ok, _, said) = kubectl(
        &cluster,
        &format!("apply --server-side -f {}", deploy("crds").display()),
    );
    assert!(ok, "{said}");
    let namespace = text(&manifests()[..1]);
    let file = cluster.directory().join("namespace.yaml");
    std::fs::write(&file, namespace).unwrap();
    let (ok, _, said) = kubectl(&cluster, &format!("apply --server-side -f {}", file.display()));
    assert!(ok, "{said}");
    let dry = format!(
        "apply --server-side --force-conflicts --dry-run=server --validate=strict -f {} -f {}",
        deploy("seaworthy.yaml").display(),
        deploy("default-policy.yaml").display()
    );
    let (ok, out, said) = kubectl(&cluster, &dry);
    assert!(ok && !said.contains("Warning"), "{said}");
    assert_eq!(out.lines().count(), manifests().len() + 1, "{out}");

    // The same namespace would say so of a Deployment whose pods are not restricted.
    let mut objects = manifests();
    let deployment = objects
        .iter_mut()
        .find(|object| object["kind"] == "Deployment")
        .unwrap();
    deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"] = serde_json::Value::Null;
    let file = cluster.directory().join("loose.yaml");
    std::fs::write(&file, text(std::slice::from_ref(deployment))).unwrap();
    let (_, _, said) = kubectl(
        &cluster,
        &format!("apply --server-side --dry-run=server -f {}", file.display()),
    );
    assert!(said.contains("would violate PodSecurity"), "{said}");

    let real = format!(
        "apply --server-side --force-conflicts -f {}",
        deploy("seaworthy.yaml").display()
    );
    let (ok, _, said) = kubectl(&cluster, &real);
    assert!(ok, "{said}");
    for (may, what) in [
        ("yes", "patch deployments -n shop"),
        ("yes", "patch mutatingwebhookconfigurations/seaworthy"),
        ("no", "patch mutatingwebhookconfigurations/other"),
        ("no", "create validatingwebhookconfigurations"),
        ("no", "patch validatingadmissionpolicies/seaworthy-holds"),
        ("no", "get secrets -n shop"),
        ("no", "get secrets -n seaworthy"),
        ("no", "create pods -n shop"),
        ("no", "create serviceaccounts/token -n seaworthy"),
        ("no", "update clusterroles"),
        ("no", "create scanexceptions.seaworthy.dev -n shop"),
    ] {
        let line = format!("auth can-i {what} --as=system:serviceaccount:seaworthy:seaworthy");
        assert_eq!(kubectl(&cluster, &line).1.trim(), may, "{what}");
    }
}
