//! What a standing has to tell, and to whom: the channels of the policies that an image violates.
//!
//! What runs is judged too: a vulnerability that becomes known later stops nothing, but is told. Pure.

use super::command;
use super::news::{Event, News, Observation, Workload, Worst};
use crate::deadline::{date, update_by};
use crate::shared::Failure;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use seaworthy_gate::{ImageStanding, ImageUse, Memory, Standing, State, TagKey};
use seaworthy_policy::{Judgement, ScanPolicy, effective, image_name, judge, worst_violation};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whose standing it is.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    /// What people call it.
    pub(crate) workload: Workload,
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// The `uid` of the top owner.
    pub(crate) owner: &'a str,
    pub(crate) template: &'a str,
    /// Whether it is kept from running. What ran before anybody judged it runs on, whatever its standing.
    pub(crate) held: bool,
}

/// Everything that is to be told of a workload now. `failure` says why an image has no verdict although one was tried for.
pub(crate) fn observation(
    memory: &Memory,
    subject: &Subject<'_>,
    standing: &Standing,
    failure: impl Fn(&str) -> Option<Failure>,
    now: i64,
) -> Observation {
    let labels = memory.namespace_labels(&subject.workload.namespace);
    let policies = effective(&memory.policies, &labels, subject.labels);
    let mut observation = Observation {
        workload: subject.workload.clone(),
        news: Vec::new(),
        settled: true,
        exists: true,
    };
    for (image, standing) in &standing.images {
        if image.image.is_empty() {
            continue;
        }
        let digest = digest(memory, subject, image, standing);
        match digest.filter(|digest| has_verdict(memory, digest, standing)) {
            Some(digest) => {
                observation
                    .news
                    .extend(judged(memory, subject, &policies, image, standing, digest, now));
                observation.settled &= !matches!(
                    standing,
                    ImageStanding::Held {
                        state: State::PendingApproval,
                        ..
                    }
                );
            }
            None => {
                observation.settled &= policies.is_empty();
                observation
                    .news
                    .extend(without_verdict(subject, &policies, image, standing, &failure));
            }
        }
    }
    observation
}

/// A verdict that is too old is none.
fn has_verdict(memory: &Memory, digest: &str, standing: &ImageStanding) -> bool {
    let waits = matches!(
        standing,
        ImageStanding::Held {
            state: State::Created,
            ..
        }
    );
    !waits && memory.assessments.contains_key(digest)
}

fn digest(memory: &Memory, subject: &Subject<'_>, image: &ImageUse, standing: &ImageStanding) -> Option<String> {
    match standing {
        ImageStanding::Approved { digest, .. } => Some(digest.clone()),
        ImageStanding::Tolerated { digest, .. } => digest.clone(),
        ImageStanding::Held { .. } => match image_name::digest(&image.image) {
            Some(digest) => Some(digest.to_owned()),
            None => {
                let key = TagKey {
                    namespace: subject.workload.namespace.clone(),
                    owner: subject.owner.to_owned(),
                    template: subject.template.to_owned(),
                    image: image.image.clone(),
                };
                memory.tags.get(&key).cloned()
            }
        },
    }
}

fn judged(
    memory: &Memory,
    subject: &Subject<'_>,
    policies: &[&ScanPolicy],
    image: &ImageUse,
    standing: &ImageStanding,
    digest: String,
    now: i64,
) -> Option<News> {
    let assessment = memory.assessments.get(&digest)?;
    let exceptions = memory.exceptions.get(&subject.workload.namespace);
    let exceptions = exceptions.map(Vec::as_slice).unwrap_or_default();
    let violated: Vec<&ScanPolicy> = policies
        .iter()
        .copied()
        .filter(|policy| {
            let judgement = judge(&[policy], exceptions, &image.image, assessment, now);
            matches!(judgement, Judgement::Violates { .. })
        })
        .collect();
    let Judgement::Violates { line, .. } = judge(&violated, exceptions, &image.image, assessment, now) else {
        return None;
    };
    let finding = worst_violation(&violated, exceptions, &image.image, assessment, now);
    let worst = finding.map(Worst::from);
    let event = match (standing, &worst) {
        (_, None) => Event::Failed,
        (ImageStanding::Held { .. }, Some(_)) if subject.held => Event::Blocked,
        _ => Event::Warned,
    };
    let lasting = matches!(standing, ImageStanding::Approved { lasting: true, .. });
    let until = finding
        .filter(|_| lasting)
        .and_then(|finding| update_by(assessment, finding));
    let line = match until {
        Some(until) => format!("{line}; it was let in before and runs on: update it by {}", date(until)),
        None => line,
    };
    let written = image_name::unpinned(&image.image);
    Some(News {
        event,
        image: written.to_owned(),
        digest: Some(digest),
        command: command::fix(event, &subject.workload, &image.container, written, worst.as_ref()),
        worst,
        line,
        channels: channels(&violated),
        patience: 0,
    })
}

/// An image that waits for its verdict, or runs without one, is news once the policies' patience is over.
fn without_verdict(
    subject: &Subject<'_>,
    policies: &[&ScanPolicy],
    image: &ImageUse,
    standing: &ImageStanding,
    failure: impl Fn(&str) -> Option<Failure>,
) -> Option<News> {
    let failure = failure(&image.image);
    let waits = subject.held && matches!(standing, ImageStanding::Held { .. });
    if failure.is_none() && !waits {
        return None;
    }
    let patience = policies.iter().filter_map(|policy| policy.hold_timeout).min()?;
    let written = image_name::unpinned(&image.image);
    let (line, command) = match failure {
        Some(failure) => {
            let command = command::after_failure(failure.reason, &subject.workload, written);
            (command::overdue(written, patience, None, &failure.message), command)
        }
        None => {
            let command = command::fix(Event::Blocked, &subject.workload, &image.container, written, None);
            (
                command::overdue(written, patience, None, "its scan has not ended"),
                command,
            )
        }
    };
    Some(News {
        event: Event::Failed,
        image: written.to_owned(),
        digest: None,
        worst: None,
        line,
        command,
        channels: channels(policies),
        patience,
    })
}

fn channels(policies: &[&ScanPolicy]) -> BTreeSet<String> {
    policies
        .iter()
        .flat_map(|policy| policy.alerts.iter().cloned())
        .collect()
}

/// What people call the owner of a template: of a CronJob's Job the CronJob, which is told about once and not every night.
pub(crate) fn workload_of_template(kind: &str, namespace: &str, name: &str, owners: &[OwnerReference]) -> Workload {
    let above = owners
        .iter()
        .find(|owner| owner.controller == Some(true) && owner.kind == "CronJob");
    Workload {
        namespace: namespace.to_owned(),
        kind: above.map_or(kind, |owner| &owner.kind).to_owned(),
        name: above.map_or(name, |owner| &owner.name).to_owned(),
    }
}

/// What people call the owner of a pod; nothing where another controller tells of it.
pub(crate) fn workload_of_pod(memory: &Memory, pod: &Value) -> Option<Workload> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = pod.get("metadata")?;
    let namespace = text(metadata, "namespace");
    let owner = metadata
        .get("ownerReferences")
        .and_then(Value::as_array)
        .and_then(|owners| {
            owners
                .iter()
                .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
        });
    let Some(owner) = owner else {
        let name = text(metadata, "name");
        return Some(Workload {
            namespace,
            kind: "Pod".to_owned(),
            name,
        });
    };
    let (kind, name, uid) = (text(owner, "kind"), text(owner, "name"), text(owner, "uid"));
    match kind.as_str() {
        "StatefulSet" | "DaemonSet" | "Job" => None,
        "ReplicaSet" if memory.owners.get(&uid).is_none_or(|record| record.top != uid) => None,
        _ => Some(Workload { namespace, kind, name }),
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
