//! The token of our ServiceAccount where we run outside the cluster: in a file that only we can read, which the client reads
//! again every minute, and renewed long before it ends.

use crate::{Error, install};
use kube::Client;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file; gone with this value.
#[derive(Debug)]
pub(crate) struct Token {
    path: PathBuf,
    /// When it is got anew, in seconds since 1970.
    due: i64,
}

impl Token {
    /// Gets a token and writes it down.
    pub(crate) async fn get(administrator: &Client, now: i64) -> Result<Self, Error> {
        let mut token = Self {
            path: std::env::temp_dir().join(format!("seaworthy-token-{}", std::process::id())),
            due: now,
        };
        token.renew(administrator, now).await?;
        Ok(token)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gets it anew when it is due. API servers may give less time than was asked for, so half of what they gave counts.
    pub(crate) async fn renew(&mut self, administrator: &Client, now: i64) -> Result<(), Error> {
        if now >= self.due {
            let (text, until) = install::token(administrator).await?;
            write(&self.path, &text).map_err(|source| Error::Token {
                path: self.path.clone(),
                source,
            })?;
            self.due = half_way(now, until);
        }
        Ok(())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn half_way(now: i64, until: i64) -> i64 {
    now.saturating_add(until.saturating_sub(now).max(0) / 2)
}

/// Replaces the file by a rename: a reader finds the old one or the new one. What lies there is not followed.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&new, path)
}

/// Keeps the token good for as long as we run.
pub(crate) async fn keep(mut token: Token, administrator: Client, check: Duration) {
    loop {
        tokio::time::sleep(check).await;
        if let Err(error) = token.renew(&administrator, crate::shared::now()).await {
            tracing::warn!("the token of our ServiceAccount is not renewed yet: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{half_way, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_got_anew_long_before_it_ends() {
        assert_eq!(half_way(1_000, 1_000 + 7 * 86_400), 1_000 + 302_400);
        assert_eq!(half_way(1_000, 900), 1_000, "one that ended is got at once");
    }

    #[test]
    fn nobody_else_reads_the_token_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        std::fs::write(&victim, "mine").unwrap();
        let path = directory.path().join("token");
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        std::os::unix::fs::symlink(&victim, path.with_extension("new")).unwrap();
        for text in ["first", "second"] {
            write(&path, text).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
        let mode = std::fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
}
