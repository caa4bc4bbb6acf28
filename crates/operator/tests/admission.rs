//! The webhook's routes behind a real listener: what is no review, what is too large or too deep, what comes before the memory
//! is filled, and what must leave no trace.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use seaworthy_gate::Memory;
use seaworthy_operator::admission;
use seaworthy_operator::store::{SqliteStore, Store};
use seaworthy_policy::ScanPolicy;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A webhook on loopback, its store, and the scans that it started.
struct Webhook {
    address: SocketAddr,
    store: Arc<SqliteStore>,
    scans: Arc<Mutex<Vec<String>>>,
    _directory: tempfile::TempDir,
}

impl Webhook {
    async fn start(memory: Memory) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("store.db").display());
        let store = Arc::new(SqliteStore::open(&url).await.unwrap());
        let scans = Arc::new(Mutex::new(Vec::new()));
        let started = Arc::clone(&scans);
        let router = admission(memory, Arc::clone(&store) as Arc<dyn Store>, move |namespace, image| {
            started.lock().unwrap().push(format!("{namespace} {image}"));
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            store,
            scans,
            _directory: directory,
        }
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let request = reqwest::Client::new().post(format!("http://{}/{path}", self.address));
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The response to a review that must be answered as one.
    async fn review(&self, path: &str, review: &Value) -> Value {
        let (status, text) = self.post(path, review.to_string()).await;
        assert_eq!(status, 200, "{text}");
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&answer["apiVersion"], &answer["kind"]),
            (&json!("admission.k8s.io/v1"), &json!("AdmissionReview"))
        );
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].take()
    }
}

fn memory() -> Memory {
    let mut memory = Memory {
        ready: true,
        policies: vec![ScanPolicy::default_of_installation()],
        ..Memory::default()
    };
    memory.resolved("default", "good:v1", DIGEST, i64::MAX);
    memory.assessments.insert(DIGEST.to_owned(), Arc::default());
    memory
}

fn review(kind: &str, object: &Value, dry_run: bool) -> Value {
    let group = match kind {
        "Pod" => "",
        "Job" | "CronJob" => "batch",
        _ => "apps",
    };
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "0b5e", "kind": {"group": group, "version": "v1", "kind": kind}, "operation": "CREATE",
        "namespace": "default", "userInfo": {"username": "ann"}, "object": object, "dryRun": dry_run}})
}

fn pod(image: &str, node: &str) -> Value {
    json!({"kind": "Pod", "metadata": {"name": "a", "namespace": "default", "uid": "p-1"},
           "spec": {"nodeName": node, "containers": [{"name": "a", "image": image}]}})
}

fn deployment(image: &str) -> Value {
    json!({"kind": "Deployment", "metadata": {"name": "a", "namespace": "default"}, "spec": {"template": {
        "spec": {"containers": [{"name": "a", "image": image}]}}}})
}

#[tokio::test]
async fn what_is_no_review_is_refused_and_says_why() {
    let webhook = Webhook::start(memory()).await;
    let deep = format!("{{\"request\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let mut deep_object = json!(1);
    for _ in 0..130 {
        deep_object = json!({"a": deep_object});
    }
    let deep_review = review("Deployment", &deep_object, false).to_string();
    for (body, why) in [
        (String::new(), "cannot read the review"),
        ("{".to_owned(), "cannot read the review"),
        ("null".to_owned(), "cannot read the review"),
        ("[]".to_owned(), "cannot read the review"),
        ("{}".to_owned(), "the review holds no request"),
        ("{\"request\":null}".to_owned(), "the review holds no request"),
        ("{\"request\":{\"uid\":1}}".to_owned(), "cannot read the review"),
        ("\u{0}\u{1}".to_owned(), "cannot read the review"),
        (deep, "cannot read the review"),
        (deep_review, "recursion limit exceeded"),
    ] {
        for path in ["mutate", "validate"] {
            let (status, text) = webhook.post(path, body.clone()).await;
            assert_eq!(status, 400, "{path} {text}");
            let answer: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(answer["response"]["allowed"], false, "{text}");
            let message = answer["response"]["status"]["message"].as_str().unwrap();
            assert!(message.contains(why), "{path}: {message}, not {why}");
        }
    }
    let (status, text) = webhook.post("mutate", vec![b' '; 21 << 20]).await;
    assert!(
        status == 413 && text.contains("length limit exceeded"),
        "{status} {text}"
    );
    // Bytes that are no text at all.
    assert_eq!(webhook.post("mutate", vec![0xff; 64]).await.0, 400);
    assert!(webhook.scans.lock().unwrap().is_empty());
}

/// etcd takes 1.5 MB, and a review of an update holds the object twice.
#[tokio::test]
async fn a_review_as_large_as_an_object_can_be_is_answered() {
    let webhook = Webhook::start(memory()).await;
    let mut large = deployment("new:v1");
    let environment: Vec<Value> = (0..10_000)
        .map(|number| json!({"name": format!("VARIABLE_{number}"), "value": "x".repeat(100)}))
        .collect();
    large["spec"]["template"]["spec"]["containers"][0]["env"] = json!(environment);
    let mut review = review("Deployment", &large, false);
    review["request"]["operation"] = json!("UPDATE");
    let mut before = large.clone();
    before["spec"]["template"]["spec"]["containers"][0]["image"] = json!("old:v1");
    review["request"]["oldObject"] = before;
    assert!(review.to_string().len() > 2_500_000);
    let answer = webhook.review("mutate", &review).await;
    assert_eq!(answer["allowed"], true);
    assert!(
        answer["warnings"][0].as_str().unwrap().starts_with("held: new:v1"),
        "{answer}"
    );
    assert!(!answer["patch"].as_str().unwrap().is_empty());
    // Nobody holds it yet: the second webhook says so.
    let answer = webhook.review("validate", &review).await;
    assert_eq!(
        (&answer["allowed"], &answer["status"]["code"]),
        (&json!(false), &json!(409))
    );
    // As many containers as fit.
    let mut pod = pod("good:v1", "");
    pod["spec"]["containers"] = (0..15_000)
        .map(|number| json!({"name": format!("c-{number}"), "image": format!("registry.example/new-{number}:v1")}))
        .collect();
    let answer = webhook.review("mutate", &self::review("Pod", &pod, false)).await;
    assert_eq!(answer["allowed"], true);
    assert!(answer["warnings"].as_array().unwrap().len() <= 10, "{answer}");
}

/// Go writes `<`, `>` and `&` as six bytes each.
#[tokio::test]
async fn a_review_that_the_api_server_writes_six_times_as_long_is_answered() {
    let webhook = Webhook::start(memory()).await;
    let mut large = pod("new:v1", "");
    large["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "<".repeat(1_450_000)}]);
    let mut review = review("Pod", &large, false);
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["oldObject"] = large;
    let text = review.to_string().replace('<', "\\u003c");
    assert!(text.len() > 17_000_000);
    let (status, answer) = webhook.post("mutate", text.into_bytes()).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn a_memory_that_is_not_filled_lets_nothing_in() {
    let empty = Webhook::start(Memory::default()).await;
    let mut known = memory();
    known.ready = false;
    let known = Webhook::start(known).await;
    for webhook in [&empty, &known] {
        for (kind, object) in [
            ("Deployment", deployment("good:v1")),
            ("Job", deployment("good:v1")),
            ("StatefulSet", deployment("good:v1")),
            ("DaemonSet", deployment("good:v1")),
            ("CronJob", json!({})),
            ("Pod", pod("good:v1", "")),
            ("Pod", pod("good:v1", "node-0")),
        ] {
            for path in ["mutate", "validate"] {
                for dry_run in [false, true] {
                    let answer = webhook.review(path, &review(kind, &object, dry_run)).await;
                    assert_eq!(answer["allowed"], false, "{path} {kind} {answer}");
                    assert_eq!(answer["status"]["code"], 503, "{answer}");
                    let message = answer["status"]["message"].as_str().unwrap();
                    assert!(message.contains("Seaworthy is starting"), "{message}");
                }
            }
        }
        assert!(webhook.scans.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_dry_run_starts_no_scan_and_remembers_nothing() {
    let webhook = Webhook::start(memory()).await;
    let remembered = async || {
        // Written beside the answer.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        webhook.store.load().await.unwrap().admissions.len()
    };
    let cases = [
        ("Pod", pod("good:v1", "node-0")),
        ("Pod", pod("new:v1", "node-0")),
        ("Deployment", deployment("new:v1")),
    ];
    let mut answers = Vec::new();
    for (kind, object) in &cases {
        for path in ["mutate", "validate"] {
            answers.push(webhook.review(path, &review(kind, object, true)).await);
        }
    }
    assert_eq!((remembered().await, webhook.scans.lock().unwrap().len()), (0, 0));
    // The same in earnest has the same answers, and consequences.
    let mut real = Vec::new();
    for (kind, object) in &cases {
        for path in ["mutate", "validate"] {
            real.push(webhook.review(path, &review(kind, object, false)).await);
        }
    }
    assert_eq!(answers, real);
    // Whoever reaches the port may send any review: only of pods that are there anything is remembered.
    assert_eq!(remembered().await, 0);
    assert!(webhook.scans.lock().unwrap().contains(&"default new:v1".to_owned()));
}

#[tokio::test]
async fn reviews_that_never_end_keep_others_out_for_seconds_only() {
    use tokio::io::AsyncWriteExt;
    let webhook = Webhook::start(memory()).await;
    let mut slow = Vec::new();
    for _ in 0..seaworthy_model::limits::REVIEWS_MIB / 8 {
        let mut connection = tokio::net::TcpStream::connect(webhook.address).await.unwrap();
        let head = b"POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
        connection.write_all(head).await.unwrap();
        slow.push(connection);
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let began = std::time::Instant::now();
    let answer = webhook
        .review("mutate", &review("Pod", &pod("good:v1", ""), true))
        .await;
    assert_eq!(answer["allowed"], true);
    let waited = began.elapsed();
    assert!(
        waited > std::time::Duration::from_secs(2),
        "there are so many turns and no more: {waited:?}"
    );
}
