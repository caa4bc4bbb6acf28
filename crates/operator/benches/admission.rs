//! Admission, timed: reviews that a real API server sent, answered by the webhook's own routes out of a filled memory, from
//! the bytes of the request to the bytes of the answer. Once in this process, once through TLS on connections that stay open.
//!
//! `cargo bench -p seaworthy-operator --bench admission` prints the figures and ends with 1 where a bar is missed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::exit,
    reason = "a bench prints, and fails by panicking"
)]

#[path = "../../gate/tests/support/mod.rs"]
mod support;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use bytes::Bytes;
use seaworthy_gate::{
    Memory, Phase, TagKey, ask, images, owner_of_pod, owner_of_workload, owner_record, pod_images, template_id,
};
use seaworthy_model::{AssessedFinding, Assessment, Severity};
use seaworthy_operator::admission;
use seaworthy_operator::store::SqliteStore;
use seaworthy_policy::ScanPolicy;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower_service::Service;

/// What a real API server sent, in the order in which a memory learns from it.
const RECORDED: [&str; 7] = [
    include_str!("../../gate/tests/reviews/deployment-create.json"),
    include_str!("../../gate/tests/reviews/deployment-update.json"),
    include_str!("../../gate/tests/reviews/statefulset-create.json"),
    include_str!("../../gate/tests/reviews/job-create.json"),
    include_str!("../../gate/tests/reviews/pod-of-replicaset.json"),
    include_str!("../../gate/tests/reviews/pod-of-job.json"),
    include_str!("../../gate/tests/reviews/pod-alone.json"),
];

const WORKLOADS: usize = 200;
const VERDICTS: usize = 1_000;
/// Findings of each image, the first of every second one being critical.
const FINDINGS: usize = 40;
const CORES: usize = 2;
/// Requests under way at a time through TLS.
const CONNECTIONS: usize = 8;
const WARM_UP: Duration = Duration::from_secs(1);
const LENGTH: Duration = Duration::from_secs(10);

/// The bars, in process.
const P99: Duration = Duration::from_millis(2);
const RATE: f64 = 10_000.0;

/// One request: the path and the body.
type Call = (&'static str, Bytes);

fn main() {
    // `cargo test --benches` only builds it.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let (memory, calls) = memory_and_calls();
    let bytes: usize = calls.iter().map(|(_, body)| body.len()).sum();
    println!(
        "{} reviews of {} workloads, {} bytes each on average; {} verdicts; {CORES} threads",
        calls.len(),
        WORKLOADS,
        bytes / calls.len(),
        memory.assessments.len(),
    );
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CORES)
        .enable_all()
        .build()
        .unwrap();
    let calls: Arc<[Call]> = calls.into();
    let (inside, through_tls) = runtime.block_on(async {
        let store = format!("sqlite://{}", directory.path().join("store.db").display());
        let store = Arc::new(SqliteStore::open(&store).await.unwrap());
        let router = admission(memory, store, |_, _| ());
        let inside = in_process(&router, &calls).await;
        (inside, through_tls(router, &calls).await)
    });
    inside.print("in process, body to body");
    through_tls.print(&format!(
        "through TLS 1.3, HTTP/1.1, {CONNECTIONS} connections kept open, client on the same cores"
    ));
    let held = inside.percentile(0.99) < P99 && inside.rate() >= RATE;
    println!(
        "bars: p99 < {P99:?} and at least {RATE} a second in process: {}",
        if held { "held" } else { "missed" }
    );
    std::process::exit(i32::from(!held));
}

/// How long each answer took, and how long all of them.
struct Times {
    each: Vec<Duration>,
    whole: Duration,
}

impl Times {
    fn of(parts: Vec<Vec<Duration>>, whole: Duration) -> Self {
        let mut each: Vec<Duration> = parts.into_iter().flatten().collect();
        each.sort_unstable();
        Self { each, whole }
    }

    fn percentile(&self, share: f64) -> Duration {
        let index = (self.each.len() as f64 * share) as usize;
        self.each[index.min(self.each.len() - 1)]
    }

    fn rate(&self) -> f64 {
        self.each.len() as f64 / self.whole.as_secs_f64()
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {:.0} a second, median {:?}, p99 {:?}, p99.9 {:?}, longest {:?} ({} answers)",
            self.rate(),
            self.percentile(0.5),
            self.percentile(0.99),
            self.percentile(0.999),
            self.percentile(1.0),
            self.each.len()
        );
    }
}

/// Lets `CORES` tasks ask one after another, each from another place in the list.
async fn in_process(router: &Router, calls: &Arc<[Call]>) -> Times {
    let mut parts = Vec::new();
    let started = Instant::now();
    for task in 0..CORES {
        let (mut router, calls) = (router.clone(), Arc::clone(calls));
        parts.push(tokio::spawn(async move {
            let mut times = Vec::with_capacity(1 << 20);
            let from = task * calls.len() / CORES;
            for (path, body) in calls.iter().cycle().skip(from) {
                let elapsed = started.elapsed();
                if elapsed > WARM_UP + LENGTH {
                    break;
                }
                let request = Request::post(*path).body(Body::from(body.clone())).unwrap();
                let asked = Instant::now();
                let response = router.call(request).await.unwrap();
                let status = response.status();
                let answer = to_bytes(response.into_body(), usize::MAX).await.unwrap();
                let time = asked.elapsed();
                assert!(status.is_success() && !answer.is_empty());
                if elapsed > WARM_UP {
                    times.push(time);
                }
            }
            times
        }));
    }
    ended(parts, started).await
}

/// What all parts took, once they have ended.
async fn ended(parts: Vec<tokio::task::JoinHandle<Vec<Duration>>>, started: Instant) -> Times {
    let mut all = Vec::new();
    for part in parts {
        all.push(part.await.unwrap());
    }
    Times::of(all, started.elapsed().checked_sub(WARM_UP).unwrap())
}

/// The same through a real listener. API servers speak HTTP/1.1 to webhooks, and keep their connections.
async fn through_tls(router: Router, calls: &Arc<[Call]>) -> Times {
    let key = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, secret) = (key.cert.pem(), key.signing_key.serialize_pem());
    let config = RustlsConfig::from_pem(certificate.clone().into(), secret.into())
        .await
        .unwrap();
    let handle: Handle<SocketAddr> = Handle::new();
    let server = axum_server::bind_rustls(([127, 0, 0, 1], 0).into(), config)
        .handle(handle.clone())
        .serve(router.into_make_service());
    tokio::spawn(server);
    let address = handle.listening().await.unwrap();
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let mut parts = Vec::new();
    let started = Instant::now();
    for task in 0..CONNECTIONS {
        let client = reqwest::Client::builder()
            .tls_certs_only([trusted.clone()])
            .http1_only()
            .build()
            .unwrap();
        let calls = Arc::clone(calls);
        parts.push(tokio::spawn(async move {
            let mut times = Vec::with_capacity(1 << 18);
            let from = task * calls.len() / CONNECTIONS;
            for (path, body) in calls.iter().cycle().skip(from) {
                let elapsed = started.elapsed();
                if elapsed > WARM_UP + LENGTH {
                    break;
                }
                let request = client.post(format!("https://{address}{path}")).body(body.clone());
                let asked = Instant::now();
                let answer = request.send().await.unwrap().bytes().await.unwrap();
                let time = asked.elapsed();
                assert!(!answer.is_empty());
                if elapsed > WARM_UP {
                    times.push(time);
                }
            }
            times
        }));
    }
    ended(parts, started).await
}

/// A memory that knows every workload of the reviews, and the reviews as both webhooks get them.
fn memory_and_calls() -> (Memory, Vec<Call>) {
    let mut memory = Memory {
        ready: true,
        ourselves: support::OURSELVES.to_owned(),
        policies: vec![ScanPolicy::default_of_installation()],
        ..Memory::default()
    };
    memory.platforms.insert("linux/amd64".to_owned());
    for number in 0..VERDICTS {
        memory.assessments.insert(digest(number), assessment(number));
    }
    let mut reviews = Vec::new();
    for workload in 0..WORKLOADS {
        for text in RECORDED {
            let review = of_workload(text, workload);
            learn(&mut memory, &review, workload);
            reviews.push(review);
        }
    }
    let now = now();
    let mut calls = Vec::new();
    for review in reviews {
        let body = review.to_string();
        let answer = ask(body.as_bytes(), Phase::Mutating, &memory, now);
        assert!(answer.allowed, "{}: {body}", answer.message);
        let mut changed = review;
        changed["request"]["object"] = support::patched(&changed["request"]["object"], &answer.patches);
        let second = changed.to_string();
        let answer = ask(second.as_bytes(), Phase::Validating, &memory, now);
        assert!(answer.allowed, "{}: {second}", answer.message);
        calls.push(("/mutate", Bytes::from(body)));
        calls.push(("/validate", Bytes::from(second)));
    }
    (memory, calls)
}

/// The same review of another workload: its own identities, its own image, one of twenty namespaces.
fn of_workload(text: &str, workload: usize) -> Value {
    let mut text = text.replace("shop/", &format!("shop/{workload}-"));
    text = text.replace("\"shop\"", &format!("\"shop-{}\"", workload % 20));
    let review: Value = serde_json::from_str(&text).unwrap();
    let mut found = BTreeSet::new();
    uids(&review, &mut found);
    for uid in found {
        let (kept, _) = uid.split_at(uid.len() - 12);
        text = text.replace(&uid, &format!("{kept}{workload:012x}"));
    }
    serde_json::from_str(&text).unwrap()
}

fn uids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(uid) if key == "uid" && uid.len() == 36 => {
                        found.insert(uid.clone());
                    }
                    _ => uids(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| uids(value, found)),
        _ => {}
    }
}

/// Lets the memory know what the watches and scans of a cluster would have told it.
fn learn(memory: &mut Memory, review: &Value, workload: usize) {
    let object = &review["request"]["object"];
    let kind = review["request"]["kind"]["kind"].as_str().unwrap();
    let namespace = review["request"]["namespace"].as_str().unwrap();
    let (owner, template, used) = match kind {
        // What nobody stands above is new to us whenever it comes.
        "Pod" if object["metadata"]["ownerReferences"].is_null() => return,
        "Pod" => {
            above(memory, object);
            let owner = owner_of_pod(object, memory);
            (owner.top, owner.template, pod_images(object).unwrap())
        }
        kind => {
            memory.owners.extend(owner_record(kind, object));
            let used = images(object, &["spec", "template", "spec"]).unwrap();
            let template = template_id(&object["spec"]["template"]);
            (owner_of_workload(object, memory), template, used)
        }
    };
    if owner.is_empty() {
        return;
    }
    for (index, image) in used.into_iter().enumerate() {
        let digest = digest((workload * 5 + index) % VERDICTS);
        memory.resolved(namespace, &image.image, &digest, now());
        let key = TagKey {
            namespace: namespace.to_owned(),
            owner: owner.clone(),
            template: template.clone(),
            image: image.image,
        };
        memory.tags.insert(key, digest);
    }
}

/// What stands above a pod, as the pod shows it: its ReplicaSet or Job with a template like it.
fn above(memory: &mut Memory, pod: &Value) {
    let Some(claim) = pod.pointer("/metadata/ownerReferences/0") else {
        return;
    };
    let kind = claim["kind"].as_str().unwrap();
    let labels = &pod["metadata"]["labels"];
    let object = json!({
        "metadata": {"uid": claim["uid"], "namespace": pod["metadata"]["namespace"], "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod["spec"]}}
    });
    memory.owners.extend(owner_record(kind, &object));
}

fn digest(number: usize) -> String {
    format!("sha256:{number:064x}")
}

fn assessment(number: usize) -> Arc<Assessment> {
    let severity = |index: usize| match (number % 2, index) {
        (0, 0) => Severity::Critical,
        (_, 0..10) => Severity::High,
        _ => Severity::Medium,
    };
    let findings = (0..FINDINGS).map(|index| AssessedFinding {
        id: format!("CVE-2026-{}", number * FINDINGS + index),
        vendor_ids: vec![],
        package: format!("package-{index}"),
        installed: "1.1.1k-r0".to_owned(),
        fixed: "1.1.1l-r0".to_owned(),
        severity: severity(index),
        cvss: Some(7.5),
        epss: Some(0.01),
        known_exploited: false,
        published: Some("2026-01-01T00:00:00Z".to_owned()),
    });
    Arc::new(Assessment {
        scanned_at: now(),
        findings: findings.collect(),
        ..Assessment::default()
    })
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}
