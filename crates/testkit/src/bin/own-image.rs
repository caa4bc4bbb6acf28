//! Writes the image of the program itself as an OCI archive:
//! `cargo run -p seaworthy-testkit --bin own-image -- BINARY OUTPUT`, from the checkout's root.
//!
//! It holds the binary, which must be static, the bill of materials of what it was built from, and the certificate
//! authorities of this machine: nothing else, so that there is nothing else to update.

use anyhow::{Context, Result, ensure};
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where distributions keep the authorities that are trusted.
const AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
/// Who the program is in a container; the manifests say the same.
const USER: &str = "65532:65532";

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [binary, output] = arguments.as_slice() else {
        anyhow::bail!("usage: own-image BINARY OUTPUT");
    };
    let program = std::fs::read(binary).with_context(|| format!("read {}", binary.display()))?;
    ensure!(
        is_static(&program),
        "{} is not a static ELF program: build it with RUSTFLAGS=\"-C target-feature=+crt-static\" and --target",
        binary.display()
    );
    let authorities = AUTHORITIES
        .into_iter()
        .find_map(|path| std::fs::read(path).ok())
        .context("no certificate authorities on this machine; install the package ca-certificates")?;
    let system = LayerBuilder::new()
        .file("etc/ssl/certs/ca-certificates.crt", authorities)
        .file("etc/passwd", "seaworthy:x:65532:65532::/tmp:/sbin/nologin\n");
    let own = LayerBuilder::new()
        .executable("seaworthy", program)
        .file("usr/share/sbom/seaworthy.cdx.json", bill(binary)?);
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let image = ImageBuilder::new()
        .architecture(architecture)
        .tag(concat!("ghcr.io/seaworthy-dev/seaworthy:", env!("CARGO_PKG_VERSION")))
        .runs(&["/seaworthy"], USER)
        .layer(system, Stored::Gzip)
        .layer(own, Stored::Gzip);
    std::fs::write(output, image.oci_archive()).with_context(|| format!("write {}", output.display()))
}

/// What the program was built from, as it says itself of the lock file: other lock files of the checkout are those of tools.
fn bill(binary: &Path) -> Result<Vec<u8>> {
    let folder = std::env::temp_dir().join(format!("seaworthy-bill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let told = std::fs::copy("Cargo.lock", folder.join("Cargo.lock"))
        .context("copy Cargo.lock; run this from the checkout's root")
        .and_then(|_| bill_of(binary, &folder));
    std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    told
}

fn bill_of(binary: &Path, folder: &Path) -> Result<Vec<u8>> {
    let told = Command::new(binary.canonicalize().context("find the binary")?)
        .args(["fs", "--quiet", "--format", "cyclonedx", "."])
        .current_dir(folder)
        .output()
        .with_context(|| format!("run {}", binary.display()))?;
    let said = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success(), "the bill of materials failed: {}", said.trim());
    Ok(told.stdout)
}

/// Whether a program needs no loader: none of its segments names one (`PT_INTERP`; ELF-64, little endian).
fn is_static(program: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = program.get(at..at.checked_add(size)?)?;
        let value = bytes
            .iter()
            .rev()
            .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        usize::try_from(value).ok()
    };
    let segments = || -> Option<Vec<usize>> {
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count)
            .map(|at| number(table.checked_add(at.checked_mul(size)?)?, 4))
            .collect()
    };
    program.starts_with(b"\x7fELF\x02\x01")
        && segments().is_some_and(|kinds| !kinds.is_empty() && !kinds.contains(&(INTERPRETER as usize)))
}
