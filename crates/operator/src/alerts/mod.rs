//! Alerts: what is wrong with which image of which workload is told to the channels that the policies name, once, and
//! that it is over, too.
//!
//! Controllers call [`Alerts::observe`] with everything that is to be told of a workload now, as often as they like:
//! it only notes, and what is not in it any more is over. [`standing::observation`] makes that of a `Standing`. An outbox
//! (`ledger.rs`, kept in the store) outlives restarts; `outbox.rs` sends. A notifier is one file and a line in `NOTIFIERS`.

mod alertmanager;
mod channel;
mod command;
mod email;
mod gone;
mod incident;
mod ledger;
mod news;
mod outbox;
mod post;
mod slack;
mod standing;
mod teams;
mod webhook;

pub use channel::{Failure, Secrets, Settings};
pub(crate) use command::{after_failure, overdue};
pub(crate) use gone::forget_the_gone;
pub use news::{Event, Message, News, Observation, Workload, Worst};
pub use outbox::{Alerts, Count, Outcome};
pub(crate) use standing::{Subject, observation, workload_of_pod, workload_of_template};

use crate::resources::ChannelType;
use incident::Due;
use serde_json::Value;

/// A kind of receiver.
#[derive(Debug)]
pub(crate) struct Notifier {
    channel_type: ChannelType,
    name: &'static str,
    how: How,
    /// After how many seconds a message of something that lasts is sent again, where the receiver forgets.
    refresh: Option<i64>,
}

/// How a kind of receiver gets its messages.
#[derive(Debug)]
pub(crate) enum How {
    /// A POST.
    Post {
        body: fn(&Due, i64) -> Value,
        content_type: &'static str,
        /// What is added to the path of the address.
        path: &'static str,
        /// Whether plain HTTP is taken beyond loopback: such receivers stand inside the cluster.
        plain: bool,
    },
    /// SMTP.
    Mail,
}

/// Every kind of receiver.
static NOTIFIERS: [Notifier; 5] = [
    slack::NOTIFIER,
    teams::NOTIFIER,
    webhook::NOTIFIER,
    alertmanager::NOTIFIER,
    email::NOTIFIER,
];

fn notifier(channel_type: ChannelType) -> &'static Notifier {
    let [first, ..] = &NOTIFIERS;
    NOTIFIERS
        .iter()
        .find(|notifier| notifier.channel_type == channel_type)
        .unwrap_or(first)
}

impl Settings {
    /// Checks what can be checked without sending anything.
    ///
    /// # Errors
    /// When a message could not even be made.
    pub fn check(&self) -> Result<(), Failure> {
        match self.notifier.how {
            How::Mail => email::check(self),
            How::Post { .. } => Ok(()),
        }
    }

    async fn send(&self, due: &Due, now: i64) -> Result<(), Failure> {
        match &self.notifier.how {
            How::Post {
                body,
                content_type,
                path,
                ..
            } => post::post(self, content_type, path, &body(due, now)).await,
            How::Mail => email::send(self, due).await,
        }
    }

    /// Sends a message that says that it works.
    ///
    /// # Errors
    /// When it did not arrive.
    pub async fn send_test(&self, channel: &str, nonce: &str, now: i64) -> Result<(), Failure> {
        let message = Message::test(channel, nonce, now);
        let due = Due {
            sequence: 0,
            message,
            earlier: Vec::new(),
            attempts: 0,
            again: false,
        };
        self.send(&due, now).await
    }
}
