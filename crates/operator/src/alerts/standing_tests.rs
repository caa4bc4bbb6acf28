//! Tests of standings: what is told, and what is not.

use super::{Subject, observation, workload_of_pod, workload_of_template};
use crate::alerts::news::{Event, Observation, Workload};
use crate::shared::Failure;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use seaworthy_gate::{Admission, Memory, OwnerRecord, TagKey, images, stand};
use seaworthy_model::{AssessedFinding, Assessment, Severity};
use seaworthy_policy::{Action, ScanPolicy};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const NOW: i64 = 1_800_000_000;

fn memory(policies: Vec<ScanPolicy>, assessment: Option<Assessment>) -> Memory {
    let mut memory = Memory {
        ready: true,
        policies,
        ..Memory::default()
    };
    let key = TagKey {
        namespace: "shop".to_owned(),
        owner: "uid".to_owned(),
        template: "t1".to_owned(),
        image: "myapp:v1".to_owned(),
    };
    memory.tags.insert(key, "sha256:aa".to_owned());
    if let Some(assessment) = assessment {
        memory.assessments.insert("sha256:aa".to_owned(), Arc::new(assessment));
    }
    memory
}

fn policy(name: &str, action: Action, severity: Severity) -> ScanPolicy {
    let mut policy = ScanPolicy::default_of_installation();
    policy.action = action;
    policy.alerts = vec![name.to_owned()];
    policy.rules[0].severity = Some(severity);
    policy
}

fn assessment(severities: &[Severity]) -> Assessment {
    let finding = |severity: &Severity| AssessedFinding {
        id: format!("CVE-{}", severity.name()),
        vendor_ids: vec![],
        package: "expat".to_owned(),
        installed: "2.4.1".to_owned(),
        fixed: "2.4.4".to_owned(),
        severity: *severity,
        cvss: None,
        epss: None,
        known_exploited: false,
        published: None,
    };
    Assessment {
        scanned_at: NOW,
        findings: severities.iter().map(finding).collect(),
        ..Assessment::default()
    }
}

fn observe(memory: &Memory, held: bool, failure: Option<Failure>) -> Observation {
    let labels = BTreeMap::new();
    let object = json!({"spec": {"containers": [{"name": "c", "image": "myapp:v1"}]}});
    let used = images(&object, &["spec"]).unwrap();
    let judged = seaworthy_gate::Subject {
        namespace: "shop",
        labels: &labels,
        owner: "uid",
        template: "t1",
        glass: seaworthy_gate::Glass::Whole,
        asked_by: &[],
        latest: false,
    };
    let standing = stand(memory, &judged, used, NOW);
    let workload = Workload {
        namespace: "shop".to_owned(),
        kind: "Deployment".to_owned(),
        name: "myapp".to_owned(),
    };
    let subject = Subject {
        workload,
        labels: &labels,
        owner: "uid",
        template: "t1",
        held,
    };
    observation(memory, &subject, &standing, |_| failure.clone(), NOW)
}

/// Event, worst finding and channels of a piece of news.
type Told<'a> = (Event, &'a str, Vec<&'a str>);

/// Each piece of news, and whether all is settled.
fn told(observation: &Observation) -> (Vec<Told<'_>>, bool) {
    let told = observation.news.iter().map(|news| {
        let worst = news.worst.as_ref().map_or("", |worst| worst.id.as_str());
        (news.event, worst, news.channels.iter().map(String::as_str).collect())
    });
    (told.collect(), observation.settled)
}

#[test]
fn the_channels_of_the_violated_policies_are_told() {
    use Severity::{Critical, High, Medium};
    let enforce = policy("team", Action::Enforce, Critical);
    let warn = policy("watchers", Action::Warn, High);
    let audit = policy("auditors", Action::Audit, Medium);
    let all = vec![enforce, warn, audit];
    for (policies, found, expected) in [
        (
            &all,
            &[Critical][..],
            vec![(Event::Blocked, "CVE-CRITICAL", vec!["auditors", "team", "watchers"])],
        ),
        (
            &all,
            &[High],
            vec![(Event::Warned, "CVE-HIGH", vec!["auditors", "watchers"])],
        ),
        (&all, &[Medium], vec![(Event::Warned, "CVE-MEDIUM", vec!["auditors"])]),
        (&all, &[], vec![]),
        // Where no policy holds, the one of an installation does, which names no channel.
        (&vec![], &[Critical], vec![(Event::Blocked, "CVE-CRITICAL", vec![])]),
        (&vec![], &[High], vec![]),
    ] {
        let memory = memory(policies.clone(), Some(assessment(found)));
        assert_eq!(told(&observe(&memory, true, None)), (expected, true), "{found:?}");
    }
}

#[test]
fn a_message_says_what_where_why_and_which_command_helps() {
    let memory = memory(
        vec![policy("team", Action::Enforce, Severity::Critical)],
        Some(assessment(&[Severity::Critical])),
    );
    let observation = observe(&memory, true, None);
    let news = &observation.news[0];
    assert_eq!(news.digest.as_deref(), Some("sha256:aa"));
    assert_eq!(
        news.line,
        "myapp:v1: CVE-CRITICAL CRITICAL in expat 2.4.1 → 2.4.4: update expat and deploy the new image"
    );
    assert_eq!(
        news.command,
        "kubectl set image deployment/myapp c=myapp:FIXED_TAG -n shop"
    );
}

#[test]
fn what_was_let_in_before_a_vulnerability_became_known_runs_on_and_is_told() {
    let mut memory = memory(
        vec![policy("team", Action::Enforce, Severity::Critical)],
        Some(assessment(&[Severity::Critical])),
    );
    memory.admissions.insert(Admission {
        namespace: "shop".to_owned(),
        owner: "uid".to_owned(),
        container: "c".to_owned(),
        digest: "sha256:aa".to_owned(),
    });
    let expected = vec![(Event::Warned, "CVE-CRITICAL", vec!["team"])];
    assert_eq!(told(&observe(&memory, false, None)), (expected, true));
}

#[test]
fn an_image_that_could_not_be_read_whole_is_told_as_failed_at_once() {
    let mut found = assessment(&[]);
    found.incomplete = Some("var/lib/dpkg/status: damaged".to_owned());
    let memory = memory(vec![policy("team", Action::Enforce, Severity::Critical)], Some(found));
    let observation = observe(&memory, true, None);
    assert_eq!(told(&observation), (vec![(Event::Failed, "", vec!["team"])], true));
    assert_eq!(observation.news[0].patience, 0);
}

#[test]
fn what_waits_for_a_verdict_is_news_after_the_policys_patience_and_says_why() {
    let memory = memory(vec![policy("team", Action::Enforce, Severity::Critical)], None);
    let failure = Failure {
        reason: "RegistryUnauthorized",
        message: "myapp:v1: login needed".to_owned(),
        attempts: 3,
    };
    let observation = observe(&memory, true, Some(failure));
    assert_eq!(told(&observation), (vec![(Event::Failed, "", vec!["team"])], false));
    let news = &observation.news[0];
    assert_eq!(
        (news.patience, news.line.as_str()),
        (1800, "myapp:v1: no verdict for more than 30m: login needed")
    );
    assert_eq!(news.command, "kubectl scan access shop");
    assert_eq!(
        observe(&memory, true, None).news[0].line,
        "myapp:v1: no verdict for more than 30m: its scan has not ended"
    );
    // What runs and was never held waits for nothing.
    assert_eq!(told(&observe(&memory, false, None)), (vec![], false));
}

#[test]
fn pending_approval_is_no_end_and_no_news() {
    let mut policy = policy("team", Action::Enforce, Severity::Critical);
    policy.approval_required = true;
    let memory = memory(vec![policy], Some(assessment(&[])));
    assert_eq!(told(&observe(&memory, true, None)), (vec![], false));
}

#[test]
fn the_owner_that_people_know_is_named() {
    let owner = |kind: &str| OwnerReference {
        kind: kind.to_owned(),
        name: "nightly".to_owned(),
        controller: Some(true),
        ..OwnerReference::default()
    };
    assert_eq!(
        workload_of_template("Job", "shop", "nightly-123", &[owner("CronJob")]).name,
        "nightly"
    );
    assert_eq!(workload_of_template("Job", "shop", "once", &[]).name, "once");
    let mut memory = Memory::default();
    for (uid, top) in [("of-deployment", "deployment"), ("alone", "alone")] {
        let record = OwnerRecord {
            top: top.to_owned(),
            ..OwnerRecord::default()
        };
        memory.owners.insert(uid.to_owned(), record);
    }
    let of = |kind: &str, uid: &str| {
        let owners = json!([{"kind": kind, "name": "x", "uid": uid, "controller": true}]);
        let pod = json!({"metadata": {"name": "p", "namespace": "shop", "ownerReferences": owners}});
        workload_of_pod(&memory, &pod).map(|workload| workload.kind)
    };
    assert_eq!(of("ReplicaSet", "of-deployment"), None);
    assert_eq!(of("ReplicaSet", "alone").as_deref(), Some("ReplicaSet"));
    assert_eq!(of("StatefulSet", "s"), None);
    assert_eq!(of("Rollout", "r").as_deref(), Some("Rollout"));
    let bare = json!({"metadata": {"name": "p", "namespace": "shop"}});
    assert_eq!(
        workload_of_pod(&memory, &bare).map(|workload| workload.name).as_deref(),
        Some("p")
    );
}
