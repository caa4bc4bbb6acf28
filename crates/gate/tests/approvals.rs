//! Approvals by people: for whom they count, and what they leave behind.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "tests fail by panicking, and use a part of the support"
)]

mod support;

use seaworthy_policy::{Exception, Expiry};
use support::{create, digest, know_replica_set, memory, pod};

#[test]
fn an_approval_of_what_only_an_exception_lets_pass_is_no_lasting_admission() {
    let mut memory = memory();
    memory.policies[0].approval_required = true;
    know_replica_set(&mut memory, "rs-1", "d-1", "t-1");
    support::know(&mut memory, "d-1", "t-1", "bad:v1", 'b');
    memory.approvals.insert(("default".to_owned(), digest('b')));
    let exception = Exception {
        name: "accepted".to_owned(),
        vulnerabilities: vec!["CVE-2021-3711".to_owned()],
        images: vec![],
        packages: vec![],
        expiry: Expiry::Never,
    };
    memory.exceptions.insert("default".to_owned(), vec![exception]);
    let mut owned = pod("bad:v1");
    owned["metadata"]["ownerReferences"] = serde_json::json!([
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "rs-1", "controller": true}]);
    let answer = create(&memory, &owned);
    assert_eq!((answer.decision, answer.admissions), ("allowed", vec![]));
    memory.exceptions.clear();
    assert_eq!(create(&memory, &owned).decision, "held");
}
