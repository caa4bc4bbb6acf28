//! When a scan is tried again, how many there are, and which registries are asked.

use super::{Scans, Wanted, name, runnable};
use crate::Options;
use crate::advisory_data::{AdvisoryData, DataWatch};
use crate::metrics::Metrics;
use crate::shared::Shared;
use crate::store::SqliteStore;
use seaworthy_gate::Memory;
use seaworthy_model::{Platform, limits};
use seaworthy_registry::{ClientOptions, Credentials};
use seaworthy_scanner::Database;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn scans(directory: &Path) -> Arc<Scans> {
    scans_where(directory, true).await
}

async fn scans_where(directory: &Path, allow_local_registries: bool) -> Arc<Scans> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let url = format!("sqlite://{}", directory.join("store.db").display());
    let shared = Arc::new(Shared::new(
        Memory::default(),
        Arc::new(SqliteStore::open(&url).await.unwrap()),
    ));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db");
    let data = AdvisoryData::from(Database::open(file).unwrap());
    let data = Arc::new(DataWatch::new(data, Arc::clone(&shared), Arc::new(Metrics::new())));
    let options = Options {
        kubeconfig: None,
        install: false,
        external_url: None,
        listen: ([127, 0, 0, 1], 0).into(),
        http_listen: ([127, 0, 0, 1], 0).into(),
        store: url,
        exclude_namespaces: Vec::new(),
        registries: ClientOptions::default(),
        credentials: Credentials::default(),
        allow_local_registries,
        scans: 1,
    };
    let nobody = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
    let cluster = kube::Client::try_from(nobody).unwrap();
    Arc::new(Scans::new(shared, data, &options, cluster).unwrap())
}

async fn attempts(scans: &Scans, image: &str, count: u32) {
    let started = Instant::now();
    while scans
        .shared
        .failure("shop", image)
        .is_none_or(|failure| failure.attempts != count)
    {
        assert!(started.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_scan_that_is_asked_for_anew_does_not_wait_as_long_as_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let scans = scans(directory.path()).await;
    // Nobody listens there.
    let image = "127.0.0.1:1/app:v1";
    scans.start(Wanted {
        once: false,
        ..wanted(image, None)
    });
    attempts(&scans, image, 1).await;
    assert!(!scans.shared.is_asked_anew("shop", image, "scan", "uid-1"));
    assert!(!scans.shared.is_asked_anew("shop", image, "scan", "uid-1"));
    assert!(!scans.shared.is_asked_anew("shop", image, "another", "uid-2"));
    attempts(&scans, image, 2).await;
    // The next one would come eight seconds later, and be the third.
    let started = Instant::now();
    assert!(scans.shared.is_asked_anew("shop", image, "scan", "uid-3"));
    scans.try_anew("shop", image);
    attempts(&scans, image, 1).await;
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    scans.try_anew("other", image);
    assert!(scans.is_under_way("shop", image));
}

#[tokio::test]
async fn what_is_asked_for_stays_under_way_however_often_it_failed() {
    let directory = tempfile::tempdir().unwrap();
    let scans = scans(directory.path()).await;
    let image = "127.0.0.1:1/app:v1";
    scans.start(Wanted {
        once: false,
        ..wanted(image, None)
    });
    attempts(&scans, image, 1).await;
    for _ in 0..30 {
        scans.shared.failed("shop", image, "RegistryUnreachable", String::new());
    }
    // Left here, it would be started again by whoever waits for it, at once and without end.
    attempts(&scans, image, 32).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(scans.is_under_way("shop", image));
}

fn wanted(image: &str, owner: Option<&str>) -> Wanted {
    Wanted {
        namespace: "shop".to_owned(),
        image: image.to_owned(),
        owner: owner.map(|owner| (owner.to_owned(), "template".to_owned())),
        once: owner.is_none(),
    }
}

#[tokio::test]
async fn many_workloads_with_one_image_that_cannot_be_reached_do_not_wear_out_each_others_attempts() {
    let directory = tempfile::tempdir().unwrap();
    let scans = scans(directory.path()).await;
    let image = "127.0.0.1:1/app:v1";
    for owner in 0..25 {
        scans.start(wanted(image, Some(&format!("uid-{owner}"))));
    }
    attempts(&scans, image, 25).await;
    // Each waits for its second attempt, which comes after four seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scans.shared.failure("shop", image).unwrap().attempts, 25);
    assert_eq!(scans.under_way.lock().unwrap().len(), 25);
    attempts(&scans, image, 50).await;
}

#[tokio::test]
async fn of_a_refused_request_nothing_is_left_after_one_failure() {
    let directory = tempfile::tempdir().unwrap();
    let scans = scans(directory.path()).await;
    let image = "127.0.0.1:1/app:v1";
    scans.start(wanted(image, None));
    attempts(&scans, image, 1).await;
    scans.start(wanted(image, None));
    let started = Instant::now();
    while scans.is_under_way("shop", image) || scans.shared.failure("shop", image).is_some() {
        assert!(started.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(started.elapsed() > Duration::from_secs(2), "not started again at once");
}

#[tokio::test]
async fn refused_requests_take_the_place_of_no_workload() {
    let directory = tempfile::tempdir().unwrap();
    let scans = scans(directory.path()).await;
    for number in 0..limits::SCANS_OF_REFUSED + 50 {
        scans.start(wanted(&format!("127.0.0.1:1/app:v{number}"), None));
    }
    assert_eq!(scans.under_way.lock().unwrap().len(), limits::SCANS_OF_REFUSED);
    for owner in 0..limits::SCANS_WAITING {
        scans.start(wanted("127.0.0.1:1/app:v1", Some(&format!("uid-{owner}"))));
    }
    let under_way = scans.under_way.lock().unwrap();
    assert_eq!(under_way.len(), limits::SCANS_WAITING);
    assert_eq!(
        under_way.keys().filter(|wanted| wanted.owner.is_some()).count(),
        limits::SCANS_WAITING - limits::SCANS_OF_REFUSED
    );
}

#[tokio::test]
async fn a_registry_on_this_machine_is_asked_only_where_that_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let scans = scans_where(directory.path(), false).await;
    for image in ["127.1:1/app:v1", "2130706433:1/app:v1", "localhost:1/app:v1"] {
        scans.start(wanted(image, Some("uid")));
        attempts(&scans, image, 1).await;
        let failure = scans.shared.failure("shop", image).unwrap();
        assert_eq!(failure.reason, "RegistryNotAllowed", "{failure:?}");
    }
}

#[test]
fn where_a_node_finds_nothing_for_itself_all_of_its_system_count() {
    let platforms = |names: &[&str]| {
        names
            .iter()
            .map(|name| name.parse().unwrap())
            .collect::<Vec<Platform>>()
    };
    for (offered, needed, expected) in [
        (
            &["linux/amd64", "linux/arm64"][..],
            &["linux/amd64"][..],
            &["linux/amd64"][..],
        ),
        (
            &["linux/arm/v6", "linux/arm/v7", "linux/amd64"],
            &["linux/arm"],
            &["linux/arm", "linux/arm"],
        ),
        // containerd on amd64 takes 386 where there is nothing better.
        (
            &["linux/s390x", "linux/386"],
            &["linux/amd64"],
            &["linux/s390x", "linux/386"],
        ),
        (
            &["linux/amd64", "linux/arm/v7", "windows/amd64"],
            &["linux/amd64", "linux/arm64"],
            &["linux/amd64", "linux/arm"],
        ),
        (&["windows/amd64"], &["linux/amd64"], &[]),
        (&["linux/amd64", "linux/arm64"], &[], &[]),
    ] {
        let offered = platforms(offered);
        let needed = needed.iter().map(|name| (*name).to_owned()).collect();
        let run: Vec<String> = runnable(&offered, &needed).into_iter().map(name).collect();
        assert_eq!(run, expected, "{offered:?} {needed:?}");
    }
}
