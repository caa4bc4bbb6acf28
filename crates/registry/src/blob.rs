//! A blob as a stream that goes on where it broke off.
//!
//! Bytes come in order and at most as many as the manifest promised. A connection that breaks, stalls or loses its token is
//! replaced by one that begins at the next byte (`Range`); a registry that ignores ranges is read again up to there.

use crate::exchange;
use crate::{Error, Repository};
use bytes::Bytes;
use reqwest::{Response, StatusCode, header};
use seaworthy_model::{Digest, limits};

/// The bytes of one blob.
#[derive(Debug)]
pub struct BlobStream {
    repository: Repository,
    digest: Digest,
    size: u64,
    /// Bytes handed on so far.
    position: u64,
    /// The answer that is being read, its host, and how many of its bytes come before `position`.
    current: Option<(Response, String, u64)>,
    resumes: u32,
    /// `position` when the last connection began.
    began: u64,
    stalls: u32,
}

impl BlobStream {
    pub(crate) const fn new(repository: Repository, digest: Digest, size: u64) -> Self {
        Self {
            repository,
            digest,
            size,
            position: 0,
            current: None,
            resumes: 0,
            began: 0,
            stalls: 0,
        }
    }

    /// The next bytes; `None` at the end, when as many have come as were promised.
    ///
    /// # Errors
    /// When the registry fails for good, or sends more than was promised.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let (mut response, host, skip) = match self.current.take() {
                Some(current) => current,
                None if self.position == self.size && self.position > 0 => return Ok(None),
                None => self.connect().await?,
            };
            let limit = self.repository.shared.options.timeouts.idle;
            let time = exchange::time_left(limit, self.repository.deadline);
            let why = match tokio::time::timeout(time, response.chunk()).await {
                Ok(Ok(Some(mut chunk))) => {
                    let length = chunk.len() as u64;
                    let dropped = skip.min(length);
                    let _ = chunk.split_to(usize::try_from(dropped).unwrap_or(chunk.len()));
                    self.current = Some((response, host.clone(), skip - dropped));
                    self.position += chunk.len() as u64;
                    if self.position > self.size {
                        self.current = None;
                        return Err(Error::TooLarge {
                            host,
                            what: format!("blob {}", self.digest),
                            limit: self.size,
                        });
                    }
                    if chunk.is_empty() {
                        continue;
                    }
                    return Ok(Some(chunk));
                }
                Ok(Ok(None)) if self.position == self.size => return Ok(None),
                Ok(Ok(None)) => "the connection was closed early".to_owned(),
                Ok(Err(error)) => exchange::cause_of(error),
                Err(_) if self.repository.is_late() => {
                    return Err(Error::TimedOut {
                        host,
                        what: format!("blob {}", self.digest),
                    });
                }
                Err(_) => format!("nothing came for {} s", limit.as_secs_f32()),
            };
            self.broke_off(host, why).await?;
        }
    }

    /// Waits before the next connection, or gives up.
    async fn broke_off(&mut self, host: String, why: String) -> Result<(), Error> {
        self.resumes += 1;
        self.stalls = if self.position > self.began { 0 } else { self.stalls + 1 };
        let attempts = self.repository.shared.options.retry.attempts;
        if self.resumes > limits::BLOB_RESUMES || self.stalls >= attempts || self.repository.is_late() {
            return Err(Error::BrokenOff {
                host,
                what: format!("blob {} after {} of {} bytes", self.digest, self.position, self.size),
                why,
            });
        }
        tracing::debug!(blob = %self.digest, at = self.position, "{host} broke off: {why}; going on from there");
        self.repository.pause(self.stalls).await;
        Ok(())
    }

    /// Asks for the rest.
    async fn connect(&mut self) -> Result<(Response, String, u64), Error> {
        self.began = self.position;
        let range = (self.position > 0).then(|| format!("bytes={}-", self.position));
        let question = self.repository.blob_question(self.digest, range);
        let (response, host) = self.repository.ask(&question).await?;
        let skip = if response.status() == StatusCode::PARTIAL_CONTENT {
            let begins = response
                .headers()
                .get(header::CONTENT_RANGE)
                .and_then(|value| value.to_str().ok());
            let begins = begins.and_then(first_byte).unwrap_or(self.position);
            match self.position.checked_sub(begins) {
                Some(skip) => skip,
                None => {
                    return Err(Error::Malformed {
                        host,
                        what: question.what,
                        why: "it begins behind the place that was asked for".into(),
                    });
                }
            }
        } else {
            self.position
        };
        Ok((response, host, skip))
    }
}

/// The first position of `Content-Range: bytes 10-20/30`.
fn first_byte(header: &str) -> Option<u64> {
    header
        .trim()
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .trim()
        .parse()
        .ok()
}
