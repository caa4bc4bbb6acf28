//! When a scan is tried again.

use super::{Scans, Wanted};
use crate::Options;
use crate::advisory_data::{AdvisoryData, DataWatch};
use crate::metrics::Metrics;
use crate::shared::Shared;
use crate::store::SqliteStore;
use seaworthy_gate::Memory;
use seaworthy_registry::{ClientOptions, Credentials};
use seaworthy_scanner::Database;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn scans(directory: &Path) -> Arc<Scans> {
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
        allow_local_registries: true,
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
        namespace: "shop".to_owned(),
        image: image.to_owned(),
        owner: None,
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
