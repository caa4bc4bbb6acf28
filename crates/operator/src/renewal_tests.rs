//! Certificates and tokens are renewed on a real control plane while requests run, and none of them fails.

use crate::certificates::{Certificates, Lifetime};
use crate::reach::Reach;
use crate::shared::now;
use crate::store::SqliteStore;
use crate::token::Token;
use crate::{Options, install, webhook};
use axum_server::Handle;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Config};
use seaworthy_gate::Memory;
use seaworthy_policy::ScanPolicy;
use seaworthy_testkit::cluster::{Cluster, free_port};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Due two seconds after they were made, over after nine.
const SHORT: Lifetime = Lifetime { whole: 9, left: 7 };
const CHECK: Duration = Duration::from_millis(200);
const SETTLE: Duration = Duration::from_secs(1);
/// Long enough for several renewals, and for the first certificate to end.
const LENGTH: Duration = Duration::from_secs(20);

#[test]
fn certificates_and_tokens_are_renewed_while_requests_run_and_none_fails() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cluster = Cluster::start().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(renewals(&cluster));
}

fn options(address: SocketAddr) -> Options {
    Options {
        kubeconfig: None,
        install: true,
        external_url: Some(format!("https://{address}")),
        listen: address,
        http_listen: address,
        store: String::new(),
        exclude_namespaces: Vec::new(),
        registries: crate::ClientOptions::default(),
        credentials: crate::Credentials::default(),
        allow_local_registries: true,
        scans: 1,
    }
}

async fn renewals(cluster: &Cluster) {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    let administrator = Client::try_from(config.clone()).unwrap();
    install::prepare(&administrator).await.unwrap();

    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("store.db").display());
    let store = Arc::new(SqliteStore::open(&url).await.unwrap());
    let memory = Memory {
        ready: true,
        policies: vec![ScanPolicy::default_of_installation()],
        ..Memory::default()
    };
    let router = webhook::admission(memory, store, |_, _| ());
    let certificates = Certificates::make(vec!["127.0.0.1".to_owned()], SHORT, now()).unwrap();
    let first = certificates.authorities();
    let listener = certificates.listener().await.unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
    let handle: Handle<SocketAddr> = Handle::new();
    let server = axum_server::bind_rustls(address, listener.clone())
        .handle(handle.clone())
        .serve(router.into_make_service());
    tokio::spawn(server);
    handle.listening().await.unwrap();
    let reach = Reach::new(administrator.clone(), options(address), first.clone());
    reach.connect(&administrator, BTreeSet::new()).await.unwrap();
    // The API server takes a moment to act on it.
    while create(&administrator).await.unwrap().pointer("/spec/paused").is_none() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let mut token = Token::get(&administrator, now()).await.unwrap();
    let of_first = std::fs::read_to_string(token.path()).unwrap();
    let ourselves = |token: &Token| {
        let mut config = config.clone();
        config.auth_info = kube::config::AuthInfo {
            token_file: Some(token.path().display().to_string()),
            ..kube::config::AuthInfo::default()
        };
        Client::try_from(config).unwrap()
    };
    let long_running = ourselves(&token);

    let answers = AtomicUsize::new(0);
    let asking = async || {
        loop {
            // Held, so that both webhooks were asked.
            let made = create(&administrator).await.unwrap();
            assert_eq!(made.pointer("/spec/paused"), Some(&json!(true)), "{made}");
            answers.fetch_add(1, Ordering::Relaxed);
        }
    };
    let trusted = AtomicUsize::new(0);
    let trust = |authorities: String| {
        trusted.fetch_add(1, Ordering::Relaxed);
        reach.trust(authorities)
    };
    tokio::select! {
        () = certificates.keep(&listener, CHECK, SETTLE, trust) => (),
        _ = futures_util::future::join3(asking(), asking(), asking()) => (),
        () = tokio::time::sleep(LENGTH) => (),
    }
    let (answers, trusted) = (answers.into_inner(), trusted.into_inner());
    assert!(answers > 50 && trusted >= 4, "{answers} answers, {trusted} renewals");

    // Both configurations trust what is shown now and what was shown before it, and no more.
    let mut bundles = Vec::new();
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind));
        let api: Api<DynamicObject> = Api::all_with(administrator.clone(), &resource);
        let object = api.get("seaworthy").await.unwrap();
        for entry in object.data["webhooks"].as_array().unwrap() {
            bundles.push(entry["clientConfig"]["caBundle"].as_str().unwrap().to_owned());
        }
    }
    assert!(bundles.len() >= 4 && bundles.iter().all(|bundle| *bundle == bundles[0]));
    let bundle = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &bundles[0]).unwrap();
    let bundle = String::from_utf8(bundle).unwrap();
    assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2);
    assert!(is_trusted(address, &bundle).await && !is_trusted(address, &first).await);

    // Half of its time later the token is another one, and who reads it again is still known.
    token.renew(&administrator, now()).await.unwrap();
    assert_eq!(std::fs::read_to_string(token.path()).unwrap(), of_first, "not due yet");
    token.renew(&administrator, now() + 4 * 86_400).await.unwrap();
    assert_ne!(std::fs::read_to_string(token.path()).unwrap(), of_first);
    for client in [long_running, ourselves(&token)] {
        let namespaces: Api<Namespace> = Api::all(client);
        assert!(!namespaces.list(&ListParams::default()).await.unwrap().items.is_empty());
    }
}

/// Asks the API server for a new Deployment, without making it.
async fn create(client: &Client) -> Result<Value, kube::Error> {
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:v1"}]}}}});
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let made = api
        .create(&parameters, &serde_json::from_value(object).unwrap())
        .await?;
    Ok(serde_json::to_value(made).unwrap())
}

/// Whether one that trusts these authorities gets an answer, on a connection of its own.
async fn is_trusted(address: SocketAddr, authorities: &str) -> bool {
    let trusted = reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only(trusted).build().unwrap();
    client.get(format!("https://{address}/")).send().await.is_ok()
}
