//! Feed directories with one file under test.

use crate::{scratch, zip_archive};
use flate2::{Compression, write::GzEncoder};
use seaworthy_advisories::database::Database;
use seaworthy_advisories::feeds::compile;
use seaworthy_advisories::file::write;
use std::io::Write;
use std::path::Path;

/// The zips of OSV records.
pub const OSV: &[&str] = &[
    "Alpine",
    "Debian",
    "Ubuntu",
    "Red Hat",
    "AlmaLinux",
    "Rocky Linux",
    "SUSE",
    "openSUSE",
    "Azure Linux",
    "npm",
    "PyPI",
    "Go",
    "Maven",
    "NuGet",
    "Packagist",
    "RubyGems",
    "crates.io",
    "Bitnami",
    "Kubernetes",
    "Hex",
    "Pub",
    "SwiftURL",
    "ConanCenter",
    "CRAN",
    "Hackage",
    "Julia",
];

/// The other files.
pub const FILES: &[&str] = &[
    "alpine/v3.19/main.json",
    "debian/DSA/list",
    "debian/DLA/list",
    "redhat/cve.jsonl.gz",
    "azurelinux/azurelinux-3.0-oval.xml.gz",
    "amazon/2/core/updateinfo.xml.gz",
    "nvd/nvdcve-2.0-2024.json.gz",
    "cvss/cve-cvss.csv.gz",
    "epss/epss_scores-current.csv.gz",
    "kev/known_exploited_vulnerabilities.json",
    "native/jenkins/warnings.json.gz",
    "native/retirejs/jsrepository-v6.json.gz",
    "native/nodejs/core-index.json.gz",
];

/// A feed that is always there, so that facts have an id to be about.
const BESIDE: (&str, &str) = (
    "alpine/v3.20/main.json",
    r#"{"distroversion":"v3.20","reponame":"main","packages":[{"pkg":{"name":"openssl","secfixes":{"3.3.1-r1":["CVE-2024-5535"]}}}]}"#,
);

/// Compiles a directory with one zip of one record.
pub fn osv(ecosystem: &str, record: &[u8]) {
    let directory = scratch::directory(&ecosystem.replace(' ', "-"));
    let name = format!("osv/{ecosystem}/all.zip");
    scratch::write(&directory, &name, &zip_archive::stored("RECORD.json", record));
    let compilation = compile(&directory, &|_| ()).expect("a record is refused, it does not end the build");
    let summary = compilation.summaries.iter().find(|summary| summary.feed == name);
    let summary = summary.expect("every file has a summary");
    assert!(
        summary.kept > 0 || !summary.refused.is_empty(),
        "a record was passed over in silence: {summary:?}"
    );
    if !compilation.records.is_empty() {
        round_trip(&directory, &compilation);
    }
}

/// Compiles a directory with one of [`FILES`].
pub fn file(name: &str, bytes: &[u8]) {
    let directory = scratch::directory(&name.replace(['/', '.'], "-"));
    scratch::write(&directory, BESIDE.0, BESIDE.1.as_bytes());
    let stored = if name.ends_with(".gz") {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("writing to memory does not fail");
        encoder.finish().expect("writing to memory does not fail")
    } else {
        bytes.to_vec()
    };
    scratch::write(&directory, name, &stored);
    if let Ok(compilation) = compile(&directory, &|_| ()) {
        assert!(!compilation.records.is_empty(), "the feed beside it is lost");
        round_trip(&directory, &compilation);
    }
}

/// What was compiled can be written, and what was written can be read.
fn round_trip(directory: &Path, compilation: &seaworthy_advisories::record::Compilation) {
    let Ok(file) = write(compilation) else { return };
    let path = scratch::write(directory, "advisories.db", &file);
    let database = Database::open(&path).expect("a file just written opens");
    database.verify().expect("a file just written is whole");
    for record in compilation.records.iter().take(8) {
        assert!(database.has_section(&record.section), "{record:?}");
        database.facts(&record.id).expect("a file just written is whole");
    }
    let _ = std::fs::remove_file(path);
}
