//! The story on a real control plane, with real `kubectl`, a real registry and the built binary: a Deployment is held,
//! scanned, blocked, cannot be freed by hand, is fixed, and goes by itself.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use seaworthy_testkit::cluster::{Cluster, Process, free_port};
use seaworthy_testkit::{RegistryServer, example_image};
use std::path::Path;

const JSONPATH_STATE: &str = "jsonpath={.metadata.annotations.seaworthy\\.dev/state}";
const JSONPATH_REASON: &str = "jsonpath={.metadata.annotations.seaworthy\\.dev/reason}";

/// What `kubectl` says: standard output, standard error.
fn kubectl(cluster: &Cluster, line: &str) -> (String, String) {
    let output = cluster.kubectl(line.split(' ')).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn operator(cluster: &Cluster, registry: &RegistryServer) -> Process {
    let (webhook, http) = (free_port().unwrap(), free_port().unwrap());
    let arguments = [
        "operator".to_owned(),
        "--install".to_owned(),
        format!("--kubeconfig={}", cluster.kubeconfig().display()),
        format!("--external-url=https://127.0.0.1:{webhook}"),
        format!("--listen=127.0.0.1:{webhook}"),
        format!("--http-listen=127.0.0.1:{http}"),
        format!("--store=sqlite://{}", cluster.directory().join("store.db").display()),
        format!("--registry-mirror=docker.io=http://{}", registry.host()),
    ];
    let log = cluster.directory().join("operator.log");
    let process = Process::start(Path::new(env!("CARGO_BIN_EXE_seaworthy")), &arguments, &[], &log).unwrap();
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    cluster
        .wait_until("the operator is ready", |_| said().contains("INFO ready"))
        .unwrap_or_else(|error| panic!("{error}\n{}", said()));
    process
}

#[test]
fn the_story_from_a_held_deployment_to_one_that_runs_what_was_scanned() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    registry.push("library/myapp", "v1", &example_image(false));
    let fixed = registry.push("library/myapp", "v1-fixed", &example_image(true));
    let cluster = Cluster::start().unwrap();
    let _operator = operator(&cluster, &registry);

    let (said, warned) = kubectl(&cluster, "create deployment myapp --image=myapp:v1");
    assert_eq!(said, "deployment.apps/myapp created\n");
    assert!(
        warned.starts_with("Warning: held: myapp:v1: not scanned yet"),
        "{warned}"
    );

    let state = |expected: &'static str| {
        move |cluster: &Cluster| kubectl(cluster, &format!("get deployment myapp -o {JSONPATH_STATE}")).0 == expected
    };
    cluster.wait_until("it is Blocked", state("Blocked")).unwrap();
    let (line, _) = kubectl(&cluster, &format!("get deployment myapp -o {JSONPATH_REASON}"));
    assert!(
        line.starts_with("myapp:v1: CVE-") && line.contains(" CRITICAL in ") && line.contains(" → "),
        "{line}"
    );
    let (events, _) = kubectl(
        &cluster,
        "get events -o jsonpath={.items[?(@.reason==\"ImageBlocked\")].message}",
    );
    cluster
        .wait_until("the Event says the same line", |cluster| {
            let jsonpath = "jsonpath={.items[?(@.reason==\"ImageBlocked\")].message}";
            kubectl(cluster, &format!("get events -o {jsonpath}")).0 == line
        })
        .unwrap_or_else(|error| panic!("{error}: {events}"));
    cluster
        .wait_until("the ImageScan says what was found", |cluster| {
            let jsonpath = "jsonpath={.items[0].status.state},{.items[0].status.summary}";
            kubectl(cluster, &format!("get imagescans -o {jsonpath}")).0
                == "VulnerabilitiesFound,Vulnerabilities found: 3 critical, 5 medium"
        })
        .unwrap();

    let (_, warned) = kubectl(&cluster, "rollout resume deployment/myapp");
    assert_eq!(warned, format!("Warning: held: {line}\n"));
    let strip = "annotate deployment/myapp seaworthy.dev/hold- seaworthy.dev/state=Deployed --overwrite";
    kubectl(&cluster, strip);
    assert_eq!(
        kubectl(&cluster, "get deployment myapp -o jsonpath={.spec.paused}").0,
        "true"
    );
    assert_eq!(kubectl(&cluster, "get replicasets -o name").0, "");

    kubectl(&cluster, "set image deployment/myapp myapp=myapp:v1-fixed");
    let (rolled, _) = kubectl(&cluster, "rollout status deployment/myapp --timeout=120s");
    assert!(
        rolled.ends_with("deployment \"myapp\" successfully rolled out\n"),
        "{rolled}"
    );
    let (images, _) = kubectl(&cluster, "get pods -o jsonpath={.items[*].spec.containers[*].image}");
    assert_eq!(images, format!("myapp:v1-fixed@{fixed}"));
    assert_eq!(
        kubectl(&cluster, "get deployment myapp -o jsonpath={.spec.paused}").0,
        ""
    );
    cluster.wait_until("it is Deployed", state("Deployed")).unwrap();
    cluster
        .wait_until("the fixed image is Approved", |cluster| {
            kubectl(cluster, "get imagescans -o jsonpath={.items[*].status.state}").0 == "VulnerabilitiesFound Approved"
        })
        .unwrap();
}

#[test]
fn while_the_operator_is_dead_no_hold_is_lifted() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    registry.push("library/myapp", "v1", &example_image(false));
    let cluster = Cluster::start().unwrap();
    let running = operator(&cluster, &registry);
    kubectl(&cluster, "create deployment myapp --image=myapp:v1");
    drop(running);
    for attempt in [
        "rollout resume deployment/myapp",
        "annotate deployment/myapp seaworthy.dev/hold-",
        "create deployment other --image=myapp:v1",
    ] {
        let output = cluster.kubectl(attempt.split(' ')).unwrap();
        assert!(!output.status.success(), "{attempt}");
    }
    // Also where the webhooks are gone altogether, the guards stand.
    kubectl(
        &cluster,
        "delete mutatingwebhookconfiguration,validatingwebhookconfiguration seaworthy",
    );
    for attempt in [
        "rollout resume deployment/myapp",
        "annotate deployment/myapp seaworthy.dev/hold-",
    ] {
        let (_, said) = kubectl(&cluster, attempt);
        assert!(said.contains("only Seaworthy lifts this hold"), "{attempt}: {said}");
    }
    let again = operator(&cluster, &registry);
    cluster
        .wait_until("it is judged after the restart", |cluster| {
            kubectl(cluster, &format!("get deployment myapp -o {JSONPATH_STATE}")).0 == "Blocked"
        })
        .unwrap();
    assert_eq!(kubectl(&cluster, "get pods -o name").0, "");
    assert!(again.resident_memory().is_some_and(|bytes| bytes < 150 << 20));
}
