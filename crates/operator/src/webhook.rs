//! The admission webhook: HTTPS in, the gate's answer out. Answers come from memory alone.

use crate::metrics::Metrics;
use crate::scans::Wanted;
use crate::shared::{Shared, now};
use crate::store::Store;
use crate::{Error, Options};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seaworthy_gate::{Answer, Memory, Phase};
use seaworthy_model::limits;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Bytes of one review: object and old object, each at most the 1.5 MiB that etcd takes, of which the API server may write
/// every byte as six (`<` as `\u003c`), and room for what is around them.
const REVIEW_BYTES: usize = 20 << 20;

/// Of the turns, one for each MiB that may be in memory, a review takes as many as it has MiB, and this many at least.
const TURNS_AT_LEAST: u32 = 8;

/// How long a review may take, its body included. The API server waits no longer for the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) shared: Arc<Shared>,
    /// Starts a scan; returns at once.
    pub(crate) scan: Arc<dyn Fn(Wanted) + Send + Sync>,
    pub(crate) metrics: Arc<Metrics>,
}

/// The routes of the webhook around a memory that somebody else has filled: to be measured and tried without a cluster.
/// `scan` is told the namespace and the image of every scan that an answer starts.
pub fn admission(memory: Memory, store: Arc<dyn Store>, scan: impl Fn(&str, &str) + Send + Sync + 'static) -> Router {
    router(Gate {
        shared: Arc::new(Shared::new(memory, store)),
        scan: Arc::new(move |wanted: Wanted| scan(&wanted.namespace, &wanted.image)),
        metrics: Arc::new(Metrics::new()),
    })
}

/// The routes of the webhook.
pub(crate) fn router(gate: Gate) -> Router {
    Router::new()
        .route("/mutate", post(mutate))
        .route("/validate", post(validate))
        .route("/preview", post(preview))
        .layer(DefaultBodyLimit::max(REVIEW_BYTES))
        .layer(from_fn_with_state(
            Arc::new(Semaphore::new(limits::REVIEWS_MIB)),
            in_turn,
        ))
        .with_state(gate)
}

/// Lets in so many at a time, and none for ever: whoever reaches the port may send what they like.
async fn in_turn(State(turns): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let most = u32::try_from(REVIEW_BYTES >> 20).unwrap_or(u32::MAX);
    // Without a length it may be as long as any.
    let wanted = length.map_or(most, |length| {
        u32::try_from(length >> 20).unwrap_or(most).saturating_add(1)
    });
    let answered = async {
        let _turns = turns.acquire_many(wanted.clamp(TURNS_AT_LEAST, most)).await;
        next.run(request).await
    };
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(answer) => answer,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

async fn mutate(State(gate): State<Gate>, body: Bytes) -> Response {
    answer(&gate, Phase::Mutating, &body)
}

async fn validate(State(gate): State<Gate>, body: Bytes) -> Response {
    answer(&gate, Phase::Validating, &body)
}

async fn preview(State(gate): State<Gate>, body: Bytes) -> Response {
    let review = crate::preview::review(&body, &gate.shared.memory(), now(), |bytes| STANDARD.encode(bytes));
    axum::Json(review).into_response()
}

fn answer(gate: &Gate, phase: Phase, body: &[u8]) -> Response {
    let started = Instant::now();
    // Read before the memory is looked at: whoever changes it does not wait for that.
    let answer = match seaworthy_gate::read(body) {
        Ok(request) => seaworthy_gate::answer(&request, phase, &gate.shared.memory(), now()),
        Err(refused) => *refused,
    };
    gate.metrics.admission(phase, answer.decision, started.elapsed());
    follow(gate, &answer);
    let review = answer.review(|bytes| STANDARD.encode(bytes)).to_string();
    let status = if answer.uid.is_empty() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    (status, [(header::CONTENT_TYPE, "application/json")], review).into_response()
}

/// Does beside the answer what follows from it. Nothing is remembered: whoever reaches us may send any review.
fn follow(gate: &Gate, answer: &Answer) {
    // A refused object exists for nobody else to start its scans; what is held has its controller.
    if !answer.allowed || answer.decision == "warned" {
        for scan in &answer.scans {
            (gate.scan)(Wanted {
                namespace: scan.namespace.clone(),
                image: scan.image.clone(),
                owner: None,
                once: true,
            });
        }
    }
}

/// Serves until the handle says stop.
pub(crate) async fn serve(
    gate: Gate,
    config: RustlsConfig,
    options: &Options,
    handle: Handle<SocketAddr>,
) -> Result<(), Error> {
    axum_server::bind_rustls(options.listen, config)
        .handle(handle)
        .first_request_timeout(Duration::from_secs(30))
        .serve(router(gate).into_make_service())
        .await
        .map_err(|source| Error::Listen {
            address: options.listen.to_string(),
            source,
        })
}
