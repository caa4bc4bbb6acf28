//! What there is to tell: one workload, one of its images, what is wrong with it, and what a channel is sent about it.
//!
//! Texts come from images, registries and authors of workloads. [`clean`] takes out what would break a line or its length.

use jiff::Timestamp;
use seaworthy_model::{AssessedFinding, Severity, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The workload that a message is about. Made again under the same name it is the same: nobody wants to be told twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// The namespace.
    pub namespace: String,
    /// The kind, for example `Deployment`.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// Kinds of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The image violates a policy and does not run.
    Blocked,
    /// The image violates a policy and runs.
    Warned,
    /// The image has no verdict, or could not be read whole.
    Failed,
    /// What was told before is over.
    Resolved,
    /// Somebody tries whether the channel works.
    Test,
}

impl Event {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Warned => "warned",
            Self::Failed => "failed",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

/// The worst finding of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worst {
    /// The vulnerability's id.
    pub id: String,
    /// The package that has it.
    pub package: String,
    /// The installed version.
    pub installed: String,
    /// The version that fixes it.
    pub fixed: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

impl From<&AssessedFinding> for Worst {
    fn from(finding: &AssessedFinding) -> Self {
        Self {
            id: finding.id.clone(),
            package: finding.package.clone(),
            installed: finding.installed.clone(),
            fixed: Some(finding.fixed.clone()).filter(|fixed| !fixed.is_empty()),
            severity: finding.severity,
        }
    }
}

/// What is wrong with one image of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// What kind of news.
    pub event: Event,
    /// The image as written, without a pinned digest.
    pub image: String,
    /// Its digest, once there is a verdict.
    pub digest: Option<String>,
    /// The worst finding that violates a policy.
    pub worst: Option<Worst>,
    /// The line for people: image, worst finding, package, versions, what to do.
    pub line: String,
    /// The command that fixes it.
    pub command: String,
    /// Names of the channels that the violated policies name.
    pub channels: BTreeSet<String>,
    /// For how many seconds it must last before somebody is told.
    pub patience: i64,
}

impl News {
    /// What one incident is about: the digest, or the reference while nothing was read.
    pub(super) fn subject(&self) -> &str {
        self.digest.as_deref().unwrap_or(&self.image)
    }

    pub(super) fn severity(&self) -> Option<Severity> {
        self.worst.as_ref().map(|worst| worst.severity)
    }
}

/// Everything that is to be told of one workload now. What was told before and is not in here is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The workload.
    pub workload: Workload,
    /// What is wrong with its images.
    pub news: Vec<News>,
    /// Whether every image has a verdict and runs or is blocked. Until then nothing counts as over.
    pub settled: bool,
    /// Whether the workload is there at all.
    pub exists: bool,
}

impl Observation {
    /// The workload is gone, and with it whatever was wrong.
    pub fn gone(workload: Workload) -> Self {
        Self {
            workload,
            news: Vec::new(),
            settled: true,
            exists: false,
        }
    }
}

/// What one channel is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The same for every attempt, so that receivers can tell a repetition.
    pub id: String,
    /// What kind of news.
    pub event: Event,
    /// Since when it is so, in seconds since 1970.
    pub at: i64,
    /// The workload.
    pub workload: Workload,
    /// The image as written.
    pub image: String,
    /// Its digest, once it is known.
    pub digest: Option<String>,
    /// The worst finding.
    pub worst: Option<Worst>,
    /// The line for people.
    pub line: String,
    /// The command that fixes it.
    pub command: String,
}

impl Message {
    /// `Deployment shop/myapp`.
    pub fn place(&self) -> String {
        let Workload { namespace, kind, name } = &self.workload;
        match namespace.is_empty() {
            true => format!("{kind} {name}"),
            false => format!("{kind} {namespace}/{name}"),
        }
    }

    /// The one line that says what happened, and where.
    pub fn title(&self) -> String {
        let place = self.place();
        match self.event {
            Event::Blocked => format!("Blocked: {} in {place}", self.image),
            Event::Warned => format!("Runs with a warning: {} in {place}", self.image),
            Event::Failed => format!("Not scanned: {} in {place}", self.image),
            Event::Resolved => format!("Resolved: {} in {place}", self.image),
            Event::Test => "Test of an alert channel".to_owned(),
        }
    }

    /// What it is about, as names and values, without the line and the command.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if self.event == Event::Test {
            return facts;
        }
        facts.push(("Namespace", self.workload.namespace.clone()));
        facts.push(("Workload", format!("{} {}", self.workload.kind, self.workload.name)));
        facts.push(("Image", self.image.clone()));
        if let Some(digest) = &self.digest {
            facts.push(("Digest", digest.clone()));
        }
        if let Some(worst) = &self.worst {
            facts.push(("Worst finding", format!("{} ({})", worst.id, worst.severity)));
            let fixed = worst.fixed.as_deref().unwrap_or("no fix yet");
            facts.push(("Package", format!("{} {} → {fixed}", worst.package, worst.installed)));
        }
        facts
    }

    /// The time as RFC 3339.
    pub(super) fn time(&self) -> String {
        instant(self.at)
    }

    /// The message that tries a channel.
    pub(super) fn test(channel: &str, nonce: &str, now: i64) -> Self {
        Self {
            id: format!("test-{}", clean(nonce)),
            event: Event::Test,
            at: now,
            workload: Workload {
                namespace: String::new(),
                kind: "AlertChannel".to_owned(),
                name: channel.to_owned(),
            },
            image: String::new(),
            digest: None,
            worst: None,
            line: format!("AlertChannel {channel} works: alerts of the policies that name it arrive here"),
            command: format!("kubectl get alertchannel {channel}"),
        }
    }
}

/// Seconds since 1970 as RFC 3339.
pub(super) fn instant(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

/// A text on one line, without control characters and marks that change the direction of reading, of bounded length.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len().min(limits::ALERT_TEXT_BYTES));
    for character in text.chars() {
        let character = match character {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => continue,
            control if control.is_control() => ' ',
            other => other,
        };
        if cleaned.len() + character.len_utf8() > limits::ALERT_TEXT_BYTES {
            cleaned.push('…');
            break;
        }
        cleaned.push(character);
    }
    cleaned
}
