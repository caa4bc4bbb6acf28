//! A channel as it is used: its address, from the object or from a Secret, and its filters.
//!
//! The address may be a secret in itself (incoming webhooks are), so nothing here prints one.

use super::news::{Event, Message};
use super::{How, Notifier, notifier};
use crate::resources::{AlertChannelSpec, EmailSpec, RuleSeverity, SecretKey};
use futures_util::future::BoxFuture;
use reqwest::Url;
use seaworthy_model::{Severity, limits};
use std::fmt;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;

/// Why a channel cannot be used or a message did not arrive. Never holds an address, a secret or an answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One CamelCase word.
    pub reason: &'static str,
    /// The line for people.
    pub message: String,
    /// How long the receiver asked us to wait.
    pub(super) wait: Option<Duration>,
    /// Whether only this message was refused, so that others may pass.
    pub(super) only_this: bool,
}

impl Failure {
    /// A failure that concerns every message.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            wait: None,
            only_this: false,
        }
    }
}

/// Where Secrets come from. Only those that a channel names are read.
pub trait Secrets: Send + Sync {
    /// The value of one key.
    fn read<'a>(&'a self, key: &'a SecretKey) -> BoxFuture<'a, Result<String, Failure>>;
}

/// A channel, ready to be used.
pub struct Settings {
    pub(super) notifier: &'static Notifier,
    pub(super) url: Url,
    pub(super) email: Option<EmailSpec>,
    pub(super) authorities: Vec<u8>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("type", &self.notifier.name)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Checks a channel, and reads its Secret where it names one.
    ///
    /// # Errors
    /// When the address is missing, none, or one that messages must not go to.
    pub async fn of(spec: &AlertChannelSpec, secrets: &dyn Secrets) -> Result<Self, Failure> {
        let notifier = notifier(spec.channel_type);
        let text = match (&spec.url, &spec.url_from) {
            (Some(url), _) => url.clone(),
            (None, Some(key)) => secrets.read(key).await?,
            (None, None) => return Err(Failure::new("InvalidUrl", "give either url or urlFrom")),
        };
        let url = address(notifier, text.trim())?;
        if matches!(notifier.how, How::Mail) && spec.email.is_none() {
            return Err(Failure::new(
                "InvalidAddress",
                "a channel of type email needs spec.email with from and to",
            ));
        }
        Ok(Self {
            notifier,
            url,
            email: spec.email.clone(),
            authorities: spec.ca_bundle.clone().unwrap_or_default().into_bytes(),
        })
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

fn address(notifier: &Notifier, text: &str) -> Result<Url, Failure> {
    let invalid = |why: &str| Failure::new("InvalidUrl", format!("the address cannot be used: {why}"));
    if text.len() > limits::ALERT_ADDRESS_BYTES {
        return Err(invalid("it is too long"));
    }
    // The parser's own message does not repeat the address.
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    let Some(host) = url.host_str() else {
        return Err(invalid("it names no host"));
    };
    // Addresses of metadata services, which answer anybody on the machine.
    if host_address(host).is_some_and(is_link_local) {
        return Err(invalid("link-local addresses are not spoken to"));
    }
    let taken: &[&str] = match notifier.how {
        How::Mail => &["smtp", "smtps"],
        How::Post { plain: true, .. } => &["http", "https"],
        How::Post { .. } if is_loopback(&url) => &["http", "https"],
        How::Post { .. } => &["https"],
    };
    match taken.contains(&url.scheme()) {
        true => Ok(url),
        false => Err(invalid(&format!(
            "a channel of type {} takes {}",
            notifier.name,
            taken.join(" or ")
        ))),
    }
}

fn host_address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local() || address.is_unspecified() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_unspecified(),
    }
}

/// What the system said at the bottom of an error: no text of it, which could name the address.
pub(super) fn kind_of(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        found = error
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind)
            .or(found);
        next = error.source();
    }
    found
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    match host_address(host) {
        Some(address) => address.to_canonical().is_loopback(),
        None => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether a channel's filters let a message pass. What has no finding (a scan that failed) could hide any.
pub(super) fn wants(spec: &AlertChannelSpec, message: &Message) -> bool {
    if message.event == Event::Test {
        return true;
    }
    let namespace = &message.workload.namespace;
    let of_namespace = spec.namespaces.is_empty()
        || spec
            .namespaces
            .iter()
            .any(|pattern| seaworthy_policy::glob::matches(pattern, namespace));
    let least = spec.min_severity.map(|severity| match severity {
        RuleSeverity::Unknown => Severity::Unknown,
        RuleSeverity::Low => Severity::Low,
        RuleSeverity::Medium => Severity::Medium,
        RuleSeverity::High => Severity::High,
        RuleSeverity::Critical => Severity::Critical,
    });
    let severe = match (&message.worst, least) {
        (Some(worst), Some(least)) => worst.severity >= least,
        _ => true,
    };
    of_namespace && severe
}
