//! The client: options, credentials, connections, and what was learned of each registry so far.

use crate::authenticate::Authorization;
use crate::connections::Connections;
use crate::{ClientOptions, Credentials, Error, Reference, Repository};
use seaworthy_model::limits;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// A client for any number of registries; cloning shares its connections and tokens.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all repositories of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: ClientOptions,
    pub(crate) credentials: Credentials,
    pub(crate) connections: Connections,
    /// The last `Authorization` that was accepted, by host and repository.
    authorizations: Mutex<HashMap<(String, String), Authorization>>,
    /// Hosts that turned out to speak plain HTTP (`true`) or TLS, where the first guess was wrong.
    plain: Mutex<HashMap<String, bool>>,
}

/// A place where a repository may be: a mirror, or the registry itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Host and port.
    pub(crate) host: String,
    /// The host that logins are stored under.
    pub(crate) login_host: String,
    /// The scheme, where the user gave one.
    pub(crate) scheme: Option<&'static str>,
    /// The repository there, with a mirror's prefix.
    pub(crate) repository: String,
    pub(crate) is_mirror: bool,
}

impl Client {
    /// A client with these options and credentials; connects to nothing yet.
    ///
    /// # Errors
    /// When a certificate or a mirror among the options cannot be read.
    pub fn new(options: ClientOptions, credentials: Credentials) -> Result<Self, Error> {
        let connections = Connections::new(&options)?;
        for mirror in &options.mirrors {
            mirror_endpoint(&mirror.host, &mirror.url, "")?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                credentials,
                connections,
                authorizations: Mutex::default(),
                plain: Mutex::default(),
            }),
        })
    }

    /// The repository of a reference, at its mirrors and its registry.
    pub fn repository(&self, reference: &Reference) -> Repository {
        let mut endpoints = Vec::new();
        for mirror in &self.shared.options.mirrors {
            let host = mirror.host.as_str();
            let fits = host == reference.host() || host == reference.registry();
            if fits && let Ok(endpoint) = mirror_endpoint(host, &mirror.url, reference.repository()) {
                endpoints.push(endpoint);
            }
        }
        endpoints.push(Endpoint {
            host: reference.registry().to_owned(),
            login_host: reference.host().to_owned(),
            scheme: None,
            repository: reference.repository().to_owned(),
            is_mirror: false,
        });
        Repository::new(Arc::clone(&self.shared), reference.clone(), endpoints)
    }
}

fn mirror_endpoint(host: &str, url: &str, repository: &str) -> Result<Endpoint, Error> {
    let bad = || Error::BadMirror {
        host: host.to_owned(),
        url: excerpt(url),
    };
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Some("http"), rest),
        Some(("https", rest)) => (Some("https"), rest),
        Some(_) => return Err(bad()),
        None => (None, url),
    };
    let (mirror, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if mirror.contains('@') || Url::parse(&format!("https://{mirror}/")).is_err() {
        return Err(bad());
    }
    let prefix = prefix.trim_matches('/');
    let prefix = prefix
        .strip_prefix("v2/")
        .unwrap_or(if prefix == "v2" { "" } else { prefix });
    Ok(Endpoint {
        host: mirror.to_owned(),
        login_host: mirror.to_owned(),
        scheme,
        repository: if prefix.is_empty() {
            repository.to_owned()
        } else {
            format!("{prefix}/{repository}")
        },
        is_mirror: true,
    })
}

impl Shared {
    /// Whether a host, with its port, is that of a mirror.
    pub(crate) fn is_mirror(&self, host: &str) -> bool {
        let mut mirrors = self.options.mirrors.iter();
        mirrors.any(|mirror| mirror_endpoint(&mirror.host, &mirror.url, "").is_ok_and(|endpoint| endpoint.host == host))
    }

    /// The `Authorization` that an endpoint accepted last.
    pub(crate) fn authorization(&self, endpoint: &Endpoint) -> Option<Authorization> {
        let known = self.authorizations.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&(endpoint.host.clone(), endpoint.repository.clone()))
            .cloned()
    }

    /// Remembers (or forgets) an endpoint's `Authorization`.
    pub(crate) fn remember(&self, endpoint: &Endpoint, authorization: Option<Authorization>) {
        let mut known = self.authorizations.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (endpoint.host.clone(), endpoint.repository.clone());
        match authorization {
            Some(authorization) => known.insert(key, authorization),
            None => known.remove(&key),
        };
    }

    /// Whether a host turned out to speak plain HTTP.
    pub(crate) fn is_plain(&self, host: &str) -> Option<bool> {
        let known = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(host).copied()
    }

    /// Remembers whether a host speaks plain HTTP.
    pub(crate) fn set_plain(&self, host: &str, plain: bool) {
        let mut known = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(host.to_owned(), plain);
    }
}

/// Foreign text for a message: without control characters, and short.
pub(crate) fn excerpt(text: &str) -> String {
    let clean = text.chars().filter(|character| !character.is_control());
    clean
        .take(limits::SHOWN_NAME_BYTES)
        .collect::<String>()
        .trim()
        .to_owned()
}
