//! Flags and settings become connections and credentials of registries.

use crate::arguments::ScanArguments;
use crate::settings::Settings;
use anyhow::{Context, Result, bail};
use seaworthy_scanner::{ClientOptions, CredentialFiles, Credentials, Mirror, Network, TokenServer};
use std::io::{BufRead, Read};

/// Longest password that is read from standard input: tokens of cloud registries have some thousand bytes.
const PASSWORD_BYTES: u64 = 64 << 10;

/// The network as the flags want it; nothing is connected yet.
pub(crate) fn of(arguments: &ScanArguments, settings: &Settings) -> Result<Network> {
    let mut certificates = Vec::new();
    if let Some(path) = &arguments.cacert {
        let pem = std::fs::read(path)
            .with_context(|| format!("cannot read the certificate authorities in {}", path.display()))?;
        certificates.push(pem);
    }
    let mirrors = settings.mirrors.iter();
    let token_servers = settings.token_servers.iter();
    let options = ClientOptions {
        insecure: arguments.insecure,
        ca_certificates: certificates,
        mirrors: mirrors
            .map(|(host, url)| Mirror {
                host: host.clone(),
                url: url.clone(),
            })
            .collect(),
        trusted_token_servers: token_servers
            .map(|(registry, host)| TokenServer {
                registry: registry.clone(),
                host: host.clone(),
            })
            .collect(),
        ..ClientOptions::default()
    };
    Ok(Network::new(options, credentials(arguments)?))
}

/// The flags' credentials before those of files and helpers.
fn credentials(arguments: &ScanArguments) -> Result<Credentials> {
    let mut credentials = Credentials::from_files(CredentialFiles::of_environment());
    let stdin = arguments.password_stdin.then(password_of_stdin).transpose()?;
    if stdin.is_some() && arguments.password.is_some() {
        bail!("--password and --password-stdin exclude each other");
    }
    let passwords = stdin.or_else(|| arguments.password.clone());
    match (&arguments.username, passwords) {
        (Some(users), Some(passwords)) => {
            for (user, password) in pairs(users, &passwords) {
                credentials = credentials.with_password(user, password);
            }
        }
        (None, Some(_)) => bail!("a password needs --username"),
        (Some(_), None) => bail!("--username needs --password or --password-stdin"),
        (None, None) => {}
    }
    Ok(match &arguments.registry_token {
        Some(token) => credentials.with_registry_token(token.as_str()),
        None => credentials,
    })
}

/// Trivy takes several users and as many passwords, separated by commas; otherwise a comma is a part of the password.
fn pairs<'a>(users: &'a str, passwords: &'a str) -> Vec<(&'a str, &'a str)> {
    let (several, secrets): (Vec<&str>, Vec<&str>) = (users.split(',').collect(), passwords.split(',').collect());
    if several.len() > 1 && several.len() == secrets.len() {
        several.into_iter().zip(secrets).collect()
    } else {
        vec![(users, passwords)]
    }
}

/// The first line of standard input.
fn password_of_stdin() -> Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(PASSWORD_BYTES)
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("--password-stdin: standard input is empty");
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn several_users_have_as_many_passwords() {
        for (users, passwords, expected) in [
            ("a", "p", vec![("a", "p")]),
            ("a", "p,q", vec![("a", "p,q")]),
            ("a,b", "p,q", vec![("a", "p"), ("b", "q")]),
            ("a,b", "p", vec![("a,b", "p")]),
        ] {
            assert_eq!(pairs(users, passwords), expected);
        }
    }
}
