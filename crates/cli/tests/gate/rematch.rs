//! The advisory data change while the registry is gone: what runs goes on and is told of, what is new is held, what was held
//! goes when the data let it. And a scan that failed is tried at once when somebody asks for it anew.

use crate::Place;
use crate::many::receiver;
use seaworthy_testkit::{ImageBuilder, LayerBuilder, RegistryServer, Stored, example_image};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const STATUS: &str = "get imagescans -o jsonpath={range@.items[*]}{.spec.image}={.status.state}/{.status.findings.critical}/{.status.conditions[?(@.type==\"UpdateRequired\")].reason};{end}";

/// A small Alpine with one package that the data may be about.
fn image() -> ImageBuilder {
    let layer = LayerBuilder::new()
        .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n")
        .file("etc/alpine-release", "3.20.1\n")
        .file(
            "lib/apk/db/installed",
            "P:openssl\nV:3.3.0-r2\nA:x86_64\no:openssl\n\nP:zlib\nV:1.3.1-r1\nA:x86_64\no:zlib\n\n",
        );
    ImageBuilder::new().layer(layer, Stored::Gzip)
}

/// Builds an advisory file of feeds that say what of openssl was fixed in which version, and puts it in its place.
fn build(directory: &Path, secfixes: &str) -> PathBuf {
    let (feeds, file) = (directory.join("feeds"), directory.join("advisories.db"));
    let _ = std::fs::remove_dir_all(&feeds);
    for folder in ["alpine/v3.20", "nvd"] {
        std::fs::create_dir_all(feeds.join(folder)).unwrap();
    }
    let secdb = format!(
        "{{\"distroversion\":\"v3.20\",\"reponame\":\"main\",\"packages\":[{{\"pkg\":{{\"name\":\"zlib\",\"secfixes\":{{\"1.2.12-r0\":\
         [\"CVE-2018-25032\"]}}}}}},{{\"pkg\":{{\"name\":\"openssl\",\"secfixes\":{{{secfixes}}}}}}}]}}"
    );
    std::fs::write(feeds.join("alpine/v3.20/main.json"), secdb).unwrap();
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    let nvd = format!(
        "{{\"timestamp\":\"2024-11-01T00:00:00.000\",\"vulnerabilities\":[{{\"cve\":{{\"id\":\"CVE-2024-5535\",\"published\":\
         \"2024-06-27T11:15:24.447\",\"metrics\":{{\"cvssMetricV31\":[{{\"source\":\"nvd@nist.gov\",\"cvssData\":{{\"vectorString\":\"{vector}\"}}}}]}}}}}}]}}"
    );
    std::fs::write(feeds.join("nvd/nvdcve-2.0-2024.json"), nvd).unwrap();
    let gzip = Command::new("gzip")
        .arg(feeds.join("nvd/nvdcve-2.0-2024.json"))
        .status();
    assert!(gzip.unwrap().success());
    let built = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["db", "build", "--feeds"])
        .arg(&feeds)
        .arg("-o")
        .arg(&file)
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    file
}

#[test]
fn other_advisory_data_change_verdicts_without_a_registry() {
    let Some(place) = Place::start() else { return };
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    let digest = registry.push("app", "v1", &image());
    let name = format!("{}/app:v1", registry.host());
    let directory = place.cluster.directory().to_owned();
    let clean = "\"3.3.0-r0\":[\"CVE-2024-4741\"]";
    let bad = format!("{clean},\"3.3.1-r1\":[\"CVE-2024-5535\"]");
    let file = build(&directory, clean);
    let with = [format!("--db={}", file.display())];
    let operator = place.operator_with(&with);
    let alerts = receiver();
    place.apply(&format!(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: AlertChannel\nmetadata: {{name: team}}\nspec: {{type: webhook, url: \"http://{}/hook\"}}\n",
        alerts.0
    ));
    place.ok("patch scanpolicy default --type=merge -p {\"spec\":{\"alerts\":[\"team\"]}}");
    place.ok(&format!("create deployment early --image={name}"));
    place.rolled_out("deployment/early");
    place.wait_for(STATUS, &format!("{name}=Approved/0/;"));
    let version = "get imagescans -o jsonpath={.items[*].status.advisoryData.version}";
    let first = place.ok(version);
    assert_eq!(first.len(), 32, "{first}");

    // From here on nothing can be pulled.
    drop(registry);
    build(&directory, &bad);
    place.wait_for(STATUS, &format!("{name}=VulnerabilitiesFound/1/KnownSinceAdmission;"));
    assert_ne!(place.ok(version), first);
    let message =
        place.ok("get imagescans -o jsonpath={.items[*].status.conditions[?(@.type==\"UpdateRequired\")].message}");
    assert!(
        message.starts_with("what was let in before CVE-2024-5535 was known in openssl goes on")
            && message.contains("update it by 20"),
        "{message}"
    );
    // What runs goes on, also when it is made again.
    let pinned = format!("{name}@{digest}");
    let running = format!("{pinned}|Running|;");
    place.wait_for_pods("early", |pods| pods == running);
    place.ok("delete pods -l app=early");
    place.wait_for_pods("early", |pods| pods == running);
    place.state("deployment/early", "Deployed");
    // Another workload with the same image does not.
    place.ok(&format!("create deployment late --image={pinned}"));
    place.state("deployment/late", "Blocked");
    let line = place.reason("deployment/late");
    assert!(
        line.starts_with(&format!(
            "{name}: CVE-2024-5535 CRITICAL in openssl 3.3.0-r2 → 3.3.1-r1"
        )),
        "{line}"
    );
    assert_eq!(place.pods("late"), "");
    let told = |event: &str, name: &str| {
        let (event, name) = (format!("dev.seaworthy.image.{event}"), format!("\"name\":\"{name}\""));
        let alerts = alerts.1.lock().unwrap();
        let told = alerts
            .iter()
            .filter(|alert| alert.contains(&event) && alert.contains(&name));
        told.cloned().collect::<Vec<String>>()
    };
    let wait = |event: &str, name: &str| {
        let started = Instant::now();
        while told(event, name).is_empty() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{event} {name}: {}",
                place.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    wait("warned", "early");
    wait("blocked", "late");

    // A file that is damaged changes nothing.
    std::fs::write(file.with_extension("new"), "not one").unwrap();
    std::fs::rename(file.with_extension("new"), &file).unwrap();
    let log = || std::fs::read_to_string(directory.join("operator.log")).unwrap_or_default();
    place
        .cluster
        .wait_until("the damaged file is refused", |_| log().contains("is not used"))
        .unwrap();
    place.state("deployment/late", "Blocked");

    // What was held goes when the data let it, without a registry too.
    build(&directory, clean);
    place.rolled_out("deployment/late");
    place.wait_for(STATUS, &format!("{name}=Approved/0/;"));
    wait("resolved", "early");
    wait("resolved", "late");
    std::thread::sleep(Duration::from_secs(2));
    let count = |event: &str, name: &str| told(event, name).len();
    assert_eq!((count("warned", "early"), count("blocked", "early")), (1, 0));
    assert_eq!((count("warned", "late"), count("blocked", "late")), (0, 1));
    let warned = told("warned", "early").remove(0);
    assert!(
        warned.contains("it was let in before and runs on: update it by 20"),
        "{warned}"
    );

    // Data that changed while nobody was there count before anybody is let in.
    drop(operator);
    build(&directory, &bad);
    let _operator = place.operator_with(&with);
    assert!(
        log().contains("matched again images=1 changed=1 forgotten=0"),
        "{}",
        log()
    );
    place.ok(&format!("create deployment third --image={pinned}"));
    place.state("deployment/third", "Blocked");
    assert_eq!(place.pods("third"), "");
    place.wait_for(STATUS, &format!("{name}=VulnerabilitiesFound/1/KnownSinceAdmission;"));
    place.wait_for_pods("late", |pods| pods == running);
}

#[test]
fn a_scan_that_failed_and_is_asked_for_anew_is_tried_at_once() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    let scan = "apiVersion: seaworthy.dev/v1alpha1\nkind: ImageScan\nmetadata: {name: late, namespace: default}\nspec: {image: \"nobody/late:v1\"}\n";
    place.apply(scan);
    let state = "get imagescan late -o jsonpath={.status.state}";
    place.wait_for(state, "Failed");
    // Four attempts, after which it waits for 32 seconds.
    let attempts = || {
        let log = std::fs::read_to_string(place.cluster.directory().join("operator.log")).unwrap_or_default();
        let is_failure = |line: &&str| line.contains("WARN") && line.contains("nobody/late:v1");
        log.lines().filter(is_failure).count()
    };
    place
        .cluster
        .wait_until("it was tried four times", |_| attempts() >= 4)
        .unwrap();
    place.registry.push("nobody/late", "v1", &example_image(true));
    place.ok("delete imagescan late");
    let started = Instant::now();
    place.apply(scan);
    place.wait_for(state, "Approved");
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(20), "{waited:?}");
}

#[test]
fn a_store_that_is_lost_is_said() {
    let Some(place) = Place::start() else { return };
    let lost = "the store is empty although this cluster was governed before";
    let log = || std::fs::read_to_string(place.cluster.directory().join("operator.log")).unwrap_or_default();
    let operator = place.operator();
    place.ok("create deployment good --image=myapp:v1-fixed");
    place.rolled_out("deployment/good");
    place.ok("create deployment bad --image=myapp:v1");
    place.state("deployment/bad", "Blocked");
    assert!(!log().contains(lost), "{}", log());
    drop(operator);
    for file in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = std::fs::remove_file(place.cluster.directory().join(file));
    }
    let _operator = place.operator();
    assert!(log().contains(lost), "{}", log());
    let events = "get events -n seaworthy -o jsonpath={.items[*].reason}";
    place.wait_for(events, "StoreLost");
    // What is held stays so and is scanned again; what runs goes on.
    place.state("deployment/bad", "Blocked");
    assert_eq!(place.pods("bad"), "");
    place.ok("delete pods -l app=good");
    let running = format!("myapp:v1-fixed@{}|Running|;", place.fixed);
    place.wait_for_pods("good", |pods| pods == running);
}
