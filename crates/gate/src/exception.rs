//! ScanExceptions: who asked for what they say, taken from the request and kept while that stays.

use crate::annotations::{self, REQUESTED_BY};
use crate::answer::Answer;
use crate::json_patch::annotate;
use crate::review::Request;
use std::collections::BTreeMap;

/// Notes who asks. Whether they may, the API server has checked.
pub(crate) fn ask(request: &Request) -> Answer {
    let object = &request.object;
    let before = request.old().filter(|old| old.get("spec") == object.get("spec"));
    let requester = match before {
        Some(old) => annotations::get(old, REQUESTED_BY).map(str::to_owned),
        None => Some(request.user_info.username.clone()).filter(|name| !name.is_empty()),
    };
    let mut answer = Answer::allow(&request.uid, "allowed");
    answer.patches = annotate(object, &BTreeMap::from([(REQUESTED_BY.to_owned(), requester)]));
    answer
}
