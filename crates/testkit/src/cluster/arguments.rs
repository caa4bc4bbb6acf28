//! What the parts of the control plane are started with, and the files that they share: keys, tokens, kubeconfigs.

use super::{Error, free_port};
use std::path::Path;

/// Users of the token file: token, name and groups. Roles are bound by those who test them.
const USERS: [(&str, &str); 5] = [
    ("admin", "system:masters"),
    ("view", "viewers"),
    ("edit", "editors"),
    ("namespace-admin", "administrators"),
    ("nobody", "strangers"),
];

/// The simulated node.
pub(crate) const NODE: &str = r#"apiVersion: v1
kind: Node
metadata:
  name: node-0
  labels: {kubernetes.io/os: linux, kubernetes.io/arch: amd64, kubernetes.io/hostname: node-0}
  annotations: {kwok.x-k8s.io/node: fake}
spec: {}
status:
  allocatable: {cpu: "64", memory: 256Gi, pods: "1000"}
  capacity: {cpu: "64", memory: 256Gi, pods: "1000"}
"#;

/// The ports of one cluster.
#[derive(Debug)]
pub(crate) struct Ports {
    etcd: u16,
    etcd_peer: u16,
    api: u16,
    controllers: u16,
    scheduler: u16,
    kwok: u16,
}

impl Ports {
    pub(crate) fn free() -> Result<Self, Error> {
        Ok(Self {
            etcd: free_port()?,
            etcd_peer: free_port()?,
            api: free_port()?,
            controllers: free_port()?,
            scheduler: free_port()?,
            kwok: free_port()?,
        })
    }
}

/// The arguments of one part.
pub(crate) fn of(part: &str, directory: &Path, ports: &Ports) -> Vec<String> {
    let file = |name: &str| directory.join(name).display().to_string();
    let (client, peer) = (loopback(ports.etcd), loopback(ports.etcd_peer));
    let arguments: Vec<(&str, String)> = match part {
        "etcd" => vec![
            ("--data-dir", file("etcd")),
            ("--listen-client-urls", client.clone()),
            ("--advertise-client-urls", client),
            ("--listen-peer-urls", peer.clone()),
            ("--initial-advertise-peer-urls", peer.clone()),
            ("--initial-cluster", format!("default={peer}")),
            ("--log-level", "warn".into()),
        ],
        "kube-apiserver" => vec![
            ("--etcd-servers", client),
            ("--bind-address", "127.0.0.1".into()),
            ("--advertise-address", "127.0.0.1".into()),
            ("--secure-port", ports.api.to_string()),
            ("--cert-dir", file("api")),
            ("--service-account-issuer", "https://kubernetes.default.svc".into()),
            ("--service-account-signing-key-file", file("service-accounts.key")),
            ("--service-account-key-file", file("service-accounts.pub")),
            ("--token-auth-file", file("tokens.csv")),
            ("--authorization-mode", "RBAC,Node".into()),
            ("--service-cluster-ip-range", "10.0.0.0/24".into()),
            ("--endpoint-reconciler-type", "none".into()),
        ],
        "kube-controller-manager" => vec![
            ("--kubeconfig", file("admin.kubeconfig")),
            ("--bind-address", "127.0.0.1".into()),
            ("--secure-port", ports.controllers.to_string()),
            ("--leader-elect", "false".into()),
            // The simulated node says seldom that it lives, and the pods of a node that is silent count as unavailable.
            ("--node-monitor-grace-period", "1h".into()),
            // As in every real cluster: each controller is a service account of its own.
            ("--use-service-account-credentials", "true".into()),
            ("--service-account-private-key-file", file("service-accounts.key")),
            (
                "--controllers",
                "*,-nodeipam,-route,-service-lb-controller,-cloud-node-lifecycle,-bootstrapsigner,-tokencleaner".into(),
            ),
        ],
        "kube-scheduler" => vec![
            ("--kubeconfig", file("admin.kubeconfig")),
            ("--bind-address", "127.0.0.1".into()),
            ("--secure-port", ports.scheduler.to_string()),
            ("--leader-elect", "false".into()),
        ],
        _ => vec![
            ("--kubeconfig", file("admin.kubeconfig")),
            ("--manage-all-nodes", "true".into()),
            ("--server-address", format!("127.0.0.1:{}", ports.kwok)),
            ("--config", file("stages/node-initialize.yaml")),
            ("--config", file("stages/pod-ready.yaml")),
            ("--config", file("stages/pod-complete.yaml")),
            ("--config", file("stages/pod-delete.yaml")),
        ],
    };
    let mut line: Vec<String> = arguments
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if part == "etcd" {
        line.push("--unsafe-no-fsync".into());
    }
    line
}

/// Writes what the parts share.
pub(crate) fn write_files(directory: &Path, assets: &Path, ports: &Ports) -> Result<(), Error> {
    let key = rcgen::KeyPair::generate().map_err(|error| Error::Keys {
        said: error.to_string(),
    })?;
    write(directory, "service-accounts.key", &key.serialize_pem())?;
    write(directory, "service-accounts.pub", &key.public_key_pem())?;
    let tokens: String = USERS
        .iter()
        .map(|(user, group)| format!("{user}-token,{user},{user},{group}\n"))
        .collect();
    write(directory, "tokens.csv", &tokens)?;
    for (user, _) in USERS {
        write(
            directory,
            &format!("{user}.kubeconfig"),
            &kubeconfig(user, directory, ports),
        )?;
    }
    let stages = directory.join("stages");
    std::fs::create_dir_all(&stages).map_err(|source| Error::Write {
        path: stages.clone(),
        source,
    })?;
    for stage in ["node-initialize", "pod-ready", "pod-complete", "pod-delete"] {
        let path = assets.join("stages").join(format!("{stage}.yaml"));
        let mut text = std::fs::read_to_string(&path).map_err(|source| Error::Write { path, source })?;
        if stage == "pod-ready" {
            // Real nodes report what they pulled; kwok's own stage leaves that out.
            let name = "        name: {{ .name | Quote }}\n";
            text = text.replace(name, &format!("{name}        imageID: {{{{ .image | Quote }}}}\n"));
        }
        write(&stages, &format!("{stage}.yaml"), &text)?;
    }
    Ok(())
}

fn kubeconfig(user: &str, directory: &Path, ports: &Ports) -> String {
    let api = ports.api;
    let authority = directory.join("api/apiserver.crt").display().to_string();
    format!(
        r#"apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "https://127.0.0.1:{api}", certificate-authority: "{authority}"}}}}]
users: [{{name: {user}, user: {{token: {user}-token}}}}]
contexts: [{{name: test, context: {{cluster: test, user: {user}}}}}]
current-context: test
"#
    )
}

fn loopback(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn write(directory: &Path, name: &str, content: &str) -> Result<(), Error> {
    let path = directory.join(name);
    std::fs::write(&path, content).map_err(|source| Error::Write { path, source })
}
