//! Every kind, held and released.

use crate::{Place, workload};
use std::path::PathBuf;

#[test]
fn every_kind_is_held_and_released() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    place.apply(&cron_job("nightly", "other:v1"));
    place.apply(&cron_job("nightly-bad", "myapp:v1"));
    dry_run(&place);
    deployments(&place);
    jobs(&place);
    stateful_sets(&place);
    daemon_sets(&place);
    replica_sets(&place);
    pods(&place);
    what_cannot_wait(&place);
    volumes(&place);
    cron_jobs(&place);
}

fn dry_run(place: &Place) {
    let said = place.kubectl("create deployment dry --image=never:v1 --dry-run=server");
    assert!(said.ok && said.err.contains("Warning: held: never:v1"), "{said:?}");
    let said = place.kubectl("run dry --image=never:v1 --dry-run=server");
    assert!(said.ok && said.err.contains("Warning: held: never:v1"), "{said:?}");
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(!place.ok("get imagescans -o yaml").contains("never"));
    assert!(!place.log().contains("never"), "{}", place.log());
}

fn deployments(place: &Place) {
    let fixed = &place.fixed;
    place.ok("create deployment web --image=myapp:v1-fixed --replicas=2");
    place.rolled_out("deployment/web");
    let pod = format!("myapp:v1-fixed@{fixed}|Running|;");
    assert_eq!(place.pods("web"), pod.repeat(2));
    let template = "get deployment web -o jsonpath={.spec.template.spec.containers[0].image},{.spec.paused}";
    assert_eq!(place.ok(template), "myapp:v1-fixed,", "the template is the user's");
    // Scaling and restarting what is approved wait for nobody.
    place.ok("scale deployment/web --replicas=3");
    place.wait_for_pods("web", |pods| pods == pod.repeat(3));
    place.ok("rollout restart deployment/web");
    place.rolled_out("deployment/web");
    place.wait_for_pods("web", |pods| pods == pod.repeat(3));
    // A changed one is held, and the old pods go on.
    place.ok("set image deployment/web myapp=myapp:v1");
    place.state("deployment/web", "Blocked");
    assert_eq!(place.pods("web"), pod.repeat(3));
    place.ok("set image deployment/web myapp=other:v1");
    place.rolled_out("deployment/web");
    place.state("deployment/web", "Deployed");
    // A pause of the user's own stays after the release.
    place.apply(&workload("Deployment", "own", "other:v1", "  paused: true\n"));
    place.state("deployment/own", "Deployed");
    assert_eq!(place.ok("get deployment own -o jsonpath={.spec.paused}"), "true");
    assert_eq!(place.pods("own"), "");
    // One bad image among several, in an init container.
    let init = "      initContainers: [{name: init, image: \"myapp:v1\"}]\n";
    place.apply(&(workload("Deployment", "setup", "other:v1", "") + init));
    place.state("deployment/setup", "Blocked");
    assert!(place.reason("deployment/setup").starts_with("myapp:v1: CVE-"));
}

fn jobs(place: &Place) {
    place.apply(&workload("Job", "once", "other:v1", ""));
    place.wait_for("get job once -o jsonpath={.status.succeeded}", "1");
    place.apply(&workload("Job", "bad", "myapp:v1", ""));
    place.state("job/bad", "Blocked");
    assert_eq!(place.ok("get job bad -o jsonpath={.spec.suspend}"), "true");
    assert_eq!(place.pods("bad"), "");
    place.apply(&workload("Job", "own-job", "other:v1", "  suspend: true\n"));
    place.state("job/own-job", "Deployed");
    assert_eq!(place.ok("get job own-job -o jsonpath={.spec.suspend}"), "true");
    // A queue starts and stops its Jobs itself: it is not ours to start, and its pods wait at their gates.
    let queued = workload("Job", "queued", "myapp:v1", "").replace(
        "namespace: default}",
        "namespace: default, labels: {kueue.x-k8s.io/queue-name: q}}",
    );
    place.apply(&queued);
    place.wait_for_pods("queued", |pods| pods == "myapp:v1|Pending|seaworthy.dev/scan;");
    assert_eq!(place.ok("get job queued -o jsonpath={.spec.suspend}"), "false");
}

fn stateful_sets(place: &Place) {
    let (fixed, other) = (&place.fixed, &place.other);
    let strategy = "  serviceName: db\n  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0}}\n";
    place.apply(&workload("StatefulSet", "db", "myapp:v1-fixed", strategy));
    let old = format!("myapp:v1-fixed@{fixed}|Running|;");
    place.wait_for_pods("db", |pods| pods == old);
    let said = place.kubectl("set image statefulset/db db=myapp:v1");
    assert!(said.err.contains("Warning: held: "), "{said:?}");
    place.state("statefulset/db", "Blocked");
    let partition = "get statefulset db -o jsonpath={.spec.updateStrategy.rollingUpdate.partition}";
    assert_eq!(place.ok(partition), i32::MAX.to_string());
    // The old pod stays, and comes back when it dies, without waiting.
    place.ok("delete pod db-0");
    place.wait_for_pods("db", |pods| pods == old);
    place.ok("set image statefulset/db db=other:v1");
    place.wait_for_pods("db", |pods| pods == format!("other:v1@{other}|Running|;"));
    place.wait_for(partition, "0");
    place.apply(&workload("StatefulSet", "db-bad", "myapp:v1", "  serviceName: db\n"));
    place.wait_for_pods("db-bad", |pods| pods == "myapp:v1|Pending|seaworthy.dev/scan;");
    place.state("statefulset/db-bad", "Blocked");
    place.state("pod/db-bad-0", "Blocked");
}

fn daemon_sets(place: &Place) {
    let (fixed, other) = (&place.fixed, &place.other);
    place.apply(&workload("DaemonSet", "agent", "myapp:v1-fixed", ""));
    let old = format!("myapp:v1-fixed@{fixed}|Running|;");
    place.wait_for_pods("agent", |pods| pods == old);
    place.ok("set image daemonset/agent agent=myapp:v1");
    place.state("daemonset/agent", "Blocked");
    let strategy = "get daemonset agent -o jsonpath={.spec.updateStrategy.type}";
    assert_eq!(place.ok(strategy), "OnDelete");
    assert_eq!(place.pods("agent"), old);
    place.ok("set image daemonset/agent agent=other:v1");
    place.wait_for_pods("agent", |pods| pods == format!("other:v1@{other}|Running|;"));
    place.wait_for(strategy, "RollingUpdate");
}

fn replica_sets(place: &Place) {
    let other = &place.other;
    place.apply(&workload("ReplicaSet", "set", "other:v1", ""));
    place.wait_for_pods("set", |pods| pods == format!("other:v1@{other}|Running|;"));
    place.apply(&workload("ReplicaSet", "set-bad", "myapp:v1", ""));
    place.wait_for_pods("set-bad", |pods| pods == "myapp:v1|Pending|seaworthy.dev/scan;");
    let status = place.ok("get pods -l app=set-bad");
    assert!(status.contains("SchedulingGated"), "{status}");
}

fn pods(place: &Place) {
    let other = &place.other;
    place.ok("run alone --image=other:v1 --labels=app=alone");
    place.wait_for_pods("alone", |pods| pods == format!("other:v1@{other}|Running|;"));
    place.ok("run alone-bad --image=myapp:v1 --labels=app=alone-bad");
    place.state("pod/alone-bad", "Blocked");
    let ungate = "patch pod alone-bad --type=json -p [{\"op\":\"remove\",\"path\":\"/spec/schedulingGates\"}]";
    place.refused("admin", ungate, "only Seaworthy lifts the gate");
    // Another image while it is held is judged by itself.
    place.ok("set image pod/alone-bad alone-bad=other:v1");
    place.wait_for_pods("alone-bad", |pods| pods == format!("other:v1@{other}|Running|;"));
}

fn manifest(place: &Place, name: &str, text: &str) -> PathBuf {
    let path = place.cluster.directory().join(format!("{name}.yaml"));
    std::fs::write(&path, text).unwrap();
    path
}

fn what_cannot_wait(place: &Place) {
    let (fixed, other) = (&place.fixed, &place.other);
    // In place.
    place.refused("admin", "set image pod/alone alone=myapp:v1", "CRITICAL in");
    place.refused(
        "admin",
        "set image pod/alone alone=unheard:v1",
        "scan started, try again",
    );
    place.ok("set image pod/alone alone=myapp:v1-fixed");
    assert!(
        place.pods("alone").starts_with(&format!("myapp:v1-fixed@{fixed}|")),
        "{}",
        place.pods("alone")
    );
    // Beside.
    let debug = |image: &str| format!("debug alone --image={image} --container=debugger-{}", image.len());
    place.refused("admin", &debug("myapp:v1"), "CRITICAL in");
    let said = place.kubectl(&debug("other:v1"));
    assert!(said.ok, "{said:?}");
    let ephemeral = "get pod alone -o jsonpath={.spec.ephemeralContainers[*].image}";
    assert_eq!(place.ok(ephemeral), format!("other:v1@{other}"));
    // On a node already.
    let bound = |name: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: default, labels: {{app: {name}}}}}\n\
             spec: {{nodeName: node-0, containers: [{{name: a, image: \"{image}\"}}]}}\n"
        )
    };
    let bad = manifest(place, "bound", &bound("bound", "myapp:v1"));
    place.refused("admin", &format!("create -f {}", bad.display()), "CRITICAL in");
    place
        .registry
        .push("library/late", "v1", &seaworthy_testkit::example_image(true));
    let late = manifest(place, "late", &bound("late", "late:v1"));
    let create = format!("create -f {}", late.display());
    place.refused("admin", &create, "scan started, try again");
    place.wait(&create, |out| out.contains("created"));
    place.wait_for_pods("late", |pods| {
        pods.starts_with("late:v1@sha256:") && pods.contains("|Running|")
    });
    // A node's picture of what it runs anyway, which only the node itself may make.
    let mirror =
        bound("mirror", "myapp:v1").replace("labels:", "annotations: {kubernetes.io/config.mirror: x}, labels:");
    let mirror = manifest(place, "mirror", &mirror);
    let create = format!("create -f {}", mirror.display());
    place.refused("admin", &create, "CRITICAL in");
    let node = place.kubectl(&format!("{create} --as=system:node:node-0 --as-group=system:nodes"));
    assert!(node.ok, "{node:?}");
}

fn volumes(place: &Place) {
    let other = &place.other;
    let with = |name: &str, image: &str| {
        workload("Deployment", name, "myapp:v1-fixed", "")
            + &format!("      volumes: [{{name: data, image: {{reference: \"{image}\"}}}}]\n")
    };
    place.apply(&with("volume", "other:v1"));
    place.rolled_out("deployment/volume");
    let reference = "get pods -l app=volume -o jsonpath={.items[*].spec.volumes[0].image.reference}";
    assert_eq!(place.ok(reference), format!("other:v1@{other}"));
    place.apply(&with("volume-bad", "myapp:v1"));
    place.state("deployment/volume-bad", "Blocked");
    // Pods alone that have one are gated, deleted when it is approved, and come back pinned.
    let set = with("volume-set", "late-volume:v1").replace("kind: Deployment", "kind: ReplicaSet");
    place.apply(&set);
    place.wait_for_pods("volume-set", |pods| pods.ends_with("|Pending|seaworthy.dev/scan;"));
    place
        .registry
        .push("library/late-volume", "v1", &seaworthy_testkit::example_image(true));
    place.wait_for_pods("volume-set", |pods| pods.contains("|Running|;"));
    let reference = place.ok("get pods -l app=volume-set -o jsonpath={.items[*].spec.volumes[0].image.reference}");
    assert!(reference.starts_with("late-volume:v1@sha256:"), "{reference}");
}

fn cron_job(name: &str, image: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  schedule: \"* * * * *\"\n  \
         jobTemplate:\n    spec:\n      template:\n        metadata: {{labels: {{app: {name}}}}}\n        spec:\n          \
         restartPolicy: Never\n          containers: [{{name: a, image: \"{image}\"}}]\n"
    )
}

fn cron_jobs(place: &Place) {
    place.wait_for_pods("nightly", |pods| {
        pods.contains(&format!("other:v1@{}|Succeeded|;", place.other))
    });
    let bad = "get jobs -o jsonpath={range@.items[?(@.metadata.ownerReferences[0].name==\"nightly-bad\")]}{.spec.suspend}|{.metadata.annotations.seaworthy\\.dev/state};{end}";
    place.wait(bad, |out| out.starts_with("true|Blocked;"));
    assert_eq!(place.pods("nightly-bad"), "");
    assert_eq!(place.ok("get cronjob nightly-bad -o jsonpath={.spec.suspend}"), "false");
}
