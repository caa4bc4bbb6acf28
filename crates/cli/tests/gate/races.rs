//! Races between a user, the operator and what else changes objects, on the real control plane. That each guard is what
//! prevents them is shown in `crates/gate/tests/races.rs`, where they are played without it too.

use crate::{Place, workload};
use std::time::{Duration, Instant};

/// An injector that works after us: it is asked before, and again after us, and adds its sidecar to what is pinned or held
/// already. Which of the two a pod is depends on whether we have seen its ReplicaSet before it. Its conditions stand in the
/// mutation: a policy whose `matchConditions` did not hold the first time is not asked again.
pub(crate) fn injector(image: &str) -> String {
    format!(
        r#"apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: injector}}
spec:
  matchConstraints:
    resourceRules:
    - {{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}}
  matchConditions:
  - {{name: asked, expression: "has(object.metadata.labels) && 'inject' in object.metadata.labels"}}
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: >-
        !object.spec.containers.exists(c, c.name == 'sidecar')
        && (has(object.spec.schedulingGates) || object.spec.containers.all(c, c.image.contains('@sha256:')))
        ? [JSONPatch{{op: "add", path: "/spec/containers/-", value: Object.spec.containers{{name: "sidecar", image: "{image}"}}}}]
        : []
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: injector}}
spec: {{policyName: injector}}
"#
    )
}

/// Every image of every pod with this label, and what keeps the pod.
pub(crate) fn all_images(label: &str) -> String {
    format!(
        "get pods -l app={label} -o jsonpath={{range@.items[*]}}{{.spec.containers[*].image}}|{{.spec.schedulingGates[*].name}};{{end}}"
    )
}

#[test]
fn races_with_users_injectors_and_our_own_death() {
    let Some(place) = Place::start() else { return };
    let operator = place.operator();
    another_template_while_one_is_released(&place);
    an_injector_after_us(&place);
    killed_in_the_middle_of_releasing(&place, operator);
}

/// Races 1 and 2: releases of the one template and updates to the other come in any order.
fn another_template_while_one_is_released(place: &Place) {
    place.ok("create deployment swing --image=myapp:v1-fixed");
    place.rolled_out("deployment/swing");
    for turn in 0..12 {
        let image = if turn % 2 == 0 { "other:v1" } else { "myapp:v1" };
        place.ok(&format!("set image deployment/swing myapp={image}"));
        // Whoever resumes in between changes nothing.
        let _ = place.kubectl("rollout resume deployment/swing");
        let pods = place.pods("swing");
        assert!(
            !pods.contains(&place.bad) && !pods.contains("myapp:v1|"),
            "{turn}: {pods}"
        );
    }
    place.state("deployment/swing", "Blocked");
    std::thread::sleep(Duration::from_secs(2));
    let pods = place.pods("swing");
    assert!(!pods.contains(&place.bad) && !pods.contains("myapp:v1|"), "{pods}");
    assert_eq!(place.ok("get deployment swing -o jsonpath={.spec.paused}"), "true");
    place.ok("set image deployment/swing myapp=other:v1");
    place.rolled_out("deployment/swing");
    assert_eq!(place.ok("get deployment swing -o jsonpath={.spec.paused}"), "");
}

/// Race 11.
fn an_injector_after_us(place: &Place) {
    place.apply(&injector("myapp:v1"));
    let injected = |name: &str| {
        workload("Deployment", name, "other:v1", "").replace(
            &format!("labels: {{app: {name}}}}}\n    spec"),
            &format!("labels: {{app: {name}, inject: yes-please}}}}\n    spec"),
        )
    };
    let pinned = format!("other:v1@{}", place.other);
    // The API server takes a moment to see what it is to do.
    let probe = format!(
        "run probe --image={pinned} --labels=inject=x --dry-run=server -o jsonpath={{.spec.containers[*].image}}"
    );
    place.wait(&probe, |images| images.ends_with(" myapp:v1"));
    place.apply(&injected("mesh"));
    place.wait(&all_images("mesh"), |pods| {
        pods.starts_with("other:v1") && pods.ends_with(" myapp:v1|seaworthy.dev/scan;")
    });
    // One that adds what passes is no obstacle, and what it adds is pinned too.
    place.apply(&injector("myapp:v1-fixed"));
    place.wait(&probe, |images| images.contains(" myapp:v1-fixed"));
    place.apply(&injected("mesh-good"));
    let both = format!("{pinned} myapp:v1-fixed@{}|;", place.fixed);
    place.wait_for(&all_images("mesh-good"), &both);
    place.wait_for_pods("mesh-good", |pods| pods.ends_with("|Running|;"));
    place.ok("delete mutatingadmissionpolicybinding,mutatingadmissionpolicy injector");
}

/// Race 14, and 12: a policy that goes frees many at once, and whoever releases them dies and is replaced meanwhile.
fn killed_in_the_middle_of_releasing(place: &Place, operator: seaworthy_testkit::cluster::Process) {
    const MANY: usize = 20;
    place.apply(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanPolicy\nmetadata: {name: strict}\nspec: {approval: required, \
         namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}, rules: [{severity: CRITICAL}]}\n",
    );
    std::thread::sleep(Duration::from_secs(1));
    let many: Vec<String> = (0..MANY)
        .map(|number| {
            let set = workload("ReplicaSet", &format!("many-{number}"), "myapp:v1-fixed", "");
            set.replace(
                &format!("labels: {{app: many-{number}}}}}\n    spec"),
                &format!("labels: {{app: many-{number}, of: many}}}}\n    spec"),
            )
        })
        .collect();
    place.apply(&many.join("---\n"));
    let gates = "get pods -l of=many -o jsonpath={range@.items[*]}{.spec.containers[0].image}|{.spec.schedulingGates[*].name};{end}";
    place.wait_for(gates, &"myapp:v1-fixed|seaworthy.dev/scan;".repeat(MANY));
    place.ok("delete scanpolicy strict");
    let gone = Instant::now();
    place.wait(gates, |pods| pods.contains("|;"));
    // What is held is looked at every minute; a policy that goes is seen at once.
    assert!(gone.elapsed() < Duration::from_secs(40), "{:?}", gone.elapsed());
    drop(operator);
    // Pin and gate go together or not at all.
    let pinned = format!("myapp:v1-fixed@{}|;", place.fixed);
    let left = place.ok(gates);
    for pod in left.split_inclusive(';') {
        assert!(pod == pinned || pod == "myapp:v1-fixed|seaworthy.dev/scan;", "{pod}");
    }
    let _operator = place.operator();
    place.wait_for(gates, &pinned.repeat(MANY));
}
