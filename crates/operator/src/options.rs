//! What a caller may decide about the operator.

use seaworthy_registry::{ClientOptions, Credentials};
use std::net::SocketAddr;
use std::path::PathBuf;

/// How the operator works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kubeconfig; `None` takes the environment's or the cluster it runs in.
    pub kubeconfig: Option<PathBuf>,
    /// Whether definitions, roles and webhooks are applied first.
    pub install: bool,
    /// Where the API server reaches the webhook: `https://HOST:PORT`.
    pub external_url: Option<String>,
    /// Where the webhook listens.
    pub listen: SocketAddr,
    /// Where `/readyz`, `/healthz` and `/metrics` are.
    pub http_listen: SocketAddr,
    /// `sqlite://FILE`.
    pub store: String,
    /// Namespaces that are not governed, beside those of Kubernetes and our own.
    pub exclude_namespaces: Vec<String>,
    /// How registries are spoken to.
    pub registries: ClientOptions,
    /// Logins for registries.
    pub credentials: Credentials,
    /// Whether images may come from registries on loopback and link-local addresses.
    pub allow_local_registries: bool,
    /// Scans at the same time.
    pub scans: usize,
}

/// The namespace, ServiceAccount and field manager that are ours.
pub const NAME: &str = "seaworthy";

/// Namespaces that are never governed.
pub(crate) const SYSTEM_NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", NAME];

impl Options {
    /// Every namespace that is not governed, sorted.
    pub(crate) fn excluded(&self) -> Vec<String> {
        let mut names: Vec<String> = SYSTEM_NAMESPACES.iter().map(|name| (*name).to_owned()).collect();
        names.extend(self.exclude_namespaces.iter().cloned());
        names.sort();
        names.dedup();
        names
    }
}

/// The user name of our ServiceAccount.
pub(crate) fn ourselves() -> String {
    format!("system:serviceaccount:{NAME}:{NAME}")
}
