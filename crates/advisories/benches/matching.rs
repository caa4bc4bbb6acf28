//! Opening the advisory file, making a section ready, matching 500 packages; needs the test data to build the file once.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up ends")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use seaworthy_advisories::database::Database;
use seaworthy_advisories::feeds::compile;
use seaworthy_advisories::file::write;
use seaworthy_model::{Distribution, Ecosystem, Family, Inventory, Package};
use std::hint::black_box;

/// Source packages of a Debian image with their versions of 12.0, and how many binaries each has.
const SOURCES: [(&str, &str, usize); 20] = [
    ("openssl", "3.0.9-1", 3),
    ("glibc", "2.36-9", 8),
    ("linux", "6.1.27-1", 2),
    ("curl", "7.88.1-10", 4),
    ("expat", "2.5.0-1", 3),
    ("perl", "5.36.0-7", 4),
    ("python3.11", "3.11.2-6", 8),
    ("systemd", "252.6-1", 6),
    ("krb5", "1.20.1-2", 8),
    ("git", "1:2.39.2-1.1", 2),
    ("imagemagick", "8:6.9.11.60+dfsg-1.6", 9),
    ("tiff", "4.5.0-6", 4),
    ("libxml2", "2.9.14+dfsg-1.2", 3),
    ("util-linux", "2.38.1-5", 12),
    ("openldap", "2.5.13+dfsg-5", 3),
    ("zlib", "1:1.2.13.dfsg-1", 2),
    ("gcc-12", "12.2.0-14", 20),
    ("mariadb", "1:10.11.3-1", 5),
    ("postgresql-15", "15.3-0+deb12u1", 3),
    ("binutils", "2.40-2", 8),
];

fn inventory() -> Inventory {
    let mut packages = Vec::new();
    for (source, version, binaries) in SOURCES {
        for number in 0..binaries {
            let mut package = Package::new(
                Ecosystem::Deb,
                format!("{source}-{number}"),
                version,
                "var/lib/dpkg/status",
            );
            source.clone_into(&mut package.source_name);
            packages.push(package);
        }
    }
    for number in packages.len()..500 {
        packages.push(Package::new(
            Ecosystem::Deb,
            format!("quiet-{number}"),
            "1.0-1",
            "var/lib/dpkg/status",
        ));
    }
    Inventory {
        distribution: Some(Distribution::new(Family::Debian, "12.0")),
        packages,
        ..Inventory::default()
    }
}

fn matching(criterion: &mut Criterion) {
    let Some(feeds) = seaworthy_testkit::data::path("feeds") else {
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
    let inventory = inventory();
    let ready = open();
    let found = ready.find(&inventory, 20_148).unwrap().matches.len();
    criterion.bench_function(&format!("match 500 packages, {found} findings"), |bencher| {
        bencher.iter(|| black_box(ready.find(&inventory, 20_148).unwrap()));
    });
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
