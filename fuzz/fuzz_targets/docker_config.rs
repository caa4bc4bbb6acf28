//! Credential files: no login shows in an error or in what is printed for debugging.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_registry::DockerConfig;

fuzz_target!(|bytes: &[u8]| {
    let Ok(config) = DockerConfig::parse(bytes) else { return };
    for (host, repository) in [
        ("docker.io", "library/alpine"),
        ("ghcr.io", "a/b"),
        ("eu.gcr.io:443", "x"),
        ("[::1]:5000", ""),
    ] {
        config.stored(host, repository);
    }
    let _ = format!("{config:?}");
});
