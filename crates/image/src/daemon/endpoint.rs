//! The addresses of daemons, by the rules of their own command lines.
//!
//! Docker: `DOCKER_HOST`, else the context (`DOCKER_CONTEXT` or `currentContext` of its configuration), else the usual
//! sockets. Podman: `CONTAINER_HOST`, else the usual sockets. containerd: `CONTAINERD_ADDRESS`, else the usual sockets.

use super::context;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Certificates for a daemon behind TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority that signed the daemon's certificate; that of the system where absent.
    pub authority: Option<PathBuf>,
    /// The client's own certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Takes any certificate.
    pub insecure: bool,
}

/// Where a daemon answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket.
    Socket(PathBuf),
    /// A host and port; over TLS where files are given.
    Address(String, Option<TlsFiles>),
    /// An address that cannot be used, with the reason.
    Unusable(String),
}

/// Where the daemons of this machine answer, in the order in which their addresses are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daemons {
    /// Docker's.
    pub docker: Vec<Endpoint>,
    /// Podman's.
    pub podman: Vec<Endpoint>,
    /// containerd's sockets.
    pub containerd: Vec<PathBuf>,
    /// containerd's namespaces.
    pub containerd_namespaces: Vec<String>,
}

/// The namespaces in which Kubernetes, `ctr` and `nerdctl`, and Docker keep their images.
const NAMESPACES: [&str; 3] = ["k8s.io", "default", "moby"];

impl Daemons {
    /// The addresses that the environment of this process and the files of its user name, below those given for Docker and
    /// Podman.
    pub fn of_environment(docker: Option<&str>, podman: Option<&str>) -> Self {
        Self::of(&|name| {
            let given = match name {
                "DOCKER_HOST" => docker.map(OsString::from),
                "CONTAINER_HOST" => podman.map(OsString::from),
                _ => None,
            };
            given.or_else(|| std::env::var_os(name).filter(|value| !value.is_empty()))
        })
    }

    /// The addresses by these variables.
    pub(crate) fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).map(PathBuf::from);
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let home = path("HOME");
        let runtime = path("XDG_RUNTIME_DIR");
        let below = |directory: &Option<PathBuf>, rest: &str| directory.as_ref().map(|directory| directory.join(rest));

        let docker = match text("DOCKER_HOST") {
            Some(host) => vec![endpoint(&host, docker_tls(&text, &path, &home))],
            None => {
                let config = path("DOCKER_CONFIG").or_else(|| below(&home, ".docker"));
                let named = config
                    .as_deref()
                    .and_then(|config| context::endpoint_in(config, text("DOCKER_CONTEXT")));
                match named {
                    Some(endpoint) => vec![endpoint],
                    None => sockets([
                        Some("/var/run/docker.sock".into()),
                        below(&runtime, "docker.sock"),
                        below(&home, ".docker/run/docker.sock"),
                        below(&home, ".docker/desktop/docker.sock"),
                    ]),
                }
            }
        };
        let podman = match text("CONTAINER_HOST") {
            Some(host) => vec![endpoint(&host, None)],
            None => sockets([
                below(&runtime, "podman/podman.sock"),
                Some("/run/podman/podman.sock".into()),
                below(&home, ".local/share/containers/podman/machine/podman.sock"),
                None,
            ]),
        };
        let containerd = match text("CONTAINERD_ADDRESS") {
            Some(address) => vec![address.strip_prefix("unix://").unwrap_or(&address).into()],
            None => vec![
                "/run/containerd/containerd.sock".into(),
                "/run/k3s/containerd/containerd.sock".into(),
            ],
        };
        let containerd_namespaces = match text("CONTAINERD_NAMESPACE") {
            Some(namespace) => vec![namespace],
            None => NAMESPACES.map(str::to_owned).to_vec(),
        };
        Self {
            docker,
            podman,
            containerd,
            containerd_namespaces,
        }
    }
}

fn sockets<const N: usize>(paths: [Option<PathBuf>; N]) -> Vec<Endpoint> {
    paths.into_iter().flatten().map(Endpoint::Socket).collect()
}

/// Docker's variables for TLS.
fn docker_tls(
    text: &dyn Fn(&str) -> Option<String>,
    path: &dyn Fn(&str) -> Option<PathBuf>,
    home: &Option<PathBuf>,
) -> Option<TlsFiles> {
    let verify = text("DOCKER_TLS_VERIFY");
    if verify.is_none() && text("DOCKER_TLS").is_none() {
        return None;
    }
    let directory = path("DOCKER_CERT_PATH").or_else(|| home.as_ref().map(|home| home.join(".docker")))?;
    Some(TlsFiles {
        insecure: verify.is_none(),
        ..TlsFiles::in_directory(&directory)
    })
}

impl TlsFiles {
    /// The files that Docker keeps in a directory: `ca.pem`, `cert.pem`, `key.pem`.
    pub(crate) fn in_directory(directory: &Path) -> Self {
        let there = |name: &str| Some(directory.join(name)).filter(|path| path.is_file());
        Self {
            authority: there("ca.pem"),
            identity: there("cert.pem").zip(there("key.pem")),
            insecure: false,
        }
    }
}

/// An address as Docker writes it: `unix:///path`, `tcp://host:port`, `http(s)://host:port`.
pub(crate) fn endpoint(host: &str, tls: Option<TlsFiles>) -> Endpoint {
    if let Some(path) = host.strip_prefix("unix://") {
        return Endpoint::Socket(path.into());
    }
    if host.starts_with('/') {
        return Endpoint::Socket(host.into());
    }
    for scheme in ["tcp://", "http://"] {
        if let Some(address) = host.strip_prefix(scheme) {
            return Endpoint::Address(address.trim_end_matches('/').to_owned(), tls);
        }
    }
    if let Some(address) = host.strip_prefix("https://") {
        return Endpoint::Address(address.trim_end_matches('/').to_owned(), Some(tls.unwrap_or_default()));
    }
    let scheme = host.split_once("://").map_or(host, |(scheme, _)| scheme);
    Endpoint::Unusable(match scheme {
        "ssh" => {
            "its address is reached by ssh, which is not supported: forward the socket, or use `docker save`".into()
        }
        _ => format!("its address {host:?} has no known scheme"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Daemons, Endpoint, TlsFiles, endpoint};
    use std::collections::HashMap;

    fn daemons(variables: &[(&str, &str)]) -> Daemons {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Daemons::of(&|name| variables.get(name).map(Into::into))
    }

    #[test]
    fn a_host_in_the_environment_is_the_only_one() {
        let found = daemons(&[("DOCKER_HOST", "unix:///tmp/d.sock"), ("HOME", "/home/a")]);
        assert_eq!(found.docker, [Endpoint::Socket("/tmp/d.sock".into())]);
        let found = daemons(&[("CONTAINER_HOST", "tcp://127.0.0.1:8080/")]);
        assert_eq!(found.podman, [Endpoint::Address("127.0.0.1:8080".into(), None)]);
        let found = daemons(&[("CONTAINERD_ADDRESS", "unix:///c.sock"), ("CONTAINERD_NAMESPACE", "a")]);
        assert_eq!(found.containerd, [std::path::PathBuf::from("/c.sock")]);
        assert_eq!(found.containerd_namespaces, ["a"]);
    }

    #[test]
    fn an_address_given_stands_above_the_environment() {
        let found = Daemons::of_environment(Some("/d.sock"), Some("unix:///p.sock"));
        assert_eq!(found.docker, [Endpoint::Socket("/d.sock".into())]);
        assert_eq!(found.podman, [Endpoint::Socket("/p.sock".into())]);
    }

    #[test]
    fn sockets_of_users_are_tried_too() {
        let found = daemons(&[("XDG_RUNTIME_DIR", "/run/user/1000"), ("HOME", "/home/a")]);
        assert!(
            found
                .docker
                .contains(&Endpoint::Socket("/run/user/1000/docker.sock".into()))
        );
        assert!(
            found
                .podman
                .contains(&Endpoint::Socket("/run/user/1000/podman/podman.sock".into()))
        );
        assert_eq!(found.containerd_namespaces, ["k8s.io", "default", "moby"]);
    }

    #[test]
    fn tls_comes_from_dockers_variables() {
        let found = daemons(&[
            ("DOCKER_HOST", "tcp://d:2376"),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CERT_PATH", "/nowhere"),
        ]);
        assert_eq!(
            found.docker,
            [Endpoint::Address("d:2376".into(), Some(TlsFiles::default()))]
        );
        let found = daemons(&[("DOCKER_HOST", "tcp://d:2375"), ("HOME", "/nowhere")]);
        assert_eq!(found.docker, [Endpoint::Address("d:2375".into(), None)]);
    }

    #[test]
    fn addresses_that_cannot_be_used_say_so() {
        for host in ["ssh://me@host", "npipe:////./pipe/docker_engine", "nonsense"] {
            assert!(matches!(endpoint(host, None), Endpoint::Unusable(_)), "{host}");
        }
    }
}
