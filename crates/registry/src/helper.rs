//! Docker's credential helpers: programs `docker-credential-NAME` that print a login as JSON when asked `get`.
//!
//! A helper may hang (a locked key ring, a dialogue that nobody sees) or print without end: both have a limit.

use crate::{Login, Secret};
use seaworthy_model::limits;
use serde::Deserialize;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

/// Asks a helper for the login of a server; `Ok(None)` when it knows none, `Err` says what went wrong.
pub(crate) async fn ask(name: &str, server: &str, limit: Duration) -> Result<Option<Login>, String> {
    // The name becomes the name of a program: it may not lead elsewhere.
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(sound) {
        return Err("it has a name that no helper has".into());
    }
    tokio::time::timeout(limit, run(name, server))
        .await
        .unwrap_or_else(|_| Err(format!("it did not answer within {} s", limit.as_secs_f32())))
}

async fn run(name: &str, server: &str) -> Result<Option<Login>, String> {
    let mut child = Command::new(format!("docker-credential-{name}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let failed = |error: std::io::Error| format!("it cannot be talked to: {error}");
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read what it is asked closes the pipe; its answer tells.
        let _ = input.write_all(server.as_bytes()).await;
        let _ = input.shutdown().await;
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let mut limited = stdout.take(limits::CREDENTIAL_HELPER_BYTES + 1);
        limited.read_to_end(&mut output).await.map_err(failed)?;
    }
    if output.len() as u64 > limits::CREDENTIAL_HELPER_BYTES {
        return Err(format!(
            "it printed more than {} bytes",
            limits::CREDENTIAL_HELPER_BYTES
        ));
    }
    let status = child.wait().await.map_err(failed)?;
    if !status.success() {
        // The protocol's words for "I have none"; everything else is a failure.
        let text = String::from_utf8_lossy(&output);
        return if text.contains("credentials not found") {
            Ok(None)
        } else {
            Err(format!("it ended with {status}"))
        };
    }
    // The parser's message may quote what it read, a password perhaps.
    let answer: Answer = serde_json::from_slice(&output).map_err(|_| "its answer is not JSON".to_owned())?;
    Ok(login(&answer.username, answer.secret))
}

/// A login of user name and secret, where `<token>` stands for an identity token.
pub(crate) fn login(username: &str, secret: impl Into<Secret>) -> Option<Login> {
    let secret = secret.into();
    if secret.is_empty() {
        None
    } else if username == "<token>" {
        Some(Login::IdentityToken(secret))
    } else {
        Some(Login::Basic {
            username: username.to_owned(),
            password: secret,
        })
    }
}
