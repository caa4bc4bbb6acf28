//! The guards against races, on the real API server: each race ends well with its guard, and badly where that is taken out.
//!
//! What the operator would send a moment too late is made here by the same functions, and sent under its name as a dry run.

use crate::races::{all_images, injector};
use crate::{Place, Said, workload};
use seaworthy_operator::gate::{HOLD, ImageStanding, Kind, NotReleased, Standing, pod_images, release, release_pod};
use seaworthy_testkit::cluster::Process;
use serde_json::{Value, json};
use std::time::Duration;

const OURSELVES: &str = "--as=system:serviceaccount:seaworthy:seaworthy";

#[test]
fn races_end_badly_where_their_guard_is_taken_out() {
    let Some(place) = Place::start() else { return };
    let operator = place.operator();
    another_template_after_the_verdict(&place);
    the_users_own_value(&place);
    pin_and_gate(&place);
    a_pause_after_the_release(&place);
    an_injector_and_nobody_asked_again(&place);
    everything_of_ours_is_gone(&place, operator);
}

/// The object as the API server has it.
fn object(place: &Place, what: &str) -> Value {
    serde_json::from_str(&place.ok(&format!("get {what} -o json"))).unwrap()
}

/// Sends a patch as the operator does, and keeps nothing of it.
fn sent(place: &Place, what: &str, patches: &[Value]) -> Said {
    let (kind, name) = what.split_once('/').unwrap();
    let patches = serde_json::to_string(patches).unwrap();
    let flags = ["--type=json", "--dry-run=server", "-o=json", OURSELVES, "-p", &patches];
    place
        .cluster
        .kubectl(["patch", kind, name].into_iter().chain(flags))
        .unwrap()
        .into()
}

/// What a patch makes of the object.
fn comes_out(place: &Place, what: &str, patches: &[Value]) -> Value {
    let said = sent(place, what, patches);
    assert!(said.ok, "{what}: {patches:?}: {said:?}");
    serde_json::from_str(&said.out).unwrap()
}

/// An object that is blocked, and the patch that releases it, which is good until somebody changes the object.
fn judged(place: &Place, what: &str, release: impl Fn(&Value) -> Vec<Value>) -> (Value, Vec<Value>) {
    place.state(what, "Blocked");
    let mut found = (Value::Null, Vec::new());
    // The operator may still be writing what it has to say.
    for _ in 0..20 {
        let object = object(place, what);
        let patches = release(&object);
        found = (object, patches);
        if sent(place, what, &found.1).ok {
            return found;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("{what}: {:?}", sent(place, what, &found.1));
}

fn without_tests(patches: &[Value]) -> Vec<Value> {
    patches.iter().filter(|patch| patch["op"] != "test").cloned().collect()
}

/// Race 1: the template changes between the verdict and the release.
fn another_template_after_the_verdict(place: &Place) {
    let what = "deployment/turn";
    place.ok("create deployment turn --image=myapp:v1");
    let (_, patches) = judged(place, what, |object| release(Kind::Deployment, object).unwrap());
    assert_eq!(comes_out(place, what, &patches)["spec"].get("paused"), None);
    place.ok("set image deployment/turn myapp=nobody-judged:v1");
    let late = sent(place, what, &patches);
    assert!(!late.ok, "{late:?}");
    let unguarded = comes_out(place, what, &without_tests(&patches));
    assert_eq!(unguarded["spec"].get("paused"), None);
    assert_eq!(
        unguarded["spec"]["template"]["spec"]["containers"][0]["image"],
        "nobody-judged:v1"
    );
}

/// Races 3 and 16: the user, or a queue, had `paused` or `suspend` there already.
fn the_users_own_value(place: &Place) {
    for (kind, field) in [(Kind::Deployment, "paused"), (Kind::Job, "suspend")] {
        let (resource, name) = (kind.name().to_ascii_lowercase(), format!("own-{field}"));
        let what = format!("{resource}/{name}");
        place.apply(&workload(kind.name(), &name, "myapp:v1", &format!("  {field}: true\n")));
        let (object, patches) = judged(place, &what, |object| release(kind, object).unwrap());
        assert_eq!(comes_out(place, &what, &patches)["spec"][field], true);
        // Without what was remembered.
        let mut forgotten = object;
        let hold = &mut forgotten["metadata"]["annotations"][HOLD];
        let mut said: Value = serde_json::from_str(hold.as_str().unwrap()).unwrap();
        said.as_object_mut().unwrap().remove("own");
        *hold = json!(said.to_string());
        let unguarded = comes_out(place, &what, &without_tests(&release(kind, &forgotten).unwrap()));
        assert_ne!(unguarded["spec"].get(field), Some(&json!(true)));
    }
    // A Job that names its queue is not held by us, so that there is nothing which we could lift.
    let queued = workload("Job", "queued", "myapp:v1", "  suspend: true\n").replace(
        "namespace: default}",
        "namespace: default, labels: {kueue.x-k8s.io/queue-name: q}}",
    );
    place.apply(&queued);
    let queued = object(place, "job/queued");
    assert_eq!(release(Kind::Job, &queued), Err(NotReleased::NotHeld));
    assert_eq!(queued["spec"]["suspend"], true);
}

/// Races 5 and 14: a tag moves, or we die, between the pin and the gate.
fn pin_and_gate(place: &Place) {
    let what = "pod/bare";
    place.ok("run bare --image=myapp:v1");
    let (_, patches) = judged(place, what, |pod| {
        let approved = ImageStanding::Approved {
            digest: place.bad.clone(),
            lasting: false,
        };
        let images = pod_images(pod).unwrap().into_iter();
        let images = images.map(|image| (image, approved.clone())).collect();
        release_pod(pod, &Standing { images }).unwrap()
    });
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
    let is_gated = |pod: &Value| {
        pod["spec"]
            .get("schedulingGates")
            .is_some_and(|gates| *gates != json!([]))
    };
    let released = comes_out(place, what, &patches);
    assert_eq!(image(&released), format!("myapp:v1@{}", place.bad));
    assert!(!is_gated(&released));
    // In two patches, the first of which arrives: the pod would run whatever the tag means by then.
    let half: Vec<Value> = patches
        .iter()
        .filter(|patch| patch["op"] != "replace")
        .cloned()
        .collect();
    let unguarded = comes_out(place, what, &half);
    assert!(image(&unguarded) == "myapp:v1" && !is_gated(&unguarded));
    // And one patch is no good for what the pod is by now.
    place.ok("set image pod/bare bare=nobody-judged:v1");
    let late = sent(place, what, &patches);
    assert!(!late.ok, "{late:?}");
}

/// Race 2: two of us release, and the user pauses in between.
fn a_pause_after_the_release(place: &Place) {
    let what = "deployment/twice";
    place.ok("create deployment twice --image=myapp:v1");
    let (_, patches) = judged(place, what, |object| release(Kind::Deployment, object).unwrap());
    place.apply(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanException\nmetadata: {name: known, namespace: default}\nspec:\n  \
         vulnerabilities: [CVE-2023-40889, CVE-2023-40890, CVE-2023-49606]\n  images: [\"myapp:*\"]\n  reason: known\n  \
         expires: {date: \"2099-01-01T00:00:00Z\"}\n",
    );
    place.rolled_out(what);
    place.ok("rollout pause deployment/twice");
    let second = sent(place, what, &patches);
    assert!(!second.ok, "{second:?}");
    let of_spec = |patch: &&Value| patch["op"] != "test" && patch["path"].as_str().unwrap().starts_with("/spec/");
    let unguarded: Vec<Value> = patches.iter().filter(of_spec).cloned().collect();
    assert_eq!(comes_out(place, what, &unguarded)["spec"].get("paused"), None);
    assert_eq!(place.ok("get deployment twice -o jsonpath={.spec.paused}"), "true");
    place.ok("delete scanexception known");
}

/// Race 11: an injector works after us, and nobody asks us again.
fn an_injector_and_nobody_asked_again(place: &Place) {
    let mesh = workload("Deployment", "mesh", "other:v1", "").replace(
        "labels: {app: mesh}}\n    spec",
        "labels: {app: mesh, inject: yes-please}}\n    spec",
    );
    place.apply(&mesh);
    place.rolled_out("deployment/mesh");
    place.apply(&injector("nobody-judged:v1"));
    let pinned = format!("other:v1@{}", place.other);
    let probe = format!(
        "run probe --image={pinned} --labels=inject=x --dry-run=server -o jsonpath={{.spec.containers[*].image}}"
    );
    place.wait(&probe, |images| images.ends_with(" nobody-judged:v1"));
    let entries = place.ok("get mutatingwebhookconfiguration seaworthy -o jsonpath={.webhooks[*].name}");
    let never: Vec<Value> = (0..entries.split(' ').count())
        .map(|index| json!({"op": "add", "path": format!("/webhooks/{index}/reinvocationPolicy"), "value": "Never"}))
        .collect();
    place.ok(&format!(
        "patch mutatingwebhookconfiguration seaworthy --type=json -p {}",
        serde_json::to_string(&never).unwrap()
    ));
    // The second webhook refuses what the first has not seen.
    let why =
        "get replicasets -l app=mesh -o jsonpath={.items[*].status.conditions[?(@.type==\"ReplicaFailure\")].message}";
    place.wait(why, |said| {
        let _ = place.kubectl("delete pods -l app=mesh");
        said.contains("validate.gate.seaworthy.dev")
    });
    assert_eq!(place.ok(&all_images("mesh")), "");
    // Without that one too, what nobody has judged is stored as a pod that may start.
    place.ok("delete validatingwebhookconfiguration seaworthy");
    place.wait_for(&all_images("mesh"), &format!("{pinned} nobody-judged:v1|;"));
    place.ok("delete mutatingadmissionpolicybinding,mutatingadmissionpolicy injector");
    place.ok("delete deployment mesh");
}

/// Race 4: `kubectl rollout resume`, with the operator dead and its webhooks gone. The last guard is the policy of the API
/// server itself.
fn everything_of_ours_is_gone(place: &Place, operator: Process) {
    drop(operator);
    let _ = place.kubectl("delete mutatingwebhookconfiguration,validatingwebhookconfiguration seaworthy");
    place.refused(
        "admin",
        "rollout resume deployment/turn",
        "only Seaworthy lifts this hold",
    );
    assert_eq!(place.pods("turn"), "");
    place.ok("delete validatingadmissionpolicybindings --all");
    place.wait("rollout resume deployment/turn", |said| said.contains("resumed"));
    place.wait_for_pods("turn", |pods| pods == "nobody-judged:v1|Running|;");
}
