//! The client against a real registry: plain, with a login over TLS, through mirrors.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use seaworthy_model::Digest;
use seaworthy_registry::{Client, ClientOptions, Credentials, Error, Mirror, Reference, Retry};
use seaworthy_testkit::{FaultProxy, ImageBuilder, LayerBuilder, RegistryServer, Stored};
use std::time::Duration;

fn options() -> ClientOptions {
    ClientOptions {
        retry: Retry {
            attempts: 3,
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            longest_asked: Duration::from_secs(2),
        },
        ..ClientOptions::default()
    }
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// A byte for each place that no compression shortens.
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

fn image() -> ImageBuilder {
    ImageBuilder::new().layer(LayerBuilder::new().file("a", noise(300_000)), Stored::Gzip)
}

fn client(credentials: Credentials) -> Client {
    Client::new(options(), credentials).unwrap()
}

#[tokio::test]
async fn manifest_digest_and_blobs_of_a_plain_registry_are_read() {
    let Some(server) = RegistryServer::start() else { return };
    let digest = server.push("team/app", "v1", &image());
    let client = client(Credentials::anonymous());
    let repository = client.repository(&reference(&format!("{}/team/app:v1", server.host())));
    assert_eq!(repository.digest().await.unwrap().to_string(), digest);
    let manifest = repository.manifest().await.unwrap();
    assert_eq!(manifest.digest.to_string(), digest);
    let parsed: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    let digest_of = |value: &serde_json::Value| Digest::parse(value["digest"].as_str().unwrap()).unwrap();
    let config = repository.small_blob(digest_of(&parsed["config"])).await.unwrap();
    assert_eq!(config, image().config());
    let layer = &parsed["layers"][0];
    let size = layer["size"].as_u64().unwrap();
    let mut stream = repository.blob(digest_of(layer), size);
    let mut received = 0;
    while let Some(chunk) = stream.next().await.unwrap() {
        received += chunk.len() as u64;
    }
    assert_eq!(received, size);
    let by_digest = client.repository(&reference(&format!("{}/team/app@{digest}", server.host())));
    assert_eq!(by_digest.manifest().await.unwrap(), manifest);
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_reached() {
    let Some(server) = RegistryServer::start() else { return };
    server.push("app", "v1", &image());
    let ask = |text: String| async move {
        let client = client(Credentials::anonymous());
        client.repository(&reference(&text)).manifest().await.unwrap_err()
    };
    let missing = ask(format!("{}/app:v2", server.host())).await;
    assert!(matches!(missing, Error::NotFound { .. }), "{missing:?}");
    let nowhere = ask("127.0.0.1:1/app:v1".into()).await;
    assert!(matches!(nowhere, Error::Unreachable { .. }), "{nowhere:?}");
    let unknown = ask("no-such-host.invalid/app:v1".into()).await;
    assert!(matches!(unknown, Error::UnknownHost { .. }), "{unknown:?}");
}

#[tokio::test]
async fn a_login_over_tls_works_and_its_failures_are_told_apart() {
    let Some(server) = RegistryServer::start_with_login() else {
        return;
    };
    let digest = server.push("app", "v1", &image());
    let name = reference(&format!("{}/app:v1", server.host()));
    let trusting = ClientOptions {
        ca_certificates: vec![server.authority().to_vec()],
        ..options()
    };
    let ask = |options: ClientOptions, credentials: Credentials| {
        let name = name.clone();
        async move { Client::new(options, credentials)?.repository(&name).digest().await }
    };
    let login = Credentials::anonymous().with_password(RegistryServer::USER, RegistryServer::PASSWORD);
    assert_eq!(ask(trusting.clone(), login.clone()).await.unwrap().to_string(), digest);
    let distrusted = ask(options(), login.clone()).await.unwrap_err();
    assert!(matches!(distrusted, Error::NotTrusted { .. }), "{distrusted:?}");
    let insecure = ClientOptions {
        insecure: true,
        ..options()
    };
    assert_eq!(ask(insecure, login).await.unwrap().to_string(), digest);
    let anonymous = ask(trusting.clone(), Credentials::anonymous()).await.unwrap_err();
    assert!(matches!(anonymous, Error::LoginNeeded { .. }), "{anonymous:?}");
    let wrong = Credentials::anonymous().with_password(RegistryServer::USER, "hunter2");
    let refused = ask(trusting.clone(), wrong).await.unwrap_err();
    assert!(matches!(refused, Error::LoginRefused { .. }), "{refused:?}");
    assert!(!format!("{refused:?} {refused} {:?}", refused.hint()).contains("hunter2"));
    let pair = "Y2FwdGFpbjpzYWx0LWFuZC10aW1iZXI=";
    let secret = format!(r#"{{"auths":{{"{}":{{"auth":"{pair}"}}}}}}"#, server.host());
    let pull_secret = Credentials::from_docker_config_json(secret.as_bytes()).unwrap();
    assert_eq!(ask(trusting, pull_secret).await.unwrap().to_string(), digest);
}

#[tokio::test]
async fn the_second_of_two_passwords_is_tried() {
    let Some(server) = RegistryServer::start_with_login() else {
        return;
    };
    server.push("app", "v1", &image());
    let options = ClientOptions {
        ca_certificates: vec![server.authority().to_vec()],
        ..options()
    };
    let credentials = Credentials::anonymous()
        .with_password("stowaway", "x")
        .with_password(RegistryServer::USER, RegistryServer::PASSWORD);
    let client = Client::new(options, credentials).unwrap();
    let name = reference(&format!("{}/app:v1", server.host()));
    client.repository(&name).manifest().await.unwrap();
}

#[tokio::test]
async fn mirrors_are_asked_in_order_and_the_registry_last() {
    let Some(server) = RegistryServer::start() else { return };
    let digest = server.push("prefix/library/app", "v1", &image());
    let empty = FaultProxy::alone(vec![]);
    let mirrored = |mirrors: &[String]| ClientOptions {
        mirrors: mirrors
            .iter()
            .map(|url| Mirror {
                host: "docker.io".into(),
                url: url.clone(),
            })
            .collect(),
        ..options()
    };
    let mirrors = [format!("http://{}", empty.host()), format!("{}/prefix", server.host())];
    let explicit = Credentials::anonymous().with_password("captain", "not-for-mirrors");
    let client = Client::new(mirrored(&mirrors), explicit).unwrap();
    let repository = client.repository(&reference("app:v1"));
    assert_eq!(repository.digest().await.unwrap().to_string(), digest);
    assert_eq!(repository.manifest().await.unwrap().host, server.host());
    let asked = empty.requests();
    assert_eq!(asked.len(), 1, "the mirror that answered is preferred: {asked:?}");
    assert_eq!(asked[0].path, "/v2/library/app/manifests/v1");
    assert_eq!(asked[0].header("authorization"), None);
    let bad = Client::new(mirrored(&["ftp://x".into()]), Credentials::anonymous()).unwrap_err();
    assert!(matches!(bad, Error::BadMirror { .. }), "{bad:?}");
}
