//! The control plane starts, does what Seaworthy builds on, and is gone afterwards.

use seaworthy_testkit::cluster::Cluster;

#[test]
fn a_paused_deployment_gets_no_pod_and_nothing_is_left_behind() {
    let cluster = Cluster::start().unwrap();
    let directory = cluster.directory().to_owned();
    cluster
        .apply(
            r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: held}
spec:
  paused: true
  selector: {matchLabels: {app: held}}
  template:
    metadata: {labels: {app: held}}
    spec: {containers: [{name: app, image: "myapp:v1"}]}
"#,
        )
        .unwrap();
    let names = |kind: &str| {
        let output = cluster.kubectl(["get", kind, "-o", "name"]).unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    cluster
        .wait_until("the controller has seen the Deployment", |cluster| {
            let output = cluster
                .kubectl([
                    "get",
                    "deployment",
                    "held",
                    "-o",
                    "jsonpath={.status.conditions[0].reason}",
                ])
                .unwrap();
            output.stdout == b"DeploymentPaused"
        })
        .unwrap();
    assert_eq!(names("replicasets"), "");
    let resumed = cluster.kubectl(["rollout", "resume", "deployment/held"]).unwrap();
    assert!(resumed.status.success());
    let status = cluster
        .kubectl(["rollout", "status", "deployment/held", "--timeout=60s"])
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let image = cluster
        .kubectl([
            "get",
            "pods",
            "-o",
            "jsonpath={.items[0].status.containerStatuses[0].imageID}",
        ])
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&image.stdout), "myapp:v1");
    drop(cluster);
    assert!(!directory.exists());
    let needle = directory.display().to_string();
    let left = || -> Vec<String> {
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("cmdline")).ok())
            .filter(|line| line.contains(&needle))
            .collect()
    };
    // Killed is not gone yet: the kernel takes its time to give the memory of a server back.
    for _ in 0..100 {
        if left().is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let left = left();
    assert!(left.is_empty(), "{left:?}");
}
