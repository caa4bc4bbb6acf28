//! `kubectl scan …` and `seaworthy uninstall` on a real control plane: real `kubectl` finds the binary by a link, and what it
//! says is what the cluster says. One control plane for all of it, in the order in which a person would meet it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use seaworthy_testkit::cluster::{Cluster, Process, free_port};
use seaworthy_testkit::{RegistryServer, example_image};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_seaworthy");

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A control plane, with a folder where `kubectl` finds the plugin.
struct Place {
    cluster: Cluster,
    registry: RegistryServer,
}

impl Place {
    fn kubectl_as(&self, user: &str, line: &str) -> Said {
        let plugins = self.cluster.directory().join("plugins");
        let path = format!(
            "{}:{}:/usr/bin:/bin",
            plugins.display(),
            self.cluster.programs().display()
        );
        Command::new(self.cluster.programs().join("kubectl"))
            .args(line.split(' '))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.cluster.directory())
            .env("KUBECONFIG", self.cluster.kubeconfig_of(user))
            .output()
            .unwrap()
            .into()
    }

    fn kubectl(&self, line: &str) -> Said {
        self.kubectl_as("admin", line)
    }

    /// Runs it, which must succeed, and says what it printed.
    fn ok(&self, line: &str) -> String {
        let said = self.kubectl(line);
        assert_eq!(said.code, 0, "{line}: {said:?}");
        said.out
    }

    fn wait(&self, what: &str, line: &str, expected: &str) {
        let reached = self.cluster.wait_until(what, |_| self.kubectl(line).out == expected);
        reached.unwrap_or_else(|error| panic!("{line}: {:?}\n{error}", self.kubectl(line)));
    }

    fn state(&self, workload: &str, expected: &str) {
        let line = format!("get {workload} -o jsonpath={{.metadata.annotations.seaworthy\\.dev/state}}");
        self.wait(&format!("{workload} is {expected}"), &line, expected);
    }

    fn start_operator(&self) -> Process {
        let (webhook, http) = (free_port().unwrap(), free_port().unwrap());
        let directory = self.cluster.directory();
        let arguments = [
            "operator".to_owned(),
            "--install".to_owned(),
            format!("--kubeconfig={}", self.cluster.kubeconfig().display()),
            format!("--external-url=https://127.0.0.1:{webhook}"),
            format!("--listen=127.0.0.1:{webhook}"),
            format!("--http-listen=127.0.0.1:{http}"),
            format!("--store=sqlite://{}", directory.join("store.db").display()),
            format!("--registry-mirror=docker.io=http://{}", self.registry.host()),
        ];
        let log = directory.join("operator.log");
        let process = Process::start(Path::new(BINARY), &arguments, &[], &log).unwrap();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        self.cluster
            .wait_until("the operator is ready", |_| said().contains("INFO ready"))
            .unwrap_or_else(|error| panic!("{error}\n{}", said()));
        process
    }
}

#[test]
fn the_plugin_says_what_the_cluster_says_and_uninstall_leaves_nothing() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    registry.push("library/myapp", "v1", &example_image(false));
    registry.push("library/myapp", "v1-fixed", &example_image(true));
    let cluster = Cluster::start().unwrap();
    let plugins = cluster.directory().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    for name in ["kubectl-scan", "kubectl_complete-scan"] {
        std::os::unix::fs::symlink(BINARY, plugins.join(name)).unwrap();
    }
    let place = Place { cluster, registry };

    without_an_operator(&place);
    let operator = place.start_operator();
    roles(&place);
    images(&place);
    why_and_list(&place);
    access(&place);
    preview_and_approve(&place);
    held_workloads(&place);
    drop(operator);
    uninstalled(&place);
}

/// Binds the users of the token file to the roles that clusters come with.
fn roles(place: &Place) {
    for (user, role) in [("edit", "edit"), ("view", "view"), ("namespace-admin", "admin")] {
        place.ok(&format!("create rolebinding {user} --clusterrole={role} --user={user}"));
    }
}

fn without_an_operator(place: &Place) {
    assert!(place.ok("plugin list").contains("kubectl-scan"));
    let said = place.kubectl("scan image myapp:v1");
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err
            .starts_with("error: Seaworthy is not installed in this cluster\n"),
        "{said:?}"
    );
    assert!(
        said.err.contains("--local") && said.err.contains("--install"),
        "{said:?}"
    );
    assert_eq!(place.kubectl("scan list").code, 3);
    assert_eq!(place.kubectl("scan frob").code, 2);
    let help = place.ok("scan --help");
    assert!(
        help.contains("Usage: kubectl scan") && help.contains("kubectl scan image myapp:v1"),
        "{help}"
    );
    // Here it is the scanner itself.
    let reference = format!("{}/library/myapp:v1", place.registry.host());
    let said = place.kubectl(&format!(
        "scan image --local {reference} -o json -n shop --fail-on critical --no-cache"
    ));
    assert_eq!(said.code, 1, "{said:?}");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["SchemaVersion"], 2);
    assert_eq!(place.ok("__complete scan wh"), "why\n:4\n");
}

fn images(place: &Place) {
    let created = place.kubectl("create deployment myapp --image=myapp:v1");
    assert_eq!(created.code, 0, "{created:?}");
    let said = place.kubectl("scan image myapp:v1");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.starts_with("Scan started for image myapp:v1\n"), "{said:?}");
    let mut lines = said.out.lines();
    assert_eq!(lines.next(), Some("Vulnerabilities found: 3 critical, 5 medium"));
    assert!(
        lines.next().unwrap().starts_with("SEVERITY   VULNERABILITY "),
        "{said:?}"
    );
    assert!(lines.next().unwrap().starts_with("CRITICAL   CVE-"), "{said:?}");
    for (line, code) in [
        ("scan image myapp:v1 --exit-code 7", 7),
        ("scan image myapp:v1 --exit-code 7 -s low", 0),
        ("scan image myapp:v1 --fail-on critical", 1),
        ("scan image myapp:v1-fixed --fail-on low", 0),
        ("scan image myapp:v1-fixed myapp:v1 --exit-code 9", 9),
    ] {
        let said = place.kubectl(line);
        assert_eq!(said.code, code, "{line}: {said:?}");
    }
    let said = place.kubectl("scan image myapp:v1-fixed -q");
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("No vulnerabilities found\nApproved\n", "")
    );
    let object: Value = serde_json::from_str(&place.ok("scan image myapp:v1 -o json")).unwrap();
    assert_eq!(object["kind"], "ImageScan");
    assert_eq!(object["status"]["findings"]["critical"], 3);
    assert!(place.ok("scan image myapp:v1 -o yaml").contains("kind: ImageScan\n"));
    let said = place.kubectl("scan image myapp:gone");
    assert_eq!((said.code, said.out.as_str()), (3, ""), "{said:?}");
    assert!(said.err.contains("error: cannot scan myapp:gone: "), "{said:?}");
    assert_eq!(place.kubectl_as("view", "scan image never:v1").code, 3);
}

fn why_and_list(place: &Place) {
    place.state("deployment/myapp", "Blocked");
    let line = place.ok("get deployment/myapp -o jsonpath={.metadata.annotations.seaworthy\\.dev/reason}");
    for target in ["deployment/myapp", "deploy/myapp"] {
        let said = place.ok(&format!("scan why {target}"));
        assert_eq!(said.lines().next(), Some(line.as_str()), "{said}");
        assert!(
            said.contains("\nState: Blocked\n") && said.contains("\nWhat to do:\n"),
            "{said}"
        );
        assert!(
            said.contains("kubectl set image deployment/myapp myapp=myapp:NEW_TAG -n default"),
            "{said}"
        );
    }
    for target in ["myapp:v1", "docker.io/library/myapp:v1"] {
        let said = place.ok(&format!("scan why {target}"));
        assert_eq!(said.lines().next(), Some(line.as_str()), "{said}");
    }
    let value: Value = serde_json::from_str(&place.ok("scan why deployment/myapp -o json")).unwrap();
    assert_eq!(value["reason"], line.as_str());
    assert_eq!(value["images"][0]["status"]["findings"]["medium"], 5);
    assert_eq!(place.kubectl("scan why deployment/none").code, 3);

    let said = place.ok("scan list");
    assert!(said.starts_with("NAME "), "{said}");
    let row = said.lines().find(|row| row.contains(" myapp:v1 ")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[1..6], ["myapp:v1", "VulnerabilitiesFound", "3", "0", "5"]);
    let states = said.split_once("\n\n").unwrap().1;
    assert!(states.starts_with("WORKLOAD "), "{said}");
    assert!(states.contains("deployment/myapp   Blocked\n"), "{said}");
    assert!(place.ok("scan list -A").starts_with("NAMESPACE "));
    assert!(place.ok("scan list -o wide").contains(&line));
    assert!(
        place
            .ok("scan list -o name")
            .contains("imagescan.seaworthy.dev/myapp-v1-")
    );
    let list: Value = serde_json::from_str(&place.ok("scan list -o json")).unwrap();
    assert_eq!(list["kind"], "List");
    assert!(
        place
            .kubectl("scan list -n kube-public")
            .err
            .contains("No ImageScans found in namespace kube-public")
    );
    assert_eq!(place.kubectl_as("nobody", "scan list").code, 3);
}

fn access(place: &Place) {
    let may = "auth can-i get secrets --as=system:serviceaccount:seaworthy:seaworthy";
    assert_eq!(place.kubectl(may).out, "no\n");
    let manifest = place.cluster.directory().join("access.yaml");
    std::fs::write(&manifest, place.ok("scan access default")).unwrap();
    place.ok(&format!("apply -f {}", manifest.display()));
    assert_eq!(place.kubectl(may).out, "yes\n");
    let list = may.replace("get", "list");
    assert_eq!(place.kubectl(&list).out, "no\n");
}

fn preview_and_approve(place: &Place) {
    let good = place.kubectl_as(
        "namespace-admin",
        "create deployment own --image=myapp:v1-fixed --replicas=2",
    );
    assert_eq!(good.code, 0, "{good:?}");
    place.ok("rollout status deployment/own --timeout=120s");
    let policy = place.cluster.directory().join("policy.yaml");
    let write = |text: &str| std::fs::write(&policy, text).unwrap();
    let preview = format!("scan preview -f {}", policy.display());
    let prospects = || -> Vec<(String, String)> {
        let value: Value = serde_json::from_str(&place.ok(&format!("{preview} -o json"))).unwrap();
        let workloads = value["workloads"].as_array().unwrap().iter();
        workloads
            .map(|workload| {
                let text = |key: &str| workload[key].as_str().unwrap().to_owned();
                (text("name"), text("prospect"))
            })
            .collect()
    };
    let expect = |own: &str| {
        vec![
            ("myapp".to_owned(), "Held".to_owned()),
            ("own".to_owned(), own.to_owned()),
        ]
    };

    let head = "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanPolicy\nmetadata: {name: default}\n";
    write(&format!(
        "{head}spec: {{rules: [{{severity: HIGH}}], approval: required}}\n"
    ));
    assert_eq!(prospects(), expect("ApprovalRequired"));
    let said = place.kubectl(&format!("{preview} --exit-code 4"));
    assert_eq!(said.code, 4, "{said:?}");
    assert!(
        said.out.contains("With default: 2 of 2 workloads would be held"),
        "{said:?}"
    );
    // As it is now, only the bad one would be.
    write(&format!("{head}spec: {{rules: [{{severity: CRITICAL}}]}}\n"));
    assert_eq!(prospects(), expect("Runs"));
    for wrong in ["spec: {rulez: []}", "spec: {rules: [{cvss: 11.0}]}"] {
        write(&format!("{head}{wrong}\n"));
        let said = place.kubectl(&preview);
        assert_eq!(said.code, 2, "{wrong}: {said:?}");
    }

    // The same policy, applied: what is new is held as the preview said.
    write(&format!(
        "{head}spec: {{rules: [{{severity: HIGH}}], approval: required}}\n"
    ));
    place.ok(&format!(
        "apply --server-side --force-conflicts -f {}",
        policy.display()
    ));
    let scan = "get imagescans -o jsonpath={.items[?(@.spec.image==\"myapp:v1-fixed\")].status.state}";
    place.wait("the clean image is not approved any more", scan, "NoVulnerabilities");
    place.kubectl_as("namespace-admin", "create deployment mine --image=myapp:v1-fixed");
    place.state("deployment/mine", "Pending approval");
    let said = place.ok("scan list");
    assert!(said.contains("deployment/mine    Pending approval\n"), "{said}");
    let said = place.ok("scan why deployment/mine");
    assert!(
        said.contains("kubectl scan approve deployment/mine -n default --reason WHY"),
        "{said}"
    );

    let approve = "scan approve deployment/mine --reason reviewed";
    let said = place.kubectl_as("edit", approve);
    assert_eq!(said.code, 3, "{said:?}");
    let said = place.kubectl_as("view", approve);
    assert_eq!(said.code, 3, "{said:?}");
    let said = place.kubectl_as("namespace-admin", approve);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("namespace-admin asked for deployment/mine"),
        "{said:?}"
    );
    place.state("deployment/mine", "Pending approval");
    // In another's name.
    let forged = "apiVersion: seaworthy.dev/v1alpha1\nkind: ImageApproval\nmetadata: {name: forged, namespace: default}\n\
        spec: {image: \"myapp:v1-fixed\", digest: \"sha256:0000000000000000000000000000000000000000000000000000000000000000\", \
        reason: x, approvedBy: admin}\n";
    let file = place.cluster.directory().join("forged.yaml");
    std::fs::write(&file, forged).unwrap();
    let said = place.kubectl_as("namespace-admin", &format!("create -f {}", file.display()));
    assert!(
        said.code != 0 && said.err.contains("approvedBy must be the name"),
        "{said:?}"
    );
    let granted = place.kubectl("create role approvals --verb=create --resource=imageapprovals.seaworthy.dev");
    assert_eq!(granted.code, 0, "{granted:?}");
    place.ok("create rolebinding approvals --role=approvals --user=edit");
    std::fs::write(&file, forged.replace("approvedBy: admin", "approvedBy: edit")).unwrap();
    let said = place.kubectl_as("edit", &format!("create -f {}", file.display()));
    assert!(
        said.code != 0 && said.err.contains("needs the verb approve"),
        "{said:?}"
    );

    let said = place.kubectl("scan approve deployment/myapp --reason please");
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("approval lifts no finding"), "{said:?}");
    assert_eq!(place.ok(approve), "myapp:v1-fixed: Approved by admin: reviewed\n");
    place.ok("rollout status deployment/mine --timeout=120s");
    assert_eq!(place.ok(approve), "myapp:v1-fixed: nobody has to approve it\n");
    let by = "get imageapprovals -o jsonpath={range@.items[*]}{.spec.approvedBy}={.status.conditions[0].status};{end}";
    let mut recorded: Vec<String> = place.ok(by).split_terminator(';').map(str::to_owned).collect();
    recorded.sort();
    assert_eq!(recorded, ["admin=True", "namespace-admin=False"]);
}

/// One of every kind that waits, and what users had there themselves.
fn held_workloads(place: &Place) {
    let template = "template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: \"myapp:v1\"}]}}";
    let selector = "selector: {matchLabels: {app: x}}";
    let manifest = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: paused-by-user}}\nspec: {{paused: true, {selector}, {template}}}\n---\n\
         apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: gated}}\nspec: {{serviceName: gated, {selector}, {template}}}\n---\n\
         apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: every}}\nspec: {{{selector}, {template}}}\n---\n\
         apiVersion: batch/v1\nkind: Job\nmetadata: {{name: suspended}}\nspec: {{template: {{spec: {{restartPolicy: Never, \
         containers: [{{name: c, image: \"myapp:v1\"}}]}}}}}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: bare}}\nspec: {{containers: [{{name: c, image: \"myapp:v1\"}}]}}\n"
    );
    place.cluster.apply(&manifest).unwrap();
    place.state("job/suspended", "Blocked");
    place.state("pod/bare", "Blocked");
    place.state("pod/gated-0", "Blocked");
    let said = place.ok("scan why pod/gated-0");
    assert!(said.starts_with("myapp:v1: CVE-"), "{said}");
    assert_eq!(place.ok("get job suspended -o jsonpath={.spec.suspend}"), "true");
}

fn uninstalled(place: &Place) {
    // Nobody runs, and everything refuses.
    assert_ne!(place.kubectl("rollout resume deployment/myapp").code, 0);
    let kubeconfig = place.cluster.kubeconfig();
    let uninstall = || -> Said {
        Command::new(BINARY)
            .arg("uninstall")
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .env_clear()
            .env("HOME", place.cluster.directory())
            .output()
            .unwrap()
            .into()
    };
    let said = uninstall();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("Seaworthy is gone: "), "{said:?}");
    assert!(
        said.err.contains("Released default/deployment/myapp (without paused)"),
        "{said:?}"
    );
    for workload in ["deployment/myapp", "statefulset/gated", "daemonset/every"] {
        place.ok(&format!("rollout status {workload} --timeout=120s"));
    }
    place.wait(
        "the Job completes",
        "get job suspended -o jsonpath={.status.succeeded}",
        "1",
    );
    place.wait("the pod runs", "get pod bare -o jsonpath={.status.phase}", "Running");
    assert_eq!(
        place.ok("get deployment paused-by-user -o jsonpath={.spec.paused}"),
        "true"
    );
    assert_eq!(place.ok("get deployment myapp -o jsonpath={.spec.paused}"), "");
    let all = "get deployments,replicasets,statefulsets,daemonsets,jobs,pods,roles,rolebindings -A -o yaml";
    let lines: Vec<String> = place
        .ok(all)
        .lines()
        .filter(|line| line.contains("seaworthy"))
        .map(str::to_owned)
        .collect();
    // Only the test's own Role still names a kind of ours.
    assert_eq!(lines, ["    - seaworthy.dev"]);
    let kinds = "get crds,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations,\
        validatingadmissionpolicies,validatingadmissionpolicybindings,namespaces -o name";
    let left = place.ok(kinds);
    assert!(!left.contains("seaworthy"), "{left}");
    // Again, with nothing there.
    let said = uninstall();
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert_eq!(place.kubectl("scan list").code, 3);
}
