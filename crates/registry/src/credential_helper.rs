//! Docker's credential helpers: programs `docker-credential-NAME` that print a login as JSON when asked `get`.
//!
//! A helper may hang (a locked key ring, a dialogue that nobody sees) or print without end: both have a limit.

use crate::{Login, Secret};
use seaworthy_model::limits;
use serde::Deserialize;
use std::path::Path;
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
    run_for(Path::new(&format!("docker-credential-{name}")), server, limit).await
}

async fn run_for(program: &Path, server: &str, limit: Duration) -> Result<Option<Login>, String> {
    tokio::time::timeout(limit, run(program, server))
        .await
        .unwrap_or_else(|_| Err(format!("it did not answer within {} s", limit.as_secs_f32())))
}

async fn run(program: &Path, server: &str) -> Result<Option<Login>, String> {
    let mut child = Command::new(program)
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

#[cfg(test)]
mod tests {
    use super::{ask, run_for};
    use crate::Login;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    async fn helper(script: &str) -> Result<Option<Login>, String> {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("helper");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        for _ in 0..50 {
            let answer = run_for(&program, "ghcr.io", Duration::from_secs(1)).await;
            // Another test's process may still hold the file open for writing, from its fork.
            match answer {
                Err(why) if why.contains("busy") => tokio::time::sleep(Duration::from_millis(10)).await,
                answer => return answer,
            }
        }
        panic!("the helper cannot be started");
    }

    #[tokio::test]
    async fn a_helper_is_asked_by_the_protocol_of_docker() {
        let script = r#"read -r server; test "$1" = get || exit 9
            echo "{\"ServerURL\":\"$server\",\"Username\":\"u-$server\",\"Secret\":\"s\"}""#;
        let login = helper(script).await.unwrap().unwrap();
        assert!(
            matches!(login, Login::Basic { username, password } if username == "u-ghcr.io" && password.reveal() == "s")
        );
        let token = helper(r#"echo '{"Username":"<token>","Secret":"s"}'"#).await.unwrap();
        assert!(matches!(token, Some(Login::IdentityToken(_))));
        let none = helper("echo 'credentials not found in native keychain'; exit 1").await;
        assert_eq!(none, Ok(None));
    }

    #[tokio::test]
    async fn a_helper_that_hangs_floods_fails_or_babbles_is_given_up() {
        let started = Instant::now();
        assert!(helper("sleep 60").await.unwrap_err().contains("did not answer"));
        assert!(helper("exec cat /dev/zero").await.unwrap_err().contains("more than"));
        assert!(started.elapsed() < Duration::from_secs(10));
        assert!(helper("exit 3").await.unwrap_err().contains("ended with"));
        let babble = helper("echo hunter2").await.unwrap_err();
        assert!(!babble.contains("hunter2"), "{babble}");
    }

    #[tokio::test]
    async fn a_helper_is_no_path() {
        for name in ["", "../../bin/sh", "a b", "a/b"] {
            assert!(ask(name, "x", Duration::from_secs(1)).await.is_err(), "{name}");
        }
    }
}
