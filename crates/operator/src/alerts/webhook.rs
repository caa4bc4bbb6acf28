//! A generic receiver: CloudEvents 1.0 in structured JSON, one event a POST.
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md> §3.2

use super::incident::Due;
use super::news::Event;
use super::{How, Notifier};
use crate::resources::ChannelType;
use serde_json::{Value, json};

pub(super) const NOTIFIER: Notifier = Notifier {
    channel_type: ChannelType::Webhook,
    name: "webhook",
    how: How::Post {
        body,
        content_type: "application/cloudevents+json; charset=utf-8",
        path: "",
        plain: true,
    },
    refresh: None,
};

fn body(due: &Due, _now: i64) -> Value {
    let message = &due.message;
    let kind = match message.event {
        Event::Test => "dev.seaworthy.channel.test".to_owned(),
        event => format!("dev.seaworthy.image.{}", event.name()),
    };
    let workload = &message.workload;
    json!({
        "specversion": "1.0",
        "id": message.id,
        "source": "urn:seaworthy:operator",
        "type": kind,
        "subject": format!("{}/{}/{}", workload.namespace, workload.kind, workload.name),
        "time": message.time(),
        "datacontenttype": "application/json",
        "data": {
            "namespace": workload.namespace,
            "kind": workload.kind,
            "name": workload.name,
            "image": message.image,
            "digest": message.digest,
            "worst": message.worst.as_ref().map(|worst| json!({
                "id": worst.id,
                "package": worst.package,
                "installed": worst.installed,
                "fixed": worst.fixed,
                "severity": worst.severity.name(),
            })),
            "message": message.line,
            "command": message.command,
        }
    })
}
