//! What the tests of alerts share: news, a receiver that answers as told and keeps what it got, and known Secrets.
#![allow(dead_code, reason = "each test uses some of it")]

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use futures_util::future::BoxFuture;
use futures_util::stream;
use seaworthy_model::Severity;
use seaworthy_operator::alerts::{Event, Failure, News, Observation, Secrets, Workload, Worst};
use seaworthy_operator::resources::{AlertChannelSpec, ChannelType, SecretKey};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) fn workload(name: &str) -> Workload {
    Workload {
        namespace: "shop".to_owned(),
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
    }
}

pub(crate) fn blocked(digest: &str) -> News {
    News {
        event: Event::Blocked,
        image: "myapp:v1".to_owned(),
        digest: Some(digest.to_owned()),
        worst: Some(Worst {
            id: "CVE-2022-23852".to_owned(),
            package: "expat".to_owned(),
            installed: "2.4.1".to_owned(),
            fixed: Some("2.4.4".to_owned()),
            severity: Severity::Critical,
        }),
        line: "myapp:v1: CVE-2022-23852 CRITICAL in expat 2.4.1 → 2.4.4: update expat and deploy the new image"
            .to_owned(),
        command: "kubectl set image deployment/myapp c=myapp:FIXED_TAG -n shop".to_owned(),
        channels: ["team".to_owned()].into(),
        patience: 0,
    }
}

pub(crate) fn observed(name: &str, news: Vec<News>) -> Observation {
    Observation {
        workload: workload(name),
        news,
        settled: true,
        exists: true,
    }
}

pub(crate) fn gone(name: &str) -> Observation {
    Observation::gone(workload(name))
}

pub(crate) fn spec(channel_type: ChannelType, url: &str) -> AlertChannelSpec {
    AlertChannelSpec {
        channel_type,
        url: Some(url.to_owned()),
        url_from: None,
        min_severity: None,
        namespaces: Vec::new(),
        email: None,
        ca_bundle: None,
    }
}

/// Secrets by `namespace/name/key`.
#[derive(Default)]
pub(crate) struct Known(pub(crate) BTreeMap<String, String>);

impl Secrets for Known {
    fn read<'a>(&'a self, key: &'a SecretKey) -> BoxFuture<'a, Result<String, Failure>> {
        let place = format!("{}/{}/{}", key.namespace, key.name, key.key);
        let found = self.0.get(&place).cloned();
        Box::pin(async move { found.ok_or_else(|| Failure::new("SecretNotFound", place)) })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver on loopback; it ends when it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Script {
    statuses: Arc<Vec<u16>>,
    seen: Arc<Mutex<Vec<Request>>>,
}

/// A receiver that answers with these statuses, then with 200.
pub(crate) async fn receiver(statuses: Vec<u16>) -> Receiver {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let script = Script {
        statuses: Arc::new(statuses),
        seen: Arc::clone(&seen),
    };
    let router = Router::new().fallback(answer).with_state(script);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Receiver { address, seen, task }
}

async fn answer(State(script): State<Script>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mut seen = script.seen.lock().unwrap();
    let status = script.statuses.get(seen.len()).copied().unwrap_or(200);
    let content_type = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    seen.push(Request {
        path: uri.path().to_owned(),
        content_type: content_type.to_owned(),
        body: body.to_vec(),
    });
    let mut response = Response::builder().status(status);
    if status == 302 {
        response = response.header("location", "/elsewhere");
    }
    if status == 429 {
        response = response.header("retry-after", "1");
    }
    response.body(Body::from("s3cr3t answer")).unwrap()
}

/// The address of a receiver whose answer never ends.
pub(crate) async fn endless() -> String {
    let chunks = || stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096])));
    let router = Router::new().fallback(move || async move { Response::new(Body::from_stream(chunks())) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/")
}

/// Waits until a receiver has seen this many requests.
pub(crate) async fn until(receiver: &Receiver, count: usize) -> Vec<Request> {
    let started = Instant::now();
    loop {
        let seen = receiver.seen();
        if seen.len() >= count {
            return seen;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{} of {count} came",
            seen.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
