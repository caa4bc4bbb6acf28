//! What waits too long is told once, with what to do; what nobody would be told says so; who asked for an exception is
//! known; and what a policy would hold is told from everything that was found.

use crate::Place;
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored, example_image};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

const HEAD: &str = "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanPolicy\nmetadata: {name: default}\n";

#[test]
fn a_hold_without_a_verdict_is_told_once_with_how_long_and_what_to_do() {
    let Some(place) = Place::start() else { return };
    let (team, told) = receiver();
    let operator = place.operator();
    place.apply(&format!(
        "{HEAD}spec: {{rules: [{{severity: CRITICAL}}], holdTimeout: 4s, alerts: [team, nobody]}}\n---\n\
         apiVersion: seaworthy.dev/v1alpha1\nkind: AlertChannel\nmetadata: {{name: team}}\nspec: {{type: webhook, url: \"http://{team}/\"}}\n"
    ));
    nobody_is_told(&place);
    let image = format!("{}/late/app:v1", place.registry.host());
    place.ok(&format!("create deployment late --image={image}"));
    place.ok(&format!("run alone --image={image}"));
    let line = format!("{image}: no verdict for more than 4s; try: kubectl scan image {image} -n default (");
    let events = "get events -o jsonpath={range@.items[?(@.reason==\"HoldTimeout\")]}{.involvedObject.kind}/{.involvedObject.name}:{.message};{end}";
    place.wait(events, |out| {
        out.matches(';').count() >= 2 && out.matches(&line).count() == 2
    });
    let stalled = "get imagescans -o jsonpath={range@.items[*]}{.status.conditions[?(@.type==\"Stalled\")].status}:{.status.conditions[?(@.type==\"Stalled\")].message}{end}";
    place.wait(stalled, |out| out.starts_with(&format!("True:{line}")));
    let failed = || {
        told.lock()
            .unwrap()
            .iter()
            .filter(|event| event.contains("image.failed"))
            .count()
    };
    place
        .cluster
        .wait_until("the team hears of it", |_| failed() >= 2)
        .unwrap();
    let since = place.ok("get imagescans -o jsonpath={.items[0].status.waitingSince}");
    assert!(since.starts_with("20"), "{since}");

    // A restart begins nothing anew, and what was said is not said again.
    drop(operator);
    let _operator = place.operator();
    std::thread::sleep(std::time::Duration::from_secs(10));
    assert_eq!(
        place.ok("get imagescans -o jsonpath={.items[0].status.waitingSince}"),
        since
    );
    let said = place.ok(events);
    assert_eq!(said.matches("no verdict").count(), 2, "one Event each: {said}");
    assert_eq!(failed(), 2, "one message each: {:?}", told.lock().unwrap());
    assert!(
        told.lock()
            .unwrap()
            .iter()
            .any(|event| event.contains(": no verdict for more than 4s: "))
    );

    // It comes at last.
    place.registry.push("late/app", "v1", &example_image(true));
    place.wait_for("get pod alone -o jsonpath={.status.phase}", "Running");
    place.rolled_out("deployment/late");
    place.wait(stalled, |out| out == ":");
    let resolved = || {
        told.lock()
            .unwrap()
            .iter()
            .filter(|event| event.contains("image.resolved"))
            .count()
    };
    place
        .cluster
        .wait_until("the team hears the end", |_| resolved() == 2)
        .unwrap();
}

fn nobody_is_told(place: &Place) {
    let ready = "get scanpolicy default -o jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}:{.status.conditions[?(@.type==\"Ready\")].message}";
    place.wait(ready, |out| {
        out.starts_with("AlertChannelMissing:") && out.ends_with("there is no alertchannels.seaworthy.dev named nobody")
    });
    let said = place.scan("alert-test nobody");
    let expected = "there is no AlertChannel nobody, which ScanPolicy default names: nobody is told";
    assert!(!said.ok && said.err.contains(expected), "{said:?}");
    let said = place.scan("alert-test elsewhere");
    assert!(said.err.contains("there is no AlertChannel elsewhere\n"), "{said:?}");
    assert!(place.scan("alert-test team").ok);
}

#[test]
fn who_asked_for_an_exception_is_taken_from_the_request() {
    let Some(place) = Place::start() else { return };
    let operator = place.operator();
    for (role, user) in [("edit", "edit"), ("admin", "namespace-admin")] {
        place.ok(&format!("create rolebinding {role} --clusterrole={role} --user={user}"));
    }
    let file = place.cluster.directory().join("exception.yaml");
    let write = |annotations: &str, reason: &str| {
        std::fs::write(
            &file,
            format!(
                "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanException\nmetadata: {{name: accepted, namespace: default{annotations}}}\n\
                 spec: {{vulnerabilities: [CVE-2023-40889], reason: {reason}, expires: {{whenFixed: true}}}}\n"
            ),
        )
        .unwrap();
    };
    let apply = format!("apply -f {}", file.display());
    let by = "get scanexception accepted -o jsonpath={.status.requestedBy}";
    let forged = ", annotations: {seaworthy.dev/requested-by: somebody-else}";
    write(forged, "first");
    place.refused("edit", &apply, "forbidden");
    assert!(place.kubectl_as("namespace-admin", &apply).ok);
    place.wait_for(by, "namespace-admin");
    // Nobody writes another name, neither with the object nor with its status.
    for (user, line) in [
        (
            "admin",
            "annotate scanexception accepted seaworthy.dev/requested-by=nobody --overwrite",
        ),
        ("admin", "annotate scanexception accepted seaworthy.dev/requested-by-"),
        ("admin", "label scanexception accepted a=b"),
    ] {
        assert!(place.kubectl_as(user, line).ok, "{line}");
    }
    let status =
        "patch scanexception accepted --subresource=status --type=merge -p {\"status\":{\"requestedBy\":\"nobody\"}}";
    place.refused("admin", status, "written by Seaworthy alone");
    let annotated = "get scanexception accepted -o jsonpath={.metadata.annotations.seaworthy\\.dev/requested-by}";
    assert_eq!(place.ok(annotated), "namespace-admin");
    write("", "second");
    place.ok(&apply);
    place.wait_for(by, "admin");
    // While we are away nothing is written in another's name either.
    drop(operator);
    place.ok("delete mutatingwebhookconfigurations seaworthy");
    place.ok("delete validatingwebhookconfigurations seaworthy");
    place.refused(
        "namespace-admin",
        "annotate scanexception accepted seaworthy.dev/requested-by=nobody --overwrite",
        "written by Seaworthy alone",
    );
    write(forged, "third");
    place.refused("admin", &apply, "written by Seaworthy alone");
}

#[test]
fn a_preview_counts_every_finding_and_the_applied_policy_finds_the_same() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    let digest = place.registry.push("library/many", "v1", &many_findings());
    place.ok("create deployment many --image=many:v1");
    place.rolled_out("deployment/many");
    place.ok("create deployment other --image=other:v1");
    place.rolled_out("deployment/other");
    let scan = "get imagescans -o jsonpath={range@.items[?(@.spec.image==\"many:v1\")]}{.status.truncated}:{range@.status.top[*]}{.package},{end}{end}";
    place.wait(scan, |out| out.starts_with("true:") && out.matches(',').count() == 10);
    let listed = place.ok(scan);
    // What the ImageScan does not list: the mildest.
    let unlisted = "libssl3";
    assert!(!listed.contains(unlisted), "{listed}");

    let policy = place.cluster.directory().join("policy.yaml");
    let text =
        format!("{HEAD}spec: {{rules: [{{severity: CRITICAL}}, {{name: eleventh, packages: [\"{unlisted}\"]}}]}}\n");
    std::fs::write(&policy, text).unwrap();
    let preview = |as_user: &str| {
        let said = place.scan(&format!("preview -f {} -o json{as_user}", policy.display()));
        assert!(said.ok, "{said:?}");
        let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let prospect = |name: &str| {
            let workloads = value["workloads"].as_array().unwrap();
            let workload = workloads.iter().find(|workload| workload["name"] == name).unwrap();
            (
                workload["prospect"].as_str().unwrap().to_owned(),
                workload["images"][0]["reason"].to_string(),
            )
        };
        (prospect("many"), prospect("other"))
    };
    let (many, other) = preview("");
    assert_eq!((many.0.as_str(), other.0.as_str()), ("Held", "Runs"), "{many:?}");
    assert!(many.1.contains(unlisted), "{}", many.1);
    // Nothing came of asking.
    let stored = place.ok("get scanpolicy default -o yaml");
    assert!(
        !stored.contains("eleventh") && !stored.contains("seaworthy.dev/preview"),
        "{stored}"
    );

    place.ok(&format!(
        "apply --server-side --force-conflicts -f {}",
        policy.display()
    ));
    for (name, image) in [("many", "many:v1"), ("other", "other:v1")] {
        place.ok(&format!("create deployment {name}-again --image={image}"));
    }
    place.state("deployment/many-again", "Blocked");
    let line = place.reason("deployment/many-again");
    assert!(many.1.contains(&line), "{line} is not {}", many.1);
    place.rolled_out("deployment/other-again");
    let (many, other) = preview("");
    assert_eq!((many.0.as_str(), other.0.as_str()), ("Held", "Runs"));
    assert!(place.pods("many").starts_with(&format!("many:v1@{digest}|Running|")));
}

/// An image with more findings than an ImageScan lists, none of them critical.
fn many_findings() -> ImageBuilder {
    let packages = [
        ("libc6", "glibc", "2.36-9+deb12u1"),
        ("libssl3", "openssl", "3.0.15-1~deb12u1"),
    ];
    let status: String = packages
        .iter()
        .map(|(name, source, version)| {
            format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: {version}\n\n")
        })
        .collect();
    let release =
        "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
    let layer = LayerBuilder::new()
        .file("etc/os-release", release)
        .file("etc/debian_version", "12.1\n")
        .file("var/lib/dpkg/status", status);
    ImageBuilder::new().tag("many:v1").layer(layer, Stored::Plain)
}

/// The team's end of a webhook, and what it heard.
fn receiver() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                kept.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
            }
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (address, heard)
}
