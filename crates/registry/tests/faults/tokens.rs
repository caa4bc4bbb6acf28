//! Logins, tokens, and where they may go.

use crate::{answer, login, options, read, repository};
use seaworthy_model::Digest;
use seaworthy_registry::{Client, ClientOptions, Credentials, Error, Reference, TokenServer};
use seaworthy_testkit::{Fault, FaultProxy, Rule};

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
        trusted_token_servers: vec![TokenServer {
            registry: registry.host().to_owned(),
            host: "localhost".into(),
        }],
        ..options()
    };
    let client = Client::new(options, login()).unwrap();
    client.repository(&reference).manifest().await.unwrap();
    // For that registry alone.
    let other = token_registry(&realm);
    let reference: Reference = format!("{}/app:v1", other.host()).parse().unwrap();
    let refused = client.repository(&reference).manifest().await.unwrap_err();
    assert!(matches!(refused, Error::ForeignTokenServer { .. }), "{refused}");
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
async fn a_token_server_that_is_busy_is_asked_again() {
    let registry = FaultProxy::alone(vec![
        Rule::once(
            "/manifests/",
            answer(401, &["www-authenticate: Bearer realm=\"/token\""], ""),
        ),
        Rule::always("/manifests/", answer(200, &[], "{}")),
        Rule::once("/token", answer(503, &[], "")),
        Rule::once("/token", answer(429, &["retry-after: 0"], "")),
        Rule::always("/token", answer(200, &[], r#"{"access_token":"T1"}"#)),
    ]);
    repository(registry.host(), login()).manifest().await.unwrap();
}

#[tokio::test]
async fn secrets_do_not_show_in_what_can_be_printed() {
    let client = Client::new(options(), login().with_registry_token("hunter2")).unwrap();
    let registry = token_registry("/token");
    let reference: Reference = format!("{}/app:v1", registry.host()).parse().unwrap();
    let repository = client.repository(&reference);
    repository.manifest().await.unwrap();
    let shown = format!(
        "{client:?} {repository:?} {:?}",
        repository.blob(Digest::from_bytes([1; 32]), 3)
    );
    for secret in ["hunter2", "Y2FwdGFpbjpodW50ZXIy", "T1\""] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
