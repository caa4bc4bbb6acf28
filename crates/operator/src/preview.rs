//! What policies would make of images, answered from everything that scans found, and not from what an ImageScan lists.
//!
//! The question comes as an annotation on a ScanPolicy that is applied as a dry run, which nobody may who may not write
//! policies, and of which nothing stays; the answer goes back in its place.

use crate::resources::ScanPolicySpec;
use seaworthy_gate::{Memory, TagKey};
use seaworthy_model::Assessment;
use seaworthy_policy::{Action, Exception, Judgement, ScanPolicy, cut, effective, image_name, judge};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The annotation that asks, and has the answer.
pub(crate) const PREVIEW: &str = "seaworthy.dev/preview";
/// Images in one question. Their answers must fit into the annotations of an object, which are 256 KiB at most.
pub(crate) const IMAGES: usize = 400;

/// What would become of an image or workload, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Prospect {
    /// It would run.
    Runs,
    /// It would run, and the violation be noted.
    Noted,
    /// It would run with a warning.
    Warned,
    /// Its ImageScan does not list enough to tell.
    Unsure,
    /// It would wait for a scan.
    NotScanned,
    /// It would wait for a person.
    ApprovalRequired,
    /// It would not run.
    Held,
}

/// A policy that would be there, in place of one with its name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) spec: ScanPolicySpec,
}

/// An image of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Asked {
    pub(crate) namespace: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// The workload's `uid` and the identity of its template, for which a tag was resolved.
    pub(crate) owner: String,
    pub(crate) template: String,
    pub(crate) image: String,
}

/// Everything that is asked at once.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Question {
    pub(crate) policies: Vec<Given>,
    pub(crate) images: Vec<Asked>,
}

/// What would become of an image, and the line for people where there is something to say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Answered {
    pub(crate) prospect: Prospect,
    pub(crate) line: Option<String>,
}

/// Answers a review of a ScanPolicy with the patches that put the answer in the place of the question.
pub(crate) fn review(body: &[u8], memory: &Memory, now: i64, encode: impl Fn(&[u8]) -> String) -> Value {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let request = review.get("request").unwrap_or(&Value::Null);
    let mut response = json!({"uid": request.get("uid").unwrap_or(&Value::Null), "allowed": true});
    let annotations = request.pointer("/object/metadata/annotations");
    let question = annotations.and_then(|annotations| annotations.get(PREVIEW)?.as_str());
    let is_dry = request.get("dryRun") == Some(&Value::Bool(true));
    let question = question.filter(|_| is_dry && memory.ready);
    if let Some(Ok(question)) = question.map(serde_json::from_str::<Question>)
        && question.images.len() <= IMAGES
        && let Some(response) = response.as_object_mut()
    {
        let answers = json!(answer(&question, memory, now)).to_string();
        let path = format!("/metadata/annotations/{}", PREVIEW.replace('/', "~1"));
        let patch = json!([{"op": "replace", "path": path, "value": answers}]).to_string();
        response.insert("patchType".to_owned(), json!("JSONPatch"));
        response.insert("patch".to_owned(), json!(encode(patch.as_bytes())));
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
}

fn answer(question: &Question, memory: &Memory, now: i64) -> Vec<Answered> {
    let mut policies: Vec<ScanPolicy> = memory.policies.clone();
    policies.retain(|policy| question.policies.iter().all(|given| given.name != policy.name));
    policies.extend(question.policies.iter().map(|given| given.spec.to_policy(&given.name)));
    let images = question.images.iter();
    images
        .map(|asked| {
            let (prospect, line) = prospect(asked, &policies, memory, now);
            Answered { prospect, line }
        })
        .collect()
}

fn prospect(asked: &Asked, policies: &[ScanPolicy], memory: &Memory, now: i64) -> (Prospect, Option<String>) {
    if !memory.governs(&asked.namespace) {
        return (Prospect::Runs, None);
    }
    let policies = effective(policies, &memory.namespace_labels(&asked.namespace), &asked.labels);
    let exceptions = memory.exceptions.get(&asked.namespace).map(Vec::as_slice);
    let known = digest(asked, memory).and_then(|digest| memory.assessments.get(&digest));
    match known.filter(|known| known.missing_platform(&memory.platforms).is_none()) {
        Some(known) => verdict(&policies, exceptions.unwrap_or_default(), &asked.image, known, now),
        None => unknown(&policies, &asked.image),
    }
}

/// What the image means for its workload, or else for its namespace, where the namespace could read it.
fn digest(asked: &Asked, memory: &Memory) -> Option<String> {
    let Asked { namespace, image, .. } = asked;
    if let Some(digest) = image_name::digest(image) {
        let key = (namespace.clone(), seaworthy_gate::repository(image), digest.to_owned());
        return memory.readable.contains(&key).then(|| digest.to_owned());
    }
    let tag = TagKey {
        namespace: namespace.clone(),
        owner: asked.owner.clone(),
        template: asked.template.clone(),
        image: image.clone(),
    };
    let latest = || memory.latest.get(&(namespace.clone(), image_name::normalise(image)));
    let of_tag = memory.tags.get(&tag);
    of_tag.or_else(|| latest().map(|(digest, _)| digest)).cloned()
}

/// What would become of an image without a verdict.
pub(crate) fn unknown(policies: &[&ScanPolicy], image: &str) -> (Prospect, Option<String>) {
    match policies.iter().map(|policy| policy.action).max() {
        None => (Prospect::Runs, None),
        Some(action) => {
            let line = cut(format!("{}: not scanned yet", image_name::unpinned(image)));
            (by_action(action, Prospect::NotScanned), Some(line))
        }
    }
}

/// What would become of an image with these findings.
pub(crate) fn verdict(
    policies: &[&ScanPolicy],
    exceptions: &[Exception],
    image: &str,
    assessment: &Assessment,
    now: i64,
) -> (Prospect, Option<String>) {
    match judge(policies, exceptions, image, assessment, now) {
        Judgement::Violates { action, line } => (by_action(action, Prospect::Held), Some(line)),
        Judgement::Outdated { action } => {
            let line = cut(format!("{image}: its scan is too old, it would be scanned again"));
            (by_action(action, Prospect::NotScanned), Some(line))
        }
        Judgement::ApprovalRequired { line, .. } => (Prospect::ApprovalRequired, Some(line)),
        Judgement::Passes { .. } => (Prospect::Runs, None),
    }
}

fn by_action(action: Action, held: Prospect) -> Prospect {
    match action {
        Action::Enforce => held,
        Action::Warn => Prospect::Warned,
        Action::Audit => Prospect::Noted,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answered, PREVIEW, Prospect, review};
    use seaworthy_gate::Memory;
    use seaworthy_model::{AssessedFinding, Assessment, Severity};
    use serde_json::{Value, json};
    use std::sync::Arc;

    const NOW: i64 = 1_800_000_000;

    fn memory() -> Memory {
        let finding = |number: u32, severity| AssessedFinding {
            id: format!("CVE-{number}"),
            package: format!("p{number}"),
            installed: "1".to_owned(),
            severity,
            ..AssessedFinding::default()
        };
        let mut findings: Vec<AssessedFinding> = (1..=10).map(|number| finding(number, Severity::High)).collect();
        findings.push(finding(11, Severity::Low));
        let assessment = Assessment {
            scanned_at: NOW,
            findings,
            ..Assessment::default()
        };
        let mut memory = Memory {
            ready: true,
            ..Memory::default()
        };
        memory.assessments.insert("sha256:aa".to_owned(), Arc::new(assessment));
        memory.resolved("shop", "app:v1", "sha256:aa", NOW);
        memory
    }

    /// The prospects that come back; nothing where the question stays as it is.
    fn ask(memory: &Memory, rule: Value, images: &[(&str, &str)], is_dry: bool) -> Option<Vec<Prospect>> {
        let images: Vec<Value> = images
            .iter()
            .map(|(namespace, image)| {
                json!({"namespace": namespace, "labels": {}, "owner": "", "template": "", "image": image})
            })
            .collect();
        let question = json!({"policies": [{"name": "p", "spec": {"rules": [rule]}}], "images": images}).to_string();
        let body = json!({"request": {"uid": "1", "dryRun": is_dry,
            "object": {"metadata": {"name": "p", "annotations": {PREVIEW: question}}}}});
        let answer = review(body.to_string().as_bytes(), memory, NOW, |patch| {
            String::from_utf8(patch.to_vec()).unwrap()
        });
        assert_eq!(answer["response"]["allowed"], true);
        let patch: Value = serde_json::from_str(answer["response"].get("patch")?.as_str().unwrap()).unwrap();
        let answers: Vec<Answered> = serde_json::from_str(patch[0]["value"].as_str().unwrap()).unwrap();
        Some(answers.into_iter().map(|answered| answered.prospect).collect())
    }

    #[test]
    fn the_eleventh_finding_counts() {
        let rule = json!({"packages": ["p11"]});
        let found = ask(&memory(), rule, &[("shop", "app:v1"), ("shop", "app@sha256:aa")], true);
        assert_eq!(found, Some(vec![Prospect::Held, Prospect::Held]));
        let found = ask(&memory(), json!({"packages": ["p12"]}), &[("shop", "app:v1")], true);
        assert_eq!(found, Some(vec![Prospect::Runs]));
    }

    #[test]
    fn a_namespace_that_never_read_an_image_is_told_nothing_of_it() {
        let rule = json!({"packages": ["p11"]});
        let found = ask(
            &memory(),
            rule,
            &[("other", "app:v1"), ("other", "app@sha256:aa")],
            true,
        );
        assert_eq!(found, Some(vec![Prospect::NotScanned, Prospect::NotScanned]));
    }

    #[test]
    fn nothing_is_answered_but_a_dry_run_and_nothing_before_the_memory_is_filled() {
        let rule = json!({"packages": ["p11"]});
        assert_eq!(ask(&memory(), rule.clone(), &[("shop", "app:v1")], false), None);
        let empty = Memory::default();
        assert_eq!(ask(&empty, rule, &[("shop", "app:v1")], true), None);
        let broken = review(b"{", &memory(), NOW, |_| String::new());
        assert_eq!(broken["response"]["allowed"], true);
    }
}
