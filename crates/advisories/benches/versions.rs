//! What comparing versions and making sort keys costs, on the versions of the vector rows. One iteration goes through
//! all rows of a scheme; the throughput is rows (for keys: versions) a second.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seaworthy_advisories::versions::Scheme;
use seaworthy_testkit::data::rows;

fn versions(criterion: &mut Criterion) {
    for scheme in Scheme::ALL {
        let Some(rows) = rows(&format!("vectors/versions/{scheme}.tsv")) else {
            continue;
        };
        let pairs: Vec<(&str, &str)> = rows
            .iter()
            .filter_map(|row| match row.as_slice() {
                [a, _, b, ..] => Some((a.as_str(), b.as_str())),
                _ => None,
            })
            .collect();
        let mut group = criterion.benchmark_group(scheme.name());
        group.throughput(Throughput::Elements(pairs.len() as u64));
        group.bench_function("compare", |bencher| {
            bencher.iter(|| {
                for (a, b) in &pairs {
                    let _ = black_box(scheme.compare(black_box(a), black_box(b)));
                }
            });
        });
        group.bench_function("sort_key", |bencher| {
            bencher.iter(|| {
                for (a, _) in &pairs {
                    let _ = black_box(scheme.sort_key(black_box(a)));
                }
            });
        });
        let keys: Vec<_> = pairs
            .iter()
            .map(|(a, b)| (scheme.sort_key(a), scheme.sort_key(b)))
            .collect();
        group.bench_function("compare keys", |bencher| {
            bencher.iter(|| {
                for (a, b) in &keys {
                    let (Ok(a), Ok(b)) = (a, b) else { continue };
                    black_box(black_box(a).cmp(black_box(b)));
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, versions);
criterion_main!(benches);
