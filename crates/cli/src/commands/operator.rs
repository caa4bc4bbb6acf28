//! `operator`: flags become the options of the controllers and the webhook, which run until they are told to leave.

use crate::arguments::OperatorArguments;
use crate::data;
use anyhow::{Context, Result, bail};
use seaworthy_operator::{AdvisoryData, ClientOptions, Credentials, Mirror, Options};
use std::net::SocketAddr;
use std::path::Path;

/// Scans at the same time: each holds some tens of megabytes.
const SCANS: usize = 2;

/// Runs until SIGTERM or Ctrl-C.
pub(crate) fn run(arguments: &OperatorArguments, cache_directory: Option<&Path>) -> Result<()> {
    if arguments.install && arguments.external_url.is_none() {
        bail!("--install needs --external-url, the address at which the API server reaches this machine");
    }
    let (db, cache) = (arguments.db.clone(), cache_directory.map(Path::to_owned));
    let database = data::open(db.as_deref(), cache.as_deref())?;
    let advisory_data = match data::place(db.as_deref(), cache.as_deref()) {
        Some(place) => AdvisoryData::watched(database, place, move || {
            data::open(db.as_deref(), cache.as_deref()).map_err(|error| format!("{error:#}"))
        }),
        None => AdvisoryData::from(database),
    };
    let options = Options {
        kubeconfig: arguments.kubeconfig.clone(),
        install: arguments.install,
        external_url: arguments.external_url.clone(),
        listen: address("--listen", &arguments.listen)?,
        http_listen: address("--http-listen", &arguments.http_listen)?,
        store: match &arguments.store {
            Some(url) => url.clone(),
            None => default_store(cache_directory)?,
        },
        exclude_namespaces: arguments.exclude_namespace.clone(),
        registries: ClientOptions {
            mirrors: arguments
                .registry_mirror
                .iter()
                .map(|text| mirror(text))
                .collect::<Result<_>>()?,
            ..ClientOptions::default()
        },
        // Logins of whoever starts it are not those of the namespaces whose images are scanned.
        credentials: Credentials::default(),
        allow_local_registries: arguments.allow_local_registries,
        scans: SCANS,
    };
    Ok(seaworthy_operator::start(options, advisory_data)?)
}

fn address(flag: &str, text: &str) -> Result<SocketAddr> {
    text.parse()
        .with_context(|| format!("{flag}: not an address with a port: {text:?}"))
}

fn mirror(text: &str) -> Result<Mirror> {
    match text.split_once('=') {
        Some((host, url)) if !host.is_empty() && !url.is_empty() => Ok(Mirror {
            host: host.to_owned(),
            url: url.to_owned(),
        }),
        _ => bail!("--registry-mirror: not HOST=URL: {text:?}"),
    }
}

fn default_store(cache_directory: Option<&Path>) -> Result<String> {
    let directory = cache_directory
        .map(Path::to_owned)
        .or_else(data::cache_directory)
        .context("there is no home directory for the store; name a file with --store sqlite://FILE")?;
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(format!("sqlite://{}", directory.join("operator.db").display()))
}
