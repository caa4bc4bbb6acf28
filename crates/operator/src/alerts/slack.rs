//! Slack's incoming webhooks: text for notifications, blocks for the channel.
//!
//! <https://docs.slack.dev/messaging/formatting-message-text>: `&`, `<` and `>` are escaped, so that no text of others can
//! mention people or hide a link.

use super::incident::Due;
use super::{How, Notifier};
use crate::resources::ChannelType;
use serde_json::{Value, json};

pub(super) const NOTIFIER: Notifier = Notifier {
    channel_type: ChannelType::Slack,
    name: "slack",
    how: How::Post {
        body,
        content_type: "application/json; charset=utf-8",
        path: "",
        plain: false,
    },
    refresh: None,
};

/// Characters of a header block.
const HEADER: usize = 150;
/// Characters of one field.
const FIELD: usize = 2000;

fn body(due: &Due, _now: i64) -> Value {
    let message = &due.message;
    let title: String = message.title().chars().take(HEADER).collect();
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": title, "emoji": false}}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": escape(&message.line), "verbatim": true}}),
    ];
    let fields: Vec<Value> = message
        .facts()
        .into_iter()
        // Ten are taken.
        .take(10)
        .map(|(name, value)| {
            let value: String = escape(&value).chars().take(FIELD - 40).collect();
            json!({"type": "mrkdwn", "text": format!("*{name}*\n{value}"), "verbatim": true})
        })
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    if !message.command.is_empty() {
        // A backquote would end the block.
        let command = escape(&message.command).replace('`', "'");
        let text = format!("```{command}```");
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}}));
    }
    json!({"text": escape(&format!("{}: {}", message.title(), message.line)), "blocks": blocks})
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
