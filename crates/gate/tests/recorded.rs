//! Reviews that a real API server sent: read, answered, and answered the same way again.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use seaworthy_gate::{Answer, Memory, Phase, ask};
use serde_json::{Value, json};
use support::{NOW, memory, patched};

/// Every recorded review, whether its object is held by itself, and where.
const RECORDED: [(&str, &str, &str); 7] = [
    (
        "Deployment CREATE",
        include_str!("reviews/deployment-create.json"),
        "/spec/paused",
    ),
    (
        "Deployment UPDATE",
        include_str!("reviews/deployment-update.json"),
        "/spec/paused",
    ),
    (
        "StatefulSet CREATE",
        include_str!("reviews/statefulset-create.json"),
        "",
    ),
    ("Job CREATE", include_str!("reviews/job-create.json"), "/spec/suspend"),
    (
        "Pod CREATE",
        include_str!("reviews/pod-of-replicaset.json"),
        "/spec/schedulingGates",
    ),
    (
        "Pod CREATE",
        include_str!("reviews/pod-of-job.json"),
        "/spec/schedulingGates",
    ),
    (
        "Pod CREATE",
        include_str!("reviews/pod-alone.json"),
        "/spec/schedulingGates",
    ),
];

fn answer(memory: &Memory, review: &Value, phase: Phase) -> Answer {
    ask(review.to_string().as_bytes(), phase, memory, NOW)
}

#[test]
fn what_a_real_api_server_sends_is_held_until_something_is_known() {
    let memory = memory();
    for (what, text, place) in RECORDED {
        let mut review: Value = serde_json::from_str(text).unwrap();
        let request = &review["request"];
        let found = format!(
            "{} {}",
            request["kind"]["kind"].as_str().unwrap(),
            request["operation"].as_str().unwrap()
        );
        assert_eq!(found, what);
        let first = answer(&memory, &review, Phase::Mutating);
        assert!(first.allowed && first.decision == "held", "{what}: {first:?}");
        assert_eq!(Value::from(first.uid.clone()), request["uid"]);
        assert!(!first.scans.is_empty(), "{what}");
        // The second webhook refuses what nobody has held yet, and takes what we made of it.
        let is_held_by_itself = !place.is_empty();
        assert_eq!(
            answer(&memory, &review, Phase::Validating).allowed,
            !is_held_by_itself,
            "{what}"
        );
        let changed = patched(&request["object"], &first.patches);
        review["request"]["object"] = changed;
        if is_held_by_itself {
            let field = review["request"]["object"].pointer(place).unwrap();
            assert!(
                *field == json!(true) || *field == json!([{"name": "seaworthy.dev/scan"}]),
                "{what}: {field}"
            );
        }
        assert!(answer(&memory, &review, Phase::Mutating).patches.is_empty(), "{what}");
        assert!(answer(&memory, &review, Phase::Validating).allowed, "{what}");
        // As a dry run the answer is the same, and nothing follows from it.
        let mut dry: Value = serde_json::from_str(text).unwrap();
        dry["request"]["dryRun"] = json!(true);
        let dry = answer(&memory, &dry, Phase::Mutating);
        assert_eq!(
            (&dry.patches, &dry.warnings),
            (&first.patches, &first.warnings),
            "{what}"
        );
        assert!(dry.scans.is_empty(), "{what}");
        let unready = Memory::default();
        assert!(!answer(&unready, &review, Phase::Mutating).allowed, "{what}");
    }
}
