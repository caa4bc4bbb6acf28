//! The story on a real control plane, with real `kubectl`, a real registry and the built binary: a Deployment is held,
//! scanned, blocked, cannot be freed by hand, is fixed, and goes by itself.

use crate::Place;
use seaworthy_testkit::cluster::Cluster;

const JSONPATH_STATE: &str = "jsonpath={.metadata.annotations.seaworthy\\.dev/state}";
const JSONPATH_REASON: &str = "jsonpath={.metadata.annotations.seaworthy\\.dev/reason}";

#[test]
fn the_story_from_a_held_deployment_to_one_that_runs_what_was_scanned() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    let (cluster, fixed) = (&place.cluster, &place.fixed);
    let kubectl = |_: &Cluster, line: &str| {
        let said = place.kubectl(line);
        (said.out, said.err)
    };

    let (said, warned) = kubectl(cluster, "create deployment myapp --image=myapp:v1");
    assert_eq!(said, "deployment.apps/myapp created\n");
    assert!(
        warned.starts_with("Warning: held: myapp:v1: not scanned yet"),
        "{warned}"
    );

    let state = |expected: &'static str| {
        move |cluster: &Cluster| kubectl(cluster, &format!("get deployment myapp -o {JSONPATH_STATE}")).0 == expected
    };
    cluster.wait_until("it is Blocked", state("Blocked")).unwrap();
    let (line, _) = kubectl(cluster, &format!("get deployment myapp -o {JSONPATH_REASON}"));
    assert!(
        line.starts_with("myapp:v1: CVE-") && line.contains(" CRITICAL in ") && line.contains(" → "),
        "{line}"
    );
    let (events, _) = kubectl(
        cluster,
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

    let (_, warned) = kubectl(cluster, "rollout resume deployment/myapp");
    assert_eq!(warned, format!("Warning: held: {line}\n"));
    let strip = "annotate deployment/myapp seaworthy.dev/hold- seaworthy.dev/state=Deployed --overwrite";
    kubectl(cluster, strip);
    assert_eq!(
        kubectl(cluster, "get deployment myapp -o jsonpath={.spec.paused}").0,
        "true"
    );
    assert_eq!(kubectl(cluster, "get replicasets -o name").0, "");

    kubectl(cluster, "set image deployment/myapp myapp=myapp:v1-fixed");
    let (rolled, _) = kubectl(cluster, "rollout status deployment/myapp --timeout=120s");
    assert!(
        rolled.ends_with("deployment \"myapp\" successfully rolled out\n"),
        "{rolled}"
    );
    let (images, _) = kubectl(cluster, "get pods -o jsonpath={.items[*].spec.containers[*].image}");
    assert_eq!(images, format!("myapp:v1-fixed@{fixed}"));
    assert_eq!(
        kubectl(cluster, "get deployment myapp -o jsonpath={.spec.paused}").0,
        ""
    );
    cluster.wait_until("it is Deployed", state("Deployed")).unwrap();
    cluster
        .wait_until("the fixed image is Approved", |cluster| {
            kubectl(cluster, "get imagescans -o jsonpath={.items[*].status.state}").0 == "VulnerabilitiesFound Approved"
        })
        .unwrap();
}
