//! The bridge between sockets and threads: one small runtime for all images of a process, and its registry client.
//!
//! Layers are read on plain threads, which block on what the runtime's one thread receives. None of this may be called from
//! inside of a runtime's own task; a thread for blocking work is fine.

use crate::Error;
use seaworthy_model::Digest;
use seaworthy_registry::{Client, ClientOptions, Credentials};
use std::future::Future;
use std::sync::{Arc, OnceLock};
use tokio::runtime::{Builder, Runtime};

/// Where small documents (manifests, configs) are kept between scans, so that a known image costs one request.
///
/// What comes out is verified against its digest by whoever asked, so that a damaged cache can only cost time.
pub trait DocumentCache: std::fmt::Debug + Send + Sync {
    /// The document with this digest.
    fn get(&self, digest: Digest) -> Option<Vec<u8>>;
    /// Keeps a document under its digest.
    fn put(&self, digest: Digest, bytes: &[u8]);
}

/// Connections and credentials, shared by every image that is opened with a clone of it; nothing starts before it is needed.
#[derive(Clone, Debug, Default)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    options: ClientOptions,
    credentials: Credentials,
    running: OnceLock<Running>,
}

#[derive(Debug)]
struct Running {
    /// Taken when the last user is gone.
    runtime: Option<Runtime>,
    client: Client,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for nothing: what is under way is of no use any more.
            runtime.shutdown_background();
        }
    }
}

impl Network {
    /// A network that speaks to registries in this way.
    pub fn new(options: ClientOptions, credentials: Credentials) -> Self {
        Self {
            inner: Arc::new(Inner {
                options,
                credentials,
                running: OnceLock::new(),
            }),
        }
    }

    /// The registry client.
    ///
    /// # Errors
    /// When options cannot be read or no thread can be started.
    pub fn client(&self) -> Result<&Client, Error> {
        Ok(&self.running()?.client)
    }

    fn running(&self) -> Result<&Running, Error> {
        if let Some(running) = self.inner.running.get() {
            return Ok(running);
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("network")
            .enable_all()
            .build()
            .map_err(|source| Error::Network { source })?;
        let client = Client::new(self.inner.options.clone(), self.inner.credentials.clone())?;
        // Two threads may come here at once; one of the two is kept.
        Ok(self.inner.running.get_or_init(|| Running {
            runtime: Some(runtime),
            client,
        }))
    }

    /// Waits for a future on this thread.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, Error> {
        match &self.running()?.runtime {
            Some(runtime) => Ok(runtime.block_on(future)),
            None => Err(stopped()),
        }
    }

    /// Starts a task beside this thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        match &self.running()?.runtime {
            Some(runtime) => {
                runtime.spawn(task);
                Ok(())
            }
            None => Err(stopped()),
        }
    }
}

fn stopped() -> Error {
    Error::Network {
        source: std::io::Error::other("it has been stopped"),
    }
}
