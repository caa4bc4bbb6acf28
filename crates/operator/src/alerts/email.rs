//! Mail by SMTP (RFC 5321): `smtps://` is TLS from the start, `smtp://` must go over to TLS (STARTTLS) but on loopback.
//!
//! A message about the same incident answers the one before, so that mail programs show them as one thread.

use super::channel::{Failure, Settings, kind_of};
use super::incident::Due;
use super::{How, Notifier};
use crate::resources::ChannelType;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::io::ErrorKind;
use std::time::Duration;

pub(super) const NOTIFIER: Notifier = Notifier {
    channel_type: ChannelType::Email,
    name: "email",
    how: How::Mail,
    refresh: None,
};

/// How long each step may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Sends one mail to all recipients.
pub(super) async fn send(settings: &Settings, due: &Due) -> Result<(), Failure> {
    let mail = mail(settings, due)?;
    let transport = transport(settings)?;
    // Each step has its time; all of them together have one too.
    match tokio::time::timeout(TIMEOUT * 3, transport.send(mail)).await {
        Err(_) => Err(Failure::new("TimedOut", "the mail server did not answer in time")),
        Ok(Err(error)) => Err(failure(&error)),
        Ok(Ok(_)) => Ok(()),
    }
}

fn transport(settings: &Settings) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let url = &settings.url;
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let certificate = |_| Failure::new("InvalidCertificate", "caBundle holds no certificates in PEM");
    let mut parameters = TlsParameters::builder(host.to_owned());
    if !settings.authorities.is_empty() {
        parameters =
            parameters.add_root_certificate(Certificate::from_pem(&settings.authorities).map_err(certificate)?);
    }
    let demanded = url
        .query_pairs()
        .any(|(key, value)| key == "tls" && value == "required");
    let tls = match url.scheme() {
        "smtps" => Tls::Wrapper(parameters.build().map_err(certificate)?),
        _ if settings.is_loopback() && !demanded => Tls::None,
        _ => Tls::Required(parameters.build().map_err(certificate)?),
    };
    let port = url.port().unwrap_or(if url.scheme() == "smtps" { 465 } else { 587 });
    // The address without what only we understand; it also takes login and password out.
    let mut plain = url.clone();
    plain.set_query(None);
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(plain.as_str()).map_err(|_| {
        Failure::new(
            "InvalidUrl",
            "the address cannot be used: write smtps://HOST or smtp://HOST",
        )
    })?;
    Ok(builder.tls(tls).port(port).timeout(Some(TIMEOUT)).build())
}

fn mail(settings: &Settings, due: &Due) -> Result<Message, Failure> {
    let message = &due.message;
    let Some(email) = &settings.email else {
        return Err(Failure::new("InvalidAddress", "the channel names no recipients"));
    };
    let mailbox = |text: &String| {
        text.parse::<Mailbox>()
            .map_err(|_| Failure::new("InvalidAddress", format!("{text:?} is no mail address")))
    };
    let mut builder = Message::builder().from(mailbox(&email.from)?);
    for recipient in &email.to {
        builder = builder.to(mailbox(recipient)?);
    }
    builder = builder
        .subject(format!("[Seaworthy] {}", message.title()))
        .message_id(Some(identity(&message.id)));
    if let Some(earlier) = due.earlier.first() {
        builder = builder
            .in_reply_to(identity(&earlier.id))
            .references(identity(&earlier.id));
    }
    let mut text = format!("{}\n\n", message.line);
    for (name, value) in message.facts() {
        text.push_str(&format!("{:<14} {value}\n", format!("{name}:")));
    }
    text.push_str(&format!("{:<14} {}\n", "Time:", message.time()));
    if !message.command.is_empty() {
        text.push_str(&format!("\n    {}\n", message.command));
    }
    let mut mail = builder
        .body(text)
        .map_err(|_| Failure::new("InvalidAddress", "the channel names no recipients"))?;
    // So that nobody's absence answers (RFC 3834).
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    mail.headers_mut()
        .insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
    Ok(mail)
}

/// Recipients and sender that no mail could have are refused when the channel is checked, not when it is needed.
pub(super) fn check(settings: &Settings) -> Result<(), Failure> {
    let due = Due {
        sequence: 0,
        message: super::news::Message::test("check", "check", 0),
        earlier: Vec::new(),
        attempts: 0,
        again: false,
    };
    mail(settings, &due)?;
    transport(settings).map(drop)
}

fn identity(id: &str) -> String {
    format!("<{id}@seaworthy.dev>")
}

fn failure(error: &lettre::transport::smtp::Error) -> Failure {
    // A server's text could repeat what it was told.
    match error.status() {
        Some(code) if error.is_permanent() => {
            let refused = Failure::new("Refused", format!("the mail server answered {code}"));
            // 530 to 538 are about the login, which concerns every message.
            let about_login = matches!(u16::from(code), 530..=538);
            Failure {
                only_this: !about_login,
                ..refused
            }
        }
        Some(code) => Failure::new(
            "Unavailable",
            format!("the mail server answered {code}: it is tried again"),
        ),
        None if error.is_timeout() => Failure::new("TimedOut", "the mail server did not answer in time"),
        None if error.is_tls() || kind_of(error) == Some(ErrorKind::InvalidData) => {
            Failure::new("InsecureConnection", "no trusted TLS connection to the mail server")
        }
        None if error.is_client() => {
            Failure::new("Refused", "the mail server offers no STARTTLS or login that we have")
        }
        None => Failure::new("Unreachable", "no connection to the mail server"),
    }
}
