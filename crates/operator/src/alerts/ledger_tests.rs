//! Tests of the ledger: what is told, and what is not.

use super::Ledger;
use crate::alerts::incident::Due;
use crate::alerts::news::{Event, News, Observation, Workload, Worst};
use crate::store::{AlertChange, StoredAlerts};
use seaworthy_model::{Severity, limits};
use std::collections::BTreeMap;

const NOW: i64 = 1_800_000_000;

fn workload(name: &str) -> Workload {
    Workload {
        namespace: "shop".to_owned(),
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
    }
}

fn news(event: Event, digest: &str) -> News {
    News {
        event,
        image: "myapp:v1".to_owned(),
        digest: Some(digest.to_owned()).filter(|digest| !digest.is_empty()),
        worst: (event != Event::Failed).then(|| Worst {
            id: "CVE-1".to_owned(),
            package: "expat".to_owned(),
            installed: "1".to_owned(),
            fixed: Some("2".to_owned()),
            severity: Severity::High,
        }),
        line: "myapp:v1: CVE-1".to_owned(),
        command: "kubectl".to_owned(),
        channels: ["team".to_owned()].into(),
        patience: if event == Event::Failed { 1800 } else { 0 },
    }
}

fn observed(news: Vec<News>) -> Observation {
    Observation {
        workload: workload("myapp"),
        news,
        settled: true,
        exists: true,
    }
}

/// Sends everything that is due to `team`, as words.
fn send(ledger: &mut Ledger, now: i64) -> Vec<&'static str> {
    ledger.announce(now);
    let mut sent = Vec::new();
    while let Some(Due { sequence, message, .. }) = ledger.next("team", now) {
        sent.push(message.event.name());
        ledger.sent(sequence, now);
    }
    sent
}

/// What a store would give back after these changes.
fn kept(changes: Vec<AlertChange>, stored: &mut (BTreeMap<String, String>, BTreeMap<i64, String>)) -> StoredAlerts {
    for change in changes {
        match change {
            AlertChange::KeepIncident { id, json } => drop(stored.0.insert(id, json)),
            AlertChange::DropIncident { id } => drop(stored.0.remove(&id)),
            AlertChange::KeepMessage { sequence, json } => drop(stored.1.insert(sequence, json)),
            AlertChange::DropMessage { sequence } => drop(stored.1.remove(&sequence)),
        }
    }
    StoredAlerts {
        incidents: stored.0.clone().into_iter().collect(),
        messages: stored.1.clone().into_iter().collect(),
    }
}

#[test]
fn each_kind_of_news_is_told_once_and_its_end_once() {
    let mut ledger = Ledger::default();
    for (step, (observation, expected)) in [
        (observed(vec![news(Event::Blocked, "d")]), vec!["blocked"]),
        (observed(vec![news(Event::Blocked, "d")]), vec![]),
        // Two containers with the same image.
        (
            observed(vec![news(Event::Blocked, "d"), news(Event::Blocked, "d")]),
            vec![],
        ),
        (observed(vec![news(Event::Warned, "d")]), vec!["warned"]),
        (observed(vec![news(Event::Blocked, "d")]), vec![]),
        // Another image is judged: until it has a verdict, nothing is over.
        (
            Observation {
                settled: false,
                ..observed(vec![])
            },
            vec![],
        ),
        (observed(vec![]), vec!["resolved"]),
        (observed(vec![]), vec![]),
        (observed(vec![news(Event::Blocked, "d")]), vec!["blocked"]),
        (observed(vec![news(Event::Blocked, "e")]), vec!["resolved", "blocked"]),
        (Observation::gone(workload("myapp")), vec!["resolved"]),
    ]
    .into_iter()
    .enumerate()
    {
        let now = NOW + i64::try_from(step).unwrap();
        ledger.observe(observation, now);
        let mut sent = send(&mut ledger, now);
        sent.sort_by_key(|word| *word != "resolved");
        assert_eq!(sent, expected, "step {step}");
    }
    assert!(ledger.is_quiet(), "nothing stays of what is over");
}

#[test]
fn a_restart_at_any_point_neither_repeats_nor_loses_a_message() {
    for restart in 0..8 {
        let mut stored = Default::default();
        let mut ledger = Ledger::default();
        let mut told = Vec::new();
        let steps = [
            observed(vec![news(Event::Blocked, "d")]),
            Observation {
                settled: false,
                ..observed(vec![])
            },
            observed(vec![news(Event::Blocked, "e")]),
            observed(vec![]),
        ];
        for (step, observation) in steps.into_iter().enumerate() {
            let now = NOW + i64::try_from(step).unwrap();
            ledger.observe(observation, now);
            let mut contents = kept(ledger.take_changes(), &mut stored);
            if restart == 2 * step {
                ledger = Ledger::recall(contents).unwrap();
            }
            told.extend(send(&mut ledger, now));
            contents = kept(ledger.take_changes(), &mut stored);
            if restart == 2 * step + 1 {
                ledger = Ledger::recall(contents).unwrap();
            }
        }
        told.sort_unstable();
        assert_eq!(
            told,
            ["blocked", "blocked", "resolved", "resolved"],
            "restart at {restart}"
        );
        assert_eq!(stored, Default::default(), "nothing is kept of what is over");
    }
}

#[test]
fn what_ends_while_the_receiver_is_away_is_still_told_in_order() {
    let mut ledger = Ledger::default();
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW);
    let due = ledger.next("team", NOW).unwrap();
    ledger.failed(due.sequence, NOW + 60, NOW);
    ledger.observe(observed(vec![]), NOW + 1);
    assert_eq!(
        ledger.next("team", NOW + 1),
        None,
        "the end is not told before the beginning"
    );
    assert!(ledger.channels(NOW + 1).is_empty());
    assert_eq!(send(&mut ledger, NOW + 60), ["blocked", "resolved"]);
    assert!(ledger.is_quiet());
}

#[test]
fn one_incident_that_a_receiver_does_not_take_holds_up_no_other() {
    let mut ledger = Ledger::default();
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW);
    ledger.observe(
        observed(vec![news(Event::Blocked, "d"), news(Event::Blocked, "e")]),
        NOW,
    );
    let due = ledger.next("team", NOW).unwrap();
    ledger.failed(due.sequence, NOW + 60, NOW);
    let other = ledger.next("team", NOW).unwrap();
    assert_eq!(other.message.digest.as_deref(), Some("e"));
    assert_eq!(
        due.message.id,
        Ledger::next(&ledger, "team", NOW + 60).unwrap().message.id,
        "the id stays"
    );
}

#[test]
fn a_hold_without_a_verdict_is_told_after_the_policys_patience() {
    let mut ledger = Ledger::default();
    ledger.observe(
        Observation {
            settled: false,
            ..observed(vec![news(Event::Failed, "")])
        },
        NOW,
    );
    assert_eq!(send(&mut ledger, NOW + 1799), Vec::<&str>::new());
    assert_eq!(send(&mut ledger, NOW + 1800), ["failed"]);
    // The registry answers at last, and the image is bad: not over, but another kind of news.
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW + 2000);
    assert_eq!(send(&mut ledger, NOW + 2000), ["blocked"]);
    ledger.observe(observed(vec![]), NOW + 2001);
    assert_eq!(send(&mut ledger, NOW + 2001), ["resolved"]);
    // A scan that takes a minute is no news, neither its failing nor its end.
    ledger.observe(observed(vec![news(Event::Failed, "")]), NOW + 3000);
    ledger.observe(observed(vec![]), NOW + 3060);
    assert_eq!(send(&mut ledger, NOW + 9000), Vec::<&str>::new());
    assert!(ledger.is_quiet());
}

#[test]
fn the_end_knows_what_was_sent_before_it() {
    let mut ledger = Ledger::default();
    ledger.observe(observed(vec![news(Event::Warned, "d")]), NOW);
    send(&mut ledger, NOW);
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW + 1);
    send(&mut ledger, NOW + 1);
    ledger.observe(observed(vec![]), NOW + 2);
    let due = ledger.next("team", NOW + 2).unwrap();
    let earlier: Vec<&str> = due.earlier.iter().map(|message| message.event.name()).collect();
    assert_eq!(earlier, ["warned", "blocked"]);
    assert_eq!(due.message.line, "myapp:v1: CVE-1 in expat is no longer in its way");
    assert_eq!(due.message.command, "kubectl rollout status deployment/myapp -n shop");
}

#[test]
fn what_a_channel_did_not_want_is_told_when_it_gets_worse() {
    let mut ledger = Ledger::default();
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW);
    let due = ledger.next("team", NOW).unwrap();
    ledger.skipped(due.sequence, NOW);
    let mut worse = news(Event::Blocked, "d");
    worse.worst.as_mut().unwrap().severity = Severity::Critical;
    ledger.observe(observed(vec![worse]), NOW + 1);
    assert_eq!(send(&mut ledger, NOW + 1), ["blocked"]);
}

#[test]
fn what_was_never_wanted_has_no_end_to_be_told() {
    let mut ledger = Ledger::default();
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW);
    let due = ledger.next("team", NOW).unwrap();
    ledger.skipped(due.sequence, NOW);
    ledger.observe(observed(vec![]), NOW + 1);
    assert_eq!(send(&mut ledger, NOW + 1), Vec::<&str>::new());
    assert!(ledger.is_quiet());
}

#[test]
fn a_policy_that_stops_naming_a_channel_does_not_say_that_it_is_over() {
    let mut ledger = Ledger::default();
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW);
    assert_eq!(send(&mut ledger, NOW), ["blocked"]);
    let mut silent = news(Event::Blocked, "d");
    silent.channels.clear();
    ledger.observe(observed(vec![silent.clone()]), NOW + 1);
    assert_eq!(send(&mut ledger, NOW + 1), Vec::<&str>::new());
    ledger.observe(observed(vec![]), NOW + 2);
    assert_eq!(send(&mut ledger, NOW + 2), ["resolved"]);
    // And what nobody is told of is not kept.
    ledger.take_changes();
    ledger.observe(observed(vec![silent]), NOW + 3);
    assert_eq!(ledger.take_changes(), []);
}

#[test]
fn the_queue_is_bounded_in_number_and_in_time() {
    let mut ledger = Ledger::default();
    for index in 0..limits::ALERT_QUEUE + 5 {
        let mut news = news(Event::Blocked, "d");
        news.channels = ["away".to_owned()].into();
        let workload = workload(&format!("w{index}"));
        ledger.observe(
            Observation {
                workload,
                ..observed(vec![news])
            },
            NOW,
        );
    }
    assert_eq!(ledger.waiting(), limits::ALERT_QUEUE);
    assert_eq!(ledger.take_dropped(), 5);
    let first = ledger.next("away", NOW).unwrap();
    assert_eq!(first.message.workload.name, "w5", "the oldest are given up");
    ledger.expire(NOW + limits::ALERT_SECONDS);
    assert_eq!(ledger.take_dropped(), 0);
    ledger.expire(NOW + limits::ALERT_SECONDS + 1);
    assert_eq!(ledger.waiting(), 0);
}

#[test]
fn what_lasts_is_sent_again_only_where_the_receiver_forgets() {
    let mut ledger = Ledger::default();
    ledger.observe(observed(vec![news(Event::Blocked, "d")]), NOW);
    send(&mut ledger, NOW);
    assert_eq!(ledger.next("team", NOW + 99_999), None);
    assert_eq!(ledger.stale("team", 3600, NOW + 3599), None);
    let due = ledger.stale("team", 3600, NOW + 3600).unwrap();
    assert!(due.again);
    ledger.sent(due.sequence, NOW + 3600);
    assert_eq!(ledger.stale("team", 3600, NOW + 3601), None);
    ledger.observe(observed(vec![]), NOW + 4000);
    assert_eq!(
        ledger.stale("team", 3600, NOW + 9999),
        None,
        "what is over is not kept fresh"
    );
}
