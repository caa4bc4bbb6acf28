//! One incident and the messages about it: what the ledger keeps, and what a channel is sent.

use super::command;
use super::news::{Event, Message, News, Workload, clean};
use seaworthy_model::Severity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Something that is wrong with one subject of one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) workload: Workload,
    pub(super) subject: String,
    pub(super) news: News,
    /// Since when the news is of this kind.
    pub(super) since: i64,
    /// Whether it is over; it stays until everybody was told.
    pub(super) closed: bool,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    Pending,
    Sent,
    /// The channel's filters do not want it.
    Skipped,
    /// Given up.
    Dropped,
}

/// A message to one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) incident: String,
    pub(super) channel: String,
    pub(super) message: Message,
    pub(super) state: State,
    /// When it was made.
    pub(super) made: i64,
    pub(super) attempts: u32,
    /// Before this it is not tried again; for what was sent, when it was sent last.
    pub(super) next: i64,
}

/// A message that is to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) sequence: i64,
    pub(crate) message: Message,
    /// What the channel was sent about the same incident before.
    pub(crate) earlier: Vec<Message>,
    pub(crate) attempts: u32,
    /// Whether it was sent before and is only kept fresh.
    pub(crate) again: bool,
}

impl Incident {
    /// What is to be told of it now.
    pub(super) fn message(&self) -> Message {
        let news = &self.news;
        Message {
            id: format!("{}-{}", self.id, news.event.name()),
            event: news.event,
            at: self.since,
            workload: self.workload.clone(),
            image: clean(&news.image),
            digest: news.digest.clone(),
            worst: news.worst.clone(),
            line: clean(&news.line),
            command: clean(&news.command),
        }
    }

    /// What is to be told when it is over.
    pub(super) fn end(&self, exists: bool, now: i64) -> Message {
        let mut resolved = self.message();
        resolved.event = Event::Resolved;
        resolved.id = format!("{}-{}", self.id, Event::Resolved.name());
        resolved.at = now;
        resolved.command = if exists {
            command::look(&self.workload)
        } else {
            String::new()
        };
        let what = match &self.news.worst {
            Some(worst) => format!("{} in {} is no longer in its way", worst.id, clean(&worst.package)),
            None => "what was in its way is over".to_owned(),
        };
        resolved.line = match exists {
            true => format!("{}: {what}", resolved.image),
            false => format!("{}: {} is gone", resolved.image, resolved.place()),
        };
        resolved
    }

    /// Another one each time that something is wrong anew.
    pub(super) fn identity(workload: &Workload, subject: &str, now: i64) -> String {
        let Workload { namespace, kind, name } = workload;
        let parts = format!("{namespace}\n{kind}\n{name}\n{subject}\n{now}");
        let digest = Sha256::digest(parts.as_bytes());
        digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
    }
}

pub(super) fn severity(message: &Message) -> Option<Severity> {
    message.worst.as_ref().map(|worst| worst.severity)
}
