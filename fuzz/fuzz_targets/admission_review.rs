//! An admission review, answered by both webhooks from a memory that knows a little; asking again changes nothing less.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_gate::{Memory, Phase, ask};
use seaworthy_policy::ScanPolicy;

fuzz_target!(|bytes: &[u8]| {
    let mut memory = Memory {
        ready: true,
        ourselves: "system:serviceaccount:seaworthy:seaworthy".to_owned(),
        policies: vec![ScanPolicy::default_of_installation()],
        ..Memory::default()
    };
    let digest = format!("sha256:{}", "a".repeat(64));
    memory.resolved("default", "good:v1", &digest, 0);
    memory.assessments.insert(digest, Default::default());
    for phase in [Phase::Mutating, Phase::Validating] {
        let answer = ask(bytes, phase, &memory, 10);
        assert!(answer.allowed || !answer.message.is_empty());
        assert!(answer.allowed || answer.patches.is_empty());
        answer.review(|patch| String::from_utf8_lossy(patch).into_owned());
    }
});
