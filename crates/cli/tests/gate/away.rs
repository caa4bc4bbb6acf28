//! The gate is away: who waits for it and who does not is said by policies, by namespace; what guards; and who takes its place.

use crate::Place;
use seaworthy_testkit::cluster::{Process, free_port};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

const AWAY: &str = "failed calling webhook";

/// Where things go on without us, as the API server was told.
fn open(kind: &str) -> String {
    let name = if kind == "mutating" { "mutate" } else { "validate" };
    format!(
        "get {kind}webhookconfiguration seaworthy -o jsonpath={{.webhooks[?(@.name==\"{name}.open.gate.seaworthy.dev\")].\
         namespaceSelector.matchExpressions[0].values[*]}}"
    )
}

#[test]
fn policies_say_by_namespace_who_waits_for_a_gate_that_is_away_and_guards_stand_everywhere() {
    let Some(place) = Place::start() else { return };
    let operator = place.operator();
    place.ok("create namespace open");
    place.apply(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanPolicy\nmetadata: {name: open}\nspec: {failurePolicy: Ignore, \
         namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: open}}, rules: [{severity: CRITICAL}]}\n",
    );
    for kind in ["mutating", "validating"] {
        place.wait_for(&open(kind), "open");
    }
    // While it is there it holds in both.
    place.ok("create deployment app --image=myapp:v1 -n open");
    place.ok("create deployment app --image=myapp:v1");
    place.state("deployment/app -n open", "Blocked");
    place.state("deployment/app", "Blocked");
    drop(operator);

    for line in [
        "run away --image=other:v1",
        "create deployment away --image=other:v1",
        "set image deployment/app myapp=other:v1",
    ] {
        place.refused("admin", line, AWAY);
    }
    // Scaling is none of our business, so that it does not wait for us either.
    place.ok("scale deployment/app --replicas=2");
    // Whoever writes the object, or calls a namespace like the open one, gets no further.
    place.ok("create namespace later");
    place.refused(
        "admin",
        "run away --image=other:v1 -n later --labels=kubernetes.io/metadata.name=open",
        AWAY,
    );
    place.kubectl("label namespace later kubernetes.io/metadata.name=open --overwrite");
    place.refused("admin", "run away --image=other:v1 -n later", AWAY);

    place.ok("run away --image=myapp:v1 -n open --labels=app=away");
    place.ok("create deployment missed --image=myapp:v1 -n open");
    for label in ["away", "missed"] {
        place.wait(
            &format!("get pods -l app={label} -n open -o jsonpath={{.items[*].status.phase}}"),
            |out| out == "Running",
        );
    }
    // What was held before stays held, also there.
    let lifts = "only Seaworthy lifts this hold";
    place.refused("admin", "rollout resume deployment/app -n open", lifts);
    place.refused(
        "admin",
        "annotate deployment/app seaworthy.dev/hold- -n open",
        "Seaworthy",
    );
    let state = "annotate deployment/app seaworthy.dev/state=Deployed --overwrite -n open";
    place.refused("admin", state, "written by Seaworthy alone");

    let operator = place.operator();
    place.state("deployment/app -n open", "Blocked");
    // What came meanwhile runs on, and is looked at: it has a scan, and what it starts from now on is judged.
    place.wait("get imagescans -n open -o name", |out| !out.is_empty());
    place.ok("delete pods -l app=missed -n open");
    place.wait(
        "get pods -l app=missed -n open -o jsonpath={.items[*].metadata.annotations.seaworthy\\.dev/state}",
        |out| out == "Blocked",
    );
    // The policy goes, and with it the exception; nothing has to be started again for it.
    place.ok("delete scanpolicy open");
    for kind in ["mutating", "validating"] {
        place.wait_for(&open(kind), "");
    }
    drop(operator);
    place.refused("admin", "run late --image=other:v1 -n open", AWAY);
}

/// A second operator beside the one of the place, with a store of its own.
fn second(place: &Place, more: &[String]) -> (Process, PathBuf, u16) {
    let (webhook, http) = (free_port().unwrap(), free_port().unwrap());
    let directory = place.cluster.directory();
    let mut arguments = vec![
        "operator".to_owned(),
        format!("--external-url=https://127.0.0.1:{webhook}"),
        format!("--listen=127.0.0.1:{webhook}"),
        format!("--http-listen=127.0.0.1:{http}"),
        format!("--store=sqlite://{}", directory.join("second.db").display()),
        format!("--registry-mirror=docker.io=http://{}", place.registry.host()),
        "--allow-local-registries".to_owned(),
    ];
    arguments.extend_from_slice(more);
    let log = directory.join("second.log");
    let process = Process::start(Path::new(env!("CARGO_BIN_EXE_seaworthy")), &arguments, &[], &log).unwrap();
    (process, log, http)
}

fn says(place: &Place, log: &Path, what: &str) {
    let said = || std::fs::read_to_string(log).unwrap_or_default();
    place
        .cluster
        .wait_until(what, |_| said().contains(what))
        .unwrap_or_else(|error| panic!("{error}\n{}", said()));
}

/// The status line of `/readyz`.
fn readiness(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_second_operator_waits_takes_over_from_one_that_is_silent_and_the_first_does_not_come_back() {
    let Some(place) = Place::start() else { return };
    let first = place.operator();
    let url = "get mutatingwebhookconfiguration seaworthy -o jsonpath={.webhooks[0].clientConfig.url}";
    let before = place.ok(url);
    let kubeconfig = format!("--kubeconfig={}", place.cluster.kubeconfig().display());
    let (other, log, http) = second(&place, &["--install".to_owned(), kubeconfig]);
    says(&place, &log, "another operator works here");
    assert!(readiness(http).contains("503"), "{}", readiness(http));
    // The first one works on.
    place.ok("create deployment app --image=other:v1");
    place.rolled_out("deployment/app");
    assert_eq!(place.ok(url), before);

    first.signal("STOP");
    says(&place, &log, "INFO ready");
    assert!(readiness(http).contains("200"));
    assert_ne!(place.ok(url), before);
    place.ok("create deployment next --image=myapp:v1");
    place.state("deployment/next", "Blocked");
    // It wakes up, sees that it was replaced, and ends, before it can do anything by what it thinks.
    first.signal("CONT");
    place
        .cluster
        .wait_until("the first one ends", |_| !first.is_running())
        .unwrap();
    assert!(place.log().contains("works here now"), "{}", place.log());
    assert!(other.is_running());
    place.state("deployment/next", "Blocked");

    // One that leaves gives its turn away: nobody waits for it.
    other.signal("TERM");
    place
        .cluster
        .wait_until("the second one ends", |_| !other.is_running())
        .unwrap();
    let holder = "get lease seaworthy -n seaworthy -o jsonpath={.spec.holderIdentity}";
    assert_eq!(place.ok(holder), "");
    let _third = place.operator();
    assert!(!place.log().contains("another operator works here"), "{}", place.log());
}

/// Applied from `deploy`, the operator has no rights but those of its ServiceAccount, and finds its guards there.
#[test]
fn inside_the_cluster_the_guards_follow_the_namespaces_that_are_not_governed() {
    let Some(place) = Place::start() else { return };
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let files = |names: &[&str]| -> String {
        let files = names.iter().map(|name| format!(" -f {}", deploy.join(name).display()));
        files.collect()
    };
    place.ok(&format!("apply --server-side{}", files(&["crds"])));
    place.ok(&format!(
        "apply --server-side{}",
        files(&["seaworthy.yaml", "default-policy.yaml"])
    ));
    place.ok("create namespace own");
    let labelled = place.cluster.directory().join("labelled.yaml");
    let text = crate::workload("Deployment", "labelled", "other:v1", "").replace(
        "namespace: default}",
        "annotations: {seaworthy.dev/anything: x, seaworthy.dev/break-glass: incident}}",
    );
    std::fs::write(&labelled, text).unwrap();
    for (role, user) in [("edit", "edit"), ("admin", "namespace-admin")] {
        place.ok(&format!(
            "create clusterrolebinding {role} --clusterrole={role} --user={user}"
        ));
    }
    let create = |namespace: &str| format!("create -f {} --dry-run=server -n {namespace}", labelled.display());
    // A policy takes a moment to take effect.
    let may = |expected: bool| {
        place
            .cluster
            .wait_until("the guards follow", |_| {
                place.kubectl_as("edit", &create("own")).ok == expected
            })
            .unwrap_or_else(|error| panic!("{error}\n{:?}", place.kubectl_as("edit", &create("own"))));
    };
    may(false);
    place.refused("edit", &create("own"), "ValidatingAdmissionPolicy 'seaworthy-");

    let token = place.ok("create token seaworthy -n seaworthy --duration=1h");
    let admin = std::fs::read_to_string(place.cluster.kubeconfig()).unwrap();
    let inside = place.cluster.directory().join("inside.kubeconfig");
    std::fs::write(&inside, admin.replace("admin-token", token.trim())).unwrap();
    let arguments = [
        format!("--kubeconfig={}", inside.display()),
        "--exclude-namespace=own".to_owned(),
    ];
    let (operator, log, _) = second(&place, &arguments);
    says(&place, &log, "INFO ready");
    may(true);
    place.refused("edit", &create("default"), "seaworthy.dev/");
    // It holds where it governs, and nowhere else.
    place.ok("create deployment app --image=myapp:v1");
    place.state("deployment/app", "Blocked");
    place.ok("create deployment app --image=myapp:v1 -n own");
    place.wait("get pods -n own -o jsonpath={.items[*].status.phase}", |out| {
        out == "Running"
    });
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(!said.contains("there are guards missing"), "{said}");
    // Applying the manifests again is no quarrel, and takes the exclusion with it only when the operator says so.
    place.ok(&format!("apply --server-side{}", files(&["seaworthy.yaml"])));
    may(true);
    drop(operator);
    let _operator = second(&place, &arguments[..1]);
    may(false);
    place.refused("edit", &create("own"), "ValidatingAdmissionPolicy 'seaworthy-");
}
