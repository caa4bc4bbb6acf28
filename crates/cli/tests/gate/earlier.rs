//! What ran before Seaworthy was there goes on, and proves nothing for others; nor does what a warning let in.

use crate::{Place, workload};

#[test]
fn what_ran_before_restarts_freely_and_whoever_claims_to_belong_to_it_does_not() {
    let Some(place) = Place::start() else { return };
    let bad = place.bad.clone();
    place.apply(&workload("Deployment", "web", "myapp:v1", "  replicas: 2\n"));
    place.apply(&workload("StatefulSet", "db", "myapp:v1", "  serviceName: db\n"));
    place.apply(&workload("Deployment", "pinned", &format!("myapp:v1@{bad}"), ""));
    place.apply(&workload("DaemonSet", "told", "myapp:v1", ""));
    let unpinned = "myapp:v1|Running|;";
    for (name, count) in [("web", 2), ("db", 1), ("told", 1)] {
        place.wait_for_pods(name, |pods| pods == unpinned.repeat(count));
    }
    let pinned = format!("myapp:v1@{bad}|Running|;");
    place.wait_for_pods("pinned", |pods| pods == pinned);
    // Of one the node says what it pulled.
    let pod = place.ok("get pods -l app=told -o name").trim().to_owned();
    let status = format!(
        "{{\"status\":{{\"containerStatuses\":[{{\"name\":\"told\",\"image\":\"myapp:v1\",\"imageID\":\"docker.io/library/myapp@{bad}\",\
         \"ready\":true,\"restartCount\":0,\"state\":{{\"running\":{{}}}}}}]}}}}"
    );
    place.ok(&format!(
        "patch {pod} --subresource=status --type=strategic -p {status}"
    ));

    let running = place.operator();
    restart(&place, "web", |pods| pods == unpinned.repeat(2));
    restart(&place, "db", |pods| pods == unpinned);
    restart(&place, "pinned", |pods| pods == pinned);
    // By the digest that the node reported, whatever the tag means now.
    restart(&place, "told", |pods| pods == pinned);
    place.ok("scale deployment/web --replicas=3");
    place.wait_for_pods("web", |pods| pods == unpinned.repeat(3));

    // Others with the same image and digest are judged anew.
    place.ok("create deployment copy --image=myapp:v1");
    place.state("deployment/copy", "Blocked");
    impostors(&place);
    // A new template of what ran before, too; and the old one goes on.
    place.ok("rollout restart deployment/web");
    place.state("deployment/web", "Blocked");
    restart(&place, "web", |pods| pods == unpinned.repeat(3));

    // It is remembered, not looked up again: what came by a warning meanwhile is not among it.
    place.apply(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanPolicy\nmetadata: {name: mild}\n\
         spec: {action: warn, namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: mild}}, rules: [{severity: CRITICAL}]}\n",
    );
    place.ok("create namespace mild");
    let said = place.kubectl("create deployment warned --image=myapp:v1 -n mild");
    assert!(said.ok, "{said:?}");
    place.wait("get pods -n mild -o jsonpath={.items[*].status.phase}", |out| {
        out == "Running"
    });
    drop(running);
    let _again = place.operator();
    restart(&place, "db", |pods| pods == unpinned);
    place.ok("delete scanpolicy mild");
    place.ok("delete pods -n mild --all");
    place.wait(
        "get pods -n mild -o jsonpath={.items[*].spec.schedulingGates[*].name}",
        |out| out == "seaworthy.dev/scan",
    );
}

fn restart(place: &Place, label: &str, expected: impl Fn(&str) -> bool) {
    place.ok(&format!("delete pods -l app={label}"));
    place.wait_for_pods(label, expected);
}

/// Pods that say that they belong to something that ran before, and do not look like it.
fn impostors(place: &Place) {
    let uid = place.ok("get replicasets -l app=web -o jsonpath={.items[0].metadata.uid}");
    let name = place.ok("get replicasets -l app=web -o jsonpath={.items[0].metadata.name}");
    let deployment = place.ok("get deployment web -o jsonpath={.metadata.uid}");
    for (pod, labels, kind, uid, container) in [
        // No label of the owner.
        ("a", "app: a", "ReplicaSet", &uid, "web"),
        // The labels, and another container.
        ("b", "app: web, pod-template-hash: x", "ReplicaSet", &uid, "other"),
        // Another kind with the `uid` of the top owner.
        ("c", "app: c", "Anything", &deployment, "web"),
    ] {
        let version = if kind == "ReplicaSet" {
            "apps/v1"
        } else {
            "example.com/v1"
        };
        place.apply(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: impostor-{pod}\n  namespace: default\n  labels: {{{labels}}}\n  \
             ownerReferences: [{{apiVersion: {version}, kind: {kind}, name: {name}, uid: {uid}, controller: true}}]\n\
             spec: {{containers: [{{name: {container}, image: \"myapp:v1\"}}]}}\n"
        ));
        let gate = place.ok(&format!(
            "get pod impostor-{pod} -o jsonpath={{.spec.schedulingGates[*].name}}"
        ));
        assert_eq!(gate, "seaworthy.dev/scan", "impostor-{pod}");
        place.ok(&format!("delete pod impostor-{pod} --ignore-not-found"));
    }
}
