//! Docker's `config.json`, Podman's `auth.json` and pull secrets: which login belongs to which registry.
//!
//! One format with small differences: Docker's keys are hosts (or `https://index.docker.io/v1/`), Podman's may have a path
//! (`quay.io/team`), those of Kubernetes may have `*` in the host. The longest key that fits wins.

use crate::credential_helper;
use crate::reference::DOCKER_HUB;
use crate::{Error, Login};
use base64::Engine;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The parts of a credential file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DockerConfig {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

impl DockerConfig {
    /// Reads a file's content; also the older form that is the list of registries alone (`.dockercfg`).
    ///
    /// # Errors
    /// When it is no such file. The message does not quote it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |error: &serde_json::Error| Error::BadCredentials {
            why: format!(
                "not a docker configuration, line {} column {}",
                error.line(),
                error.column()
            ),
        };
        let whole: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| bad(&error))?;
        let named = ["auths", "credHelpers", "credsStore"]
            .iter()
            .any(|key| whole.get(key).is_some());
        let older = !named
            && whole.as_object().is_some_and(|entries| {
                !entries.is_empty()
                    && entries
                        .values()
                        .all(|entry| entry.get("auth").is_some() || entry.get("password").is_some())
            });
        if older {
            let auths = serde_json::from_value(whole).map_err(|error| bad(&error))?;
            return Ok(Self {
                auths,
                ..Self::default()
            });
        }
        serde_json::from_value(whole).map_err(|error| bad(&error))
    }

    /// The same without the programs that it names.
    pub(crate) fn without_helpers(self) -> Self {
        Self {
            auths: self.auths,
            ..Self::default()
        }
    }

    /// The login that the file holds for a repository, helpers aside.
    pub fn stored(&self, host: &str, repository: &str) -> Option<Login> {
        let entry = best(&self.auths, host, repository)?;
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&entry.registrytoken) {
            return Some(Login::Bearer(token.into()));
        }
        let (username, password) = match filled(&entry.auth) {
            Some(auth) => decode(&auth)?,
            None => (filled(&entry.username)?, filled(&entry.password).unwrap_or_default()),
        };
        match filled(&entry.identitytoken) {
            Some(token) => Some(Login::IdentityToken(token.into())),
            None => credential_helper::login(&username, password),
        }
    }

    /// The login for a repository: the registry's helper, the store, then what the file holds.
    pub(crate) async fn login(&self, host: &str, repository: &str, limit: Duration) -> Option<Login> {
        let registry_helper = best(&self.cred_helpers, host, "").map(String::as_str);
        for name in registry_helper.into_iter().chain(self.creds_store.as_deref()) {
            if name.is_empty() {
                continue;
            }
            match credential_helper::ask(name, server_name(host), limit).await {
                Ok(Some(login)) => return Some(login),
                Ok(None) => tracing::debug!(helper = name, host, "the credential helper knows no login"),
                Err(why) => tracing::warn!("the credential helper {name} gave no login for {host}: {why}"),
            }
        }
        self.stored(host, repository)
    }
}

/// The name under which Docker stores a registry's login.
fn server_name(host: &str) -> &str {
    if host == DOCKER_HUB {
        "https://index.docker.io/v1/"
    } else {
        host
    }
}

/// `user:password` in base64.
fn decode(auth: &str) -> Option<(String, String)> {
    let engine = base64::engine::general_purpose::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let text = String::from_utf8(engine.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    // Docker pads passwords with NUL.
    Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// The entry whose key fits the repository best: the longest, one without `*` first.
fn best<'a, T>(entries: &'a BTreeMap<String, T>, host: &str, repository: &str) -> Option<&'a T> {
    entries
        .iter()
        .filter_map(|(key, entry)| Some((fit(key, host, repository)?, entry)))
        .max_by_key(|(fit, _)| *fit)
        .map(|(_, entry)| entry)
}

/// How well a key fits: the length of its path, then whether the host stands there literally. `None` when it does not.
fn fit(key: &str, host: &str, repository: &str) -> Option<(usize, bool)> {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let (key_host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let path = path.trim_end_matches('/');
    let path = if matches!(path, "v1" | "v2") { "" } else { path };
    let key_host = match key_host {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        other => other,
    };
    let literal = key_host.eq_ignore_ascii_case(host);
    if !literal && !fits_pattern(key_host, host) {
        return None;
    }
    let below = path.is_empty()
        || repository == path
        || repository.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    below.then_some((path.len(), literal))
}

/// Kubernetes' patterns: `*` stands for any characters within one part of the host's name.
fn fits_pattern(pattern: &str, host: &str) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let split = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (patterns, parts) = (split(pattern), split(host));
    patterns.len() == parts.len()
        && patterns
            .iter()
            .zip(&parts)
            .all(|(pattern, part)| part_fits(pattern, part))
}

fn part_fits(pattern: &str, part: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| part.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.find(piece).and_then(|at| rest.get(at + piece.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::DockerConfig;
    use crate::Login;

    fn shown(config: &str, host: &str, repository: &str) -> String {
        match DockerConfig::parse(config.as_bytes()).unwrap().stored(host, repository) {
            Some(Login::Basic { username, password }) => format!("{username}:{}", password.reveal()),
            Some(Login::IdentityToken(token)) => format!("identity {}", token.reveal()),
            Some(Login::Bearer(token)) => format!("bearer {}", token.reveal()),
            Some(Login::Anonymous) | None => String::new(),
        }
    }

    #[test]
    fn the_login_of_a_registry_is_found_in_every_form() {
        // a:b, and c:d padded with NUL.
        let config = r#"{"auths":{
            "https://index.docker.io/v1/":{"auth":"YTpi"},
            "ghcr.io":{"auth":"YzpkAA=="},
            "quay.io":{"username":"e","password":"f"},
            "quay.io/team":{"auth":"YTpi"},
            "quay.io/team/deep/app":{"auth":"Yzpk"},
            "http://plain.example:5000/v2/":{"auth":"YTpi"},
            "*.wild.example":{"auth":"YTpi"},
            "eu.wild.example":{"auth":"Yzpk"},
            "id.example":{"auth":"PHRva2VuPjo=","identitytoken":"I"},
            "reg.example":{"registrytoken":"R"},
            "empty.example":{}
        },"HttpHeaders":{"x":"y"}}"#;
        for (host, repository, expected) in [
            ("docker.io", "library/alpine", "a:b"),
            ("ghcr.io", "x", "c:d"),
            ("quay.io", "other/app", "e:f"),
            ("quay.io", "team/app", "a:b"),
            ("quay.io", "teams/app", "e:f"),
            ("quay.io", "team/deep/app", "c:d"),
            ("plain.example:5000", "x", "a:b"),
            ("plain.example", "x", ""),
            ("us.wild.example", "x", "a:b"),
            ("eu.wild.example", "x", "c:d"),
            ("a.b.wild.example", "x", ""),
            ("id.example", "x", "identity I"),
            ("reg.example", "x", "bearer R"),
            ("empty.example", "x", ""),
            ("evil-ghcr.io", "x", ""),
        ] {
            assert_eq!(shown(config, host, repository), expected, "{host}/{repository}");
        }
        assert_eq!(shown(r#"{"ghcr.io":{"auth":"YTpi"}}"#, "ghcr.io", "x"), "a:b");
        assert_eq!(shown("{}", "ghcr.io", "x"), "");
    }

    #[test]
    fn what_cannot_be_read_is_not_quoted() {
        let error = DockerConfig::parse(br#"{"auths":{"a":{"auth":hunter2}}}"#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let error = DockerConfig::parse(br#"{"auths":"hunter2"}"#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let shown = format!(
            "{:?}",
            DockerConfig::parse(br#"{"auths":{"a":{"auth":"YTpi","password":"p"}}}"#).unwrap()
        );
        assert!(!shown.contains("YTpi"), "{shown}");
    }
}
