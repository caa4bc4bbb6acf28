//! Opening the advisory file, making a section ready, matching 500 packages; needs the test data to build the file once.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up ends")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use seaworthy_advisories::database::Database;
use seaworthy_advisories::feeds::compile;
use seaworthy_advisories::file::write;
use seaworthy_model::{Distribution, Ecosystem, Family, Inventory, Package};
use std::hint::black_box;

/// Package databases of real Debian images; one after another they give 500 packages.
const IMAGES: [&str; 4] = [
    "vectors/inventory/real-dpkg-debian-jre-libjava/expected.tsv",
    "vectors/inventory/real-dpkg-debian-curl-git-perl-after-purge/expected.tsv",
    "vectors/inventory/real-dpkg-debian-python3/expected.tsv",
    "vectors/inventory/real-dpkg-debian-bookworm-min/expected.tsv",
];

fn inventory() -> Option<Inventory> {
    let mut packages = Vec::new();
    for image in IMAGES {
        for row in seaworthy_testkit::data::rows(image)? {
            if let [name, version, _, source, source_version, ..] = row.as_slice() {
                let mut package = Package::new(Ecosystem::Deb, name, version, "var/lib/dpkg/status");
                source.clone_into(&mut package.source_name);
                source_version.clone_into(&mut package.source_version);
                packages.push(package);
            }
        }
    }
    packages.truncate(500);
    Some(Inventory {
        distribution: Some(Distribution::new(Family::Debian, "12.5")),
        packages,
        ..Inventory::default()
    })
}

fn matching(criterion: &mut Criterion) {
    let (Some(feeds), Some(inventory)) = (seaworthy_testkit::data::path("feeds"), inventory()) else {
        return;
    };
    let bytes: &'static [u8] = Vec::leak(write(&compile(&feeds, &|_| {}).unwrap()).unwrap());
    let open = || Database::from_static(bytes).unwrap();
    criterion.bench_function("open the advisory file", |bencher| bencher.iter(|| black_box(open())));
    for section in ["debian 12", "ubuntu 22.04", "sles 15.5", "npm"] {
        criterion.bench_function(&format!("make {section} ready"), |bencher| {
            bencher.iter_batched(
                open,
                |database| database.prepare(section).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
    let ready = open();
    let found = ready.find(&inventory, 20_148).unwrap().matches.len();
    criterion.bench_function(
        &format!("match {} packages, {found} findings", inventory.packages.len()),
        |bencher| {
            bencher.iter(|| black_box(ready.find(&inventory, 20_148).unwrap()));
        },
    );
    criterion.bench_function("open, make ready and match 500 packages", |bencher| {
        bencher.iter_batched(
            open,
            |database| database.find(&inventory, 20_148).unwrap(),
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(benches, matching);
criterion_main!(benches);
