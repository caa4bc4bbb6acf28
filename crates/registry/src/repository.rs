//! A repository at its registry and mirrors: manifests, configs and blobs, with retries, logins and fall-through.

use crate::address::Locality;
use crate::authenticate::{self, Logins};
use crate::client::{Endpoint, Shared};
use crate::exchange::{self, Request};
use crate::{BlobStream, Document, Error, MEDIA_TYPES, Reference, challenge, retry};
use reqwest::{Method, Response, header};
use seaworthy_model::{Digest, limits};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use url::Url;

/// One repository of a registry, and the reference by which it was named.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(crate) shared: Arc<Shared>,
    reference: Reference,
    endpoints: Arc<Vec<Endpoint>>,
    /// The endpoint that answered last; the others are asked when it fails.
    preferred: Arc<AtomicUsize>,
    pub(crate) deadline: Option<Instant>,
}

/// What is asked of an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: Method,
    /// The path below the repository: `manifests/latest`.
    pub(crate) path: String,
    pub(crate) accept: Option<String>,
    pub(crate) range: Option<String>,
    /// For messages.
    pub(crate) what: String,
}

impl Repository {
    pub(crate) fn new(shared: Arc<Shared>, reference: Reference, endpoints: Vec<Endpoint>) -> Self {
        Self {
            shared,
            reference,
            endpoints: Arc::new(endpoints),
            preferred: Arc::default(),
            deadline: None,
        }
    }

    /// The same repository with a time by which every answer must have come.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// The reference by which it was named.
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The digest that the reference names now: one request without a body where the registry tells.
    ///
    /// # Errors
    /// As the registry answers.
    pub async fn digest(&self) -> Result<Digest, Error> {
        if let Some(digest) = self.reference.digest() {
            return Ok(digest);
        }
        let question = self.manifest_question(Method::HEAD, &self.reference.target());
        let promise = match self.ask(&question).await {
            Ok((response, _)) => promised(&response),
            // Not every registry answers HEAD.
            Err(Error::Status {
                status: 400 | 405 | 501,
                ..
            }) => None,
            Err(error) => return Err(error),
        };
        match promise {
            Some(digest) => Ok(digest),
            None => Ok(self.manifest().await?.digest),
        }
    }

    /// The manifest or index that the reference names.
    ///
    /// # Errors
    /// As the registry answers, and when it is too large or has another digest than asked for.
    pub async fn manifest(&self) -> Result<Document, Error> {
        self.document(&self.reference.target(), self.reference.digest()).await
    }

    /// The manifest or index with this digest.
    ///
    /// # Errors
    /// As [`Repository::manifest`].
    pub async fn manifest_at(&self, digest: Digest) -> Result<Document, Error> {
        self.document(&digest.to_string(), Some(digest)).await
    }

    async fn document(&self, target: &str, expected: Option<Digest>) -> Result<Document, Error> {
        let question = self.manifest_question(Method::GET, target);
        self.whole(
            &question,
            limits::MANIFEST_BYTES,
            |bytes, media_type, promised, host| {
                let digest = check_digest(&bytes, expected.or(promised), &question.what, host)?;
                let document = Document {
                    bytes,
                    digest,
                    media_type,
                    host: host.to_owned(),
                };
                document.check(&question.what)
            },
        )
        .await
    }

    /// A small blob (a config), whole and verified.
    ///
    /// # Errors
    /// As the registry answers, and when it is too large or has another digest.
    pub async fn small_blob(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        let question = self.blob_question(digest, None);
        self.whole(&question, limits::MANIFEST_BYTES, |bytes, _, _, host| {
            check_digest(&bytes, Some(digest), &question.what, host)?;
            Ok(bytes)
        })
        .await
    }

    /// A blob as a stream that resumes where it broke off; its digest is the reader's to check, its size is checked here.
    pub fn blob(&self, digest: Digest, size: u64) -> BlobStream {
        BlobStream::new(self.clone(), digest, size)
    }

    fn manifest_question(&self, method: Method, target: &str) -> Question {
        Question {
            method,
            path: format!("manifests/{target}"),
            accept: Some(MEDIA_TYPES.join(", ")),
            range: None,
            what: if target.starts_with("sha256:") {
                format!("manifest {target}")
            } else {
                format!("{}:{target}", self.reference.repository())
            },
        }
    }

    pub(crate) fn blob_question(&self, digest: Digest, range: Option<String>) -> Question {
        Question {
            method: Method::GET,
            path: format!("blobs/{digest}"),
            accept: None,
            range,
            what: format!("blob {digest}"),
        }
    }

    /// Asks for a whole small body; a body that breaks off is asked for again, one that is wrong is asked of the next place.
    async fn whole<T>(
        &self,
        question: &Question,
        limit: u64,
        read: impl Fn(Vec<u8>, String, Option<Digest>, &str) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut last = None;
        for (index, endpoint) in self.in_order() {
            for attempt in 0..self.shared.options.retry.attempts.max(1) {
                let result = self.whole_of(endpoint, question, limit, &read).await;
                match result {
                    Ok(value) => {
                        self.preferred.store(index, Ordering::Relaxed);
                        return Ok(value);
                    }
                    Err(error @ Error::BrokenOff { .. }) if !self.is_late() => {
                        last = Some(error);
                        self.pause(attempt).await;
                    }
                    Err(error) => {
                        self.note(endpoint, &error);
                        last = Some(error);
                        break;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| self.nobody()))
    }

    async fn whole_of<T>(
        &self,
        endpoint: &Endpoint,
        question: &Question,
        limit: u64,
        read: &impl Fn(Vec<u8>, String, Option<Digest>, &str) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let response = self.ask_at(endpoint, question).await?;
        let promised = promised(&response);
        let media_type = response.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or("");
        let media_type = crate::client::excerpt(media_type.split(';').next().unwrap_or(""));
        let request = Request {
            method: question.method.clone(),
            url: self.url(endpoint, question)?,
            accept: None,
            authorization: None,
            range: None,
            what: &question.what,
            host: &endpoint.host,
            deadline: self.deadline,
        };
        let bytes = exchange::body(&self.shared, response, limit, &request).await?;
        read(bytes, media_type, promised, &endpoint.host)
    }

    /// Asks every place until one answers.
    pub(crate) async fn ask(&self, question: &Question) -> Result<(Response, String), Error> {
        let mut last = None;
        for (index, endpoint) in self.in_order() {
            match self.ask_at(endpoint, question).await {
                Ok(response) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok((response, endpoint.host.clone()));
                }
                Err(error) => {
                    self.note(endpoint, &error);
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.nobody()))
    }

    /// The places, the one that answered last first.
    fn in_order(&self) -> impl Iterator<Item = (usize, &Endpoint)> {
        let preferred = self.preferred.load(Ordering::Relaxed);
        let all = || self.endpoints.iter().enumerate();
        all()
            .filter(move |(index, _)| *index == preferred)
            .chain(all().filter(move |(index, _)| *index != preferred))
    }

    fn note(&self, endpoint: &Endpoint, error: &Error) {
        if endpoint.is_mirror {
            tracing::warn!(
                "the mirror {} does not serve {}: {error}",
                endpoint.host,
                self.reference
            );
        }
    }

    fn nobody(&self) -> Error {
        Error::NotFound {
            host: self.reference.registry().to_owned(),
            what: self.reference.to_string(),
        }
    }

    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub(crate) async fn pause(&self, attempt: u32) {
        let pause = self.shared.options.retry.pause(attempt);
        tokio::time::sleep(exchange::time_left(pause, self.deadline)).await;
    }

    fn url(&self, endpoint: &Endpoint, question: &Question) -> Result<Url, Error> {
        let bad = || Error::UnknownHost {
            host: endpoint.host.clone(),
        };
        let https = Url::parse(&format!("https://{}/", endpoint.host)).map_err(|_| bad())?;
        let loopback = Locality::of_literal(&https) == Some(Locality::Loopback);
        let scheme = match (self.shared.is_plain(&endpoint.host), endpoint.scheme) {
            (_, Some(scheme)) => scheme,
            (Some(true), None) => "http",
            (Some(false), None) => "https",
            (None, None) if loopback => "http",
            (None, None) => "https",
        };
        // An address given in plain HTTP is followed on this machine, and where the user accepts it.
        if scheme == "http" && !loopback && !self.shared.options.insecure {
            return Err(Error::PlainHttp {
                host: endpoint.host.clone(),
            });
        }
        let text = format!(
            "{scheme}://{}/v2/{}/{}",
            endpoint.host, endpoint.repository, question.path
        );
        Url::parse(&text).map_err(|_| bad())
    }

    /// Asks one place, with retries and logins, until it answers with success.
    pub(crate) async fn ask_at(&self, endpoint: &Endpoint, question: &Question) -> Result<Response, Error> {
        let retry = &self.shared.options.retry;
        let mut attempt = 0;
        let mut logins: Option<Logins> = None;
        let mut authorization = self.shared.authorization(endpoint);
        loop {
            if self.is_late() {
                return Err(Error::TimedOut {
                    host: endpoint.host.clone(),
                    what: question.what.clone(),
                });
            }
            let request = Request {
                method: question.method.clone(),
                url: self.url(endpoint, question)?,
                accept: question.accept.clone(),
                authorization: authorization.as_ref().map(|sent| sent.value.clone()),
                range: question.range.clone(),
                what: &question.what,
                host: &endpoint.host,
                deadline: self.deadline,
            };
            attempt += 1;
            let response = match exchange::send(&self.shared, &request).await {
                Ok(response) => response,
                Err(error) => {
                    if self.changes_scheme(endpoint, &request.url, &error).await {
                        continue;
                    }
                    // Nobody listens on this machine: that does not change by waiting.
                    let closed = error.is_refused() && request.url.scheme() == "http";
                    if !error.may_pass() || closed || attempt >= retry.attempts {
                        return Err(error);
                    }
                    tracing::debug!("{error}; trying again");
                    self.pause(attempt - 1).await;
                    continue;
                }
            };
            let status = response.status();
            if exchange::is_success(status) {
                self.shared.remember(endpoint, authorization);
                return Ok(response);
            }
            match status.as_u16() {
                401 => {
                    let challenges: Vec<_> = response
                        .headers()
                        .get_all(header::WWW_AUTHENTICATE)
                        .iter()
                        .filter_map(|value| value.to_str().ok())
                        .take(limits::CHALLENGES)
                        .flat_map(challenge::parse)
                        .collect();
                    let (_, message) = exchange::message(&self.shared, response, &request).await;
                    self.shared.remember(endpoint, None);
                    // A token that was good before may have expired: the first refusal counts against no login.
                    let logins = match &mut logins {
                        Some(logins) => {
                            logins.refused(authorization.as_ref(), message);
                            logins
                        }
                        none => none.insert(Logins::of(&self.shared, endpoint, self.deadline).await),
                    };
                    let next = logins.next(&self.shared, endpoint, &request.url, &challenges, self.deadline);
                    authorization = Some(next.await?);
                    attempt = attempt.saturating_sub(1);
                }
                400 if request.url.scheme() == "http" && self.speaks(endpoint, "https").await => {}
                404 => {
                    return Err(Error::NotFound {
                        host: endpoint.host.clone(),
                        what: question.what.clone(),
                    });
                }
                403 => {
                    let (_, message) = exchange::message(&self.shared, response, &request).await;
                    return Err(if authorization.as_ref().is_none_or(|sent| sent.anonymous) {
                        authenticate::login_needed(endpoint)
                    } else {
                        Error::Forbidden {
                            host: endpoint.host.clone(),
                            repository: endpoint.repository.clone(),
                            message,
                        }
                    });
                }
                429 => {
                    let asked = retry::asked(&response);
                    let wait = asked.unwrap_or_else(|| retry.pause(attempt - 1));
                    let in_time = exchange::time_left(wait, self.deadline) == wait;
                    if attempt >= retry.attempts || wait > retry.longest_asked || !in_time {
                        return Err(Error::RateLimited {
                            host: endpoint.host.clone(),
                            retry_after: asked,
                        });
                    }
                    tracing::warn!(
                        "{} limits the rate of requests; waiting {:.1} s",
                        endpoint.host,
                        wait.as_secs_f64()
                    );
                    tokio::time::sleep(wait).await;
                }
                status if retry::is_passing(status) && attempt < retry.attempts => {
                    let asked = retry::asked(&response);
                    let wait = asked.map_or_else(|| retry.pause(attempt - 1), |asked| asked.min(retry.longest_asked));
                    tracing::debug!("{} answered with status {status}; trying again", endpoint.host);
                    tokio::time::sleep(exchange::time_left(wait, self.deadline)).await;
                }
                _ => return Err(exchange::status_error(&self.shared, response, &request).await),
            }
        }
    }

    /// Whether a failure shows that the scheme was guessed wrong; the other one is then remembered.
    async fn changes_scheme(&self, endpoint: &Endpoint, url: &Url, error: &Error) -> bool {
        let failed = matches!(error, Error::Unreachable { .. } | Error::PlainHttp { .. });
        match url.scheme() {
            "https" if failed && self.shared.options.insecure => self.speaks(endpoint, "http").await,
            // A server that only speaks TLS answers plain HTTP with an alert, or not at all.
            "http" if failed => self.speaks(endpoint, "https").await,
            _ => false,
        }
    }

    /// Whether a host that did not understand one scheme speaks the other; remembered if so.
    async fn speaks(&self, endpoint: &Endpoint, scheme: &'static str) -> bool {
        let unknown = endpoint.scheme.is_none() && self.shared.is_plain(&endpoint.host).is_none();
        let url = Url::parse(&format!("{scheme}://{}/v2/", endpoint.host));
        let (true, Ok(url)) = (unknown, url) else { return false };
        let request = Request {
            method: Method::GET,
            url,
            accept: None,
            authorization: None,
            range: None,
            what: "a greeting",
            host: &endpoint.host,
            deadline: self.deadline,
        };
        let greeted = exchange::send(&self.shared, &request).await;
        let speaks = matches!(greeted, Ok(_) | Err(Error::NotTrusted { .. }));
        if speaks {
            self.shared.set_plain(&endpoint.host, scheme == "http");
        }
        speaks
    }
}

/// The digest that an answer promises.
fn promised(response: &Response) -> Option<Digest> {
    let value = response.headers().get("docker-content-digest")?;
    Digest::parse(value.to_str().ok()?)
}

/// The digest of bytes, which must be the one expected.
fn check_digest(bytes: &[u8], expected: Option<Digest>, what: &str, host: &str) -> Result<Digest, Error> {
    let actual = Digest::from_bytes(Sha256::digest(bytes).into());
    match expected {
        Some(expected) if expected != actual => Err(Error::WrongDigest {
            host: host.to_owned(),
            what: what.to_owned(),
            expected,
            actual,
        }),
        _ => Ok(actual),
    }
}
