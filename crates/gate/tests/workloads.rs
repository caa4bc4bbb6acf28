//! Deployments and the other kinds that hold by themselves: what holds, what is remembered, what does not get around it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use seaworthy_gate::{HOLD, Hold, Kind, NotReleased, Phase, REASON, STATE, ask, release, template_id};
use serde_json::{Value, json};
use support::{OURSELVES, create, deployment, digest, know, memory, patched, review_by, update, validate};

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][key].as_str()
}

fn template(object: &Value) -> String {
    template_id(&object["spec"]["template"])
}

/// A Deployment as it is stored after it was created and held.
fn held(image: &str) -> Value {
    let new = deployment(image);
    let mut stored = patched(&new, &create(&memory(), &new).patches);
    stored["metadata"]["uid"] = json!("d-1");
    stored["metadata"]["resourceVersion"] = json!("7");
    stored
}

#[test]
fn a_new_deployment_is_held_paused_with_a_warning() {
    let new = deployment("myapp:v1");
    let answer = create(&memory(), &new);
    assert!(answer.allowed && answer.decision == "held");
    assert_eq!(
        answer.warnings,
        ["held: myapp:v1: not scanned yet; it is let go by itself when the scan passes"]
    );
    assert_eq!(answer.scans.len(), 1);
    let stored = patched(&new, &answer.patches);
    assert_eq!(stored["spec"]["paused"], json!(true));
    assert_eq!(annotation(&stored, STATE), Some("Created"));
    assert_eq!(
        Hold::of(&stored).unwrap(),
        Hold {
            template: template(&new),
            own: None
        }
    );
}

#[test]
fn it_is_released_with_the_users_own_value() {
    for own in [None, Some(json!(true)), Some(json!(false))] {
        let mut new = deployment("myapp:v1");
        if let Some(own) = &own {
            new["spec"]["paused"] = own.clone();
        }
        let stored = patched(&new, &create(&memory(), &new).patches);
        let released = patched(&stored, &release(Kind::Deployment, &stored).unwrap());
        assert_eq!(released["spec"].get("paused"), own.as_ref());
        assert_eq!(Hold::of(&released), None);
        assert_eq!(annotation(&released, STATE), Some("Deployed"));
        assert_eq!(annotation(&released, REASON), None);
    }
}

#[test]
fn race_1_a_release_is_tied_to_the_template_that_was_judged() {
    let mut stored = held("myapp:v1");
    stored["spec"]["template"]["spec"]["containers"][0]["image"] = json!("other:v1");
    assert_eq!(release(Kind::Deployment, &stored), Err(NotReleased::OtherTemplate));
}

#[test]
fn race_3_a_pause_of_the_user_is_remembered_through_updates() {
    let mut new = deployment("myapp:v1");
    new["spec"]["paused"] = json!(true);
    let stored = patched(&new, &create(&memory(), &new).patches);
    let mut changed = stored.clone();
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = json!("other:v1");
    let changed = patched(&changed, &update(&memory(), &stored, &changed).patches);
    assert_eq!(Hold::of(&changed).unwrap().own, Some(json!(true)));
    assert_eq!(Hold::of(&changed).unwrap().template, template(&changed));
}

#[test]
fn race_4_resuming_by_hand_does_not_lift_the_hold() {
    let stored = held("myapp:v1");
    let attempts: [fn(&mut Value); 4] = [
        |object| object["spec"]["paused"] = json!(false),
        |object| {
            object["spec"].as_object_mut().unwrap().shift_remove("paused");
        },
        |object| {
            object["metadata"].as_object_mut().unwrap().shift_remove("annotations");
            object["spec"]["paused"] = json!(false);
        },
        |object| object["metadata"]["annotations"] = json!({HOLD: "{}", STATE: "Deployed"}),
    ];
    for (index, attempt) in attempts.iter().enumerate() {
        let mut changed = stored.clone();
        attempt(&mut changed);
        let answer = update(&memory(), &stored, &changed);
        let changed = patched(&changed, &answer.patches);
        assert_eq!(changed["spec"]["paused"], json!(true), "attempt {index}");
        assert_eq!(
            Hold::of(&changed).unwrap().template,
            template(&stored),
            "attempt {index}"
        );
        assert_eq!(annotation(&changed, STATE), Some("Created"), "attempt {index}");
        assert!(!answer.warnings.is_empty(), "attempt {index}");
    }
}

#[test]
fn nobody_but_us_lifts_a_hold_even_when_the_verdict_is_known() {
    let mut memory = memory();
    let stored = held("good:v1");
    know(&mut memory, "d-1", &template(&stored), "good:v1", 'a');
    let mut resumed = stored.clone();
    resumed["spec"]["paused"] = json!(false);
    let by_user = patched(&resumed, &update(&memory, &stored, &resumed).patches);
    assert_eq!(by_user["spec"]["paused"], json!(true));
    let released = patched(&stored, &release(Kind::Deployment, &stored).unwrap());
    let ours = review_by(OURSELVES, "UPDATE", "Deployment", &released, Some(&stored));
    let answer = ask(&ours, Phase::Mutating, &memory, support::NOW);
    assert!(answer.allowed && answer.patches.is_empty());
}

#[test]
fn a_known_bad_image_is_blocked_at_once_with_the_line() {
    let mut memory = memory();
    memory.admissions.clear();
    let new = deployment(&format!("bad@{}", digest('b')));
    let answer = create(&memory, &new);
    let stored = patched(&new, &answer.patches);
    assert_eq!(annotation(&stored, STATE), Some("Blocked"));
    let line = annotation(&stored, REASON).unwrap();
    assert!(
        line.contains("CVE-2021-3711 CRITICAL in openssl 1.1.1k-r0 → 1.1.1l-r0"),
        "{line}"
    );
    assert_eq!(answer.warnings, [format!("held: {line}")]);
}

#[test]
fn a_digest_known_to_be_clean_is_let_in_at_once_but_only_where_it_could_be_read() {
    let new = deployment(&format!("good@{}", digest('a')));
    let answer = create(&memory(), &new);
    assert_eq!((answer.decision, answer.patches.len()), ("allowed", 0));
    let mut elsewhere = new;
    elsewhere["metadata"]["namespace"] = json!("other");
    assert_eq!(create(&memory(), &elsewhere).decision, "held");
}

#[test]
fn what_somebody_writes_of_us_on_a_new_object_does_not_count() {
    let mut new = deployment(&format!("good@{}", digest('a')));
    new["metadata"]["annotations"] = json!({STATE: "Deployed", "seaworthy.dev/anything": "x", "note": "kept"});
    let stored = patched(&new, &create(&memory(), &new).patches);
    assert_eq!(stored["metadata"]["annotations"], json!({"note": "kept"}));
}

#[test]
fn warn_lets_in_and_says_so_and_audit_says_nothing() {
    use seaworthy_policy::Action;
    for (action, warnings) in [(Action::Warn, 1), (Action::Audit, 0)] {
        let mut memory = memory();
        memory.policies[0].action = action;
        let answer = create(&memory, &deployment("myapp:v1"));
        assert!(answer.allowed && answer.patches.is_empty());
        assert_eq!(answer.warnings.len(), warnings);
        assert_eq!(answer.scans.len(), 1);
    }
}

#[test]
fn an_unchanged_update_and_scaling_are_left_alone() {
    let old = deployment("myapp:v1");
    let mut scaled = old.clone();
    scaled["spec"]["replicas"] = json!(5);
    let answer = update(&memory(), &old, &scaled);
    assert!(answer.allowed && answer.patches.is_empty() && answer.warnings.is_empty() && answer.scans.is_empty());
}

#[test]
fn an_empty_memory_lets_nothing_in_but_system_namespaces() {
    let mut memory = memory();
    memory.ready = false;
    let answer = create(&memory, &deployment("good:v1"));
    assert_eq!((answer.allowed, answer.code), (false, 503));
    let mut system = deployment("good:v1");
    system["metadata"]["namespace"] = json!("kube-system");
    assert!(create(&memory, &system).allowed);
}

#[test]
fn a_dry_run_starts_no_scan() {
    let review = String::from_utf8(review_by("ann", "CREATE", "Deployment", &deployment("myapp:v1"), None)).unwrap();
    let dry = review.replace("\"dryRun\":false", "\"dryRun\":true");
    assert_ne!(review, dry);
    let answer = ask(dry.as_bytes(), Phase::Mutating, &memory(), support::NOW);
    assert!(answer.scans.is_empty() && !answer.patches.is_empty());
}

#[test]
fn break_glass_holds_for_one_template() {
    let mut new = deployment("bad:v1");
    new["metadata"]["annotations"] = json!({"seaworthy.dev/break-glass": "incident 7"});
    let answer = create(&memory(), &new);
    assert_eq!(answer.decision, "allowed");
    let stored = patched(&new, &answer.patches);
    assert_eq!(stored["spec"].get("paused"), None);
    let mut next = stored.clone();
    next["spec"]["template"]["spec"]["containers"][0]["image"] = json!("bad:v2");
    assert_eq!(update(&memory(), &stored, &next).decision, "held");
    next["metadata"]["annotations"]["seaworthy.dev/break-glass"] = json!("incident 8");
    assert_eq!(update(&memory(), &stored, &next).decision, "allowed");
}

#[test]
fn race_11_what_a_sidecar_injector_adds_is_seen_by_the_second_webhook() {
    let new = deployment(&format!("good@{}", digest('a')));
    let mut injected = patched(&new, &create(&memory(), &new).patches);
    let containers = injected["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap();
    containers.push(json!({"name": "sidecar", "image": "proxy:v1"}));
    let answer = validate(&memory(), None, &injected);
    assert_eq!((answer.allowed, answer.code), (false, 409));
}

fn job() -> Value {
    json!({"kind": "Job", "metadata": {"name": "j", "namespace": "default"},
           "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "myapp:v1"}]}}}})
}

#[test]
fn a_job_is_suspended_and_a_queued_one_is_left_to_its_queue() {
    let new = job();
    let stored = patched(&new, &create(&memory(), &new).patches);
    assert_eq!(stored["spec"]["suspend"], json!(true));
    let mut queued = job();
    queued["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "q"});
    let stored = patched(&queued, &create(&memory(), &queued).patches);
    assert_eq!(stored["spec"].get("suspend"), None);
}

#[test]
fn stateful_and_daemon_sets_are_held_at_updates_so_that_old_pods_stay() {
    for (kind, strategy, holding) in [
        (
            Kind::StatefulSet,
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": i32::MAX}}),
        ),
        (
            Kind::DaemonSet,
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}),
            json!({"type": "OnDelete"}),
        ),
    ] {
        let mut old = deployment("old:v1");
        old["kind"] = json!(kind.name());
        old["spec"]["updateStrategy"] = strategy.clone();
        let created = create(&memory(), &old);
        assert_eq!(patched(&old, &created.patches)["spec"]["updateStrategy"], strategy);
        assert!(
            created.warnings[0].starts_with("its pods are held: "),
            "{:?}",
            created.warnings
        );
        let mut new = old.clone();
        new["spec"]["template"]["spec"]["containers"][0]["image"] = json!("new:v1");
        let stored = patched(&new, &update(&memory(), &old, &new).patches);
        assert_eq!(stored["spec"]["updateStrategy"], holding);
        let released = patched(&stored, &release(kind, &stored).unwrap());
        assert_eq!(released["spec"]["updateStrategy"], strategy);
    }
}

#[test]
fn what_cannot_be_read_gets_a_clear_answer() {
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let mut strange = deployment("good:v1");
    strange["spec"]["template"]["spec"]["containers"] = json!({"a": 1});
    let strange = review_by("ann", "CREATE", "Deployment", &strange, None);
    for review in [b"".as_slice(), b"{}", b"{\"request\": {}}", nested.as_bytes(), &strange] {
        let answer = ask(review, Phase::Mutating, &memory(), support::NOW);
        assert_eq!((answer.allowed, answer.code), (false, 400), "{answer:?}");
        assert!(!answer.message.is_empty());
    }
}
