//! Broken glass of CronJobs, exclusions and approvals: who may what, on a real control plane.

use crate::Place;

fn cron_job(name: &str, more: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  schedule: \"* * * * *\"\n  \
         jobTemplate:\n{more}    spec:\n      template:\n        metadata: {{labels: {{app: {name}}}}}\n        spec:\n          \
         restartPolicy: Never\n          containers: [{{name: a, image: \"myapp:v1\"}}]\n"
    )
}

/// Of the Jobs of a CronJob: whether they are suspended, and our word for them.
fn jobs(name: &str) -> String {
    format!(
        "get jobs -o jsonpath={{range@.items[?(@.metadata.ownerReferences[0].name==\"{name}\")]}}{{.spec.suspend}}|\
         {{.metadata.annotations.seaworthy\\.dev/state}};{{end}}"
    )
}

#[test]
fn the_glass_of_a_cron_job_is_broken_by_who_may_and_for_one_template() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    for (role, user) in [("edit", "edit"), ("admin", "namespace-admin")] {
        place.ok(&format!("create rolebinding {role} --clusterrole={role} --user={user}"));
    }
    for name in ["plain", "nightly", "inner"] {
        place.apply(&cron_job(name, ""));
    }
    let verb = "needs the verb break-glass";
    let outer = "annotate cronjob/nightly seaworthy.dev/break-glass=incident-7";
    let inner = "patch cronjob inner --type=merge -p \
                 {\"spec\":{\"jobTemplate\":{\"metadata\":{\"annotations\":{\"seaworthy.dev/break-glass\":\"incident-8\"}}}}}";
    place.refused("edit", outer, verb);
    place.refused("edit", inner, verb);
    for line in [outer, inner] {
        let said = place.kubectl_as("namespace-admin", line);
        assert!(said.ok, "{line}: {said:?}");
    }
    // It is good for this template, whatever anybody says of it.
    let stamp = "get cronjob nightly -o jsonpath={.metadata.annotations.seaworthy\\.dev/break-glass-template}";
    let template = place.ok(stamp);
    assert_eq!(template.len(), 32, "{template}");
    place.kubectl_as(
        "edit",
        "annotate cronjob/nightly seaworthy.dev/break-glass-template=x --overwrite",
    );
    assert_eq!(place.ok(stamp), template);
    // What stands inside is copied to every Job: whoever changes the template needs the verb again.
    place.refused("edit", "set env cronjob/inner A=1", verb);
    let said = place.kubectl_as(
        "edit",
        "patch cronjob inner --type=merge -p {\"spec\":{\"startingDeadlineSeconds\":100}}",
    );
    assert!(said.ok, "{said:?}");

    for name in ["nightly", "inner"] {
        place.wait_for_pods(name, |pods| {
            pods.contains(&format!("myapp:v1@{}|Succeeded|;", place.bad)) || pods.contains("myapp:v1|Succeeded|;")
        });
    }
    place.wait(&jobs("plain"), |out| out.starts_with("true|Blocked;"));
    assert_eq!(place.pods("plain"), "");
    // Another template waits.
    let said = place.kubectl_as("edit", "set env cronjob/nightly A=1");
    assert!(said.ok, "{said:?}");
    assert_eq!(place.ok(stamp), template);
    place.wait(&jobs("nightly"), |out| out.contains("true|Blocked;"));
}

#[test]
fn what_is_not_governed_is_not_guarded_and_approvals_are_written_by_us_alone() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator_with(&["--exclude-namespace=own".to_owned()]);
    place.ok("create namespace own");
    for (role, user) in [("edit", "edit"), ("admin", "namespace-admin")] {
        place.ok(&format!(
            "create clusterrolebinding {role} --clusterrole={role} --user={user}"
        ));
    }
    for namespace in ["own", "default"] {
        place.ok(&format!("create deployment web --image=other:v1 -n {namespace}"));
    }
    for user in ["edit", "namespace-admin", "admin"] {
        let annotate =
            |namespace: &str| format!("label deployment/web seaworthy.dev/x={user} --overwrite -n {namespace}");
        let said = place.kubectl_as(user, &annotate("own"));
        assert!(said.ok, "{user}: {said:?}");
        place.refused(user, &annotate("default"), "written by Seaworthy alone");
    }
    let glass = |namespace: &str| format!("annotate deployment/web seaworthy.dev/break-glass=x -n {namespace}");
    let said = place.kubectl_as("edit", &glass("own"));
    assert!(said.ok, "{said:?}");
    place.refused("edit", &glass("default"), "needs the verb break-glass");

    // Whether an approval counts is nothing that whoever approves can say, and not on our kinds in any namespace.
    for namespace in ["own", "default"] {
        let file = place.cluster.directory().join("approval.yaml");
        let text = format!(
            "apiVersion: seaworthy.dev/v1alpha1\nkind: ImageApproval\nmetadata: {{name: a, namespace: {namespace}}}\n\
             spec: {{image: \"myapp:v1\", digest: \"{}\", reason: r, approvedBy: namespace-admin}}\n\
             status: {{conditions: [{{type: Accepted, status: \"True\", reason: Forged, message: \"\", lastTransitionTime: \"2026-01-01T00:00:00Z\"}}]}}\n",
            place.bad
        );
        std::fs::write(&file, text).unwrap();
        let said = place.kubectl_as("namespace-admin", &format!("create -f {}", file.display()));
        assert!(said.ok, "{said:?}");
        let reason = format!("get imageapproval a -n {namespace} -o jsonpath={{.status.conditions[0].reason}}");
        assert_ne!(place.ok(&reason), "Forged");
        let forge = format!(
            "patch imageapproval a -n {namespace} --subresource=status --type=merge -p {{\"status\":{{\"conditions\":[]}}}}"
        );
        place.refused("edit", &forge, "forbidden");
        place.refused("namespace-admin", &forge, "forbidden");
        place.refused("admin", &forge, "the status of this kind is written by Seaworthy alone");
        let change =
            format!("patch imageapproval a -n {namespace} --type=merge -p {{\"spec\":{{\"reason\":\"other\"}}}}");
        place.refused("admin", &change, "cannot be changed");
    }
}
