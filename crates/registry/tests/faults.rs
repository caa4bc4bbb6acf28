//! The client against registries that misbehave: by a fault proxy in front of a real one, or by a made-up one.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

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
    assert!(started.elapsed() < Duration::from_secs(1), "an hour is not waited for");
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

/// A registry that wants a token of `realm`, and serves a manifest to who has it.
fn token_registry(realm: &str) -> FaultProxy {
    let challenge = format!("www-authenticate: Bearer realm=\"{realm}\",service=\"s\",scope=\"repository:other:push\"");
    FaultProxy::alone(vec![
        Rule::once("/manifests/", answer(401, &[&challenge], "")),
        Rule::always("/manifests/", answer(200, &["content-type: x"], "{}")),
        Rule::always("/token", answer(200, &[], r#"{"token":"T1"}"#)),
    ])
}

#[tokio::test]
async fn a_token_is_fetched_with_the_login_and_only_for_pulling() {
    let registry = token_registry("/token");
    repository(registry.host(), login()).manifest().await.unwrap();
    let requests = registry.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(requests[1].path, "/token?service=s&scope=repository%3Aapp%3Apull");
    assert_eq!(requests[1].header("authorization"), Some("Basic Y2FwdGFpbjpodW50ZXIy"));
    assert_eq!(requests[2].header("authorization"), Some("Bearer T1"));
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_a_registry_token_is_sent_as_it_is() {
    let registry = token_registry("/token");
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"PHRva2VuPjo=","identitytoken":"I1"}}}}}}"#,
        registry.host()
    );
    let credentials = Credentials::from_docker_config_json(config.as_bytes()).unwrap();
    repository(registry.host(), credentials).manifest().await.unwrap();
    let requests = registry.requests();
    assert_eq!(requests[1].method, "POST");
    assert!(requests[1].body.contains("grant_type=refresh_token") && requests[1].body.contains("refresh_token=I1"));
    let registry = token_registry("/token");
    let credentials = Credentials::anonymous().with_registry_token("R1");
    repository(registry.host(), credentials).manifest().await.unwrap();
    let requests = registry.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].header("authorization"), Some("Bearer R1"));
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_is_renewed() {
    let registry = token_registry("/token");
    let repository = repository(registry.host(), login());
    repository.manifest().await.unwrap();
    let challenge = "www-authenticate: Bearer realm=\"/token\"";
    registry.add(Rule::once("/blobs/", answer(401, &[challenge], "")));
    registry.add(Rule::once("/blobs/", answer(200, &[], "abc")));
    let all = read(&repository, Digest::from_bytes([1; 32]), 3).await.unwrap();
    assert_eq!(all, b"abc");
    let requests = registry.requests();
    let tokens = requests
        .iter()
        .filter(|request| request.path.starts_with("/token"))
        .count();
    assert_eq!(tokens, 2, "{requests:?}");
}

#[tokio::test]
async fn a_login_that_is_never_accepted_ends() {
    let challenge = "www-authenticate: Bearer realm=\"/token\"";
    let registry = FaultProxy::alone(vec![
        Rule::always("/manifests/", answer(401, &[challenge], "")),
        Rule::always("/token", answer(200, &[], r#"{"token":"T"}"#)),
    ]);
    let error = repository(registry.host(), login()).manifest().await.unwrap_err();
    assert!(matches!(error, Error::LoginRefused { .. }), "{error:?}");
    let error = repository(registry.host(), Credentials::anonymous())
        .manifest()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LoginNeeded { .. }), "{error:?}");
    assert!(registry.requests().len() < 10, "{}", registry.requests().len());
}

#[tokio::test]
async fn credentials_do_not_go_to_somebody_elses_token_server() {
    let foreign = FaultProxy::alone(vec![Rule::always("/token", answer(200, &[], r#"{"token":"T1"}"#))]);
    let realm = format!("http://localhost:{}/token", foreign.port());
    let registry = token_registry(&realm);
    let error = repository(registry.host(), login()).manifest().await.unwrap_err();
    assert!(matches!(error, Error::ForeignTokenServer { .. }), "{error:?}");
    assert!(foreign.requests().is_empty());
    // Without credentials there is nothing to lose: the token of anonymous users is fetched.
    let registry = token_registry(&realm);
    repository(registry.host(), Credentials::anonymous())
        .manifest()
        .await
        .unwrap();
    assert_eq!(foreign.requests()[0].header("authorization"), None);
    // Stored logins are left at home, and the image is still read if anybody may.
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"YTpi"}}}}}}"#, registry.host());
    let registry_again = token_registry(&realm);
    let config = config.replace(registry.host(), registry_again.host());
    let stored = Credentials::from_docker_config_json(config.as_bytes()).unwrap();
    repository(registry_again.host(), stored).manifest().await.unwrap();
    assert!(
        foreign
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
    // Whoever named it as trusted means it.
    let registry = token_registry(&realm);
    let reference: Reference = format!("{}/app:v1", registry.host()).parse().unwrap();
    let options = ClientOptions {
        trusted_token_servers: vec!["localhost".into()],
        ..options()
    };
    Client::new(options, login())
        .unwrap()
        .repository(&reference)
        .manifest()
        .await
        .unwrap();
    assert!(
        foreign
            .requests()
            .iter()
            .any(|request| request.header("authorization").is_some())
    );
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let storage = FaultProxy::alone(vec![Rule::always("/store", answer(200, &[], "abc"))]);
    for host in [storage.host().to_owned(), format!("localhost:{}", storage.port())] {
        storage.forget();
        let location = format!("location: http://{host}/store?signature=s1");
        let registry = FaultProxy::alone(vec![
            Rule::once("/blobs/", answer(401, &["www-authenticate: Basic realm=x"], "")),
            Rule::once("/blobs/", answer(307, &[&location], "")),
        ]);
        let all = read(&repository(registry.host(), login()), Digest::from_bytes([1; 32]), 3)
            .await
            .unwrap();
        assert_eq!(all, b"abc");
        assert_eq!(
            registry.requests()[1].header("authorization"),
            Some("Basic Y2FwdGFpbjpodW50ZXIy")
        );
        let stored = storage.requests();
        assert_eq!((stored.len(), stored[0].header("authorization")), (1, None));
    }
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
async fn an_endless_token_and_an_endless_error_are_not_read_to_their_end() {
    let registry = FaultProxy::alone(vec![
        Rule::always(
            "/manifests/",
            answer(401, &["www-authenticate: Bearer realm=\"/token\""], ""),
        ),
        Rule::always("/token", Fault::Endless("application/json".into())),
    ]);
    let error = repository(registry.host(), login()).manifest().await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    let headers: Vec<String> = (0..50)
        .map(|number| format!("www-authenticate: Basic{number} a=b"))
        .collect();
    let registry = FaultProxy::alone(vec![Rule::always(
        "/manifests/",
        Fault::Answer {
            status: 401,
            headers,
            body: vec![b'x'; 1 << 20],
        },
    )]);
    let error = repository(registry.host(), login()).manifest().await.unwrap_err();
    assert!(
        matches!(error, Error::LoginNeeded { .. } | Error::LoginRefused { .. }),
        "{error:?}"
    );
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
