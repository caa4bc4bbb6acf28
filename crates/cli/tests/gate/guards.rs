//! Who may say what: tried as a viewer, an editor, an administrator of the namespace, a bare ServiceAccount, and the
//! administrator of the cluster; with the webhooks and without them.

use crate::Place;

const ROBOT: &str = "--as=system:serviceaccount:default:robot";

#[test]
fn what_is_ours_is_written_by_us_alone_and_who_may_lift_what_is_a_matter_of_roles() {
    let Some(place) = Place::start() else { return };
    let operator = place.operator();
    roles(&place);
    let editor = place.kubectl_as("edit", "create deployment app --image=myapp:v1");
    assert!(editor.ok, "{editor:?}");
    place.state("deployment/app", "Blocked");

    statuses(&place);
    exceptions(&place);
    break_glass(&place);
    drop(operator);
    without_webhooks(&place);
}

fn roles(place: &Place) {
    for (role, user) in [("view", "view"), ("edit", "edit"), ("admin", "namespace-admin")] {
        place.ok(&format!("create rolebinding {role} --clusterrole={role} --user={user}"));
    }
    place.ok("create serviceaccount robot");
    place.ok("create rolebinding robot --clusterrole=edit --serviceaccount=default:robot");
    // Somebody who may write the objects, and lacks the verbs that make them count.
    place.ok("create role writer --verb=create,update,patch,get --resource=scanexceptions.seaworthy.dev,imageapprovals.seaworthy.dev");
    place.ok("create rolebinding writer --role=writer --user=nobody");
}

fn statuses(place: &Place) {
    place.wait("get imagescans -o name", |out| out.contains("imagescan"));
    let scan = place.ok("get imagescans -o name").trim().to_owned();
    let forge = "--type=merge -p {\"status\":{\"state\":\"Approved\"}}";
    let forged = format!("patch {scan} --subresource=status {forge}");
    for user in ["view", "edit", "namespace-admin"] {
        place.refused(user, &forged, "forbidden");
    }
    place.refused(
        "admin",
        &forged,
        "the status of this kind is written by Seaworthy alone",
    );
    place.refused("admin", &format!("{forged} {ROBOT}"), "forbidden");
    let policy = format!(
        "patch scanpolicy default --subresource=status {}",
        "--type=merge -p {\"status\":{\"held\":7}}"
    );
    place.refused("admin", &policy, "written by Seaworthy alone");
    let other = format!("patch {scan} --type=merge -p {{\"spec\":{{\"image\":\"other:v1\"}}}}");
    place.refused("admin", &other, "cannot be changed");

    // What anybody says of the state of a workload comes to nothing.
    for user in ["edit", "namespace-admin", "admin"] {
        place.kubectl_as(
            user,
            "annotate deployment/app seaworthy.dev/state=Deployed seaworthy.dev/hold- --overwrite",
        );
        place.state("deployment/app", "Blocked");
    }
    let by_status = "patch deployment app --subresource=status --type=merge -p {\"metadata\":{\"annotations\":{\"seaworthy.dev/hold\":null}}}";
    place.refused("admin", by_status, "Seaworthy");
    let label = "label deployment/app seaworthy.dev/x=y";
    place.refused("admin", label, "written by Seaworthy alone");
}

fn exceptions(place: &Place) {
    let manifest = place.cluster.directory().join("exception.yaml");
    let text = "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanException\nmetadata: {name: all, namespace: default}\n\
                spec: {vulnerabilities: [CVE-1999-0001], reason: none, expires: {whenFixed: true}}\n";
    std::fs::write(&manifest, text).unwrap();
    let create = format!("create -f {}", manifest.display());
    place.refused("view", &create, "forbidden");
    place.refused("edit", &create, "forbidden");
    place.refused("admin", &format!("{create} {ROBOT}"), "forbidden");
    place.refused("nobody", &create, "needs the verb except");
    let created = place.kubectl_as("namespace-admin", &create);
    assert!(created.ok, "{created:?}");
    let change = "patch scanexception all --type=merge -p {\"spec\":{\"vulnerabilities\":[\"CVE-1999-0002\"]}}";
    place.refused("nobody", change, "needs the verb except");
    let label = place.kubectl_as("nobody", "label scanexception all team=a");
    assert!(label.ok, "a label accepts nothing: {label:?}");

    let approval = |by: &str| {
        format!(
            "apiVersion: seaworthy.dev/v1alpha1\nkind: ImageApproval\nmetadata: {{generateName: a-, namespace: default}}\n\
             spec: {{image: \"myapp:v1\", digest: \"{}\", reason: r, approvedBy: {by}}}\n",
            place.bad
        )
    };
    let manifest = place.cluster.directory().join("approval.yaml");
    let create = format!("create -f {}", manifest.display());
    std::fs::write(&manifest, approval("nobody")).unwrap();
    place.refused("nobody", &create, "needs the verb approve");
    place.refused("edit", &create, "forbidden");
    std::fs::write(&manifest, approval("somebody-else")).unwrap();
    place.refused(
        "namespace-admin",
        &create,
        "approvedBy must be the name of whoever approves",
    );
}

fn break_glass(place: &Place) {
    let glass = "annotate deployment/app seaworthy.dev/break-glass=incident-7";
    place.refused("view", glass, "forbidden");
    place.refused("edit", glass, "needs the verb break-glass");
    place.refused("admin", &format!("{glass} {ROBOT}"), "needs the verb break-glass");
    // Annotations come with a status too.
    place.ok("create role reporter --verb=get,patch --resource=deployments.apps/status,cronjobs.batch/status");
    place.ok("create role reader --verb=get --resource=deployments.apps,cronjobs.batch");
    for role in ["reporter", "reader"] {
        place.ok(&format!("create rolebinding {role} --role={role} --user=nobody"));
    }
    place.ok("create cronjob nightly --image=other:v1 --schedule=@yearly");
    for object in ["deployment app", "cronjob nightly"] {
        let by_status = format!(
            "patch {object} --subresource=status --type=merge -p \
             {{\"metadata\":{{\"annotations\":{{\"seaworthy.dev/break-glass\":\"incident-7\",\
             \"seaworthy.dev/break-glass-template\":\"x\"}}}}}}"
        );
        place.refused("nobody", &by_status, "needs the verb break-glass");
        let harmless = by_status.replace("seaworthy.dev/", "mine/");
        let said = place.kubectl_as("nobody", &harmless);
        assert!(said.ok, "{said:?}");
    }
    assert_eq!(place.pods("app"), "");
    let broken = place.kubectl_as("namespace-admin", glass);
    assert!(broken.ok, "{broken:?}");
    place.rolled_out("deployment/app");
    let pods = place.pods("app");
    assert!(pods.starts_with(&format!("myapp:v1@{}|Running|;", place.bad)), "{pods}");

    // It was for that template: another one waits, whoever brings it.
    let next = place.kubectl_as("edit", "set env deployment/app A=1");
    assert!(next.ok && next.err.contains("Warning: held: "), "{next:?}");
    place.state("deployment/app", "Blocked");
    let pods = place.pods("app");
    assert!(pods.starts_with("myapp:v1@sha256:"), "the old pod stays: {pods}");
    // What runs of the first one goes on, until the reason is taken back.
    place.ok("delete pods -l app=app");
    place.wait_for_pods("app", |pods| {
        pods.starts_with(&format!("myapp:v1@{}|Running|;", place.bad))
    });
    let mended = place.kubectl_as("edit", "annotate deployment/app seaworthy.dev/break-glass-");
    assert!(mended.ok, "{mended:?}");
    std::thread::sleep(std::time::Duration::from_secs(1));
    place.ok("delete pods -l app=app");
    place.wait_for_pods("app", |pods| pods.contains("|Pending|seaworthy.dev/scan;"));
    // And it proves nothing for another workload; nor is the gate open where the last policy is gone.
    place.ok("delete scanpolicies --all");
    place.ok("create deployment second --image=myapp:v1");
    place.state("deployment/second", "Blocked");
    place.ok("delete deployment second");
}

/// The operator is dead and its webhooks are gone: the guards stand.
fn without_webhooks(place: &Place) {
    place.ok("delete mutatingwebhookconfiguration,validatingwebhookconfiguration seaworthy");
    let lifts = "only Seaworthy lifts this hold";
    let alone = "written by Seaworthy alone";
    for (line, with) in [
        ("rollout resume deployment/app", lifts),
        // Two guards refuse it; which of them speaks is a matter of chance.
        ("annotate deployment/app seaworthy.dev/hold-", "Seaworthy"),
        (
            "annotate deployment/app seaworthy.dev/state=Deployed --overwrite",
            alone,
        ),
        ("annotate deployment/app seaworthy.dev/reason-", alone),
        (
            "annotate deployment/app seaworthy.dev/requested-by=me --overwrite",
            alone,
        ),
        (
            "annotate deployment/app seaworthy.dev/break-glass-template=x --overwrite",
            alone,
        ),
        ("annotate deployment/app seaworthy.dev/anything=x", alone),
        (
            "patch deployment app --type=json -p [{\"op\":\"remove\",\"path\":\"/metadata/annotations\"},{\"op\":\"remove\",\"path\":\"/spec/paused\"}]",
            "Seaworthy",
        ),
    ] {
        for user in ["edit", "namespace-admin", "admin"] {
            place.refused(user, line, with);
        }
    }
    // PUT of a manifest that knows nothing of us.
    let manifest = place.cluster.directory().join("put.yaml");
    std::fs::write(&manifest, crate::workload("Deployment", "app", "myapp:v1", "")).unwrap();
    place.refused("admin", &format!("replace -f {}", manifest.display()), "Seaworthy");
    // The rest of the object is the user's, also now.
    place.ok("annotate deployment/app note=mine");
    place.ok("scale deployment/app --replicas=2");
}
