//! Alerts over the wire: a receiver in this process that answers as told, and the outbox with its store between two starts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod alert_support;

use alert_support::{Known, blocked, gone, observed, receiver, spec, until, workload};
use seaworthy_operator::alerts::{Alerts, Event, Workload};
use seaworthy_operator::resources::{ChannelType, RuleSeverity, SecretKey};
use seaworthy_operator::store::SqliteStore;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

async fn start(directory: &std::path::Path, secrets: Known) -> Arc<Alerts> {
    let url = format!("sqlite://{}", directory.join("store.db").display());
    let store = Arc::new(SqliteStore::open(&url).await.unwrap());
    let alerts = Alerts::open(store, Arc::new(secrets), Box::new(|_, _| ()))
        .await
        .unwrap();
    Arc::new(alerts)
}

fn run(alerts: &Arc<Alerts>) -> tokio::task::JoinHandle<()> {
    let alerts = Arc::clone(alerts);
    tokio::spawn(async move { alerts.run().await })
}

fn types(bodies: &[Value]) -> Vec<&str> {
    bodies
        .iter()
        .map(|body| body["type"].as_str().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn a_webhook_gets_one_cloud_event_for_each_kind_of_news() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = receiver(vec![]).await;
    let alerts = start(directory.path(), Known::default()).await;
    alerts.set_channel("team", spec(ChannelType::Webhook, &receiver.url("/hook")));
    let running = run(&alerts);
    for _ in 0..3 {
        alerts.observe(observed("myapp", vec![blocked("sha256:aa")]));
    }
    let seen = until(&receiver, 1).await;
    assert_eq!(seen[0].content_type, "application/cloudevents+json; charset=utf-8");
    let event = seen[0].json();
    for (pointer, expected) in [
        ("/specversion", "1.0"),
        ("/type", "dev.seaworthy.image.blocked"),
        ("/datacontenttype", "application/json"),
        ("/data/namespace", "shop"),
        ("/data/kind", "Deployment"),
        ("/data/name", "myapp"),
        ("/data/image", "myapp:v1"),
        ("/data/digest", "sha256:aa"),
        ("/data/worst/id", "CVE-2022-23852"),
        ("/data/worst/package", "expat"),
        ("/data/worst/installed", "2.4.1"),
        ("/data/worst/fixed", "2.4.4"),
        (
            "/data/command",
            "kubectl set image deployment/myapp c=myapp:FIXED_TAG -n shop",
        ),
    ] {
        assert_eq!(
            event.pointer(pointer).and_then(Value::as_str),
            Some(expected),
            "{pointer}"
        );
    }
    alerts.observe(observed("myapp", vec![]));
    let seen = until(&receiver, 2).await;
    assert_eq!(seen[1].json()["type"], "dev.seaworthy.image.resolved");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.seen().len(), 2, "nothing is repeated");
    assert!(alerts.outcome("team").unwrap().last_sent.is_some());
    running.abort();
}

#[tokio::test]
async fn a_restart_neither_repeats_nor_loses() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = receiver(vec![]).await;
    let channel = spec(ChannelType::Webhook, &receiver.url("/hook"));
    {
        let alerts = start(directory.path(), Known::default()).await;
        let running = run(&alerts);
        alerts.set_channel("team", channel.clone());
        alerts.observe(observed("told", vec![blocked("sha256:aa")]));
        until(&receiver, 1).await;
        // A channel that is not there yet: its messages wait for it.
        let mut later = blocked("sha256:bb");
        later.channels = ["later".to_owned()].into();
        alerts.observe(observed("untold", vec![later]));
        while alerts.waiting().await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        alerts.finish(Duration::from_secs(3)).await;
        running.abort();
    }
    let alerts = start(directory.path(), Known::default()).await;
    let running = run(&alerts);
    alerts.set_channel("team", channel.clone());
    alerts.set_channel("later", channel);
    alerts.observe(observed("told", vec![blocked("sha256:aa")]));
    let seen = until(&receiver, 2).await;
    assert_eq!(seen[1].json()["data"]["name"], "untold");
    alerts.observe(gone("told"));
    let seen = until(&receiver, 3).await;
    let bodies: Vec<Value> = seen.iter().map(|request| request.json()).collect();
    assert_eq!(
        types(&bodies),
        [
            "dev.seaworthy.image.blocked",
            "dev.seaworthy.image.blocked",
            "dev.seaworthy.image.resolved"
        ]
    );
    assert_eq!(bodies[2]["data"]["message"], "myapp:v1: Deployment shop/told is gone");
    running.abort();
}

#[tokio::test]
async fn a_receiver_that_is_away_or_busy_gets_the_same_message_later() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = receiver(vec![503, 429, 200]).await;
    let alerts = start(directory.path(), Known::default()).await;
    alerts.set_channel("team", spec(ChannelType::Webhook, &receiver.url("/hook")));
    let running = run(&alerts);
    alerts.observe(observed("myapp", vec![blocked("sha256:aa")]));
    let seen = until(&receiver, 3).await;
    let ids: HashSet<String> = seen.iter().map(|request| request.json()["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "the id tells that it is a repetition");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.seen().len(), 3);
    assert_eq!(alerts.outcome("team").unwrap().failure, None);
    running.abort();
}

#[tokio::test]
async fn redirects_are_not_followed_and_a_failure_tells_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = receiver(vec![302; 50]).await;
    let secret = SecretKey {
        namespace: "shop".to_owned(),
        name: "hook".to_owned(),
        key: "url".to_owned(),
    };
    let known = Known(BTreeMap::from([(
        "shop/hook/url".to_owned(),
        receiver.url("/T0/s3cr3t"),
    )]));
    let alerts = start(directory.path(), known).await;
    let mut channel = spec(ChannelType::Slack, "");
    channel.url = None;
    channel.url_from = Some(secret);
    alerts.set_channel("team", channel.clone());
    let failure = alerts.test("team", &channel, "n1").await.unwrap_err();
    assert_eq!(failure.reason, "Redirected");
    let seen = receiver.seen();
    assert_eq!(
        seen.iter().map(|request| request.path.as_str()).collect::<Vec<_>>(),
        ["/T0/s3cr3t"]
    );
    drop(receiver);
    let settings = alerts.check(&channel).await.unwrap();
    let away = alerts.test("team", &channel, "n2").await.unwrap_err();
    for text in [
        format!("{failure:?}"),
        format!("{away:?}"),
        format!("{settings:?}"),
        format!("{alerts:?}"),
    ] {
        assert!(!text.contains("s3cr3t") && !text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_without_end_holds_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let endless = alert_support::endless().await;
    let alerts = start(directory.path(), Known::default()).await;
    let channel = spec(ChannelType::Webhook, &endless);
    alerts.set_channel("team", channel.clone());
    let tried = tokio::time::timeout(Duration::from_secs(10), alerts.test("team", &channel, "n")).await;
    assert!(tried.unwrap().is_ok());
}

#[tokio::test]
async fn addresses_that_messages_must_not_go_to_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let alerts = start(directory.path(), Known::default()).await;
    for (channel_type, url, expected) in [
        (ChannelType::Webhook, "http://hooks.shop.svc/x", None),
        (
            ChannelType::Webhook,
            "http://169.254.169.254/latest/meta-data",
            Some("InvalidUrl"),
        ),
        (
            ChannelType::Webhook,
            "http://[::ffff:169.254.169.254]/",
            Some("InvalidUrl"),
        ),
        (ChannelType::Webhook, "http://[fe80::1]/", Some("InvalidUrl")),
        (ChannelType::Webhook, "http://2852039166/", Some("InvalidUrl")),
        (ChannelType::Webhook, "file:///etc/passwd", Some("InvalidUrl")),
        (ChannelType::Webhook, "hook", Some("InvalidUrl")),
        (ChannelType::Slack, "http://hooks.slack.example/x", Some("InvalidUrl")),
        (ChannelType::Slack, "https://hooks.slack.com/services/x", None),
        (ChannelType::Teams, "https://x.logic.azure.com/workflows/1", None),
        (ChannelType::Alertmanager, "http://alertmanager.monitoring:9093", None),
        (ChannelType::Email, "https://mail.example", Some("InvalidUrl")),
        (ChannelType::Email, "smtps://mail.example", Some("InvalidAddress")),
    ] {
        let found = alerts
            .check(&spec(channel_type, url))
            .await
            .err()
            .map(|failure| failure.reason);
        assert_eq!(found, expected, "{url}");
    }
    let mut missing = spec(ChannelType::Slack, "");
    missing.url = None;
    missing.url_from = Some(SecretKey {
        namespace: "a".to_owned(),
        name: "b".to_owned(),
        key: "c".to_owned(),
    });
    assert_eq!(alerts.check(&missing).await.unwrap_err().reason, "SecretNotFound");
}

#[tokio::test]
async fn a_channels_filters_hold_for_beginnings_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = receiver(vec![]).await;
    let alerts = start(directory.path(), Known::default()).await;
    let mut channel = spec(ChannelType::Webhook, &receiver.url("/hook"));
    channel.min_severity = Some(RuleSeverity::Critical);
    channel.namespaces = vec!["sh*".to_owned()];
    alerts.set_channel("team", channel);
    let running = run(&alerts);
    let mut mild = blocked("sha256:aa");
    mild.worst.as_mut().unwrap().severity = seaworthy_model::Severity::High;
    alerts.observe(observed("mild", vec![mild]));
    let elsewhere = Workload {
        namespace: "bank".to_owned(),
        ..workload("elsewhere")
    };
    let mut observation = observed("elsewhere", vec![blocked("sha256:aa")]);
    observation.workload = elsewhere;
    alerts.observe(observation.clone());
    let mut failed = blocked("sha256:cc");
    (failed.event, failed.worst) = (Event::Failed, None);
    alerts.observe(observed("unread", vec![failed]));
    alerts.observe(observed("bad", vec![blocked("sha256:bb")]));
    until(&receiver, 2).await;
    observation.news.clear();
    alerts.observe(observation);
    for name in ["mild", "unread", "bad"] {
        alerts.observe(observed(name, vec![]));
    }
    let seen = until(&receiver, 4).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.seen().len(), 4);
    let names: HashSet<String> = seen
        .iter()
        .map(|request| request.json()["data"]["name"].to_string())
        .collect();
    assert_eq!(names, HashSet::from(["\"unread\"".to_owned(), "\"bad\"".to_owned()]));
    running.abort();
}

#[tokio::test]
async fn hundreds_of_workloads_at_once_get_one_message_each() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = receiver(vec![]).await;
    let alerts = start(directory.path(), Known::default()).await;
    alerts.set_channel("team", spec(ChannelType::Webhook, &receiver.url("/hook")));
    let running = run(&alerts);
    for _ in 0..3 {
        for index in 0..200 {
            alerts.observe(observed(&format!("w{index}"), vec![blocked("sha256:aa")]));
        }
        tokio::task::yield_now().await;
    }
    let seen = until(&receiver, 200).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(receiver.seen().len(), 200);
    let names: HashSet<String> = seen
        .iter()
        .map(|request| request.json()["data"]["name"].to_string())
        .collect();
    assert_eq!(names.len(), 200);
    running.abort();
}

#[tokio::test]
async fn slack_and_teams_read_no_markup_in_texts_of_others() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = receiver(vec![]).await;
    let alerts = start(directory.path(), Known::default()).await;
    alerts.set_channel("slack", spec(ChannelType::Slack, &receiver.url("/slack")));
    alerts.set_channel("teams", spec(ChannelType::Teams, &receiver.url("/teams")));
    let running = run(&alerts);
    let mut news = blocked("sha256:aa");
    news.line = "<!channel> [win](http://x)\u{202e}\n& ```".to_owned();
    news.channels = ["slack".to_owned(), "teams".to_owned()].into();
    alerts.observe(observed("myapp", vec![news]));
    let seen = until(&receiver, 2).await;
    let of = |path: &str| seen.iter().find(|request| request.path == path).unwrap().json();
    let slack = of("/slack");
    assert_eq!(
        slack["blocks"][0]["text"]["text"],
        "Blocked: myapp:v1 in Deployment shop/myapp"
    );
    assert_eq!(
        slack["blocks"][1]["text"]["text"],
        "&lt;!channel&gt; [win](http://x) &amp; ```"
    );
    assert!(slack["blocks"].as_array().unwrap().len() == 4 && slack["text"].is_string());
    let teams = of("/teams");
    let card = &teams["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(
        card["content"]["body"][1]["text"],
        r"\<!channel\> \[win\](http://x) & \`\`\`"
    );
    let command = "kubectl set image deployment/myapp c=myapp:FIXED_TAG -n shop";
    assert_eq!(card["content"]["body"][3]["inlines"][0]["text"], command);
    running.abort();
}
