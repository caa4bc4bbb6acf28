//! From a challenge to the value of `Authorization` (the distribution project's token specification, and Basic).
//!
//! Credentials go to the registry itself (Basic) or to its token server, if that belongs to the same site; see `site.rs`.

use crate::client::{Endpoint, Shared};
use crate::exchange::{self, Request};
use crate::{Challenge, Error, Login, Secret, site};
use base64::Engine;
use reqwest::{Method, header};
use seaworthy_model::limits;
use serde::Deserialize;
use std::time::Instant;
use url::Url;

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: Option<Secret>,
    #[serde(default)]
    access_token: Option<Secret>,
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A value of `Authorization`, and whether it stands for anybody.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) value: Secret,
    pub(crate) anonymous: bool,
}

/// The logins that are left for one request, and what became of those that were tried.
pub(crate) struct Logins {
    left: std::vec::IntoIter<Login>,
    /// The last words about a login that stands for somebody.
    refusal: Option<String>,
}

impl Logins {
    /// Every login of an endpoint.
    pub(crate) async fn of(shared: &Shared, endpoint: &Endpoint, deadline: Option<Instant>) -> Self {
        let limit = exchange::time_left(shared.options.timeouts.helper, deadline);
        let credentials = &shared.credentials;
        let (host, repository) = (&endpoint.login_host, &endpoint.repository);
        let logins = credentials.logins(host, repository, endpoint.is_mirror, limit).await;
        Self {
            left: logins.into_iter(),
            refusal: None,
        }
    }

    /// The registry did not accept what was sent last.
    pub(crate) fn refused(&mut self, sent: Option<&Authorization>, message: String) {
        if sent.is_some_and(|sent| !sent.anonymous) {
            self.refusal = Some(message);
        }
    }

    /// The next `Authorization` to try, or why there is none left.
    pub(crate) async fn next(
        &mut self,
        shared: &Shared,
        endpoint: &Endpoint,
        home: &Url,
        challenges: &[Challenge],
        deadline: Option<Instant>,
    ) -> Result<Authorization, Error> {
        let mut foreign = None;
        for login in self.left.by_ref() {
            let anonymous = login == Login::Anonymous;
            match answer(shared, endpoint, home, challenges, &login, deadline).await {
                Ok(Outcome::Authorization(value)) => return Ok(Authorization { value, anonymous }),
                Ok(Outcome::Refused(message)) if !anonymous => self.refusal = Some(message),
                Ok(Outcome::Refused(_) | Outcome::Unfit) => {}
                Err(error @ Error::ForeignTokenServer { .. }) => {
                    tracing::warn!("{error}");
                    foreign = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(match (foreign, self.refusal.take()) {
            (Some(error), _) => error,
            (None, Some(message)) => Error::LoginRefused {
                host: endpoint.host.clone(),
                repository: endpoint.repository.clone(),
                message,
            },
            (None, None) => login_needed(endpoint),
        })
    }
}

/// Nobody is let in without a login.
pub(crate) fn login_needed(endpoint: &Endpoint) -> Error {
    Error::LoginNeeded {
        host: endpoint.host.clone(),
        repository: endpoint.repository.clone(),
    }
}

/// What came of one login.
enum Outcome {
    /// Send this.
    Authorization(Secret),
    /// The login was not accepted; the token server's words.
    Refused(String),
    /// Nothing in the challenge can be answered with this login.
    Unfit,
}

fn basic(username: &str, password: &Secret) -> Secret {
    let pair = format!("{username}:{}", password.reveal());
    Secret::new(format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    ))
}

fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.reveal()))
}

/// Answers a challenge of an endpoint with a login.
async fn answer(
    shared: &Shared,
    endpoint: &Endpoint,
    home: &Url,
    challenges: &[Challenge],
    login: &Login,
    deadline: Option<Instant>,
) -> Result<Outcome, Error> {
    if let Login::Bearer(token) = login {
        return Ok(Outcome::Authorization(bearer(token)));
    }
    for challenge in challenges {
        match (challenge.scheme.as_str(), login) {
            ("bearer", _) => return token(shared, endpoint, home, challenge, login, deadline).await,
            ("basic", Login::Basic { username, password }) => {
                return Ok(Outcome::Authorization(basic(username, password)));
            }
            _ => {}
        }
    }
    Ok(Outcome::Unfit)
}

/// Fetches a token that allows to pull from the repository.
async fn token(
    shared: &Shared,
    endpoint: &Endpoint,
    home: &Url,
    challenge: &Challenge,
    login: &Login,
    deadline: Option<Instant>,
) -> Result<Outcome, Error> {
    let malformed = |why: &str| Error::Malformed {
        host: endpoint.host.clone(),
        what: "the demand for a token".into(),
        why: why.to_owned(),
    };
    let realm = challenge
        .get("realm")
        .ok_or_else(|| malformed("it names no token server"))?;
    let mut url = home
        .join(realm)
        .map_err(|_| malformed("its token server is no address"))?;
    let sound = match url.scheme() {
        "https" => true,
        "http" => home.scheme() == "http" || shared.options.insecure,
        _ => false,
    };
    if !sound || !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("its token server cannot be trusted with a request"));
    }
    let realm_host = url.host_str().unwrap_or_default().to_owned();
    let belongs = site::belongs(home.host_str().unwrap_or_default(), &realm_host)
        || shared.options.trusted_token_servers.iter().any(|trusted| {
            [&endpoint.host, &endpoint.login_host].contains(&&trusted.registry)
                && trusted.host.eq_ignore_ascii_case(&realm_host)
        });
    if !belongs && *login != Login::Anonymous {
        return Err(Error::ForeignTokenServer {
            host: endpoint.host.clone(),
            realm: realm_host,
        });
    }
    let service = challenge.get("service").unwrap_or_default().to_owned();
    // The scope is ours and not the challenge's: a registry cannot make us ask for more.
    let scope = format!("repository:{}:pull", endpoint.repository);
    let purpose = exchange::purpose(shared, home, &url, &endpoint.host).await?;
    let client = shared.connections.client(purpose, &shared.options)?;
    let builder = match login {
        Login::IdentityToken(token) => {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "refresh_token")
                .append_pair("service", &service)
                .append_pair("client_id", "seaworthy")
                .append_pair("scope", &scope)
                .append_pair("refresh_token", token.reveal())
                .finish();
            client
                .request(Method::POST, url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form)
        }
        _ => {
            if !service.is_empty() {
                url.query_pairs_mut().append_pair("service", &service);
            }
            url.query_pairs_mut().append_pair("scope", &scope);
            let builder = client.request(Method::GET, url.clone());
            match login {
                Login::Basic { username, password } => {
                    let value = header::HeaderValue::from_str(basic(username, password).reveal()).map(|mut value| {
                        value.set_sensitive(true);
                        value
                    });
                    let value = value.map_err(|_| malformed("the login cannot be sent"))?;
                    builder.header(header::AUTHORIZATION, value)
                }
                _ => builder,
            }
        }
    };
    let request = Request {
        method: Method::GET,
        url: url.clone(),
        accept: None,
        authorization: None,
        range: None,
        what: "the token",
        host: &realm_host,
        deadline,
    };
    let response = exchange::send_built(shared, builder, &request).await?;
    let status = response.status();
    if matches!(status.as_u16(), 400 | 401 | 403 | 404) {
        let (_, message) = exchange::message(shared, response, &request).await;
        return Ok(Outcome::Refused(message));
    }
    if !status.is_success() {
        return Err(exchange::status_error(shared, response, &request).await);
    }
    let bytes = exchange::body(shared, response, limits::TOKEN_BYTES, &request).await?;
    // The parser's message may quote the token.
    let token: Token =
        serde_json::from_slice(&bytes).map_err(|_| malformed("the token server's answer is not JSON"))?;
    match token.token.or(token.access_token).filter(|token| !token.is_empty()) {
        Some(token) => Ok(Outcome::Authorization(bearer(&token))),
        None => Err(malformed("the token server's answer holds no token")),
    }
}
