//! Approvals: whoever asks for something does not approve it, in whatever order they do it.

use crate::Place;

const ALONE: &str = "namespace-admin asked for it, so somebody else has to approve it";

/// Approves an image in the name of whoever runs it, before or after anybody asks for it.
fn approve(place: &Place, user: &str, name: &str, image: &str, digest: &str) {
    let file = place.cluster.directory().join(format!("{name}.yaml"));
    let text = format!(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ImageApproval\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{image: \"{image}\", digest: \"{digest}\", reason: r, approvedBy: {user}}}\n"
    );
    std::fs::write(&file, text).unwrap();
    let said = place.kubectl_as(user, &format!("create -f {}", file.display()));
    assert!(said.ok, "{said:?}");
}

fn answer(place: &Place, name: &str, expected: &str) {
    let line = format!("get imageapproval {name} -o jsonpath={{.status.conditions[0].reason}}");
    place.wait_for(&line, expected);
}

#[test]
fn nobody_approves_what_they_ask_for_whether_they_ask_before_or_after() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    place.ok("create rolebinding admin --clusterrole=admin --user=namespace-admin");
    place.apply(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanPolicy\nmetadata: {name: strict}\nspec: {approval: required, \
         namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}, rules: [{severity: CRITICAL}]}\n",
    );
    // Approved before anybody asks; then asked for by the same person, in every shape.
    approve(&place, "namespace-admin", "before", "other:v1", &place.other);
    answer(&place, "before", "Approved");
    let nightly = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly, namespace: default}\nspec:\n  \
         schedule: \"* * * * *\"\n  jobTemplate:\n    spec:\n      template:\n        metadata: {labels: {app: nightly}}\n        \
         spec: {restartPolicy: Never, containers: [{name: a, image: \"other:v1\"}]}\n";
    let file = place.cluster.directory().join("nightly.yaml");
    std::fs::write(&file, nightly).unwrap();
    for line in [
        format!("create -f {}", file.display()),
        "create deployment first --image=other:v1".to_owned(),
        "run alone --image=other:v1 --labels=app=alone".to_owned(),
    ] {
        let said = place.kubectl_as("namespace-admin", &line);
        assert!(said.ok, "{said:?}");
    }
    for object in ["deployment/first", "pod/alone"] {
        place.state(object, "Pending approval");
        let reason = place.reason(object);
        assert!(reason.contains(ALONE), "{object}: {reason}");
    }
    // Deleted and made again it is the same.
    place.ok("delete deployment first");
    let said = place.kubectl_as("namespace-admin", "create deployment first --image=other:v1");
    assert!(said.ok, "{said:?}");
    place.state("deployment/first", "Pending approval");

    // Asked for first, then approved by the same person.
    let said = place.kubectl_as("namespace-admin", "create deployment second --image=myapp:v1-fixed");
    assert!(said.ok, "{said:?}");
    place.state("deployment/second", "Pending approval");
    approve(&place, "namespace-admin", "after", "myapp:v1-fixed", &place.fixed);
    answer(&place, "after", "OwnRequest");
    place.wait("get jobs -o jsonpath={.items[*].metadata.annotations}", |out| {
        out.contains(ALONE)
    });
    for name in ["first", "second", "nightly"] {
        assert_eq!(place.pods(name), "", "{name}");
    }

    // What somebody else asks for counts on the same approval.
    place.ok("create deployment third --image=other:v1");
    place.rolled_out("deployment/third");
    // And somebody else's approval counts for what waits, by the command that the line names.
    approve(&place, "admin", "other", "other:v1", &place.other);
    approve(&place, "admin", "fixed", "myapp:v1-fixed", &place.fixed);
    place.rolled_out("deployment/first");
    place.rolled_out("deployment/second");
    for name in ["alone", "nightly"] {
        place.wait_for_pods(name, |pods| {
            pods.starts_with(&format!("other:v1@{}|", place.other)) && !pods.contains("seaworthy.dev/scan")
        });
    }
}
