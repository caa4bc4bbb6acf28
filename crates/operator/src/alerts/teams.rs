//! Microsoft Teams: a Workflows webhook is posted a message with one Adaptive Card.
//!
//! <https://adaptivecards.io/explorer/AdaptiveCard.html> 1.4. Markdown in text blocks is escaped; facts and code are not read
//! as Markdown where text of others stands.

use super::incident::Due;
use super::news::Event;
use super::{How, Notifier};
use crate::resources::ChannelType;
use serde_json::{Value, json};

pub(super) const NOTIFIER: Notifier = Notifier {
    channel_type: ChannelType::Teams,
    name: "teams",
    how: How::Post {
        body,
        content_type: "application/json; charset=utf-8",
        path: "",
        plain: false,
    },
    refresh: None,
};

fn body(due: &Due, _now: i64) -> Value {
    let message = &due.message;
    let color = match message.event {
        Event::Blocked | Event::Failed => "attention",
        Event::Warned => "warning",
        Event::Resolved => "good",
        Event::Test => "default",
    };
    let text = |text: &str| json!({"type": "TextBlock", "text": escape(text), "wrap": true});
    let mut title = text(&message.title());
    for (key, value) in [("weight", "bolder"), ("size", "medium"), ("color", color)] {
        if let Some(title) = title.as_object_mut() {
            title.insert(key.to_owned(), value.into());
        }
    }
    let mut card = vec![title, text(&message.line)];
    let facts: Vec<Value> = message
        .facts()
        .into_iter()
        .map(|(name, value)| json!({"title": name, "value": escape(&value)}))
        .collect();
    if !facts.is_empty() {
        card.push(json!({"type": "FactSet", "facts": facts}));
    }
    if !message.command.is_empty() {
        // Runs of text are never read as Markdown, so that the command can be copied as it is.
        let run = json!({"type": "TextRun", "text": message.command, "fontType": "monospace"});
        card.push(json!({"type": "RichTextBlock", "inlines": [run]}));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": card,
                "msteams": {"width": "Full"}
            }
        }]
    })
}

/// Text that Markdown leaves alone.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '*' | '_' | '[' | ']' | '`' | '<' | '>' | '#' | '~') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
