//! Writes the seeds of every target: `seeds CORPUS_DIR [TEST_DATA_DIR]`. Made ones need nothing; real ones come from the
//! test data, where there are some.

mod advisories;
mod bills;
mod images;
mod lock_files;
mod metadata;
mod packages;
mod programs;
mod real;

use seaworthy_fuzz::{put_part, root, source_tree};
use seaworthy_inventory::analyzer::{ANALYZERS, STREAM_ANALYZERS};
use seaworthy_inventory::declared::DECLARED;
use std::fs;
use std::path::PathBuf;

/// Larger inputs make every run slow and teach nothing more.
const MOST: usize = 256 << 10;

struct Corpus(PathBuf);

impl Corpus {
    fn add(&self, target: &str, name: &str, bytes: &[u8]) {
        if bytes.len() <= MOST {
            let directory = self.0.join(target);
            fs::create_dir_all(&directory).expect("create the corpus");
            fs::write(directory.join(name.replace('/', "_")), bytes).expect("write a seed");
        }
    }

    /// A seed behind the byte that chooses its variant.
    fn choose(&self, target: &str, name: &str, variant: usize, bytes: &[u8]) {
        let mut seed = vec![variant as u8];
        seed.extend(bytes);
        self.add(target, &format!("{variant}-{name}"), &seed);
    }
}

fn parts(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    parts.iter().for_each(|part| put_part(&mut out, part));
    out
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let corpus = Corpus(
        arguments
            .next()
            .expect("usage: seeds CORPUS_DIR [TEST_DATA_DIR]")
            .into(),
    );
    every_parser_is_reached();
    packages::versions(&corpus);
    packages::metadata(&corpus);
    metadata::metadata(&corpus);
    programs::programs(&corpus);
    lock_files::lock_files(&corpus);
    images::archives(&corpus);
    images::registries(&corpus);
    images::daemons(&corpus);
    advisories::file(&corpus);
    advisories::feeds(&corpus);
    advisories::constraints(&corpus);
    bills::bills(&corpus);
    bills::reviews(&corpus);
    if let Some(data) = arguments.next().map(PathBuf::from).filter(|data| data.is_dir()) {
        real::real(&corpus, &data);
    }
}

/// A parser that no target has a path for is not fuzzed, and nobody would notice.
fn every_parser_is_reached() {
    let paths: Vec<&str> = root::paths().collect();
    let reached = |wants: fn(&str) -> bool| paths.iter().any(|path| wants(path));
    for analyzer in ANALYZERS {
        assert!(reached(analyzer.wants), "no target has a path for {}", analyzer.name);
    }
    for analyzer in STREAM_ANALYZERS {
        assert!(reached(analyzer.wants), "no target has a path for {}", analyzer.name);
    }
    for kind in DECLARED {
        let mut paths = source_tree::FAMILIES.iter().flat_map(|(_, pairs)| pairs.iter());
        assert!(
            paths.any(|(path, _)| (kind.wants)(path)),
            "no target has a path for {}",
            kind.name
        );
    }
}
