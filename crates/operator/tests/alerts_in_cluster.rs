//! Alerts on a real control plane: news of Deployments reach a webhook, trials are made, Secrets are read once granted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod alert_support;

use alert_support::{Receiver, receiver, until};
use seaworthy_operator::{ClientOptions, Credentials, Mirror, Options, run};
use seaworthy_scanner::Database;
use seaworthy_testkit::cluster::{Cluster, free_port};
use seaworthy_testkit::{RegistryServer, example_image};
use serde_json::Value;
use std::path::Path;

fn kubectl(cluster: &Cluster, line: &str) -> String {
    let output = cluster.kubectl(line.split(' ')).unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn options(cluster: &Cluster, registry: &RegistryServer) -> Options {
    let webhook = free_port().unwrap();
    Options {
        kubeconfig: Some(cluster.kubeconfig()),
        install: true,
        external_url: Some(format!("https://127.0.0.1:{webhook}")),
        listen: ([127, 0, 0, 1], webhook).into(),
        http_listen: ([127, 0, 0, 1], free_port().unwrap()).into(),
        store: format!("sqlite://{}", cluster.directory().join("store.db").display()),
        exclude_namespaces: Vec::new(),
        registries: ClientOptions {
            mirrors: vec![Mirror {
                host: "docker.io".to_owned(),
                url: format!("http://{}", registry.host()),
            }],
            ..ClientOptions::default()
        },
        credentials: Credentials::default(),
        allow_local_registries: true,
        scans: 2,
    }
}

async fn seen(receiver: &Receiver, count: usize) -> Value {
    until(receiver, count).await[count - 1].json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_happens_in_the_cluster_reaches_the_channel_once() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    let bad = registry.push("library/myapp", "v1", &example_image(false));
    registry.push("library/myapp", "v1-fixed", &example_image(true));
    let cluster = Cluster::start().unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db");
    let options = options(&cluster, &registry);
    let http = options.http_listen;
    let database = Database::open(&data).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let operator = tokio::spawn(run(options, database, async move { drop(stopped.await) }));
    let figures = async |path: &str| reqwest::get(format!("http://{http}{path}")).await;
    while !figures("/readyz")
        .await
        .is_ok_and(|answer| answer.status().is_success())
    {
        assert!(!operator.is_finished());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    let receiver = receiver(vec![]).await;
    let url = receiver.url("/hook");
    let channel = |name: &str, rest: &str| {
        format!(
            "apiVersion: seaworthy.dev/v1alpha1\nkind: AlertChannel\nmetadata: {{name: {name}}}\nspec: {{type: webhook, {rest}}}\n"
        )
    };
    cluster
        .apply(&channel("team", &format!("url: \"{url}\", minSeverity: HIGH")))
        .unwrap();
    kubectl(
        &cluster,
        r#"patch scanpolicy default --type=merge -p {"spec":{"alerts":["team"]}}"#,
    );

    kubectl(&cluster, "annotate alertchannel team seaworthy.dev/alert-test=n1");
    assert_eq!(seen(&receiver, 1).await["type"], "dev.seaworthy.channel.test");
    cluster
        .wait_until("the trial is in the status", |cluster| {
            let path = "jsonpath={.status.lastTest.nonce},{.status.lastTest.succeeded}";
            kubectl(cluster, &format!("get alertchannel team -o {path}")) == "n1,true"
        })
        .unwrap();

    kubectl(&cluster, "create deployment myapp --image=myapp:v1");
    let event = seen(&receiver, 2).await;
    assert_eq!(event["type"], "dev.seaworthy.image.blocked");
    let data = &event["data"];
    assert_eq!(
        [
            &data["namespace"],
            &data["kind"],
            &data["name"],
            &data["image"],
            &data["digest"]
        ],
        ["default", "Deployment", "myapp", "myapp:v1", bad.as_str()]
    );
    let reason = kubectl(
        &cluster,
        r"get deployment myapp -o jsonpath={.metadata.annotations.seaworthy\.dev/reason}",
    );
    assert_eq!(data["message"], reason, "the same line everywhere");
    let worst = data["worst"]["id"].as_str().unwrap();
    assert!(reason.contains(worst), "{reason} names {worst}");

    kubectl(&cluster, "set image deployment/myapp myapp=myapp:v1-fixed");
    let event = seen(&receiver, 3).await;
    assert_eq!(event["type"], "dev.seaworthy.image.resolved");
    assert_eq!(event["data"]["digest"], bad.as_str());
    assert_eq!(
        event["data"]["command"],
        "kubectl rollout status deployment/myapp -n default"
    );

    kubectl(&cluster, "create deployment other --image=myapp:v1");
    assert_eq!(seen(&receiver, 4).await["data"]["name"], "other");
    kubectl(&cluster, "delete deployment other");
    assert_eq!(
        seen(&receiver, 5).await["data"]["message"],
        "myapp:v1: Deployment default/other is gone"
    );
    cluster
        .wait_until("the channel is ready and says when it sent", |cluster| {
            let shown = kubectl(cluster, "get alertchannel team --no-headers");
            shown.contains("webhook") && shown.contains("True") && !shown.contains("<none>")
        })
        .unwrap();

    // A Secret is read only where somebody granted it, by the commands that the condition names.
    kubectl(
        &cluster,
        &format!("create secret generic hook --from-literal=url={url}"),
    );
    cluster
        .apply(&channel(
            "secret",
            "urlFrom: {namespace: default, name: hook, key: url}",
        ))
        .unwrap();
    let ready = "get alertchannel secret -o jsonpath={.status.conditions[0].reason}|{.status.conditions[0].message}";
    cluster
        .wait_until("the condition says what is missing", |cluster| {
            kubectl(cluster, ready).starts_with("SecretForbidden|")
        })
        .unwrap();
    let message = kubectl(&cluster, ready);
    for command in message.split_once(": ").unwrap().1.split(" && ") {
        kubectl(&cluster, command.strip_prefix("kubectl ").unwrap());
    }
    cluster
        .wait_until("the Secret can be read", |cluster| {
            kubectl(cluster, ready).starts_with("Configured|")
        })
        .unwrap();

    let metrics = figures("/metrics").await.unwrap().text().await.unwrap();
    let line = r#"seaworthy_notifications_total{type="webhook",result="sent"} 5"#;
    assert!(metrics.contains(line), "{metrics}");
    assert_eq!(receiver.seen().len(), 5);
    drop(stop);
    operator.await.unwrap().unwrap();
}
