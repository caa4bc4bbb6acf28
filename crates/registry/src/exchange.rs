//! One request and its answer: redirects followed by hand, credentials kept at home, failures told apart.

use crate::address::{Denied, LocalAddress, Locality};
use crate::client::Shared;
use crate::connections::Purpose;
use crate::{Error, Secret, retry};
use reqwest::{Method, Response, StatusCode, header};
use seaworthy_model::limits;
use std::error::Error as _;
use std::time::Instant;
use url::Url;

/// What is sent to a registry.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Media types for `Accept`.
    pub(crate) accept: Option<String>,
    /// The value of `Authorization`.
    pub(crate) authorization: Option<Secret>,
    /// The value of `Range`.
    pub(crate) range: Option<String>,
    /// What is asked for, for messages.
    pub(crate) what: &'a str,
    /// The host, for messages.
    pub(crate) host: &'a str,
    /// When the caller's time is up.
    pub(crate) deadline: Option<Instant>,
}

/// Sends a request and follows its redirects.
pub(crate) async fn send(shared: &Shared, request: &Request<'_>) -> Result<Response, Error> {
    let home = request.url.clone();
    let mut target = home.clone();
    for _ in 0..=limits::REDIRECTS {
        let response = send_once(shared, request, &home, &target).await?;
        let redirected = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = response.headers().get(header::LOCATION).filter(|_| redirected);
        let Some(location) = location else {
            return Ok(response);
        };
        target = next(shared, request, &target, location)?;
    }
    Err(Error::Redirect {
        host: request.host.to_owned(),
        target: shown(&target),
        why: format!("it is the last of more than {}", limits::REDIRECTS),
    })
}

/// Where a redirect leads, if one may go there.
fn next(shared: &Shared, request: &Request<'_>, from: &Url, location: &header::HeaderValue) -> Result<Url, Error> {
    let refuse = |target: String, why: &str| Error::Redirect {
        host: request.host.to_owned(),
        target,
        why: why.to_owned(),
    };
    let text = location.to_str().unwrap_or("");
    let target = from.join(text).ok().filter(|target| target.has_host());
    let Some(target) = target else {
        return Err(refuse(crate::client::excerpt(text), "it is no address"));
    };
    match target.scheme() {
        "https" => Ok(target),
        "http" if from.scheme() == "http" || shared.options.insecure => Ok(target),
        "http" => Err(refuse(shown(&target), "it leads from TLS to plain HTTP")),
        _ => Err(refuse(shown(&target), "it is neither HTTP nor HTTPS")),
    }
}

/// Scheme, host and port of a URL: its query may hold a signature.
pub(crate) fn shown(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Which client may connect to a URL that an answer of `home` named.
pub(crate) async fn purpose(shared: &Shared, home: &Url, target: &Url, host: &str) -> Result<Purpose, Error> {
    if home.host() == target.host() {
        return purpose_at_home(shared, target, host);
    }
    if shared.options.allow_local_redirects {
        return Ok(Purpose::Named(Denied::default()));
    }
    let refuse = || Error::Redirect {
        host: host.to_owned(),
        target: shown(target),
        why: "it is an address on this machine, this link or in a private network".into(),
    };
    let at = Locality::of_url(home).await.unwrap_or(Locality::Public);
    if let Some(literal) = Locality::of_literal(target)
        && !Denied::for_literal(at).permits(literal)
    {
        return Err(refuse());
    }
    Ok(Purpose::Named(Denied::for_home(at, target.scheme() == "http")))
}

/// The client for a host that the user named.
fn purpose_at_home(shared: &Shared, url: &Url, host: &str) -> Result<Purpose, Error> {
    let literal = Locality::of_literal(url);
    if shared.options.deny_local && !shared.is_mirror(host) {
        return match literal {
            Some(literal) if !Denied::LOCAL.permits(literal) => Err(Error::Local { host: host.to_owned() }),
            _ => Ok(Purpose::Named(Denied::LOCAL)),
        };
    }
    Ok(match literal {
        Some(Locality::Loopback) if url.scheme() == "http" => Purpose::Loopback,
        _ => Purpose::Registry,
    })
}

async fn send_once(shared: &Shared, request: &Request<'_>, home: &Url, target: &Url) -> Result<Response, Error> {
    let purpose = purpose(shared, home, target, request.host).await?;
    let client = shared.connections.client(purpose, &shared.options)?;
    let mut builder = client.request(request.method.clone(), target.clone());
    if let Some(accept) = &request.accept {
        builder = builder.header(header::ACCEPT, accept);
    }
    if let Some(range) = &request.range {
        builder = builder.header(header::RANGE, range);
    }
    if let Some(authorization) = &request.authorization
        && home.origin() == target.origin()
    {
        let value = header::HeaderValue::from_str(authorization.reveal()).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let value = value.map_err(|_| Error::BadCredentials {
            why: "they hold characters that cannot be sent".into(),
        })?;
        builder = builder.header(header::AUTHORIZATION, value);
    }
    let limit = time_left(shared.options.timeouts.response, request.deadline);
    let answer = tokio::time::timeout(limit, builder.send()).await;
    let host = if home.origin() == target.origin() {
        request.host.to_owned()
    } else {
        format!("{} (sent there by {})", shown(target), request.host)
    };
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            return Err(match failure(error, host, target, request) {
                // The registry's own name leads there.
                Error::Redirect { host, .. } if home.host() == target.host() => Error::Local { host },
                error => error,
            });
        }
        Err(_) => {
            return Err(Error::TimedOut {
                host,
                what: request.what.to_owned(),
            });
        }
    };
    tracing::debug!(method = %request.method, url = %shown(target), what = request.what, range = request.range, status = response.status().as_u16(), "registry answered");
    Ok(response)
}

/// The shorter of a limit and the time that the caller has.
pub(crate) fn time_left(limit: std::time::Duration, deadline: Option<Instant>) -> std::time::Duration {
    match deadline {
        Some(deadline) => limit.min(deadline.saturating_duration_since(Instant::now())),
        None => limit,
    }
}

/// What a failure to connect or to read the head of an answer means.
fn failure(error: reqwest::Error, host: String, target: &Url, request: &Request<'_>) -> Error {
    let error = error.without_url();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut last = error.to_string();
    for _ in 0..16 {
        let Some(current) = cause else { break };
        let inner = innermost(current);
        if inner.downcast_ref::<LocalAddress>().is_some() {
            return Error::Redirect {
                host: request.host.to_owned(),
                target: shown(target),
                why: LocalAddress.to_string(),
            };
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return tls_failure(tls, host);
        }
        last = current.to_string();
        cause = current.source();
    }
    if error.is_dns() {
        // Names of proxies are resolved here too.
        return Error::UnknownHost { host };
    }
    if error.is_timeout() {
        return Error::TimedOut {
            host,
            what: request.what.to_owned(),
        };
    }
    Error::Unreachable { host, why: last }
}

/// What an I/O error carries: such errors hide it from `source`, and may lie in one another.
fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut error = error;
    for _ in 0..16 {
        match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => error = inner,
            None => break,
        }
    }
    error
}

fn tls_failure(error: &rustls::Error, host: String) -> Error {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(certificate) => Error::NotTrusted {
            host,
            why: match certificate {
                Certificate::UnknownIssuer => "nobody known has signed it".into(),
                Certificate::Expired | Certificate::ExpiredContext { .. } => "it has expired".into(),
                Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => "it is not valid yet".into(),
                Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                    "it is for another name".into()
                }
                Certificate::Revoked => "it has been revoked".into(),
                other => other.to_string(),
            },
        },
        rustls::Error::InvalidMessage(_) => Error::PlainHttp { host },
        other => Error::Unreachable {
            host,
            why: other.to_string(),
        },
    }
}

/// Reads a whole body up to a limit.
pub(crate) async fn body(
    shared: &Shared,
    mut response: Response,
    limit: u64,
    request: &Request<'_>,
) -> Result<Vec<u8>, Error> {
    let too_large = || Error::TooLarge {
        host: request.host.to_owned(),
        what: request.what.to_owned(),
        limit,
    };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    // A body that drips on and on ends, whether or not the caller has a time.
    let end = Instant::now().checked_add(shared.options.timeouts.document);
    let end = [request.deadline, end].into_iter().flatten().min();
    let mut bytes = Vec::new();
    loop {
        let time = time_left(shared.options.timeouts.idle, end);
        match tokio::time::timeout(time, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                if bytes.len() as u64 + chunk.len() as u64 > limit {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(Ok(None)) => return Ok(bytes),
            Ok(Err(error)) => {
                return Err(Error::BrokenOff {
                    host: request.host.to_owned(),
                    what: request.what.to_owned(),
                    why: cause_of(error),
                });
            }
            Err(_) if end.is_some_and(|end| Instant::now() >= end) => {
                return Err(Error::TimedOut {
                    host: request.host.to_owned(),
                    what: request.what.to_owned(),
                });
            }
            Err(_) => {
                return Err(Error::BrokenOff {
                    host: request.host.to_owned(),
                    what: request.what.to_owned(),
                    why: format!("nothing came for {} s", time.as_secs_f32()),
                });
            }
        }
    }
}

/// The innermost reason of a failure, which is the one that says something.
pub(crate) fn cause_of(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut last = error.to_string();
    let mut cause = error.source();
    for _ in 0..16 {
        let Some(current) = cause else { break };
        last = current.to_string();
        cause = current.source();
    }
    last
}

/// The words of a registry's error answer (distribution specification, "Error Codes"), shortened and without controls.
pub(crate) async fn message(shared: &Shared, response: Response, request: &Request<'_>) -> (String, String) {
    let bytes = body(shared, response, limits::ERROR_BODY_BYTES, request)
        .await
        .unwrap_or_default();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let first = value.get("errors").and_then(|errors| errors.get(0));
    let text = |name: &str| {
        let text = first
            .and_then(|first| first.get(name))
            .and_then(serde_json::Value::as_str);
        crate::client::excerpt(text.unwrap_or(""))
    };
    (text("code"), text("message"))
}

/// Whether a status is one of success.
pub(crate) fn is_success(status: StatusCode) -> bool {
    status == StatusCode::OK || status == StatusCode::PARTIAL_CONTENT
}

/// Sends a request that was built elsewhere, without redirects; tries again where that may help.
pub(crate) async fn send_built(
    shared: &Shared,
    builder: reqwest::RequestBuilder,
    request: &Request<'_>,
) -> Result<Response, Error> {
    let retry = &shared.options.retry;
    let late = || Error::TimedOut {
        host: request.host.to_owned(),
        what: request.what.to_owned(),
    };
    for attempt in 0.. {
        let last = attempt + 1 >= retry.attempts;
        let limit = time_left(shared.options.timeouts.response, request.deadline);
        let Some(again) = builder.try_clone() else { break };
        match tokio::time::timeout(limit, again.send()).await {
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                let passing = retry::is_passing(status) || status == 429;
                let asked = retry::asked(&response).unwrap_or_default();
                if last || !passing || asked > retry.longest_asked {
                    return Ok(response);
                }
                tokio::time::sleep(time_left(asked, request.deadline)).await;
            }
            Ok(Err(error)) => {
                let error = failure(error, request.host.to_owned(), &request.url, request);
                if last || !error.may_pass() {
                    return Err(error);
                }
            }
            Err(_) if last => return Err(late()),
            Err(_) => {}
        }
        tokio::time::sleep(time_left(retry.pause(attempt), request.deadline)).await;
    }
    Err(late())
}

/// What an answer without success says.
pub(crate) async fn status_error(shared: &Shared, response: Response, request: &Request<'_>) -> Error {
    let status = response.status().as_u16();
    if status == 429 {
        return Error::RateLimited {
            host: request.host.to_owned(),
            retry_after: retry::asked(&response),
        };
    }
    let (_, message) = message(shared, response, request).await;
    Error::Status {
        host: request.host.to_owned(),
        what: request.what.to_owned(),
        status,
        message,
    }
}
