//! `/readyz`, `/healthz` and `/metrics`, in plain HTTP for probes and Prometheus.

use crate::Error;
use crate::metrics::Metrics;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether we are ready.
#[derive(Debug, Default)]
pub(crate) struct Health(AtomicBool);

impl Health {
    pub(crate) fn is_ready(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_leaving(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn status(&self) -> (StatusCode, &'static str) {
        match self.0.load(Ordering::Acquire) {
            true => (StatusCode::OK, "ok\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        }
    }
}

pub(crate) async fn serve(address: SocketAddr, health: Arc<Health>, metrics: Arc<Metrics>) -> Result<(), Error> {
    let ready = move || async move { health.status() };
    let figures = move || async move {
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, content_type)], metrics.text()).into_response()
    };
    let router = Router::new()
        .route("/readyz", get(ready))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(figures));
    let failed = |source| Error::Listen {
        address: address.to_string(),
        source,
    };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    axum::serve(listener, router).await.map_err(|source| Error::Serve {
        what: "health and metrics",
        source,
    })
}
