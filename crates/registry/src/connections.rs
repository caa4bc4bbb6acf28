//! The HTTP clients: one for registries themselves, one for loopback, one for each set of places that is denied.
//!
//! They are made when they are first needed: reading the system's certificate authorities costs milliseconds, which a
//! registry on loopback need not pay.

use crate::address::{Denied, GuardedResolver};
use crate::{ClientOptions, Error};
use reqwest::{Certificate, redirect};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// A host that the user named.
    Registry,
    /// A host that the user named, on this machine, in plain HTTP.
    Loopback,
    /// A host that a registry named.
    Named(Denied),
}

/// The clients made so far.
#[derive(Debug)]
pub(crate) struct Connections {
    authorities: Vec<Certificate>,
    clients: Mutex<HashMap<Purpose, reqwest::Client>>,
}

impl Connections {
    /// Reads the authorities; makes no client yet.
    pub(crate) fn new(options: &ClientOptions) -> Result<Self, Error> {
        let mut authorities = Vec::new();
        for pem in &options.ca_certificates {
            let read =
                Certificate::from_pem_bundle(pem).map_err(|error| Error::BadCertificate { why: error.to_string() })?;
            if read.is_empty() {
                return Err(Error::BadCertificate {
                    why: "it holds no certificate in PEM".into(),
                });
            }
            authorities.extend(read);
        }
        Ok(Self {
            authorities,
            clients: Mutex::new(HashMap::new()),
        })
    }

    /// The client for a purpose.
    pub(crate) fn client(&self, purpose: Purpose, options: &ClientOptions) -> Result<reqwest::Client, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&purpose) {
            return Ok(client.clone());
        }
        let client = self.build(purpose, options)?;
        clients.insert(purpose, client.clone());
        Ok(client)
    }

    fn build(&self, purpose: Purpose, options: &ClientOptions) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .connect_timeout(options.timeouts.connect)
            // Redirects are followed by hand: credentials must not go along.
            .redirect(redirect::Policy::none())
            .referer(false)
            // Layers are few and long: one connection each is faster than streams sharing one window.
            .http1_only();
        builder = match purpose {
            Purpose::Loopback => builder.tls_certs_only([]),
            _ => builder.tls_certs_merge(self.authorities.iter().cloned()),
        };
        if options.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if purpose == Purpose::Loopback || !options.proxies_of_environment {
            builder = builder.no_proxy();
        }
        if let Purpose::Named(denied) = purpose {
            let exempt = if options.proxies_of_environment {
                proxy_hosts()
            } else {
                Vec::new()
            };
            builder = builder.dns_resolver(GuardedResolver { denied, exempt });
        }
        builder.build().map_err(|error| Error::Setup { why: error.to_string() })
    }
}

/// The hosts of the proxies that the environment names: whoever set them means them, wherever they are.
fn proxy_hosts() -> Vec<String> {
    [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ]
    .iter()
    .filter_map(|name| std::env::var(name).ok())
    .filter_map(|value| {
        let url = if value.contains("://") {
            value
        } else {
            format!("http://{value}")
        };
        url::Url::parse(&url).ok()?.host_str().map(str::to_owned)
    })
    .collect()
}
