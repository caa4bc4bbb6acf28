//! A real Kubernetes control plane on loopback for tests: etcd, kube-apiserver, kube-controller-manager, kube-scheduler
//! and one node that kwok simulates.
//!
//! Assumes Linux with `sh`. Everything is taken down when [`Cluster`] is dropped and when this process ends in any way.

mod arguments;
mod assets;
mod error;
mod port;
mod process;
mod scratch;

pub use assets::Assets;
pub use error::Error;
pub use port::free_port;
pub use process::Process;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long a part may take to become ready: seconds when the machine is idle, much more when others compile on it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The parts, in the order in which they start.
const PARTS: [&str; 5] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
];

/// A running control plane.
#[derive(Debug)]
pub struct Cluster {
    assets: Assets,
    directory: scratch::Scratch,
    ports: arguments::Ports,
    processes: Vec<(&'static str, Process)>,
}

impl Cluster {
    /// Starts everything and waits until the node is ready. Fails with a hint where the programs are missing.
    ///
    /// # Errors
    /// When the programs are missing, or one of them does not become ready.
    pub fn start() -> Result<Self, Error> {
        let assets = Assets::find()?;
        let directory = scratch::Scratch::new()?;
        let mut cluster = Self {
            assets,
            directory,
            ports: arguments::Ports::free()?,
            processes: Vec::new(),
        };
        arguments::write_files(cluster.directory(), cluster.assets.directory(), &cluster.ports)?;
        for part in PARTS {
            cluster.start_part(part)?;
            if part == "kube-apiserver" {
                cluster.wait_until("the API server is ready", |cluster| {
                    cluster
                        .kubectl(["get", "--raw", "/readyz"])
                        .is_ok_and(|output| output.status.success())
                })?;
            }
        }
        cluster.wait_until("the default service account exists", |cluster| {
            cluster
                .kubectl(["get", "serviceaccount", "default"])
                .is_ok_and(|output| output.status.success())
        })?;
        cluster.apply(arguments::NODE)?;
        cluster.wait_until("the node is ready", |cluster| {
            cluster
                .kubectl(["wait", "--for=condition=Ready", "node/node-0", "--timeout=5s"])
                .is_ok_and(|output| output.status.success())
        })?;
        Ok(cluster)
    }

    /// Where logs, keys and kubeconfigs of this cluster lie; gone with it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The kubeconfig of a cluster administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig_of("admin")
    }

    /// The kubeconfig of one of the users of the token file: `admin`, `view`, `edit`, `namespace-admin`, `nobody`.
    pub fn kubeconfig_of(&self, user: &str) -> PathBuf {
        self.directory().join(format!("{user}.kubeconfig"))
    }

    /// The folder with the programs, for a `PATH` that finds the right `kubectl`.
    pub fn programs(&self) -> &Path {
        self.assets.directory()
    }

    /// Starts a part that was stopped.
    ///
    /// # Errors
    /// When it is not one of the parts or its program does not start.
    pub fn start_part(&mut self, part: &str) -> Result<(), Error> {
        let Some(name) = PARTS.into_iter().find(|name| *name == part) else {
            return Err(Error::NoSuchPart { part: part.to_owned() });
        };
        let arguments = arguments::of(name, self.directory(), &self.ports);
        let log = self.directory().join(format!("{name}.log"));
        let process = Process::start(&self.assets.program(name), &arguments, &[], &log)?;
        self.processes.push((name, process));
        Ok(())
    }

    /// Kills a part at once, as a machine does that loses its power.
    pub fn kill_part(&mut self, part: &str) {
        self.processes.retain(|(name, _)| *name != part);
    }

    /// Runs `kubectl` as the administrator.
    ///
    /// # Errors
    /// When the program cannot be started; what it answers is in the output.
    pub fn kubectl<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(&self, arguments: I) -> Result<Output, Error> {
        self.kubectl_as("admin", arguments)
    }

    /// Runs `kubectl` as one of the users of the token file.
    ///
    /// # Errors
    /// When the program cannot be started; what it answers is in the output.
    pub fn kubectl_as<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(
        &self,
        user: &str,
        arguments: I,
    ) -> Result<Output, Error> {
        self.command(user)
            .args(arguments)
            .output()
            .map_err(|source| Error::Start {
                program: "kubectl".to_owned(),
                source,
            })
    }

    /// Applies a manifest given as text.
    ///
    /// # Errors
    /// When `kubectl apply` refuses it.
    pub fn apply(&self, manifest: &str) -> Result<(), Error> {
        let file = self.directory().join("apply.yaml");
        std::fs::write(&file, manifest).map_err(|source| Error::Write {
            path: file.clone(),
            source,
        })?;
        let output = self.kubectl(["apply".as_ref(), "-f".as_ref(), file.as_os_str()])?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Error::Refused {
                what: "kubectl apply".to_owned(),
                said: String::from_utf8_lossy(&output.stderr).into_owned(),
            }),
        }
    }

    /// Asks again and again until `holds` does.
    ///
    /// # Errors
    /// When it does not hold in two minutes; the ends of the logs are in the error.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), Error> {
        let started = Instant::now();
        while !holds(self) {
            let dead = self
                .processes
                .iter()
                .any(|(_, process)| process.id().is_some() && !process.is_running());
            if dead || started.elapsed() > PATIENCE {
                return Err(Error::NotReady {
                    what: what.to_owned(),
                    logs: self.ends_of_logs(),
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The memory that all parts hold, in bytes.
    pub fn resident_memory(&self) -> u64 {
        self.processes
            .iter()
            .filter_map(|(_, process)| process.resident_memory())
            .sum()
    }

    fn command(&self, user: &str) -> Command {
        let mut command = Command::new(self.assets.program("kubectl"));
        command
            .arg("--kubeconfig")
            .arg(self.kubeconfig_of(user))
            .env("HOME", self.directory())
            .env_remove("KUBECONFIG");
        command
    }

    fn ends_of_logs(&self) -> String {
        PARTS
            .into_iter()
            .map(|part| {
                let log = std::fs::read_to_string(self.directory().join(format!("{part}.log"))).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let end = lines
                    .get(lines.len().saturating_sub(5)..)
                    .unwrap_or_default()
                    .join("\n");
                format!("--- {part}\n{end}\n")
            })
            .collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The API server last but one, so that nothing writes complaints into logs that nobody reads.
        while self.processes.pop().is_some() {}
    }
}
