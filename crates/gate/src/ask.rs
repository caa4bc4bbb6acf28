//! The entry: bytes of a review in, the answer out.

use crate::answer::Answer;
use crate::hold::Kind;
use crate::memory::Memory;
use crate::review::{Request, Review};
use crate::{exception, pod, workload};

/// Which of the two webhooks is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// May change the object.
    Mutating,
    /// Sees what all others have made of it, and may only refuse.
    Validating,
}

/// Answers a review. `now` is in seconds since 1970.
pub fn ask(review: &[u8], phase: Phase, memory: &Memory, now: i64) -> Answer {
    match read(review) {
        Ok(request) => answer(&request, phase, memory, now),
        Err(refused) => *refused,
    }
}

/// The request in a review, for which no memory is needed.
///
/// # Errors
/// The answer to what is no review.
pub fn read(review: &[u8]) -> Result<Request, Box<Answer>> {
    match serde_json::from_slice::<Review>(review) {
        Ok(Review { request: Some(request) }) => Ok(request),
        Ok(Review { request: None }) => Err(Box::new(Answer::deny("", 400, "the review holds no request"))),
        Err(error) => Err(Box::new(Answer::deny(
            "",
            400,
            format!("cannot read the review: {error}"),
        ))),
    }
}

/// Answers a request. `now` is in seconds since 1970.
pub fn answer(request: &Request, phase: Phase, memory: &Memory, now: i64) -> Answer {
    let answer = of_request(request, memory, now);
    match phase {
        Phase::Mutating => answer,
        Phase::Validating => validate(request, answer),
    }
}

fn of_request(request: &Request, memory: &Memory, now: i64) -> Answer {
    if !memory.governs(&request.namespace) {
        return Answer::allow(&request.uid, "excluded");
    }
    if !memory.ready {
        let mut answer = Answer::deny(
            &request.uid,
            503,
            "Seaworthy is starting and knows nothing yet, try again",
        );
        answer.decision = "unready";
        return answer;
    }
    if !memory.ourselves.is_empty() && request.user_info.username == memory.ourselves {
        return Answer::allow(&request.uid, "allowed");
    }
    if !matches!(request.operation.as_str(), "CREATE" | "UPDATE") {
        return Answer::allow(&request.uid, "allowed");
    }
    // What is on its way out is only tidied up. What the request itself says of that does not count.
    let going = request.old().and_then(|old| old.pointer("/metadata/deletionTimestamp"));
    if going.is_some_and(|time| !time.is_null()) {
        return Answer::allow(&request.uid, "allowed");
    }
    match (
        request.kind.group.as_str(),
        request.kind.kind.as_str(),
        request.sub_resource.as_str(),
    ) {
        ("", "Pod", "" | "ephemeralcontainers") => pod::ask(request, memory, now),
        ("batch", "CronJob", "") => workload::ask_cron_job(request, memory),
        ("apps" | "batch", kind, "") => match Kind::named(kind) {
            Some(kind) => workload::ask(request, kind, memory, now),
            None => Answer::allow(&request.uid, "allowed"),
        },
        ("seaworthy.dev", "ScanException", "") => exception::ask(request),
        _ => Answer::allow(&request.uid, "allowed"),
    }
}

/// After everybody has changed the object: what the mutating webhook would still have to hold or pin is refused.
fn validate(request: &Request, answer: Answer) -> Answer {
    if answer.allowed && answer.essential {
        let mut refused = Answer::deny(
            &request.uid,
            409,
            "the object was changed after Seaworthy had seen it, or Seaworthy was passed by; try again",
        );
        refused.scans = answer.scans;
        return refused;
    }
    Answer {
        patches: Vec::new(),
        warnings: Vec::new(),
        ..answer
    }
}
