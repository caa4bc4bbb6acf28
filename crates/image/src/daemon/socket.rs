//! HTTP over a daemon's socket: small answers whole, large ones as a stream.

use super::body::Body;
use super::endpoint::{Endpoint, TlsFiles};
use crate::Error;
use crate::network::Network;
use reqwest::{Certificate, Client, Identity, Response, StatusCode};
use seaworthy_model::limits;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a daemon may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a daemon may stay silent; it begins an export only after some work.
const SILENCE: Duration = Duration::from_secs(300);

/// A connection to a daemon.
#[derive(Clone, Debug)]
pub(crate) struct Socket {
    daemon: &'static str,
    network: Network,
    client: Client,
    base: String,
    deadline: Option<Instant>,
}

/// What a daemon answers to a question about one thing.
#[derive(Debug)]
pub(crate) enum Reply<T> {
    /// The answer.
    Found(T),
    /// It does not know the thing.
    NotFound,
}

impl Socket {
    /// Connects; `Err(why)` in few words where nothing answers.
    pub(crate) fn connect(
        daemon: &'static str,
        endpoint: &Endpoint,
        network: &Network,
        deadline: Option<Instant>,
    ) -> Result<Self, String> {
        let builder = Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .user_agent(concat!("seaworthy/", env!("CARGO_PKG_VERSION")));
        let (builder, base) = match endpoint {
            Endpoint::Unusable(why) => return Err(why.clone()),
            Endpoint::Socket(path) => {
                answers(path)?;
                (builder.unix_socket(path.as_path()), format!("http://{daemon}"))
            }
            Endpoint::Address(address, None) => (builder, format!("http://{address}")),
            Endpoint::Address(address, Some(tls)) => (with_tls(builder, tls)?, format!("https://{address}")),
        };
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self {
            daemon,
            network: network.clone(),
            client,
            base,
            deadline,
        })
    }

    /// A small answer, whole.
    pub(crate) fn small(&self, path: &str) -> Result<Reply<Vec<u8>>, Error> {
        let mut body = match self.stream(path)? {
            Reply::Found(body) => body,
            Reply::NotFound => return Ok(Reply::NotFound),
        };
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(&mut body, limits::MANIFEST_BYTES + 1), &mut bytes)
            .map_err(|source| self.error(format!("its answer to {path} broke off: {source}")))?;
        if bytes.len() as u64 > limits::MANIFEST_BYTES {
            return Err(Error::TooLarge {
                what: format!("the answer of {} to {path}", self.daemon),
                limit: limits::MANIFEST_BYTES,
            });
        }
        Ok(Reply::Found(bytes))
    }

    /// An answer as a stream.
    pub(crate) fn stream(&self, path: &str) -> Result<Reply<Body>, Error> {
        let request = self.client.get(format!("{}{path}", self.base));
        // Sending sets timers, which only the runtime may do.
        let request = async move { request.send().await };
        let response = self
            .network
            .wait(until(self.deadline, request))?
            .map_err(|_| self.error("it did not answer in time".into()))?
            .map_err(|error| self.error(deepest(&error)))?;
        match response.status() {
            StatusCode::OK => Ok(Reply::Found(Body::new(self.network.clone(), response, self.deadline))),
            StatusCode::NOT_FOUND => Ok(Reply::NotFound),
            status => Err(self.error(format!("it answered {status}: {}", self.reason(response)))),
        }
    }

    /// What an error answer says, which daemons write as `{"message": …}`.
    fn reason(&self, response: Response) -> String {
        let mut body = Body::new(self.network.clone(), response, self.deadline);
        let mut bytes = Vec::new();
        // An error answer that breaks off says less; the status stands.
        let _ = io::Read::read_to_end(&mut io::Read::take(&mut body, 4096), &mut bytes);
        let message = serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|value| Some(value.get("message")?.as_str()?.to_owned()));
        let text = message.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
        text.chars()
            .filter(|character| !character.is_control())
            .take(limits::SHOWN_NAME_BYTES)
            .collect()
    }

    pub(crate) fn error(&self, why: String) -> Error {
        Error::Daemon {
            daemon: self.daemon,
            why,
        }
    }
}

/// Waits until the deadline at most.
pub(crate) async fn until<T>(
    deadline: Option<Instant>,
    future: impl Future<Output = T>,
) -> Result<T, tokio::time::error::Elapsed> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), future).await,
        None => Ok(future.await),
    }
}

/// The cause at the bottom of an error, which says the most.
pub(crate) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// Whether somebody listens on a socket.
pub(crate) fn answers(path: &Path) -> Result<(), String> {
    UnixStream::connect(path)
        .map(|_| ())
        .map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => format!("no permission to use {}", path.display()),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => "not running".into(),
            _ => format!("{}: {error}", path.display()),
        })
}

fn with_tls(mut builder: reqwest::ClientBuilder, tls: &TlsFiles) -> Result<reqwest::ClientBuilder, String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
    if let Some(authority) = &tls.authority {
        let certificates = Certificate::from_pem_bundle(&read(authority)?)
            .map_err(|error| format!("{} holds no certificates: {error}", authority.display()))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let Some((certificate, key)) = &tls.identity {
        let mut pem = read(key)?;
        pem.push(b'\n');
        pem.extend(read(certificate)?);
        let identity = Identity::from_pem(&pem)
            .map_err(|error| format!("{} and its key cannot be used: {error}", certificate.display()))?;
        builder = builder.identity(identity);
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.insecure))
}
