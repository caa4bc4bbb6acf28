//! The whole story from nothing, told as a user sees it: a Deployment waits, its image is scanned, it is blocked, nobody
//! frees it by hand, the team hears of it, it is fixed, and it runs what was scanned.
//!
//! Assumes Linux with `docker-registry`. What is printed was printed by the programs; every state and message is checked.

mod receiver;

use crate::cluster::{Cluster, Process, free_port};
use crate::{RegistryServer, example_image};
use anyhow::{Context, Result, bail, ensure};
use receiver::Receiver;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// Where a person reads what Seaworthy says of a workload in one line.
const STATE: &str = "get deployment myapp -o custom-columns='NAME:.metadata.name,STATE:.metadata.annotations.seaworthy\\.dev/state,PAUSED:.spec.paused,READY:.status.readyReplicas'";

/// The state of what is not there.
const NOT_CREATED: &str = "Not created";

/// Plays the story with this `seaworthy` and writes what a user would see.
///
/// # Errors
/// When a program is missing, or a state or message was not as the story has it.
pub fn play(binary: &Path, out: &mut dyn Write) -> Result<()> {
    let registry = RegistryServer::start().context("docker-registry is missing: apt-get install docker-registry")?;
    registry.push("library/myapp", "v1", &example_image(false));
    let fixed = registry.push("library/myapp", "v1-fixed", &example_image(true));
    let cluster = Cluster::start()?;
    let plugins = cluster.directory().join("plugins");
    std::fs::create_dir(&plugins)?;
    std::os::unix::fs::symlink(std::fs::canonicalize(binary)?, plugins.join("kubectl-scan"))?;
    let mut story = Story {
        cluster,
        registry,
        fixed,
        team: Receiver::start()?,
        out,
    };
    let _operator = story.install(binary)?;
    story.alerts()?;
    let watches = [
        story.watch("deployments", "{.metadata.annotations.seaworthy\\.dev/state}{\"\\n\"}")?,
        story.watch("imagescans", "{.spec.image} {.status.state}{\"\\n\"}")?,
    ];
    story.held_and_blocked()?;
    story.not_by_hand()?;
    story.fixed_and_deployed()?;
    story.states()?;
    drop(watches);
    Ok(())
}

struct Story<'a> {
    cluster: Cluster,
    registry: RegistryServer,
    fixed: String,
    team: Receiver,
    out: &'a mut dyn Write,
}

/// What a command printed, and whether it succeeded.
struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl Story<'_> {
    fn say(&mut self, heading: &str) -> Result<()> {
        Ok(writeln!(self.out, "\n# {heading}")?)
    }

    /// Runs `kubectl` as a person would, who has it and the plugin on the `PATH`.
    fn quietly(&self, line: &str) -> Result<Said> {
        let programs = self.cluster.programs();
        let path = format!(
            "{}:{}:/usr/bin:/bin",
            self.cluster.directory().join("plugins").display(),
            programs.display()
        );
        let Output { status, stdout, stderr } = Command::new(programs.join("kubectl"))
            .args(words(line))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.cluster.directory())
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .output()?;
        Ok(Said {
            ok: status.success(),
            out: String::from_utf8(stdout)?,
            err: String::from_utf8(stderr)?,
        })
    }

    /// Shows a command and what it printed.
    fn shown(&mut self, line: &str) -> Result<Said> {
        let said = self.quietly(line)?;
        write!(self.out, "$ kubectl {line}\n{}{}", said.err, said.out)?;
        self.out.flush()?;
        Ok(said)
    }

    /// Shows a command that must succeed and print each of these.
    fn expect(&mut self, line: &str, expected: &[&str]) -> Result<String> {
        let said = self.shown(line)?;
        let all = format!("{}{}", said.err, said.out);
        ensure!(said.ok, "kubectl {line} failed: {all}");
        for part in expected {
            ensure!(all.contains(part), "kubectl {line} did not say {part:?}: {all}");
        }
        Ok(said.out)
    }

    fn wait(&self, what: &str, line: &str, reached: impl Fn(&str) -> bool) -> Result<()> {
        let holds = |_: &Cluster| self.quietly(line).is_ok_and(|said| reached(&said.out));
        self.cluster.wait_until(what, holds).with_context(|| self.log())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.cluster.directory().join("operator.log")).unwrap_or_default()
    }

    /// Starts the operator beside the cluster, which installs itself.
    fn install(&mut self, binary: &Path) -> Result<Process> {
        let (webhook, http) = (free_port()?, free_port()?);
        let directory = self.cluster.directory();
        let store = directory.join("store.db");
        let shown = [
            "operator".to_owned(),
            "--install".to_owned(),
            format!("--external-url=https://127.0.0.1:{webhook}"),
            format!("--listen=127.0.0.1:{webhook}"),
            format!("--registry-mirror=docker.io=http://{}", self.registry.host()),
        ];
        let mut arguments = shown.to_vec();
        arguments.push(format!("--kubeconfig={}", self.cluster.kubeconfig().display()));
        arguments.push(format!("--http-listen=127.0.0.1:{http}"));
        arguments.push(format!("--store=sqlite://{}", store.display()));
        writeln!(
            self.out,
            "# Seaworthy is tried beside a cluster\n$ seaworthy {}",
            shown.join(" ")
        )?;
        let log = directory.join("operator.log");
        let process = Process::start(binary, &arguments, &[], &log)?;
        let ready = |_: &Cluster| self.log().contains("INFO ready") || !process_may_come(&process);
        self.cluster
            .wait_until("the operator is ready", ready)
            .with_context(|| self.log())?;
        let line = self
            .log()
            .lines()
            .find(|line| line.contains("INFO ready"))
            .map(str::to_owned);
        writeln!(
            self.out,
            "{}",
            line.with_context(|| format!("the operator ended: {}", self.log()))?
        )?;
        self.expect("get scanpolicies", &["default", "enforce"])?;
        Ok(process)
    }

    /// The team wants to hear of it.
    fn alerts(&mut self) -> Result<()> {
        self.say("The team gives a channel")?;
        let manifest = self.cluster.directory().join("team.yaml");
        let channel = format!(
            "apiVersion: seaworthy.dev/v1alpha1\nkind: AlertChannel\nmetadata: {{name: team}}\nspec: {{type: webhook, url: \"{}\"}}\n",
            self.team.url()
        );
        std::fs::write(&manifest, channel)?;
        let said = self.quietly(&format!("apply -f {}", manifest.display()))?;
        ensure!(said.ok, "{}", said.err);
        writeln!(self.out, "$ kubectl apply -f team.yaml\n{}", said.out.trim_end())?;
        let patch = "patch scanpolicy default --type=merge -p='{\"spec\":{\"alerts\":[\"team\"]}}'";
        self.expect(patch, &["scanpolicy.seaworthy.dev/default patched"])?;
        self.wait("the channel is ready", "get alertchannel team -o json", |out| {
            condition_holds(out, "Ready")
        })
    }

    /// Follows what an object says of itself, from the start.
    fn watch(&self, kind: &str, template: &str) -> Result<Process> {
        let arguments: Vec<String> = [
            "--kubeconfig".to_owned(),
            self.cluster.kubeconfig().display().to_string(),
        ]
        .into_iter()
        .chain(["get", kind, "--watch", "-o"].map(str::to_owned))
        .chain([format!("jsonpath={template}")])
        .collect();
        let log = self.cluster.directory().join(format!("{kind}.watch"));
        Ok(Process::start(
            &self.cluster.programs().join("kubectl"),
            &arguments,
            &[],
            &log,
        )?)
    }

    fn held_and_blocked(&mut self) -> Result<()> {
        self.say("Not created yet")?;
        let nothing = self.shown("get deployment myapp")?;
        ensure!(
            !nothing.ok && nothing.err.contains("not found"),
            "there is one already: {}",
            nothing.out
        );
        self.say("A Deployment is made: it waits, paused, and its image is scanned")?;
        let created = "create deployment myapp --image=myapp:v1";
        self.expect(
            created,
            &[
                "deployment.apps/myapp created\n",
                "Warning: held: myapp:v1: not scanned yet",
            ],
        )?;
        let scanned = self.expect(
            "scan image myapp:v1",
            &[
                "Scan started for image myapp:v1\n",
                "Vulnerabilities found: 3 critical, 5 medium\n",
                "CRITICAL   CVE-",
            ],
        )?;
        ensure!(
            scanned.matches("\nCRITICAL ").count() == 3,
            "not three critical rows: {scanned}"
        );
        self.wait_for_state("Blocked")?;
        self.say("Policy holds on criticals: nothing runs, and everybody can read why")?;
        self.expect(STATE, &["Blocked", "true"])?;
        let line = self.reason()?;
        ensure!(
            line.starts_with("myapp:v1: CVE-") && line.contains(" CRITICAL in ") && line.contains(" → "),
            "not the line of the story: {line}"
        );
        self.expect(
            "scan why deployment/myapp",
            &[&line, "State: Blocked\n", "What to do:\n"],
        )?;
        let events = "get events --field-selector=reason=ImageBlocked -o custom-columns=REASON:.reason,OBJECT:.involvedObject.name,MESSAGE:.message";
        self.wait("there is an Event", events, |out| out.contains(&line))?;
        self.expect(events, &["ImageBlocked"])?;
        self.expect("get replicasets,pods", &["No resources found"])?;
        self.heard("dev.seaworthy.image.blocked", &line)
    }

    fn not_by_hand(&mut self) -> Result<()> {
        self.say("Nobody gets around it")?;
        let line = self.reason()?;
        self.expect(
            "rollout resume deployment/myapp",
            &[&format!("Warning: held: {line}\n")],
        )?;
        self.shown("annotate deployment/myapp seaworthy.dev/hold-")?;
        self.expect(STATE, &["Blocked", "true"])?;
        let replica_sets = self.quietly("get replicasets,pods -o name")?.out;
        ensure!(replica_sets.is_empty(), "something runs: {replica_sets}");
        Ok(())
    }

    fn fixed_and_deployed(&mut self) -> Result<()> {
        self.say("The fixed image: scanned, approved, and let go by itself")?;
        self.expect("set image deployment/myapp myapp=myapp:v1-fixed", &["image updated"])?;
        self.expect(
            "scan image myapp:v1-fixed",
            &["Scan started for image myapp:v1-fixed\n", "No vulnerabilities found\n"],
        )?;
        self.expect(
            "rollout status deployment/myapp --timeout=120s",
            &["deployment \"myapp\" successfully rolled out\n"],
        )?;
        self.wait_for_state("Deployed")?;
        self.expect(STATE, &["Deployed", "<none>", "1"])?;
        let pods = "get pods -o custom-columns='STATUS:.status.phase,IMAGE:.spec.containers[*].image'";
        let image = format!("myapp:v1-fixed@{}", self.fixed);
        self.expect(pods, &["Running", &image])?;
        self.wait("the image is Approved", "scan list", |out| out.contains("Approved"))?;
        self.expect(
            "scan list",
            &["VulnerabilitiesFound", "Approved", "deployment/myapp   Deployed\n"],
        )?;
        self.heard("dev.seaworthy.image.resolved", "myapp:v1")
    }

    /// The states in the order in which they were seen, each once.
    fn states(&mut self) -> Result<()> {
        self.say("The states, in the order in which a watch saw them")?;
        let seen = |kind: &str| {
            let text = std::fs::read_to_string(self.cluster.directory().join(format!("{kind}.watch")));
            let mut lines: Vec<String> = text.unwrap_or_default().lines().map(str::to_owned).collect();
            lines.retain(|line| !line.trim().is_empty());
            lines.dedup();
            lines
        };
        let (mut deployment, images) = (seen("deployments"), seen("imagescans"));
        // That there was none was looked at first.
        deployment.insert(0, NOT_CREATED.to_owned());
        let of = |image: &str| -> Vec<String> {
            let states = images.iter().filter_map(|line| line.split_once(' '));
            let mut states: Vec<String> = states
                .filter(|(name, state)| *name == image && !state.is_empty())
                .map(|(_, state)| state.to_owned())
                .collect();
            states.dedup();
            states
        };
        let (bad, good) = (of("myapp:v1"), of("myapp:v1-fixed"));
        for (what, states) in [
            ("deployment myapp", &deployment),
            ("image myapp:v1", &bad),
            ("image myapp:v1-fixed", &good),
        ] {
            writeln!(self.out, "{what:<21} {}", states.join(" → "))?;
        }
        in_order(
            &deployment,
            &[NOT_CREATED, "Created", "Blocked", "Pending approval", "Deployed"],
        )?;
        in_order(&bad, &["NotScanned", "Scanning", "VulnerabilitiesFound"])?;
        in_order(&good, &["NotScanned", "Scanning", "NoVulnerabilities", "Approved"])
    }

    fn wait_for_state(&self, state: &str) -> Result<()> {
        let line = "get deployment myapp -o jsonpath={.metadata.annotations.seaworthy\\.dev/state}";
        self.wait(&format!("the Deployment is {state}"), line, |out| out == state)
    }

    fn reason(&self) -> Result<String> {
        let line = "get deployment myapp -o jsonpath={.metadata.annotations.seaworthy\\.dev/reason}";
        Ok(self.quietly(line)?.out)
    }

    /// Waits for the only message of its kind, and shows it.
    fn heard(&mut self, kind: &str, with: &str) -> Result<()> {
        let heard = |team: &Receiver| -> Vec<serde_json::Value> {
            let mut events = team.events();
            events.retain(|event| event.get("type").and_then(serde_json::Value::as_str) == Some(kind));
            events
        };
        self.cluster
            .wait_until("the team hears of it", |_| !heard(&self.team).is_empty())
            .with_context(|| self.log())?;
        // Whoever sends twice does so at once.
        std::thread::sleep(Duration::from_secs(1));
        let events = heard(&self.team);
        let [event] = events.as_slice() else {
            bail!("the team heard {kind} {} times: {events:?}", events.len());
        };
        let text = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        ensure!(
            text("/data/message").contains(with),
            "the team was not told {with:?}: {event}"
        );
        let (subject, message) = (text("/subject"), text("/data/message"));
        writeln!(self.out, "(the team's webhook got {kind}, {subject}: {message})")?;
        Ok(())
    }
}

/// Words of a line, without the quotes that a shell needs; no word of the story has a space.
fn words(line: &str) -> impl Iterator<Item = String> {
    line.split(' ').map(|word| word.replace('\'', ""))
}

/// Whether a process runs, or has not written yet that it does.
fn process_may_come(process: &Process) -> bool {
    process.id().is_none() || process.is_running()
}

fn condition_holds(object: &str, name: &str) -> bool {
    let object: serde_json::Value = serde_json::from_str(object).unwrap_or_default();
    let conditions = object
        .pointer("/status/conditions")
        .and_then(serde_json::Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition.get("type").and_then(serde_json::Value::as_str) == Some(name)
            && condition.get("status").and_then(serde_json::Value::as_str) == Some("True")
    })
}

/// Checks that the needed states came in this order, ending with the last, and nothing but them.
fn in_order(seen: &[String], needed: &[&str]) -> Result<()> {
    let mut missing = needed.iter();
    let mut next = missing.next();
    for state in seen {
        if next.is_some_and(|next| next == state) {
            next = missing.next();
        } else {
            ensure!(
                needed.contains(&state.as_str()),
                "{state} is no state of the story: {seen:?}"
            );
        }
    }
    ensure!(next.is_none(), "{next:?} never came: {seen:?}");
    let last = (seen.last().map(String::as_str), needed.last().copied());
    ensure!(last.0 == last.1, "it ended as {:?}: {seen:?}", last.0);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::in_order;

    #[test]
    fn states_that_are_missing_strange_or_out_of_order_end_the_story() {
        let states = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        for (seen, right) in [
            ("Created Blocked Deployed", true),
            ("Created Blocked Created Deployed", true),
            ("Created Deployed", false),
            ("Blocked Deployed", false),
            ("Blocked Created Deployed", false),
            ("Created Blocked Deployed Blocked", false),
            ("Created Blocked Odd Deployed", false),
            ("", false),
        ] {
            let result = in_order(&states(seen), &["Created", "Blocked", "Deployed"]);
            assert_eq!(result.is_ok(), right, "{seen}");
        }
    }
}
