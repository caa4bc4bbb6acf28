//! Why the operator cannot work.

use std::io;
use std::path::PathBuf;

/// Why the operator cannot work.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum Error {
    #[error("cannot read the kubeconfig")]
    Kubeconfig { source: kube::config::KubeconfigError },
    #[error("cannot tell which cluster to talk to")]
    Config { source: kube::config::InferConfigError },
    #[error("cannot {what}")]
    Cluster { what: String, source: Box<kube::Error> },
    #[error("the cluster did not take {what}: {why}")]
    Refused { what: String, why: String },
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error("cannot make a certificate")]
    Certificate { source: rcgen::Error },
    #[error("cannot keep the token of our ServiceAccount in {}", path.display())]
    Token { path: PathBuf, source: io::Error },
    #[error("another operator ({by}) works here now")]
    Replaced { by: String },
    #[error("cannot listen on {address}")]
    Listen { address: String, source: io::Error },
    #[error("{url:?} is no address that an API server can call, write https://HOST:PORT")]
    ExternalUrl { url: String },
    #[error("cannot serve {what}")]
    Serve { what: &'static str, source: io::Error },
    #[error("the registry client cannot be set up")]
    Registry { source: Box<seaworthy_registry::Error> },
}

impl Error {
    pub(crate) fn cluster(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Cluster {
            what,
            source: Box::new(source),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Kubeconfig { .. } | Self::Config { .. } => {
                Some("name a kubeconfig with --kubeconfig, or set KUBECONFIG")
            }
            _ => None,
        }
    }
}
