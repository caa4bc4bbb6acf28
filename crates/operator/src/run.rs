//! Start and end of the operator: install, fill the memory, serve, connect, work, and leave within seconds.

use crate::advisory_data::{AdvisoryData, DataWatch};
use crate::alerts::Alerts;
use crate::certificates::{CHECK, Certificates, LIFETIME, SETTLE};
use crate::controllers::{self, Context};
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::options::ourselves;
use crate::reach::{self, Reach};
use crate::scans::Scans;
use crate::shared::{Shared, now, recall};
use crate::store::{AlertStore, SqliteStore, Store};
use crate::token::{self, Token};
use crate::{Error, Options, health, install, webhook};
use axum_server::Handle;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use seaworthy_gate::Memory;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::SignalKind;

/// How long requests under way may take to end.
const GRACE: Duration = Duration::from_secs(3);

/// Runs the operator until SIGTERM or Ctrl-C.
///
/// # Errors
/// When the cluster, the store or a port cannot be used.
pub fn start(options: Options, data: AdvisoryData) -> Result<(), Error> {
    // The one cryptography of the program; an error says that it is chosen already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Serve {
            what: "anything",
            source,
        })?;
    let result = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let stop = async {
            tokio::select! {
                _ = terminated.recv() => (),
                _ = interrupted.recv() => (),
            }
        };
        run(options, data, stop).await
    });
    // Scans under way are of no use any more.
    runtime.shutdown_background();
    result
}

fn signal(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Error> {
    tokio::signal::unix::signal(kind).map_err(|source| Error::Serve {
        what: "signals",
        source,
    })
}

/// Runs the operator until `stop` comes.
///
/// # Errors
/// When the cluster, the store or a port cannot be used.
pub async fn run(options: Options, data: impl Into<AdvisoryData>, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let config = cluster(&options).await?;
    let administrator = client(config.clone())?;
    let (client, token) = match options.install {
        true => {
            install::prepare(&administrator).await?;
            let token = Token::get(&administrator, now()).await?;
            (client(as_ourselves(config, &token))?, Some(token))
        }
        false => (administrator.clone(), None),
    };
    let metrics = Arc::new(Metrics::new());
    let health = Arc::new(health::Health::default());
    let http = health::serve(options.http_listen, Arc::clone(&health), Arc::clone(&metrics));
    let lease = Lease::new(client.clone(), turn_name());
    tokio::pin!(http, stop);
    // What another one writes down until it ends is read after that.
    tokio::select! {
        taken = lease.take() => taken?,
        result = &mut http => return result,
        () = &mut stop => return Ok(()),
    }
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&options.store).await?);
    let mut memory = Memory {
        ourselves: ourselves(),
        excluded: options.excluded().into_iter().collect(),
        ..Memory::default()
    };
    let mut contents = store.load().await?;
    let judged_by = contents.advisory_data.take();
    recall(&mut memory, contents);
    let alerts = {
        let store: Arc<dyn AlertStore> = Arc::clone(&store) as _;
        let metrics = Arc::clone(&metrics);
        let count = Box::new(move |kind, result| metrics.notification(kind, result));
        let secrets = Arc::new(controllers::ClusterSecrets(client.clone()));
        Arc::new(Alerts::open(store, secrets, count).await?)
    };
    let shared = Arc::new(Shared::new(memory, store));
    let data = Arc::new(DataWatch::new(data.into(), Arc::clone(&shared), Arc::clone(&metrics)));
    let scans = Scans::new(Arc::clone(&shared), Arc::clone(&data), &options, client.clone())?;
    let scans = Arc::new(scans);
    let gate = webhook::Gate {
        shared: Arc::clone(&shared),
        scan: {
            let scans = Arc::clone(&scans);
            Arc::new(move |wanted| scans.start(wanted))
        },
        metrics: Arc::clone(&metrics),
    };
    let context = Context::new(client.clone(), Arc::clone(&shared), scans, Arc::clone(&alerts));
    let certificates = Certificates::make(names(options.external_url.as_deref())?, LIFETIME, now())?;
    let (listener, authorities) = (certificates.listener().await?, certificates.authorities());
    let reach = Reach::new(client.clone(), options.clone(), authorities);
    let handle = Handle::new();
    let serving = webhook::serve(gate, listener.clone(), &options, handle.clone());
    let working = async {
        controllers::fill(&context).await;
        data.begin(judged_by.as_deref()).await;
        shared.change(|memory| memory.ready = true);
        handle.listening().await;
        tracing::info!("the memory is filled");
        let open = reach::open(&shared.memory());
        if options.install {
            reach.connect(&administrator, open).await?;
            install::guard(&administrator, &options).await?;
            // The API server takes a moment to act on it; we are ready when it asks us, and the guards stand.
            let governed = {
                let memory = shared.memory();
                memory.namespaces.keys().find(|name| memory.governs(name)).cloned()
            };
            while let Some(namespace) = &governed {
                if install::probe(&administrator, namespace).await && metrics.admissions() > 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        } else {
            // Behind a Service only who is ready is asked: there is nothing to wait for.
            reach.connect(&client, open).await?;
            if let Err(error) = install::exclude(&client, &options).await {
                tracing::warn!("there are guards missing, apply the manifests again: {error}");
            }
        }
        let is_lost = controllers::remember_what_runs(&context)
            .await
            .map_err(|error| Error::Refused {
                what: "the list of what runs".to_owned(),
                why: error.to_string(),
            })?;
        if is_lost {
            metrics.store_is_lost();
        }
        health.is_ready();
        tracing::info!("ready");
        tokio::join!(controllers::run(context), reach.follow(&shared));
        Ok(())
    };
    let renewing = async {
        handle.listening().await;
        certificates
            .keep(&listener, CHECK, SETTLE, |authorities| reach.trust(authorities))
            .await;
    };
    let admitted = async {
        match token {
            Some(token) => token::keep(token, administrator.clone(), CHECK).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = serving => result,
        () = renewing => Ok(()),
        () = admitted => Ok(()),
        result = &mut http => result,
        replaced = lease.keep() => Err(replaced),
        result = working => result,
        () = data.watch() => Ok(()),
        () = &mut stop => {
            health.is_leaving();
            tracing::info!("leaving; while away, new workloads wait. `seaworthy uninstall` lets everything go");
            handle.graceful_shutdown(Some(GRACE));
            // What is being sent is sent and noted, so that it is not sent again after the start.
            tokio::join!(alerts.finish(GRACE), async {
                let _ = tokio::time::timeout(GRACE, lease.leave()).await;
            });
            Ok(())
        }
    }
}

async fn cluster(options: &Options) -> Result<Config, Error> {
    match &options.kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(|source| Error::Kubeconfig { source })?;
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .map_err(|source| Error::Kubeconfig { source })
        }
        None => Config::infer().await.map_err(|source| Error::Config { source }),
    }
}

/// The same cluster, as our ServiceAccount: what holds inside the cluster holds outside too.
fn as_ourselves(mut config: Config, token: &Token) -> Config {
    config.auth_info = kube::config::AuthInfo {
        token_file: Some(token.path().display().to_string()),
        ..kube::config::AuthInfo::default()
    };
    config
}

fn client(config: Config) -> Result<Client, Error> {
    Client::try_from(config).map_err(Error::cluster("talk to the cluster"))
}

/// What we are called among those who want to work here: in a pod the same after each start of its container.
fn turn_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{}", host.trim(), std::process::id())
}

/// The names that the webhook's certificate must have.
fn names(url: Option<&str>) -> Result<Vec<String>, Error> {
    let service = format!("{0}.{0}.svc", crate::options::NAME);
    let Some(url) = url else { return Ok(vec![service]) };
    let bad = || Error::ExternalUrl { url: url.to_owned() };
    let rest = url.strip_prefix("https://").ok_or_else(bad)?;
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match host.is_empty() || host.contains('@') {
        true => Err(bad()),
        false => Ok(vec![host.to_owned(), service]),
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn the_certificate_is_for_the_host_of_the_external_url() {
        for (url, expected) in [
            ("https://127.0.0.1:9443", Some("127.0.0.1")),
            ("https://gate.example/x", Some("gate.example")),
            ("https://[::1]:9443", Some("::1")),
            ("http://127.0.0.1:9443", None),
            ("https://", None),
        ] {
            let found = names(Some(url)).ok().and_then(|names| names.into_iter().next());
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }
}
