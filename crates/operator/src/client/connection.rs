//! The connection: kubeconfig, context and namespace as `kubectl` has them, behind a client that waits for answers.

use super::ClientError;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Config};
use std::path::PathBuf;
use std::time::Duration;

/// Objects in one page of a list.
const PAGE: u32 = 500;
/// How long an answer of the API server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which cluster, and which namespace of it.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The kubeconfig; `None` takes what `kubectl` would.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it; `None` takes the current one.
    pub context: Option<String>,
    /// The namespace; `None` takes the context's.
    pub namespace: Option<String>,
}

/// One namespace, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One namespace.
    Namespace(String),
    /// Every namespace.
    All,
}

/// A client of the API server that waits for answers.
pub struct Client {
    runtime: tokio::runtime::Runtime,
    pub(super) client: kube::Client,
    namespace: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Client")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When there is no usable kubeconfig. Whether somebody answers is seen with the first question.
    pub fn open(&self) -> Result<Client, ClientError> {
        // The one cryptography of the program; an error says that it is chosen already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| ClientError::Start { source })?;
        let mut config = runtime.block_on(self.config())?;
        config.read_timeout = Some(PATIENCE);
        let namespace = match &self.namespace {
            Some(namespace) => namespace.clone(),
            None => config.default_namespace.clone(),
        };
        let client = {
            let _inside = runtime.enter();
            kube::Client::try_from(config).map_err(|source| ClientError::Connection {
                source: Box::new(source),
            })?
        };
        Ok(Client {
            runtime,
            client,
            namespace,
        })
    }

    async fn config(&self) -> Result<Config, ClientError> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let bad = |source| ClientError::Kubeconfig {
            source: Box::new(source),
        };
        match &self.kubeconfig {
            Some(path) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(bad)?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(bad)
            }
            None if self.context.is_some() => Config::from_kubeconfig(&options).await.map_err(bad),
            None => Config::infer().await.map_err(|source| ClientError::Config {
                source: Box::new(source),
            }),
        }
    }
}

impl Client {
    /// The namespace that is asked about.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// One namespace, or all of them.
    pub fn scope(&self, all: bool) -> Scope {
        match all {
            true => Scope::All,
            false => Scope::Namespace(self.namespace.clone()),
        }
    }

    pub(crate) fn kube(&self) -> kube::Client {
        self.client.clone()
    }

    pub(crate) fn wait<T>(&self, question: impl Future<Output = T>) -> T {
        self.runtime.block_on(question)
    }

    pub(crate) fn dynamic(&self, scope: &Scope, resource: &ApiResource) -> Api<DynamicObject> {
        match scope {
            Scope::Namespace(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            Scope::All => Api::all_with(self.client.clone(), resource),
        }
    }
}

/// Everything of a list, page by page.
pub(crate) async fn list_all<K>(api: &Api<K>) -> Result<Vec<K>, kube::Error>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let mut parameters = kube::api::ListParams::default().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => parameters = parameters.continue_token(&next),
            None => return Ok(all),
        }
    }
}
