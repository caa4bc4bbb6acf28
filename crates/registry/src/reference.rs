//! Image references as people type them, by the grammar of the distribution project (`reference` of its specification).
//!
//! Docker Hub's short forms are completed (`alpine` is `docker.io/library/alpine:latest`); a tag beside a digest is kept.

use seaworthy_model::{Digest, limits};
use std::fmt;
use std::str::FromStr;

/// The registry that short names mean.
pub(crate) const DOCKER_HUB: &str = "docker.io";
/// The host that serves Docker Hub's images.
const DOCKER_HUB_HOST: &str = "index.docker.io";

/// The name of an image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    written: String,
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an image reference: {why}")]
pub struct ReferenceError {
    /// The text, shortened.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl ReferenceError {
    /// What the user can do about it, where that is more than the message says.
    pub fn hint(&self) -> Option<String> {
        Some("write NAME[:TAG][@sha256:DIGEST], for example alpine:3.20 or registry.example:5000/team/app:v1".into())
    }
}

impl Reference {
    /// The registry's host with its port, as in the normalised name; Docker Hub is `docker.io`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host with its port that is asked: Docker Hub's images are served by `index.docker.io`.
    pub fn registry(&self) -> &str {
        if self.host == DOCKER_HUB {
            DOCKER_HUB_HOST
        } else {
            &self.host
        }
    }

    /// The repository within the registry, `library/` included.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, where one is written; `latest` where neither tag nor digest is.
    pub fn tag(&self) -> Option<&str> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(tag),
            (None, None) => Some("latest"),
            (None, Some(_)) => None,
        }
    }

    /// The digest, where one is written.
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// What is asked of the registry: the digest, or else the tag.
    pub fn target(&self) -> String {
        match self.digest {
            Some(digest) => digest.to_string(),
            None => self.tag().unwrap_or_default().to_owned(),
        }
    }

    /// The whole name: `docker.io/library/alpine:latest`.
    pub fn normalized(&self) -> String {
        let mut text = format!("{}/{}", self.host, self.repository);
        if let Some(tag) = self.tag() {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
        text
    }

    /// The repository as people and `docker images` write it: `alpine`, `ghcr.io/team/app`.
    pub fn familiar_name(&self) -> String {
        if self.host == DOCKER_HUB {
            let short = self.repository.strip_prefix("library/");
            short.unwrap_or(&self.repository).to_owned()
        } else {
            format!("{}/{}", self.host, self.repository)
        }
    }

    /// The same repository at a digest.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        let mut pinned = self.clone();
        pinned.digest = Some(digest);
        pinned.written = pinned.normalized();
        pinned
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|why| ReferenceError {
            text: text.chars().take(limits::SHOWN_NAME_BYTES).collect(),
            why,
        })
    }
}

fn parse(written: &str) -> Result<Reference, String> {
    let text = written.trim();
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text.len() > limits::REFERENCE_BYTES {
        return Err(format!("it is longer than {} bytes", limits::REFERENCE_BYTES));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(format!("leave out {:?}", format!("{scheme}://")));
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(parse_digest(digest)?)),
        None => (text, None),
    };
    // A colon behind the last slash begins a tag; one before it, or inside the brackets of IPv6, belongs to the host.
    let last_slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest.get(last_slash..).and_then(|last| last.find(':')) {
        Some(colon) if !rest.starts_with('[') || last_slash > 0 => {
            let at = last_slash + colon;
            (rest.get(..at).unwrap_or(""), rest.get(at + 1..))
        }
        _ => (rest, None),
    };
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    let (host, path) = match name.split_once('/') {
        Some((first, path)) if is_host(first) => (Some(first), path),
        _ => (None, name),
    };
    if host.is_none() && path.len() == 64 && path.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("64 hexadecimal digits are an image id, not a name".into());
    }
    check_repository(path)?;
    let host = match host {
        None => DOCKER_HUB.to_owned(),
        Some(host) => match check_host(host)?.as_str() {
            "docker.io" | "index.docker.io" => DOCKER_HUB.to_owned(),
            // In lower case it would be a repository of Docker Hub: the two must not be taken for each other.
            lower if !is_host(lower) => {
                return Err(format!(
                    "{host:?} is a host only with a dot or a port, and repositories are in lower case"
                ));
            }
            lower => lower.to_owned(),
        },
    };
    let repository = if host == DOCKER_HUB && !path.contains('/') {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    Ok(Reference {
        written: text.to_owned(),
        host,
        repository,
        tag: tag.map(str::to_owned),
        digest,
    })
}

/// Whether the part before the first slash is a host: it has what no repository of Docker Hub has.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':', '[']) || first == "localhost" || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    match text.split_once(':') {
        Some(("sha256", _)) => {
            Digest::parse(text).ok_or_else(|| "a sha256 digest has 64 lower-case hexadecimal digits".into())
        }
        Some((algorithm, _)) if algorithm.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !algorithm.is_empty() => {
            Err(format!(
                "digests of the algorithm {algorithm} are not known, only sha256"
            ))
        }
        _ => Err("what follows the @ is not a digest".into()),
    }
}

fn check_tag(tag: &str) -> Result<(), String> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = tag.bytes();
    let begins = bytes.next().is_some_and(word);
    if begins && tag.len() <= 128 && bytes.all(|byte| word(byte) || byte == b'.' || byte == b'-') {
        Ok(())
    } else {
        Err("a tag has 1 to 128 letters, digits, dots, hyphens and underscores".into())
    }
}

/// Path components are lower-case letters and digits, joined by `.`, `_`, `__` or hyphens.
fn check_repository(path: &str) -> Result<(), String> {
    if path.len() > 255 {
        return Err("its repository is longer than 255 bytes".into());
    }
    for component in path.split('/') {
        if component.is_empty() {
            return Err("a part of its repository is empty".into());
        }
        if component.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("repositories are written in lower case".into());
        }
        let mut separator = String::new();
        let mut begun = false;
        for character in component.chars() {
            match character {
                'a'..='z' | '0'..='9' => {
                    let joins = matches!(separator.as_str(), "" | "." | "_" | "__")
                        || separator.bytes().all(|byte| byte == b'-');
                    if !joins || (!begun && !separator.is_empty()) {
                        return Err(format!("{separator:?} does not join parts of a repository"));
                    }
                    separator.clear();
                    begun = true;
                }
                '.' | '_' | '-' => separator.push(character),
                other => return Err(format!("{other:?} does not occur in a repository")),
            }
        }
        if !separator.is_empty() || !begun {
            return Err("a part of its repository begins or ends with a separator".into());
        }
    }
    Ok(())
}

/// Checks `name[:port]`, `1.2.3.4[:port]` or `[ipv6][:port]`; the name comes back in lower case.
fn check_host(host: &str) -> Result<String, String> {
    let invalid = || format!("{host:?} is not a host");
    let port = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits && text.parse::<u16>().is_ok_and(|port| port > 0) {
            Ok(())
        } else {
            Err(format!("{text:?} is not a port"))
        }
    };
    if let Some(rest) = host.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or_else(invalid)?;
        address.parse::<std::net::Ipv6Addr>().map_err(|_| invalid())?;
        match after.strip_prefix(':') {
            Some(text) => port(text)?,
            None if after.is_empty() => {}
            None => return Err(invalid()),
        }
        return Ok(host.to_ascii_lowercase());
    }
    let name = match host.split_once(':') {
        Some((name, text)) => {
            port(text)?;
            name
        }
        None => host,
    };
    let sound = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if name.len() <= 253 && name.split('.').all(sound) {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn every_form_that_people_type_is_completed() {
        let digest = format!("sha256:{HEX}");
        for (text, expected) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3.20", "docker.io/library/alpine:3.20"),
            ("library/alpine:3.20", "docker.io/library/alpine:3.20"),
            ("grafana/grafana", "docker.io/grafana/grafana:latest"),
            ("docker.io/alpine", "docker.io/library/alpine:latest"),
            ("index.docker.io/library/alpine", "docker.io/library/alpine:latest"),
            ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app:v1", "localhost:5000/app:v1"),
            ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
            ("[::1]:5000/app:v1", "[::1]:5000/app:v1"),
            ("[2001:db8::1]/a/b", "[2001:db8::1]/a/b:latest"),
            ("host:5000/app", "host:5000/app:latest"),
            ("Registry.Example/app", "registry.example/app:latest"),
            ("a__b/c--d/e.f", "docker.io/a__b/c--d/e.f:latest"),
            ("  alpine ", "docker.io/library/alpine:latest"),
            ("app:V1_2.3-rc", "docker.io/library/app:V1_2.3-rc"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().normalized(), expected, "{text}");
        }
        for (text, expected) in [
            (format!("alpine@{digest}"), format!("docker.io/library/alpine@{digest}")),
            (format!("host:5000/a/b@{digest}"), format!("host:5000/a/b@{digest}")),
            (format!("a/b:v1@{digest}"), format!("docker.io/a/b:v1@{digest}")),
            (format!("[::1]:5000/b:v1@{digest}"), format!("[::1]:5000/b:v1@{digest}")),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.normalized(), expected);
            assert_eq!(reference.to_string(), text);
            assert_eq!(reference.target(), digest);
        }
    }

    #[test]
    fn a_host_in_capitals_is_not_taken_for_a_repository_of_docker_hub() {
        assert!("JBB/ibrar".parse::<Reference>().is_err());
        let hub: Reference = "Docker.IO/alpine".parse().unwrap();
        assert_eq!(hub.normalized(), "docker.io/library/alpine:latest");
        let host: Reference = "LOCALHOST/a".parse().unwrap();
        assert_eq!(host.normalized(), "localhost/a:latest");
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            " ",
            HEX,
            "Alpine",
            "a/B",
            "alpine:",
            "alpine@",
            "alpine@sha256:12",
            &format!("alpine@sha512:{HEX}{HEX}"),
            &format!("alpine@sha256:{}", HEX.to_uppercase()),
            "alpine:-x",
            &format!("alpine:{}", "x".repeat(129)),
            "https://ghcr.io/a/b",
            "-alpine",
            "alpine-",
            "a..b",
            "a___b",
            "a//b",
            "/a",
            "a/",
            "host:99999/a",
            "host:port/a",
            "host:5000/",
            "[::1/a",
            "[::1]x/a",
            "[not]/a",
            "[::1]:5000",
            "a b",
            "a\nb",
            "ä/b",
            "-host.example/a",
            &"a/".repeat(5000),
        ] {
            assert!(
                text.parse::<Reference>().is_err(),
                "{text:?} gives {:?}",
                text.parse::<Reference>()
            );
        }
    }

    #[test]
    fn names_are_shown_as_docker_shows_them() {
        for (text, familiar, registry) in [
            ("docker.io/library/alpine:3", "alpine", "index.docker.io"),
            ("grafana/grafana", "grafana/grafana", "index.docker.io"),
            ("ghcr.io/a/b", "ghcr.io/a/b", "ghcr.io"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(
                (reference.familiar_name().as_str(), reference.registry()),
                (familiar, registry)
            );
        }
    }
}
