//! ImageScans: each is a wish to know an image, and its status says what is known and what the policies make of it.

use super::hold_timeout::HOLD_TIMEOUT;
use super::{Context, Error, changes, try_again};
use crate::deadline;
use crate::resources::{AdvisoryDataStatus, FindingSummary, ImageScan, ImageScanStatus, ImageState, SeverityCounts};
use crate::scans::Wanted;
use crate::shared::now;
use futures_util::StreamExt;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::runtime::{Controller, controller::Action, watcher};
use kube::{Api, ResourceExt};
use seaworthy_gate::Memory;
use seaworthy_model::{AssessedFinding, Assessment, Severity};
use seaworthy_policy::{Judgement, effective, image_name, judge, worst_violation};
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
    if context.shared.failure(&namespace, &image).is_some() {
        // Whoever makes one anew wants it tried now, not when we would.
        let (name, uid) = (scan.name_any(), scan.uid().unwrap_or_default());
        if context.shared.is_asked_anew(&namespace, &image, &name, &uid) {
            context.scans.try_anew(&namespace, &image);
        }
    }
    let mut status = {
        let memory = context.shared.memory();
        of_memory(&memory, &namespace, &image)
    };
    status.advisory_data = status.findings.map(|_| {
        let data = context.scans.data.current();
        AdvisoryDataStatus {
            version: data.identity.clone(),
            newest_fact: Time(Timestamp::from_second(data.built).unwrap_or(Timestamp::UNIX_EPOCH)),
        }
    });
    if status.state == ImageState::NotScanned {
        if let Some(failure) = context.shared.failure(&namespace, &image) {
            status.state = ImageState::Failed;
            status.conditions = conditions(("False", failure.reason), ("False", failure.reason));
            for condition in &mut status.conditions {
                condition.message.clone_from(&failure.message);
            }
            status.reason = Some(failure.message);
        }
        // Also what failed: it may have been left.
        context.scans.start(Wanted {
            namespace: namespace.clone(),
            image: image.clone(),
            owner: None,
            once: false,
        });
        if context.scans.is_under_way(&namespace, &image) && status.state == ImageState::NotScanned {
            status.state = ImageState::Scanning;
            status.conditions = conditions(("Unknown", "Scanning"), ("Unknown", "Scanning"));
        }
    }
    let present = scan.status.clone().unwrap_or_default();
    let (stalled, again) = context.watch_wait(&namespace, &image, &present, &mut status);
    if let Some(line) = stalled {
        status
            .conditions
            .push(condition("Stalled", ("True", HOLD_TIMEOUT), line));
    }
    let scanned_for_it = scanned_since(&status, scan.creation_timestamp());
    let said = scan.status.as_ref().map(|status| status.state);
    let unsaid = unsaid_before(said, status.state, scanned_for_it);
    if let Some(unsaid) = unsaid {
        status = before(unsaid, status);
    }
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
            "advisoryData",
            "waitingSince",
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
    Ok(Action::requeue(if unsaid.is_some() { SOON } else { again }))
}

/// Whether the image was scanned since somebody wished to know it.
fn scanned_since(status: &ImageScanStatus, wished: Option<Time>) -> bool {
    let scanned = status.scanned_at.as_ref().map(|time| time.0.as_second());
    scanned >= wished.map(|time| time.0.as_second()) && scanned.is_some()
}

/// The word of the story that comes before the one that is wanted and was not said: every image is first not scanned, what is
/// scanned for this wish is being scanned, and what is approved was found to have vulnerabilities or none. Whoever watches
/// sees each of them.
fn unsaid_before(said: Option<ImageState>, wanted: ImageState, scanned_for_it: bool) -> Option<ImageState> {
    use ImageState::{Approved, NoVulnerabilities, NotScanned, Scanning};
    match (said, wanted) {
        (None, NotScanned) => None,
        (None, _) => Some(NotScanned),
        (Some(NotScanned), NotScanned | Scanning) => None,
        (Some(NotScanned), _) if scanned_for_it => Some(Scanning),
        (Some(NotScanned | Scanning), Approved) => Some(NoVulnerabilities),
        (Some(_), _) => None,
    }
}

/// The status that is said before this one.
fn before(unsaid: ImageState, status: ImageScanStatus) -> ImageScanStatus {
    match unsaid {
        ImageState::NotScanned => ImageScanStatus::default(),
        ImageState::Scanning => ImageScanStatus {
            state: ImageState::Scanning,
            conditions: conditions(("Unknown", "Scanning"), ("Unknown", "Scanning")),
            ..ImageScanStatus::default()
        },
        _ => {
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
    let update = worst_violation(&policies, exceptions, image, assessment, now())
        .filter(|_| state != ImageState::Approved)
        .and_then(|finding| update_required(memory, namespace, &digest, assessment, finding));
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
        conditions: conditions(scanned, (is_approved, word))
            .into_iter()
            .chain(update)
            .collect(),
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

/// Says until when what was let in with this image has to be updated, where a finding became known later.
fn update_required(
    memory: &Memory,
    namespace: &str,
    digest: &str,
    assessment: &Assessment,
    finding: &AssessedFinding,
) -> Option<Condition> {
    let until = deadline::update_by(assessment, finding)?;
    let mut admissions = memory.admissions.iter();
    if !admissions.any(|admission| admission.namespace == namespace && admission.digest == digest) {
        return None;
    }
    let reason = if now() < until {
        "KnownSinceAdmission"
    } else {
        "Overdue"
    };
    let message = format!(
        "what was let in before {} was known in {} goes on and restarts freely; update it by {}",
        finding.id,
        finding.package,
        deadline::date(until)
    );
    Some(condition("UpdateRequired", ("True", reason), message))
}

fn conditions(scanned: (&str, &str), approved: (&str, &str)) -> Vec<Condition> {
    let condition = |type_, word| condition(type_, word, String::new());
    vec![condition("Scanned", scanned), condition("Approved", approved)]
}

fn condition(type_: &str, (status, reason): (&str, &str), message: String) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        last_transition_time: Time(Timestamp::from_second(now()).unwrap_or(Timestamp::UNIX_EPOCH)),
        observed_generation: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageState, unsaid_before};

    #[test]
    fn every_word_of_the_story_is_said_and_scanning_only_where_something_was_scanned() {
        use ImageState::{Approved, Failed, NoVulnerabilities, NotScanned, Scanning, VulnerabilitiesFound};
        let said = |wanted, scanned_for_it| {
            let (mut said, mut words) = (None, Vec::new());
            while let Some(word) = unsaid_before(said, wanted, scanned_for_it) {
                words.push(word);
                said = Some(word);
            }
            words
        };
        assert_eq!(said(NotScanned, false), []);
        assert_eq!(said(VulnerabilitiesFound, true), [NotScanned, Scanning]);
        assert_eq!(said(VulnerabilitiesFound, false), [NotScanned]);
        assert_eq!(said(Approved, true), [NotScanned, Scanning, NoVulnerabilities]);
        assert_eq!(said(Approved, false), [NotScanned, NoVulnerabilities]);
        assert_eq!(said(Failed, false), [NotScanned]);
    }
}
