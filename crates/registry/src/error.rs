//! What can go wrong with a registry: one variant a fact, a word for lists, advice apart in [`Error::hint`].

use crate::ReferenceError;
use seaworthy_model::Digest;
use std::path::PathBuf;
use std::time::Duration;

/// Why a registry gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum Error {
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error("{host} has no {what}")]
    NotFound { host: String, what: String },
    #[error("{host} does not let anybody read {repository} without a login, or does not have it")]
    LoginNeeded { host: String, repository: String },
    #[error("{host} does not accept the login for {repository}{}", said(.message))]
    LoginRefused {
        host: String,
        repository: String,
        message: String,
    },
    #[error("{host} forbids reading {repository}{}", said(.message))]
    Forbidden {
        host: String,
        repository: String,
        message: String,
    },
    #[error("{host} sends logins to {realm}, which belongs to somebody else; no credentials were sent there")]
    ForeignTokenServer { host: String, realm: String },
    #[error("{host} limits the rate of requests{}", wait(.retry_after))]
    RateLimited {
        host: String,
        retry_after: Option<Duration>,
    },
    #[error("{host} is on this machine or this link, where images may not come from")]
    Local { host: String },
    #[error("the host {host} is unknown")]
    UnknownHost { host: String },
    #[error("cannot reach {host}: {why}")]
    Unreachable { host: String, why: String },
    #[error("the certificate of {host} is not trusted: {why}")]
    NotTrusted { host: String, why: String },
    #[error("{host} does not speak TLS")]
    PlainHttp { host: String },
    #[error("{host} answered {what} with status {status}{}", said(.message))]
    Status {
        host: String,
        what: String,
        status: u16,
        message: String,
    },
    #[error("{host} broke off {what}: {why}")]
    BrokenOff { host: String, what: String, why: String },
    #[error("{host} took too long to answer {what}")]
    TimedOut { host: String, what: String },
    #[error("{what} from {host} is larger than {limit} bytes")]
    TooLarge { host: String, what: String, limit: u64 },
    #[error("{what} from {host} has the digest {actual}, not {expected} as promised")]
    WrongDigest {
        host: String,
        what: String,
        expected: Digest,
        actual: Digest,
    },
    #[error("{what} from {host} is not what was asked for: {why}")]
    Malformed { host: String, what: String, why: String },
    #[error("{host} redirects to {target}, which is refused: {why}")]
    Redirect { host: String, target: String, why: String },
    #[error("cannot read the credentials in {path}: {why}")]
    CredentialFile { path: PathBuf, why: String },
    #[error("the credentials given are not valid: {why}")]
    BadCredentials { why: String },
    #[error("the mirror {url:?} of {host} is not an address")]
    BadMirror { host: String, url: String },
    #[error("a certificate given as authority cannot be read: {why}")]
    BadCertificate { why: String },
    #[error("cannot set up the connection: {why}")]
    Setup { why: String },
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

fn wait(retry_after: &Option<Duration>) -> String {
    match retry_after {
        Some(time) => format!("; it asks to wait {} s", time.as_secs()),
        None => String::new(),
    }
}

impl Error {
    /// The answer in few words, for a list of what was tried.
    pub fn word(&self) -> String {
        match self {
            Self::Reference(_) => "not a reference".into(),
            Self::NotFound { .. } => "not found".into(),
            Self::LoginNeeded { .. } => "not found, or private".into(),
            Self::LoginRefused { .. } => "login refused".into(),
            Self::Forbidden { .. } => "access denied".into(),
            Self::ForeignTokenServer { .. } => "foreign token server".into(),
            Self::RateLimited { .. } => "rate limited".into(),
            Self::Local { .. } => "not allowed".into(),
            Self::UnknownHost { .. } => "host unknown".into(),
            Self::Unreachable { .. } => "not reachable".into(),
            Self::NotTrusted { .. } => "certificate not trusted".into(),
            Self::PlainHttp { .. } => "no TLS".into(),
            Self::Status { status, .. } => format!("status {status}"),
            Self::TimedOut { .. } => "timed out".into(),
            Self::BrokenOff { .. } => "broken off".into(),
            Self::Redirect { .. } => "redirect refused".into(),
            other => other.to_string(),
        }
    }

    /// Whether the registry answered that there is no such image, as far as it lets anybody know.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// What the user can do about it, where that is more than the message says.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Reference(error) => return error.hint(),
            Self::NotFound { .. } => "check the spelling of name and tag".into(),
            Self::LoginNeeded { host, .. } => format!(
                "check the spelling; if it is private, `docker login {host}` first or give --username and --password-stdin"
            ),
            Self::LoginRefused { host, .. } => {
                format!("check user name and password, or log in again with `docker login {host}`")
            }
            Self::Forbidden { .. } => {
                "the login works but may not read this repository: ask its owner for access".into()
            }
            Self::ForeignTokenServer { host, realm } => {
                format!(
                    "if that token server is right, trust it in seaworthy.yaml (registry.token-servers: {{{host}: {realm}}}) or give a token of it with --registry-token"
                )
            }
            Self::RateLimited { .. } => "wait and try again, log in for a higher limit, or use a mirror".into(),
            Self::UnknownHost { .. } => "check the spelling of the host, and the network".into(),
            Self::Unreachable { .. } => "check host and port, the network, and HTTPS_PROXY where one is needed".into(),
            Self::NotTrusted { .. } => {
                "give the authority that signed it with --cacert FILE, or accept any certificate with --insecure".into()
            }
            Self::PlainHttp { .. } => {
                "only registries on this machine are spoken to in plain HTTP: use --insecure for this one".into()
            }
            Self::TimedOut { .. } | Self::BrokenOff { .. } => "try again, and check the network".into(),
            Self::WrongDigest { .. } => {
                "the registry, or something on the way, altered it: nothing of it was used".into()
            }
            Self::Malformed { .. } => {
                "is this a registry? a proxy or a login page may have answered in its place".into()
            }
            Self::Redirect { .. } => "a registry has no business there; if it does, name it by that address".into(),
            _ => return None,
        })
    }

    /// Whether nobody listens at the address.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Unreachable { why, .. } if why.contains("refused"))
    }

    /// Whether another try, or another mirror, may bring a better answer.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::BrokenOff { .. } | Self::TimedOut { .. }
        )
    }
}
