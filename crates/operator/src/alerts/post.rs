//! One POST to a receiver: no redirects, a bound on time and on what is read of the answer.
//!
//! Of an answer only its status is used, so that a channel shows nobody what an address inside the cluster says.

use super::channel::{Failure, Settings, is_link_local, kind_of};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, StatusCode, header, redirect};
use seaworthy_model::limits;
use serde_json::Value;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a receiver may take. Workflows of Teams take seconds.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The longest wait that a receiver may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(900);

pub(super) async fn post(
    settings: &Settings,
    content_type: &'static str,
    path: &str,
    body: &Value,
) -> Result<(), Failure> {
    let mut url = settings.url.clone();
    if !path.is_empty() && !url.path().ends_with(path) {
        let below = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&below);
    }
    let request = client(settings)?
        .post(url)
        .header(header::CONTENT_TYPE, content_type)
        .body(body.to_string());
    let mut answer = request.send().await.map_err(|error| failure(&error))?;
    let status = answer.status();
    let wait = answer
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
    // Read so that the connection can be used again; nobody needs what it says.
    let mut read = 0;
    while let Ok(Some(chunk)) = answer.chunk().await {
        read += chunk.len();
        if read > limits::ALERT_ANSWER_BYTES {
            break;
        }
    }
    match status.is_success() {
        true => Ok(()),
        false => Err(Failure {
            wait,
            ..refused(status)
        }),
    }
}

fn client(settings: &Settings) -> Result<Client, Failure> {
    let invalid = |_| Failure::new("InvalidCertificate", "caBundle holds no certificates in PEM");
    let mut builder = Client::builder()
        .user_agent(concat!("seaworthy/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(TIMEOUT / 3)
        .timeout(TIMEOUT)
        .dns_resolver(Resolver);
    if !settings.authorities.is_empty() {
        let authorities = Certificate::from_pem_bundle(&settings.authorities).map_err(invalid)?;
        builder = builder.tls_certs_merge(authorities);
    }
    if settings.is_loopback() {
        builder = builder.no_proxy();
        if settings.url.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
    }
    builder
        .build()
        .map_err(|_| Failure::new("Unusable", "the client cannot be set up"))
}

fn failure(error: &reqwest::Error) -> Failure {
    // Its text would name the address.
    match (error.is_timeout(), error.is_connect(), kind_of(error)) {
        (true, ..) => Failure::new("TimedOut", "the receiver did not answer in time"),
        (_, _, Some(ErrorKind::InvalidData)) => {
            Failure::new("InsecureConnection", "no trusted TLS connection to the receiver")
        }
        (_, true, Some(kind)) => Failure::new("Unreachable", format!("no connection to the receiver: {kind}")),
        (_, true, None) => Failure::new("Unreachable", "no connection to the receiver"),
        _ => Failure::new("Unreachable", "the connection to the receiver broke off"),
    }
}

fn refused(status: StatusCode) -> Failure {
    let line = |what: &str| format!("the receiver answered {}: {what}", status.as_u16());
    match status.as_u16() {
        300..=399 => Failure::new("Redirected", line("redirects are not followed, give the final address")),
        400 | 413 | 415 | 422 => Failure {
            only_this: true,
            ..Failure::new("Refused", line("it does not take the message"))
        },
        401 | 403 | 407 => Failure::new("Unauthorized", line("it does not know us")),
        404 | 405 | 410 => Failure::new("NotFound", line("there is no receiver at this address")),
        429 => Failure::new("RateLimited", line("too many messages")),
        _ => Failure::new("Unavailable", line("it is tried again")),
    }
}

/// Names that mean this link are not spoken to: metadata services answer anybody on the machine.
#[derive(Debug)]
struct Resolver;

#[derive(Debug, thiserror::Error)]
#[error("the name means a link-local address")]
struct LinkLocal;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let all: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            match all.iter().any(|address| is_link_local(address.ip())) {
                true => Err(LinkLocal.into()),
                false => Ok(Box::new(all.into_iter()) as Addrs),
            }
        })
    }
}
