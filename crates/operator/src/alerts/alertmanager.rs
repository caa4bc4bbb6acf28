//! Prometheus' Alertmanager, v2 API: firing alerts are kept fresh, what is resolved gets its end.
//!
//! <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>. An alert is known by its labels, so that each
//! that was sent is ended with exactly the labels that it had.

use super::incident::Due;
use super::news::{Event, Message, instant};
use super::{How, Notifier};
use crate::resources::ChannelType;
use serde_json::{Value, json};

pub(super) const NOTIFIER: Notifier = Notifier {
    channel_type: ChannelType::Alertmanager,
    name: "alertmanager",
    how: How::Post {
        body,
        content_type: "application/json",
        path: "api/v2/alerts",
        plain: true,
    },
    refresh: Some(REFRESH),
};

/// How often, in seconds, an alert that lasts is sent again.
const REFRESH: i64 = 3600;
/// After how many seconds an alert ends that is not sent again: when the operator is gone, its alerts do not stay for ever.
const LASTS: i64 = 6 * 3600;

fn body(due: &Due, now: i64) -> Value {
    match due.message.event {
        Event::Resolved => {
            let ended = due
                .earlier
                .iter()
                .map(|message| alert(message, Some(&due.message), now));
            Value::Array(ended.collect())
        }
        // It shows up and goes by itself.
        Event::Test => json!([with_end(alert(&due.message, None, now), now + 300)]),
        _ => json!([alert(&due.message, None, now)]),
    }
}

fn alert(message: &Message, resolved: Option<&Message>, now: i64) -> Value {
    let workload = &message.workload;
    let name = match message.event {
        Event::Blocked => "SeaworthyImageBlocked",
        Event::Warned => "SeaworthyImageWarned",
        Event::Failed => "SeaworthyScanFailed",
        Event::Resolved | Event::Test => "SeaworthyTest",
    };
    let severity = match &message.worst {
        Some(worst) => worst.severity.name().to_ascii_lowercase(),
        None => "none".to_owned(),
    };
    let mut labels = json!({
        "alertname": name,
        "severity": severity,
        "namespace": workload.namespace,
        "kind": workload.kind,
        "name": workload.name,
        "image": message.image,
        "digest": message.digest.as_deref().unwrap_or_default(),
        "vulnerability": message.worst.as_ref().map_or("", |worst| &worst.id),
    });
    // An empty label is none.
    if let Some(labels) = labels.as_object_mut() {
        labels.retain(|_, value| value.as_str().is_some_and(|value| !value.is_empty()));
    }
    let shown = resolved.unwrap_or(message);
    let alert = json!({
        "labels": labels,
        "annotations": {"summary": shown.title(), "description": shown.line, "command": shown.command},
        "startsAt": message.time(),
    });
    with_end(alert, if resolved.is_some() { now } else { now + LASTS })
}

fn with_end(mut alert: Value, end: i64) -> Value {
    if let Some(alert) = alert.as_object_mut() {
        alert.insert("endsAt".to_owned(), instant(end).into());
    }
    alert
}
