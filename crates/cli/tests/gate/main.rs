//! The gate on a real control plane, with real `kubectl`, a real registry and the built binary. One cluster at a time: the
//! machines that run this have few cores.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod accepted;
mod approvals;
mod around;
mod away;
mod earlier;
mod glass;
mod guards;
mod guards_taken_out;
mod kinds;
mod many;
mod private;
mod races;
mod registries;
mod rematch;
mod story;
mod waiting;

use seaworthy_testkit::cluster::{Cluster, Process, free_port};
use seaworthy_testkit::{RegistryServer, example_image};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A control plane and a registry with `myapp:v1`, which has critical findings, `myapp:v1-fixed` and `other:v1`, which have
/// none.
struct Place {
    cluster: Cluster,
    registry: RegistryServer,
    fixed: String,
    bad: String,
    other: String,
    _turn: MutexGuard<'static, ()>,
}

impl Place {
    /// Nothing where this machine has no registry.
    fn start() -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let registry = RegistryServer::start()?;
        let bad = registry.push("library/myapp", "v1", &example_image(false));
        let fixed = registry.push("library/myapp", "v1-fixed", &example_image(true));
        let other = registry.push(
            "library/other",
            "v1",
            &example_image(true).architecture("amd64").tag("other:v1"),
        );
        Some(Self {
            cluster: Cluster::start().unwrap(),
            registry,
            fixed,
            bad,
            other,
            _turn: turn,
        })
    }

    fn operator(&self) -> Process {
        self.operator_with(&[])
    }

    fn operator_with(&self, more: &[String]) -> Process {
        self.operator_in(more, &[])
    }

    fn operator_in(&self, more: &[String], environment: &[(&str, String)]) -> Process {
        let (webhook, http) = (free_port().unwrap(), free_port().unwrap());
        let directory = self.cluster.directory();
        let mut arguments = vec![
            "operator".to_owned(),
            "--install".to_owned(),
            format!("--kubeconfig={}", self.cluster.kubeconfig().display()),
            format!("--external-url=https://127.0.0.1:{webhook}"),
            format!("--listen=127.0.0.1:{webhook}"),
            format!("--http-listen=127.0.0.1:{http}"),
            format!("--store=sqlite://{}", directory.join("store.db").display()),
            format!("--registry-mirror=docker.io=http://{}", self.registry.host()),
        ];
        arguments.extend_from_slice(more);
        let log = directory.join("operator.log");
        let _ = std::fs::remove_file(&log);
        let process = Process::start(
            Path::new(env!("CARGO_BIN_EXE_seaworthy")),
            &arguments,
            environment,
            &log,
        )
        .unwrap();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        self.cluster
            .wait_until("the operator is ready", |_| said().contains("INFO ready"))
            .unwrap_or_else(|error| panic!("{error}\n{}", said()));
        process
    }

    /// Runs the plugin, as `kubectl scan` does.
    fn scan(&self, line: &str) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .arg0("kubectl-scan")
            .args(line.split(' '))
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .env_clear()
            .env("HOME", self.cluster.directory())
            .output();
        output.unwrap().into()
    }

    /// The end of what the operator logged.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.cluster.directory().join("operator.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines
            .get(lines.len().saturating_sub(40)..)
            .unwrap_or_default()
            .join("\n")
    }

    fn kubectl_as(&self, user: &str, line: &str) -> Said {
        self.cluster.kubectl_as(user, line.split(' ')).unwrap().into()
    }

    fn kubectl(&self, line: &str) -> Said {
        self.kubectl_as("admin", line)
    }

    /// Runs it, which must succeed, and says what it printed.
    fn ok(&self, line: &str) -> String {
        let said = self.kubectl(line);
        assert!(said.ok, "{line}: {said:?}");
        said.out
    }

    /// Runs it, which must be refused with this in the answer.
    fn refused(&self, user: &str, line: &str, with: &str) {
        let said = self.kubectl_as(user, line);
        assert!(!said.ok && said.err.contains(with), "{user}: {line}: {said:?}");
    }

    fn apply(&self, manifest: &str) {
        self.cluster.apply(manifest).unwrap();
    }

    fn wait(&self, line: &str, reached: impl Fn(&str) -> bool) {
        self.cluster
            .wait_until(line, |_| reached(&self.kubectl(line).out))
            .unwrap_or_else(|error| panic!("{line}: {:?}\n{error}\n{}", self.kubectl(line), self.log()));
    }

    fn wait_for(&self, line: &str, expected: &str) {
        self.wait(line, |out| out == expected);
    }

    fn state(&self, workload: &str, expected: &str) {
        self.wait_for(
            &format!("get {workload} -o jsonpath={{.metadata.annotations.seaworthy\\.dev/state}}"),
            expected,
        );
    }

    fn reason(&self, workload: &str) -> String {
        self.ok(&format!(
            "get {workload} -o jsonpath={{.metadata.annotations.seaworthy\\.dev/reason}}"
        ))
    }

    /// Image, phase and gates of every pod with this label.
    fn pods(&self, label: &str) -> String {
        self.kubectl(&pods_line(label)).out
    }

    fn wait_for_pods(&self, label: &str, reached: impl Fn(&str) -> bool) {
        self.wait(&pods_line(label), reached);
    }

    fn rolled_out(&self, workload: &str) {
        let said = self.kubectl(&format!("rollout status {workload} --timeout=120s"));
        assert!(
            said.ok,
            "{workload}: {said:?}, {:?}\n{}",
            self.kubectl(&format!("get {workload} -o jsonpath={{.metadata.annotations}}")),
            self.log()
        );
    }
}

fn pods_line(label: &str) -> String {
    format!(
        "get pods -l app={label} -o jsonpath={{range@.items[*]}}{{.spec.containers[0].image}}|{{.status.phase}}|{{.spec.schedulingGates[*].name}};{{end}}"
    )
}

/// A manifest of a workload whose pods have a label and one container, both called `name`.
fn workload(kind: &str, name: &str, image: &str, more: &str) -> String {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let selector = match kind {
        "Job" => String::new(),
        _ => format!("  selector: {{matchLabels: {{app: {name}}}}}\n"),
    };
    let restart = if kind == "Job" { "Never" } else { "Always" };
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: default}}\nspec:\n{selector}{more}  template:\n    \
         metadata: {{labels: {{app: {name}}}}}\n    spec:\n      restartPolicy: {restart}\n      containers: [{{name: {name}, image: \"{image}\"}}]\n"
    )
}
