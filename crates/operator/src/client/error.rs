//! Why the cluster could not be asked, or did not do what it was asked for.

use std::time::Duration;

/// Why the cluster could not be asked, or did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum ClientError {
    #[error("cannot read the kubeconfig")]
    Kubeconfig { source: Box<kube::config::KubeconfigError> },
    #[error("cannot tell which cluster to talk to")]
    Config {
        source: Box<kube::config::InferConfigError>,
    },
    #[error("cannot set up a connection")]
    Connection { source: Box<kube::Error> },
    #[error("cannot start")]
    Start { source: std::io::Error },
    #[error("cannot {what}")]
    Unreachable { what: String, source: Box<kube::Error> },
    #[error("Seaworthy is not installed in this cluster")]
    NotInstalled,
    #[error("cannot {what}: {why}")]
    Refused { what: String, why: String },
    #[error("there is no {what}")]
    NotFound { what: String },
    #[error("{text:?} names nothing that can be asked about: {why}")]
    Target { text: String, why: &'static str },
    #[error("nobody has answered for {} s", .waited.as_secs())]
    NoAnswer { waited: Duration },
    #[error("{what} cannot be read: {why}")]
    Unreadable { what: String, why: String },
    #[error("{what} cannot be approved: {why}")]
    NotApprovable { what: String, why: String },
}

impl ClientError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Kubeconfig { .. } | Self::Config { .. } => {
                Some("name a kubeconfig with --kubeconfig, or set KUBECONFIG")
            }
            Self::NotInstalled => Some(
                "scan here with `kubectl scan image --local REF`, or install it: \
                 `seaworthy operator --install --external-url https://HOST:PORT`",
            ),
            Self::NoAnswer { .. } => {
                Some("is the operator running? look at its log; `kubectl scan image --local REF` scans without it")
            }
            Self::Unreachable { .. } => {
                Some("is the API server running, and is the context the right one? `kubectl cluster-info` tells")
            }
            _ => None,
        }
    }

    /// Tells what an answer of the API server means for `what` was tried, on an object called `name`.
    pub(crate) fn of(what: &str, name: &str) -> impl FnOnce(kube::Error) -> Self {
        let (what, name) = (what.to_owned(), name.to_owned());
        move |error| match error {
            kube::Error::Api(status) if status.code == 404 && is_unknown_kind(&status.message) => Self::NotInstalled,
            kube::Error::Api(status) if status.code == 404 => Self::NotFound { what: name },
            kube::Error::Api(status) => Self::Refused {
                what,
                why: status.message.clone(),
            },
            error => Self::Unreachable {
                what,
                source: Box::new(error),
            },
        }
    }
}

/// The API server answers so for kinds that it does not serve; for objects it names the object.
fn is_unknown_kind(message: &str) -> bool {
    message.contains("could not find the requested resource") || message.contains("404 page not found")
}
