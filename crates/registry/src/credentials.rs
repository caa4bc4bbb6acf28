//! Where logins come from, in this order: given explicitly, a registry token, Docker's configuration, Podman's, anonymous.

use crate::{DockerConfig, Error, Secret};
use seaworthy_model::limits;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// One way to show a registry who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    Anonymous,
    /// User name and password.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token that the token server takes for an access token.
    IdentityToken(Secret),
    /// An access token that is sent as it is.
    Bearer(Secret),
}

/// The credential files of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialFiles {
    /// In the order in which they are asked; those that do not exist are passed over.
    pub paths: Vec<PathBuf>,
    /// `GITHUB_TOKEN`, for `ghcr.io`.
    pub github_token: Option<Secret>,
}

impl CredentialFiles {
    /// Those of the process: `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, Podman's places, `GITHUB_TOKEN`.
    pub fn of_environment() -> Self {
        Self::of(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    /// Those of an environment.
    pub fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let home = variable("HOME").map(PathBuf::from);
        let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let docker = match variable("DOCKER_CONFIG") {
            Some(directory) => Some(PathBuf::from(directory).join("config.json")),
            None => below_home(".docker/config.json"),
        };
        let config = variable("XDG_CONFIG_HOME").map_or_else(|| below_home(".config"), |path| Some(path.into()));
        let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        let paths = [
            docker,
            variable("REGISTRY_AUTH_FILE").map(PathBuf::from),
            runtime.map(|directory| directory.join("containers/auth.json")),
            config.map(|directory| directory.join("containers/auth.json")),
        ];
        Self {
            paths: paths.into_iter().flatten().collect(),
            github_token: variable("GITHUB_TOKEN")
                .and_then(|token| token.into_string().ok())
                .map(Secret::new),
        }
    }
}

/// Every login that may be used, asked for by registry.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    explicit: Vec<Login>,
    configs: Vec<DockerConfig>,
    files: CredentialFiles,
    /// The files are read when the first registry asks for a login, not before.
    loaded: Arc<OnceCell<Vec<DockerConfig>>>,
}

impl Credentials {
    /// No login at all.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The logins of the user's files.
    pub fn from_files(files: CredentialFiles) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// The logins of a pull secret (`.dockerconfigjson` or `.dockercfg`).
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn from_docker_config_json(bytes: &[u8]) -> Result<Self, Error> {
        let mut credentials = Self::default();
        credentials.add_docker_config_json(bytes)?;
        Ok(credentials)
    }

    /// Adds the logins of a further pull secret, asked after those that are there.
    ///
    /// Helpers that it names are not run: they would show registries of its writer's choice who *we* are.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_docker_config_json(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.configs.push(DockerConfig::parse(bytes)?.without_helpers());
        Ok(())
    }

    /// Puts user name and password before everything else, for the registry of the image (not for mirrors).
    #[must_use]
    pub fn with_password(mut self, username: &str, password: impl Into<Secret>) -> Self {
        self.explicit.push(Login::Basic {
            username: username.to_owned(),
            password: password.into(),
        });
        self
    }

    /// Puts an access token behind passwords given, before everything else.
    #[must_use]
    pub fn with_registry_token(mut self, token: impl Into<Secret>) -> Self {
        self.explicit.push(Login::Bearer(token.into()));
        self
    }

    /// The logins to try at a registry, in order; the last is anonymous unless one was given explicitly.
    pub(crate) async fn logins(&self, host: &str, repository: &str, is_mirror: bool, limit: Duration) -> Vec<Login> {
        if !self.explicit.is_empty() && !is_mirror {
            return self.explicit.clone();
        }
        let mut logins = Vec::new();
        let loaded = self.loaded.get_or_init(|| async { load(&self.files.paths) }).await;
        for config in self.configs.iter().chain(loaded) {
            if let Some(login) = config.login(host, repository, limit).await {
                // Two files may say the same.
                if !logins.contains(&login) {
                    logins.push(login);
                }
            }
        }
        if let Some(token) = self
            .files
            .github_token
            .as_ref()
            .filter(|_| host == "ghcr.io" && logins.is_empty())
        {
            logins.push(Login::Basic {
                username: "oauth2".into(),
                password: token.clone(),
            });
        }
        logins.push(Login::Anonymous);
        logins
    }
}

/// Reads the files that exist; one that cannot be read is said and passed over: the image may be public.
fn load(paths: &[PathBuf]) -> Vec<DockerConfig> {
    let mut configs = Vec::new();
    for path in paths {
        match read(path) {
            Ok(Some(config)) => configs.push(config),
            Ok(None) => {}
            Err(error) => tracing::warn!("{error}"),
        }
    }
    configs
}

fn read(path: &Path) -> Result<Option<DockerConfig>, Error> {
    let failed = |why: String| Error::CredentialFile {
        path: path.to_owned(),
        why,
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(error.to_string())),
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(failed("it is not a file".into()));
    }
    let mut bytes = Vec::new();
    let read = file.take(limits::CREDENTIAL_FILE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > limits::CREDENTIAL_FILE_BYTES {
        return Err(failed(format!(
            "it is larger than {} bytes",
            limits::CREDENTIAL_FILE_BYTES
        )));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    DockerConfig::parse(&bytes)
        .map(Some)
        .map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{CredentialFiles, Credentials, Login};
    use std::ffi::OsString;
    use std::time::Duration;

    #[test]
    fn the_environment_tells_where_the_files_are() {
        let files = |variables: &[(&str, &str)]| {
            let found = CredentialFiles::of(&|name| {
                let value = variables.iter().find(|(other, _)| *other == name)?.1;
                Some(OsString::from(value))
            });
            let paths: Vec<String> = found.paths.iter().map(|path| path.display().to_string()).collect();
            paths.join(" ")
        };
        assert_eq!(
            files(&[("HOME", "/h")]),
            "/h/.docker/config.json /h/.config/containers/auth.json"
        );
        assert_eq!(
            files(&[
                ("HOME", "/h"),
                ("DOCKER_CONFIG", "/d"),
                ("REGISTRY_AUTH_FILE", "/r.json"),
                ("XDG_RUNTIME_DIR", "/run"),
                ("XDG_CONFIG_HOME", "/c"),
            ]),
            "/d/config.json /r.json /run/containers/auth.json /c/containers/auth.json"
        );
        assert_eq!(files(&[]), "");
    }

    #[tokio::test]
    async fn what_was_given_comes_first_and_is_not_for_mirrors() {
        let limit = Duration::from_secs(1);
        let mut credentials =
            Credentials::from_docker_config_json(br#"{"auths":{"a.example":{"auth":"YTpi"}}}"#).unwrap();
        let count = |logins: Vec<Login>| logins.len();
        assert_eq!(count(credentials.logins("a.example", "x", false, limit).await), 2);
        assert_eq!(
            credentials.logins("b.example", "x", false, limit).await,
            [Login::Anonymous]
        );
        credentials = credentials.with_password("u", "p");
        let explicit = credentials.logins("a.example", "x", false, limit).await;
        assert!(matches!(explicit.as_slice(), [Login::Basic { username, .. }] if username == "u"));
        let mirror = credentials.logins("a.example", "x", true, limit).await;
        assert!(matches!(mirror.as_slice(), [Login::Basic { username, .. }, Login::Anonymous] if username == "a"));
    }

    #[test]
    fn a_pull_secret_names_no_program_that_is_run() {
        let config = r#"{"auths":{"a.example":{"auth":"YTpi"}},"credsStore":"x","credHelpers":{"b.example":"x"}}"#;
        let plain = Credentials::from_docker_config_json(br#"{"auths":{"a.example":{"auth":"YTpi"}}}"#).unwrap();
        let given = Credentials::from_docker_config_json(config.as_bytes()).unwrap();
        assert_eq!(format!("{given:?}"), format!("{plain:?}"));
    }

    #[tokio::test]
    async fn a_broken_credential_file_does_not_hide_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let (broken, good) = (directory.path().join("broken"), directory.path().join("good"));
        std::fs::write(&broken, "{").unwrap();
        std::fs::write(&good, r#"{"auths":{"a.example":{"auth":"YTpi"}}}"#).unwrap();
        let credentials = Credentials::from_files(CredentialFiles {
            paths: vec![
                directory.path().join("missing"),
                broken,
                directory.path().to_owned(),
                good,
            ],
            github_token: None,
        });
        assert_eq!(
            credentials
                .logins("a.example", "x", false, Duration::from_secs(1))
                .await
                .len(),
            2
        );
    }
}
