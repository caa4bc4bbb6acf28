//! ImageScans: each is a wish to know an image, and its status says what is known and what the policies make of it.

use super::{AGAIN, Context, Error, changes, try_again};
use crate::resources::{FindingSummary, ImageScan, ImageScanStatus, ImageState, SeverityCounts};
use crate::scans::Wanted;
use crate::shared::now;
use futures_util::StreamExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::runtime::{Controller, controller::Action, watcher};
use kube::{Api, ResourceExt};
use seaworthy_gate::Memory;
use seaworthy_model::{Assessment, Severity};
use seaworthy_policy::{Judgement, effective, image_name, judge};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a word stands that another one follows at once.
const SOON: Duration = Duration::from_millis(150);

/// Findings that a status lists.
const TOP: usize = 10;

pub(super) async fn run(context: Context) {
    let api: Api<ImageScan> = Api::all(context.client.clone());
    let triggers = changes(&context.shared);
    Controller::new(api, watcher::Config::default())
        .reconcile_all_on(triggers)
        .run(reconcile, try_again, Arc::new(context))
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn reconcile(scan: Arc<ImageScan>, context: Arc<Context>) -> Result<Action, Error> {
    let namespace = scan.namespace().unwrap_or_default();
    let image = scan.spec.image.clone();
    let mut status = {
        let memory = context.shared.memory();
        of_memory(&memory, &namespace, &image)
    };
    if status.state == ImageState::NotScanned {
        match context.shared.failure(&namespace, &image) {
            Some(failure) => {
                status.state = ImageState::Failed;
                status.reason = Some(failure.message);
                status.conditions = conditions(("False", failure.reason), ("False", failure.reason));
            }
            None => {
                context.scans.start(Wanted {
                    namespace: namespace.clone(),
                    image: image.clone(),
                    owner: None,
                });
            }
        }
        if context.scans.is_under_way(&namespace, &image) && status.state == ImageState::NotScanned {
            status.state = ImageState::Scanning;
            status.conditions = conditions(("Unknown", "Scanning"), ("Unknown", "Scanning"));
        }
    }
    let unsaid = is_next_unsaid(scan.status.as_ref().map(|status| status.state), status.state);
    if unsaid {
        status = before(scan.status.is_none(), status);
    }
    let present = scan.status.clone().unwrap_or_default();
    status.observed_generation = scan.metadata.generation;
    for condition in &mut status.conditions {
        condition.observed_generation = scan.metadata.generation;
        let same = present
            .conditions
            .iter()
            .find(|before| before.type_ == condition.type_ && before.status == condition.status);
        if let Some(before) = same {
            condition.last_transition_time = before.last_transition_time.clone();
        }
    }
    if status != present || scan.status.is_none() {
        let api: Api<ImageScan> = Api::namespaced(context.client.clone(), &namespace);
        // What is absent now must go, which a merge of the serialised status alone would not do.
        let mut value = serde_json::to_value(&status)?;
        for key in [
            "digest",
            "summary",
            "reason",
            "findings",
            "fixable",
            "top",
            "truncated",
            "scannedAt",
            "conditions",
        ] {
            if value.get(key).is_none()
                && let Some(map) = value.as_object_mut()
            {
                map.insert(key.to_owned(), serde_json::Value::Null);
            }
        }
        let patched = api
            .patch_status(
                &scan.name_any(),
                &PatchParams::default(),
                &Patch::Merge(json!({"status": value})),
            )
            .await;
        match patched {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => {
                return Err(Error::Cluster {
                    source: Box::new(error),
                });
            }
        }
    }
    Ok(Action::requeue(if unsaid { SOON } else { AGAIN }))
}

/// Whether a word of the story comes before the one that is wanted: every scan is first not scanned, and what is approved
/// was first found to have vulnerabilities or none. Whoever watches sees each of them.
fn is_next_unsaid(present: Option<ImageState>, wanted: ImageState) -> bool {
    match present {
        None => wanted != ImageState::NotScanned,
        Some(present) => {
            wanted == ImageState::Approved && matches!(present, ImageState::NotScanned | ImageState::Scanning)
        }
    }
}

/// The status that is said before this one.
fn before(first: bool, status: ImageScanStatus) -> ImageScanStatus {
    if first {
        return ImageScanStatus::default();
    }
    let counts = status.findings.as_ref();
    let clean = counts.is_none_or(|counts| *counts == SeverityCounts::default());
    ImageScanStatus {
        state: match clean {
            true => ImageState::NoVulnerabilities,
            false => ImageState::VulnerabilitiesFound,
        },
        conditions: conditions(("True", "Scanned"), ("Unknown", "Judging")),
        ..status
    }
}

/// The status that the memory gives, `NotScanned` where it knows nothing.
fn of_memory(memory: &Memory, namespace: &str, image: &str) -> ImageScanStatus {
    let digest = match image_name::digest(image) {
        Some(digest) => Some(digest.to_owned()),
        None => {
            let key = (namespace.to_owned(), image_name::normalise(image));
            memory.latest.get(&key).map(|(digest, _)| digest.clone())
        }
    };
    // A verdict is shown only where the namespace's own credentials could read the image.
    let readable = digest.filter(|digest| {
        let key = (namespace.to_owned(), seaworthy_gate::repository(image), digest.clone());
        memory.readable.contains(&key)
    });
    let Some(digest) = readable else {
        return ImageScanStatus::default();
    };
    let Some(assessment) = memory.assessments.get(&digest) else {
        return ImageScanStatus {
            digest: Some(digest),
            ..ImageScanStatus::default()
        };
    };
    let labels = memory.namespace_labels(namespace);
    let policies = effective(&memory.policies, &labels, &BTreeMap::new());
    let exceptions = memory.exceptions.get(namespace).map(Vec::as_slice).unwrap_or_default();
    let approved = memory.approvals.contains_key(&(namespace.to_owned(), digest.clone()));
    let found = match assessment.findings.is_empty() {
        true => ImageState::NoVulnerabilities,
        false => ImageState::VulnerabilitiesFound,
    };
    let (judgement, passed) = match judge(&policies, exceptions, image, assessment, now()) {
        Judgement::ApprovalRequired { then, .. } if approved => (*then, "ApprovedByPerson"),
        judgement => (judgement, "Passed"),
    };
    let (state, reason, word) = match judgement {
        Judgement::Passes { .. } => (ImageState::Approved, None, passed),
        Judgement::ApprovalRequired { line, .. } => (found, Some(line), "ApprovalRequired"),
        Judgement::Outdated { .. } => return ImageScanStatus::default(),
        Judgement::Violates { line, .. } if assessment.incomplete.is_some() && assessment.findings.is_empty() => {
            (ImageState::Failed, Some(line), "Incomplete")
        }
        Judgement::Violates { line, .. } => (found, Some(line), "PolicyViolated"),
    };
    let scanned = if assessment.incomplete.is_some() {
        ("False", "Incomplete")
    } else {
        ("True", "Scanned")
    };
    let is_approved = if state == ImageState::Approved { "True" } else { "False" };
    ImageScanStatus {
        state,
        digest: Some(digest),
        summary: Some(match (assessment.counts(), &assessment.incomplete) {
            (Some(counts), _) => format!("Vulnerabilities found: {counts}"),
            (None, Some(_)) => "The image could not be read whole".to_owned(),
            (None, None) => "No vulnerabilities found".to_owned(),
        }),
        reason,
        conditions: conditions(scanned, (is_approved, word)),
        ..described(assessment)
    }
}

fn described(assessment: &Assessment) -> ImageScanStatus {
    let count = |severity| u32::try_from(assessment.count(severity)).unwrap_or(u32::MAX);
    let fixable = assessment
        .findings
        .iter()
        .filter(|finding| !finding.fixed.is_empty())
        .count();
    ImageScanStatus {
        findings: Some(SeverityCounts {
            critical: count(Severity::Critical),
            high: count(Severity::High),
            medium: count(Severity::Medium),
            low: count(Severity::Low),
            unknown: count(Severity::Unknown),
        }),
        fixable: Some(u32::try_from(fixable).unwrap_or(u32::MAX)),
        top: assessment
            .findings
            .iter()
            .take(TOP)
            .map(|finding| FindingSummary {
                id: finding.id.clone(),
                severity: finding.severity.name().to_owned(),
                package: finding.package.clone(),
                installed: finding.installed.clone(),
                fixed: Some(finding.fixed.clone()).filter(|fixed| !fixed.is_empty()),
                cvss: finding.cvss,
                epss: finding.epss,
                known_exploited: finding.known_exploited.then_some(true),
                published: finding.published.clone(),
            })
            .collect(),
        truncated: Some(assessment.findings.len() > TOP),
        scanned_at: Timestamp::from_second(assessment.scanned_at).ok().map(Time),
        ..ImageScanStatus::default()
    }
}

fn conditions(scanned: (&str, &str), approved: (&str, &str)) -> Vec<Condition> {
    let condition = |type_: &str, (status, reason): (&str, &str)| Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        last_transition_time: Time(Timestamp::from_second(now()).unwrap_or(Timestamp::UNIX_EPOCH)),
        observed_generation: None,
    };
    vec![condition("Scanned", scanned), condition("Approved", approved)]
}
