//! What a caller may decide about how registries are spoken to.

use std::time::Duration;

/// One mirror of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The registry it stands for: `docker.io`, `ghcr.io`, `registry.example:5000`.
    pub host: String,
    /// Where it is: `https://mirror.example`, `mirror.example/prefix` (a path is put before the repository).
    pub url: String,
}

/// A token server on another site that may see the credentials of a registry, because the user says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenServer {
    /// The registry, with its port if it has one: `registry.example:5000`.
    pub registry: String,
    /// The token server's host, without a port.
    pub host: String,
}

/// How often and how long is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often a request is sent at most.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with each.
    pub first: Duration,
    /// The longest wait that is chosen here.
    pub longest: Duration,
    /// The longest `Retry-After` that is waited for; a longer one ends the request.
    pub longest_asked: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            first: Duration::from_millis(300),
            longest: Duration::from_secs(8),
            longest_asked: Duration::from_secs(60),
        }
    }
}

/// When a registry is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer begins.
    pub response: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// Until a manifest, a config or a token has come whole.
    pub document: Duration,
    /// Until a credential helper has answered.
    pub helper: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            document: Duration::from_secs(120),
            helper: Duration::from_secs(10),
        }
    }
}

/// How registries are spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// Accepts certificates that nobody vouches for, and plain HTTP where TLS is not spoken.
    pub insecure: bool,
    /// More certificate authorities, as PEM.
    pub ca_certificates: Vec<Vec<u8>>,
    /// Mirrors in the order in which they are asked, before the registry itself.
    pub mirrors: Vec<Mirror>,
    /// Refuses registries on loopback and link-local addresses, in whatever spelling and by whatever name; mirrors are where
    /// whoever set them says.
    pub deny_local: bool,
    /// Follows redirects to loopback, link-local and private addresses also from registries elsewhere.
    pub allow_local_redirects: bool,
    /// Token servers on other sites than their registries.
    pub trusted_token_servers: Vec<TokenServer>,
    /// How the client calls itself.
    pub user_agent: String,
    /// Whether `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` count; loopback never goes through a proxy.
    pub proxies_of_environment: bool,
    /// How often is tried again.
    pub retry: Retry,
    /// When is given up.
    pub timeouts: Timeouts,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            insecure: false,
            ca_certificates: Vec::new(),
            mirrors: Vec::new(),
            deny_local: false,
            allow_local_redirects: false,
            trusted_token_servers: Vec::new(),
            user_agent: concat!("seaworthy/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxies_of_environment: true,
            retry: Retry::default(),
            timeouts: Timeouts::default(),
        }
    }
}
