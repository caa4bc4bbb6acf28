//! An OCI archive whose digests are right: the documents name each other by placeholders, so that a mutated manifest is
//! still the one that the index promises.

use crate::tar_headers::seal;
use sha2::{Digest, Sha256};

/// Joins index, manifest, config and layer; `@layer`, `@config` and `@manifest` in the documents before become digests,
/// with `-size` behind them sizes.
pub fn archive(index: &[u8], manifest: &[u8], config: &[u8], layer: &[u8]) -> Vec<u8> {
    let manifest = fill(&fill(manifest, "@layer", layer), "@config", config);
    let index = fill(index, "@manifest", &manifest);
    let mut tar = Vec::new();
    entry(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    for blob in [layer, config, &manifest] {
        entry(&mut tar, &format!("blobs/sha256/{}", hex(blob)), blob);
    }
    entry(&mut tar, "index.json", &index);
    tar.extend([0; 1024]);
    seal(&mut tar);
    tar
}

/// The SHA-256 of the bytes in digits.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fill(document: &[u8], placeholder: &str, blob: &[u8]) -> Vec<u8> {
    let sized = replace(document, &format!("{placeholder}-size"), &blob.len().to_string());
    replace(&sized, placeholder, &format!("sha256:{}", hex(blob)))
}

fn replace(document: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(document.len());
    let mut rest = document;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from.as_bytes()) {
            out.extend(to.as_bytes());
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

/// Adds a file to a tar stream, without a checksum.
pub fn entry(tar: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut header = [0u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[263..265].copy_from_slice(b"00");
    tar.extend(header);
    tar.extend(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}
