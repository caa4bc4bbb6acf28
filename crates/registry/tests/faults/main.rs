//! The client against registries that misbehave: by a fault proxy in front of a real one, or by a made-up one.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod tokens;

use seaworthy_model::Digest;
use seaworthy_registry::{Client, ClientOptions, Credentials, Error, Reference, Repository, Retry, Timeouts};
use seaworthy_testkit::{Fault, FaultProxy, ImageBuilder, LayerBuilder, RegistryServer, Rule, Stored};
use std::time::{Duration, Instant};

fn options() -> ClientOptions {
    ClientOptions {
        retry: Retry {
            attempts: 3,
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            longest_asked: Duration::from_secs(2),
        },
        timeouts: Timeouts {
            response: Duration::from_millis(600),
            idle: Duration::from_millis(600),
            document: Duration::from_millis(1500),
            ..Timeouts::default()
        },
        ..ClientOptions::default()
    }
}

fn login() -> Credentials {
    Credentials::anonymous().with_password("captain", "hunter2")
}

fn repository(host: &str, credentials: Credentials) -> Repository {
    let reference: Reference = format!("{host}/app:v1").parse().unwrap();
    Client::new(options(), credentials).unwrap().repository(&reference)
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(next).collect()
}

struct Fixture {
    proxy: FaultProxy,
    layer: Digest,
    content: Vec<u8>,
    _server: RegistryServer,
}

/// A registry with one image, whose layer is not compressed, behind a proxy.
fn fixture(rules: Vec<Rule>) -> Option<Fixture> {
    let server = RegistryServer::start()?;
    let content = LayerBuilder::new().file("a", noise(700_000)).into_tar();
    server.push(
        "app",
        "v1",
        &ImageBuilder::new().tar_layer(content.clone(), Stored::Plain),
    );
    let digest = Digest::parse(&server.put_blob("app", &content)).unwrap();
    Some(Fixture {
        proxy: FaultProxy::start(server.host(), rules),
        layer: digest,
        content,
        _server: server,
    })
}

async fn read(repository: &Repository, digest: Digest, size: u64) -> Result<Vec<u8>, Error> {
    let mut stream = repository.blob(digest, size);
    let mut all = Vec::new();
    while let Some(chunk) = stream.next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

fn answer(status: u16, headers: &[&str], body: &str) -> Fault {
    Fault::Answer {
        status,
        headers: headers.iter().map(|header| (*header).to_owned()).collect(),
        body: body.as_bytes().to_vec(),
    }
}

#[tokio::test]
async fn a_blob_that_is_cut_off_goes_on_where_it_stopped() {
    for (fault, ranged) in [(Fault::Cut(200_000), true), (Fault::Cut(0), false)] {
        let Some(fixture) = fixture(vec![Rule::once("/blobs/", fault)]) else {
            return;
        };
        let repository = repository(fixture.proxy.host(), Credentials::anonymous());
        let all = read(&repository, fixture.layer, fixture.content.len() as u64)
            .await
            .unwrap();
        assert!(all == fixture.content);
        let requests = fixture.proxy.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].header("range"), ranged.then_some("bytes=200000-"));
    }
}

#[tokio::test]
async fn a_registry_that_ignores_ranges_is_read_again_from_the_start() {
    let rules = vec![
        Rule::once("/blobs/", Fault::Cut(200_000)),
        Rule::once("/blobs/", Fault::NoRange),
    ];
    let Some(fixture) = fixture(rules) else { return };
    let repository = repository(fixture.proxy.host(), Credentials::anonymous());
    let all = read(&repository, fixture.layer, fixture.content.len() as u64)
        .await
        .unwrap();
    assert!(all == fixture.content);
}

#[tokio::test]
async fn a_blob_that_always_breaks_off_ends_with_an_error() {
    let Some(fixture) = fixture(vec![Rule::always("/blobs/", Fault::Cut(0))]) else {
        return;
    };
    let repository = repository(fixture.proxy.host(), Credentials::anonymous());
    let error = read(&repository, fixture.layer, fixture.content.len() as u64)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BrokenOff { .. }), "{error:?}");
}

#[tokio::test]
async fn a_stalled_blob_is_asked_for_again() {
    let Some(fixture) = fixture(vec![Rule::once("/blobs/", Fault::Silence)]) else {
        return;
    };
    let repository = repository(fixture.proxy.host(), Credentials::anonymous());
    let all = read(&repository, fixture.layer, fixture.content.len() as u64)
        .await
        .unwrap();
    assert!(all == fixture.content);
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_deadline() {
    let rules = vec![Rule::always("/blobs/", Fault::Drip(100, Duration::from_millis(20)))];
    let Some(fixture) = fixture(rules) else { return };
    let started = Instant::now();
    let repository = repository(fixture.proxy.host(), Credentials::anonymous())
        .with_deadline(Some(started + Duration::from_millis(500)));
    let error = read(&repository, fixture.layer, fixture.content.len() as u64)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_blob_longer_than_promised_is_not_read_on() {
    let Some(fixture) = fixture(vec![Rule::always(
        "/blobs/",
        Fault::Endless("application/octet-stream".into()),
    )]) else {
        return;
    };
    let repository = repository(fixture.proxy.host(), Credentials::anonymous());
    let error = read(&repository, fixture.layer, 1_000_000).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1_000_000, .. }), "{error:?}");
}

#[tokio::test]
async fn wrong_bytes_and_endless_or_foreign_manifests_are_refused() {
    let Some(fixture) = fixture(vec![]) else { return };
    let repository = repository(fixture.proxy.host(), Credentials::anonymous());
    let ask = |fault| {
        fixture.proxy.add(Rule::once("/manifests/", fault));
        repository.manifest()
    };
    let error = ask(Fault::WrongByte(5)).await.unwrap_err();
    assert!(matches!(error, Error::WrongDigest { .. }), "{error:?}");
    let error = ask(Fault::Endless("application/vnd.oci.image.index.v1+json".into()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    let page = answer(200, &["content-type: text/html; charset=utf-8"], "<html>log in</html>");
    let error = ask(page).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert!(error.to_string().contains("text/html"), "{error}");
    ask(Fault::ContentType("text/plain".into())).await.unwrap();
}

#[tokio::test]
async fn rate_limits_and_failures_that_pass_are_waited_for() {
    let rules = vec![
        Rule::once("/manifests/", answer(429, &["retry-after: 1"], "")),
        Rule::once("/manifests/", answer(500, &[], "")),
    ];
    let Some(fixture) = fixture(rules) else { return };
    let started = Instant::now();
    repository(fixture.proxy.host(), Credentials::anonymous())
        .manifest()
        .await
        .unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(fixture.proxy.requests().len(), 3);
}

#[tokio::test]
async fn rate_limits_and_failures_that_stay_are_told() {
    let proxy = FaultProxy::alone(vec![Rule::once("/manifests/", answer(429, &["retry-after: 3600"], ""))]);
    let repository = repository(proxy.host(), Credentials::anonymous());
    let started = Instant::now();
    let error = repository.manifest().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::RateLimited {
                retry_after: Some(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(60), "an hour is not waited for");
    proxy.forget();
    let body = "{\"errors\":[{\"code\":\"X\",\"message\":\"disk\\u001b[31m full\"}]}";
    proxy.add(Rule::always("/manifests/", answer(503, &[], body)));
    let error = repository.manifest().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Status { status: 503, .. }), "{error:?}");
    assert!(text.contains("disk[31m full"), "{text:?}");
    assert_eq!(proxy.requests().len(), 3);
    proxy.add(Rule::always("/blobs/", answer(403, &[], "")));
    let error = repository.small_blob(Digest::from_bytes([0; 32])).await.unwrap_err();
    assert!(matches!(error, Error::LoginNeeded { .. }), "{error:?}");
}

#[tokio::test]
async fn redirects_that_lead_nowhere_good_are_refused() {
    for location in [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "file:///etc/passwd",
        "gopher://x/",
        "http://",
        "/v2/app/blobs/loop",
    ] {
        let header = format!("location: {location}");
        let registry = FaultProxy::alone(vec![Rule::always("/blobs/", answer(302, &[&header], ""))]);
        let blob = Digest::from_bytes([1; 32]);
        let error = repository(registry.host(), login()).small_blob(blob).await.unwrap_err();
        assert!(matches!(error, Error::Redirect { .. }), "{location} {error:?}");
        assert!(registry.requests().len() <= 7);
    }
}

#[tokio::test]
async fn plain_http_beyond_loopback_needs_to_be_asked_for() {
    let rules = vec![Rule::always("/manifests/", answer(200, &[], "{}"))];
    let Some(registry) = FaultProxy::alone_beyond_loopback(rules) else {
        return;
    };
    let reference: Reference = format!("{}/app:v1", registry.host()).parse().unwrap();
    let ask = |insecure| {
        let options = ClientOptions { insecure, ..options() };
        Client::new(options, login()).unwrap().repository(&reference)
    };
    let error = ask(false).manifest().await.unwrap_err();
    assert!(matches!(error, Error::PlainHttp { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("--insecure"));
    ask(true).manifest().await.unwrap();
}

#[tokio::test]
async fn a_registry_elsewhere_cannot_lead_to_this_machine() {
    let here = FaultProxy::alone(vec![Rule::always("/", answer(200, &[], "abc"))]);
    for host in [
        here.host().to_owned(),
        format!("localhost:{}", here.port()),
        format!("[::1]:{}", here.port()),
    ] {
        let location = format!("location: http://{host}/x");
        let rules = vec![Rule::always("/blobs/", answer(307, &[&location], ""))];
        let Some(registry) = FaultProxy::alone_beyond_loopback(rules) else {
            return;
        };
        let reference: Reference = format!("{}/app:v1", registry.host()).parse().unwrap();
        let ask = |allow_local_redirects| {
            let options = ClientOptions {
                insecure: true,
                allow_local_redirects,
                ..options()
            };
            Client::new(options, login()).unwrap().repository(&reference)
        };
        let blob = Digest::from_bytes([1; 32]);
        let error = ask(false).small_blob(blob).await.unwrap_err();
        assert!(matches!(error, Error::Redirect { .. }), "{host} {error:?}");
        assert!(here.requests().is_empty());
        if !host.starts_with('[') {
            ask(true).small_blob(blob).await.unwrap_err();
            assert_eq!(here.requests().len(), 1);
            here.forget();
        }
    }
}

#[tokio::test]
async fn a_host_elsewhere_is_not_spoken_to_in_plain_http() {
    let reference: Reference = "registry.invalid/app:v1".parse().unwrap();
    let mirror = seaworthy_registry::Mirror {
        host: "registry.invalid".into(),
        url: "http://192.0.2.1".into(),
    };
    let options = ClientOptions {
        mirrors: vec![mirror],
        ..options()
    };
    let repository = Client::new(options, login()).unwrap().repository(&reference);
    let started = Instant::now();
    // The mirror is refused without a connection; the registry itself is unknown.
    let error = repository.manifest().await.unwrap_err();
    assert!(matches!(error, Error::UnknownHost { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_registry_without_head_is_asked_for_the_manifest() {
    let registry = FaultProxy::alone(vec![
        Rule::once("/manifests/", answer(405, &[], "")),
        Rule::always("/manifests/", answer(200, &[], "{}")),
    ]);
    let digest = repository(registry.host(), Credentials::anonymous())
        .digest()
        .await
        .unwrap();
    assert_eq!(
        digest.hex(),
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    );
}

#[tokio::test]
async fn a_connection_that_dies_before_the_answer_is_tried_again_without_tls() {
    let Some(fixture) = fixture(vec![]) else { return };
    let repository = repository(fixture.proxy.host(), Credentials::anonymous());
    fixture.proxy.add(Rule::once("/manifests/", Fault::HangUp));
    repository.manifest().await.unwrap();
    repository.manifest().await.unwrap();
}

#[tokio::test]
async fn a_manifest_that_drips_on_and_on_ends() {
    let rules = vec![Rule::always("/manifests/", Fault::Drip(1, Duration::from_millis(100)))];
    let Some(fixture) = fixture(rules) else { return };
    let started = Instant::now();
    let error = repository(fixture.proxy.host(), Credentials::anonymous())
        .manifest()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(4));
}
