//! Ways around a hold, and what must survive: restarts of the operator and of the API server, tags that move.

use crate::{Place, workload};

#[test]
fn nothing_gets_around_a_hold_and_it_survives_restarts() {
    let Some(mut place) = Place::start() else { return };
    let operator = place.operator();
    place.ok("create deployment app --image=myapp:v1");
    place.ok("run alone --image=myapp:v1 --labels=app=alone");
    place.state("deployment/app", "Blocked");
    place.state("pod/alone", "Blocked");
    by_hand(&place);

    // Dead while something is held: nothing new starts, nothing held is freed.
    drop(operator);
    for line in [
        "rollout resume deployment/app",
        "annotate deployment/app seaworthy.dev/hold-",
        "create deployment other --image=myapp:v1",
        "run other --image=myapp:v1",
    ] {
        let said = place.kubectl(line);
        assert!(!said.ok, "{line}: {said:?}");
    }
    // Deleted and made again while nobody looks.
    place.ok("delete deployment app");
    let said = place.kubectl("create deployment app --image=myapp:v1");
    assert!(!said.ok, "{said:?}");
    let ungate = "patch pod alone --type=json -p [{\"op\":\"remove\",\"path\":\"/spec/schedulingGates\"}]";
    assert!(!place.kubectl(ungate).ok);
    let operator = place.operator();
    place.ok("create deployment app --image=myapp:v1");
    place.state("deployment/app", "Blocked");
    assert!(place.pods("alone").ends_with("|Pending|seaworthy.dev/scan;"));

    // The API server loses its power.
    place.cluster.kill_part("kube-apiserver");
    assert!(!place.kubectl("get deployments").ok);
    place.cluster.start_part("kube-apiserver").unwrap();
    place.wait("get --raw /readyz", |out| out == "ok");
    let resumed = place.kubectl("rollout resume deployment/app");
    assert!(!resumed.ok || resumed.err.contains("Warning: held: "), "{resumed:?}");
    place.state("deployment/app", "Blocked");
    assert_eq!(place.pods("app"), "");
    place.wait("set image deployment/app myapp=myapp:v1-fixed", |out| {
        out.contains("image updated")
    });
    place.rolled_out("deployment/app");
    assert_eq!(place.pods("app"), format!("myapp:v1-fixed@{}|Running|;", place.fixed));
    assert!(operator.resident_memory().is_some_and(|bytes| bytes < 150 << 20));
}

fn by_hand(place: &Place) {
    let said = place.kubectl("rollout resume deployment/app");
    assert!(said.err.contains("Warning: held: myapp:v1: CVE-"), "{said:?}");
    let path = place.cluster.directory().join("put.yaml");
    std::fs::write(&path, workload("Deployment", "app", "myapp:v1", "")).unwrap();
    // The selector of `kubectl create` is the same; a PUT without `paused` and without annotations.
    let said = place.kubectl(&format!("replace -f {}", path.display()));
    assert!(said.ok, "{said:?}");
    assert_eq!(place.ok("get deployment app -o jsonpath={.spec.paused}"), "true");
    // The template became another one by that: it is judged again.
    place.state("deployment/app", "Blocked");
    place.ok("delete deployment app");
    place.ok("create deployment app --image=myapp:v1");
    place.state("deployment/app", "Blocked");
    assert_eq!(place.ok("get replicasets -l app=app -o name"), "");
    // Two changes at once: whatever comes last is judged.
    place.ok("set image deployment/app myapp=myapp:v1-fixed");
    place.ok("set image deployment/app myapp=myapp:v1");
    place.state("deployment/app", "Blocked");
    let pods = place.pods("app");
    assert!(!pods.contains(&place.bad) && !pods.contains("myapp:v1|"), "{pods}");
    place.ok("delete deployment app");
    place.wait_for_pods("app", str::is_empty);
    // What is held goes with its namespace.
    place.ok("create namespace gone");
    place.ok("create deployment app --image=myapp:v1 -n gone");
    place.ok("run alone --image=myapp:v1 -n gone");
    place.ok("delete namespace gone --timeout=100s");
    place.ok("create deployment app --image=myapp:v1");
    place.state("deployment/app", "Blocked");
}

#[test]
fn a_tag_that_moves_takes_nothing_with_it() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    let good = place
        .registry
        .push("library/moving", "v1", &seaworthy_testkit::example_image(true));
    place.apply(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanPolicy\nmetadata: {name: strict}\nspec: {approval: required, \
         namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}, rules: [{severity: CRITICAL}]}\n",
    );
    place.ok("create deployment moving --image=moving:v1 --replicas=2");
    place.state("deployment/moving", "Pending approval");
    // Scanned, not yet released: now the tag means the bad image.
    let bad = place
        .registry
        .push("library/moving", "v1", &seaworthy_testkit::example_image(false));
    assert_ne!(good, bad);
    place.ok("delete scanpolicy strict");
    place.rolled_out("deployment/moving");
    let pod = format!("moving:v1@{good}|Running|;");
    assert_eq!(place.pods("moving"), pod.repeat(2));
    // All pods of the template get that digest, also later.
    place.ok("scale deployment/moving --replicas=4");
    place.wait_for_pods("moving", |pods| pods == pod.repeat(4));
    // A restart asks anew what the tag means.
    place.ok("rollout restart deployment/moving");
    place.state("deployment/moving", "Blocked");
    assert_eq!(place.pods("moving"), pod.repeat(4));
    place.ok("delete pods -l app=moving");
    place.wait_for_pods("moving", |pods| pods == pod.repeat(4));
}

#[test]
fn an_image_for_several_platforms_is_as_bad_as_the_worst_that_nodes_have() {
    let Some(place) = Place::start() else { return };
    let (good, bad) = (
        seaworthy_testkit::example_image(true),
        seaworthy_testkit::example_image(false),
    );
    let index = place.registry.push_index(
        "library/many",
        "v1",
        &[("linux/amd64", &good), ("linux/arm64", &bad.architecture("arm64"))],
    );
    let _operator = place.operator();
    place.ok("create deployment one --image=many:v1");
    place.rolled_out("deployment/one");
    assert_eq!(place.pods("one"), format!("many:v1@{index}|Running|;"));
    // A node with another architecture comes: what is new is judged for it too, what runs goes on.
    place.apply(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: node-1\n  labels: {kubernetes.io/os: linux, kubernetes.io/arch: arm64}\n  \
         annotations: {kwok.x-k8s.io/node: fake}\n",
    );
    std::thread::sleep(std::time::Duration::from_secs(1));
    place.ok("create deployment two --image=many:v1");
    place.state("deployment/two", "Blocked");
    assert!(place.reason("deployment/two").contains("CRITICAL in"));
    place.ok("delete pods -l app=one");
    place.wait_for_pods("one", |pods| {
        pods.starts_with("many:v1@sha256:") && !pods.contains("seaworthy.dev/scan")
    });
}
