//! Ten thousand inventories in a store, matched again with other advisory data: from the file of the store to verdicts in it.
//!
//! The images are made of real package lists: a release's own packages, some more of the same release, and an application
//! with packages of languages. A tenth of the packages is of an earlier build. `SEAWORTHY_BENCH_IMAGES` takes another
//! number of them.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a bench that cannot be set up ends; what it says is for people"
)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use seaworthy_model::{Assessment, Distribution, Ecosystem, Family, Inventory, LayerRef, Package, PackageClass};
use seaworthy_operator::rematch::rematch;
use seaworthy_operator::store::{SqliteStore, Store, pack};
use seaworthy_scanner::Database;
use seaworthy_testkit::data;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Releases, the list that every image of one begins with, and lists from which there are some packages more.
const RELEASES: [(Family, &str, &str, &[&str]); 9] = [
    (
        Family::Debian,
        "12.5",
        "real-dpkg-debian-bookworm-min",
        &[
            "real-dpkg-debian-curl-git-perl-after-purge",
            "real-dpkg-debian-jre-libjava",
            "real-dpkg-debian-python3",
        ],
    ),
    (
        Family::Debian,
        "12.9",
        "real-dpkg-debian-bookworm-min",
        &["real-dpkg-debian-jre-libjava", "real-dpkg-debian-python3"],
    ),
    (
        Family::Debian,
        "11.9",
        "real-dpkg-debian-bullseye",
        &["real-dpkg-debian-bullseye"],
    ),
    (
        Family::Ubuntu,
        "20.04",
        "real-dpkg-ubuntu-focal",
        &["real-dpkg-ubuntu-focal"],
    ),
    (
        Family::Ubuntu,
        "24.04",
        "real-dpkg-ubuntu-noble",
        &["real-dpkg-ubuntu-noble"],
    ),
    (Family::Alpine, "3.17.3", "real-apk-alpine-v3.17", &[]),
    (Family::Alpine, "3.19.1", "real-apk-alpine-v3.19", &[]),
    (Family::Alpine, "3.20.1", "real-apk-alpine-v3.20", &[]),
    (Family::RedHat, "8.9", "real-rpm-bdb-fedora", &[]),
];
/// Languages that applications are written in.
const LANGUAGES: [Ecosystem; 5] = [
    Ecosystem::Npm,
    Ecosystem::PyPi,
    Ecosystem::Gem,
    Ecosystem::Maven,
    Ecosystem::Go,
];

/// Always the same numbers (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

fn list(name: &str) -> Option<Vec<Package>> {
    let rows = data::rows(&format!("vectors/inventory/{name}/expected.tsv"))?;
    let package = |row: &Vec<String>| {
        let [name, version, kind, source, source_version, arch, _, _, ..] = row.as_slice() else {
            return None;
        };
        let ecosystem = Ecosystem::from_purl_type(kind)?;
        let path = match ecosystem {
            Ecosystem::Deb => "var/lib/dpkg/status".to_owned(),
            Ecosystem::Apk => "lib/apk/db/installed".to_owned(),
            Ecosystem::Rpm => "var/lib/rpm/Packages".to_owned(),
            Ecosystem::Npm => format!("app/node_modules/{name}/package.json"),
            Ecosystem::PyPi => format!("usr/local/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"),
            _ => format!("app/lib/{name}-{version}"),
        };
        let mut package = Package::new(ecosystem, name, version, path);
        if !source.is_empty() {
            source.clone_into(&mut package.source_name);
            source_version.clone_into(&mut package.source_version);
        }
        arch.clone_into(&mut package.arch);
        package.licenses = vec!["MIT".to_owned()];
        Some(package)
    };
    Some(rows.iter().filter_map(package).collect())
}

/// `9.1-1` of `9.1-1+deb12u3`, `1.36.1-r4` of `1.36.1-r5`.
fn earlier(version: &str) -> String {
    if let Some((before, _)) = version.split_once("+deb") {
        return before.to_owned();
    }
    match version.rsplit_once(|character: char| !character.is_ascii_digit()) {
        Some((before, last)) => match last.parse::<u64>() {
            Ok(last) if last > 0 => format!("{}{}", &version[..=before.len()], last - 1),
            _ => version.to_owned(),
        },
        None => version.to_owned(),
    }
}

fn images(count: usize) -> Option<Vec<Inventory>> {
    let mut languages: HashMap<Ecosystem, Vec<Package>> = HashMap::new();
    for directory in std::fs::read_dir(data::path("vectors/inventory")?).unwrap().flatten() {
        let name = directory.file_name().to_string_lossy().into_owned();
        if !directory.path().join("expected.tsv").is_file() {
            continue;
        }
        for package in list(&name)? {
            if package.ecosystem.class() == PackageClass::Language {
                languages.entry(package.ecosystem).or_default().push(package);
            }
        }
    }
    let mut releases = Vec::new();
    for (family, version, base, more) in RELEASES {
        let base = list(base)?;
        let mut others: Vec<Package> = more.iter().filter_map(|name| list(name)).flatten().collect();
        others.retain(|other| base.iter().all(|package| package.name != other.name));
        releases.push((Distribution::new(family, version), base, others));
    }
    let mut dice = Dice(1);
    let images = (0..count).map(|number| {
        let (distribution, base, others) = &releases[dice.below(releases.len())];
        let mut packages = base.clone();
        let share = dice.below(4);
        packages.extend(others.iter().filter(|_| dice.below(4) < share).cloned());
        let application = &languages[&LANGUAGES[dice.below(LANGUAGES.len())]];
        let size = 30 + dice.below(220);
        let from = dice.below(application.len());
        packages.extend(
            application
                .iter()
                .cycle()
                .skip(from)
                .take(size.min(application.len()))
                .cloned(),
        );
        for package in &mut packages {
            let digest = seaworthy_model::Digest::from_bytes([u8::try_from(number % 251).unwrap(); 32]);
            package.layer = Some(LayerRef {
                digest: Some(digest),
                diff_id: Some(digest),
            });
            if dice.below(10) == 0 {
                package.version = earlier(&package.version);
                if package.ecosystem.class() == PackageClass::Os {
                    package.source_version = earlier(&package.source_version);
                }
            }
        }
        packages.sort_by(|a, b| {
            (a.ecosystem.class(), &a.name, &a.version, &a.path).cmp(&(
                b.ecosystem.class(),
                &b.name,
                &b.version,
                &b.path,
            ))
        });
        packages.dedup_by(|a, b| {
            (a.ecosystem, &a.name, &a.version, &a.path) == (b.ecosystem, &b.name, &b.version, &b.path)
        });
        Inventory {
            distribution: Some(distribution.clone()),
            packages,
            ..Inventory::default()
        }
    });
    Some(images.collect())
}

fn bench(criterion: &mut Criterion) {
    let count = std::env::var("SEAWORTHY_BENCH_IMAGES")
        .ok()
        .and_then(|count| count.parse().ok());
    let Some(images) = images(count.unwrap_or(10_000)) else {
        return;
    };
    let packages: usize = images.iter().map(|image| image.packages.len()).sum();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = runtime.block_on(async {
        let url = format!("sqlite://{}", directory.path().join("store.db").display());
        let store = SqliteStore::open(&url).await.unwrap();
        for (number, image) in images.iter().enumerate() {
            let packed = pack(std::slice::from_ref(image)).unwrap();
            store
                .keep_assessment(format!("sha256:{number:064x}"), Assessment::default(), packed)
                .await
                .unwrap();
        }
        store
    });
    let bytes = std::fs::metadata(directory.path().join("store.db")).unwrap().len();
    let open =
        || Arc::new(Database::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db")).unwrap());
    let unknown: HashMap<String, Arc<Assessment>> = (0..images.len())
        .map(|number| (format!("sha256:{number:064x}"), Arc::default()))
        .collect();
    let again = runtime
        .block_on(rematch(&store, unknown.clone(), open(), "1".to_owned()))
        .unwrap();
    let findings: usize = again
        .changed
        .iter()
        .map(|(_, assessment)| assessment.findings.len())
        .sum();
    eprintln!(
        "{} images, {packages} packages, {findings} findings, {} verdicts are others, {} MB of inventories",
        images.len(),
        again.changed.len(),
        bytes / 1_000_000
    );
    let mut known = unknown.clone();
    known.extend(again.changed);
    drop(images);
    let mut group = criterion.benchmark_group("match inventories again");
    group.sample_size(10);
    for (name, before) in [
        ("every verdict is another", unknown),
        ("every verdict is the same", known),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || (before.clone(), open()),
                |(before, database)| {
                    runtime
                        .block_on(rematch(&store, before, database, "2".to_owned()))
                        .unwrap()
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
