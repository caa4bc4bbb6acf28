//! A real registry for tests: Debian's `docker-registry` on a free port of this machine, filled by our own pusher.
//!
//! The process ends with its owner, also when that is killed: a shell holds it and waits for the end of its input.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "development only: a test that cannot have its registry fails, or says why it was skipped"
)]

use crate::ImageBuilder;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

const PROGRAM: &str = "/usr/bin/docker-registry";

/// A running registry.
#[derive(Debug)]
pub struct RegistryServer {
    child: Child,
    directory: PathBuf,
    host: String,
    authority: Option<String>,
}

impl RegistryServer {
    /// The only user of a registry that asks for a login.
    pub const USER: &str = "captain";
    /// That user's password.
    pub const PASSWORD: &str = "salt-and-timber";
    /// User and password as the registry wants them (bcrypt).
    const HTPASSWD: &str = "captain:$2y$05$BaYlST9rwU7O3JvJpf3jbeMiUZvkOA1qRTX59pMmJao/d5ofi3432\n";

    /// A registry that speaks plain HTTP and asks nobody for a login; `None` where it is not installed.
    pub fn start() -> Option<Self> {
        installed().then(|| Self::run(false))
    }

    /// A registry that speaks TLS and asks for a login; `None` where it is not installed.
    pub fn start_with_login() -> Option<Self> {
        installed().then(|| Self::run(true))
    }

    fn run(login: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("seaworthy-registry-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).expect("a directory for the registry");
        let mut config = format!(
            "version: 0.1\nlog:\n  level: info\n  formatter: text\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\n\
             http:\n  addr: 127.0.0.1:0\n",
            directory.join("data").display()
        );
        let mut authority = None;
        if login {
            let (certificate, key) = certificate();
            write(&directory, "certificate.pem", &certificate);
            write(&directory, "key.pem", &key);
            write(&directory, "htpasswd", Self::HTPASSWD);
            config += &format!(
                "  tls:\n    certificate: {0}/certificate.pem\n    key: {0}/key.pem\nauth:\n  htpasswd:\n    realm: harbour\n    path: {0}/htpasswd\n",
                directory.display()
            );
            authority = Some(certificate);
        }
        write(&directory, "config.yml", &config);
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg("exec 3<&0; \"$0\" serve \"$1\" </dev/null & pid=$!; read -r _ <&3; kill -9 $pid; wait $pid 2>/dev/null")
            .arg(PROGRAM)
            .arg(directory.join("config.yml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the registry starts");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, receiver) = channel();
        // Reads until the end, so that the registry never waits for its log to be read.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let listens = line.split_once("listening on ").map(|(_, rest)| rest);
                if let Some(address) = listens.and_then(|rest| rest.split([',', '"']).next()) {
                    let _ = sender.send(address.to_owned());
                }
            }
        });
        let host = receiver
            .recv_timeout(Duration::from_secs(20))
            .expect("the registry listens");
        Self {
            child,
            directory,
            host,
            authority,
        }
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The certificate authority in PEM; empty for a registry in plain HTTP.
    pub fn authority(&self) -> &[u8] {
        self.authority.as_deref().unwrap_or_default().as_bytes()
    }

    /// Pushes an image under a tag and returns the digest of its manifest.
    pub fn push(&self, repository: &str, tag: &str, image: &ImageBuilder) -> String {
        let manifest = self.push_blobs(repository, image);
        self.put_manifest(repository, tag, OCI_MANIFEST, &manifest)
    }

    /// Pushes an index of images, each for its platform (`os/architecture[/variant]`), and returns the index's digest.
    pub fn push_index(&self, repository: &str, tag: &str, images: &[(&str, &ImageBuilder)]) -> String {
        let mut manifests = Vec::new();
        for (platform, image) in images {
            let manifest = self.push_blobs(repository, image);
            let digest = self.put_manifest(repository, &digest(&manifest), OCI_MANIFEST, &manifest);
            let mut parts = platform.split('/');
            let mut described = json!({"os": parts.next(), "architecture": parts.next()});
            if let Some(variant) = parts.next() {
                described["variant"] = variant.into();
            }
            manifests.push(
                json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": manifest.len(), "platform": described}),
            );
        }
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        self.put_manifest(repository, tag, OCI_INDEX, index.to_string().as_bytes())
    }

    /// Pushes config and layers of an image and returns its manifest, which is not pushed.
    pub fn push_blobs(&self, repository: &str, image: &ImageBuilder) -> Vec<u8> {
        let files = image.oci_files();
        let blob = |digest: &Value| {
            let name = format!("blobs/{}", digest.as_str().unwrap_or_default().replace(':', "/"));
            let found = files.iter().find(|(path, _)| *path == name);
            found
                .map(|(_, bytes)| bytes.clone())
                .expect("the layout holds its blobs")
        };
        let index = files.iter().find(|(path, _)| path == "index.json").expect("an index");
        let index: Value = serde_json::from_slice(&index.1).expect("JSON");
        let manifest = blob(&index["manifests"][0]["digest"]);
        let parsed: Value = serde_json::from_slice(&manifest).expect("JSON");
        let layers = parsed["layers"].as_array().cloned().unwrap_or_default();
        for descriptor in layers.iter().chain([&parsed["config"]]) {
            self.put_blob(repository, &blob(&descriptor["digest"]));
        }
        manifest
    }

    /// Pushes one blob and returns its digest.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let begun = self.send(
            Method::POST,
            &format!("/v2/{repository}/blobs/uploads/"),
            "",
            Vec::new(),
        );
        let location = begun.location.expect("an upload begins");
        let separator = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{separator}digest={digest}");
        let ended = self.send(Method::PUT, &target, "application/octet-stream", bytes.to_vec());
        assert_eq!(ended.status, 201, "the registry takes a blob: {}", ended.body);
        digest
    }

    /// Pushes a manifest as it is and returns its digest.
    pub fn put_manifest(&self, repository: &str, target: &str, media_type: &str, bytes: &[u8]) -> String {
        let path = format!("/v2/{repository}/manifests/{target}");
        let ended = self.send(Method::PUT, &path, media_type, bytes.to_vec());
        assert_eq!(ended.status, 201, "the registry takes a manifest: {}", ended.body);
        digest(bytes)
    }

    /// Sends one request from a thread of its own, so that tests with and without a runtime can push.
    fn send(&self, method: Method, target: &str, media_type: &str, body: Vec<u8>) -> Answer {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        let url = if target.starts_with('/') {
            format!("{scheme}://{}{target}", self.host)
        } else {
            target.to_owned()
        };
        let authority = self.authority.clone();
        let media_type = media_type.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let mut builder = reqwest::Client::builder().no_proxy();
                if let Some(authority) = &authority {
                    let certificate = reqwest::Certificate::from_pem(authority.as_bytes()).expect("a certificate");
                    builder = builder.tls_certs_only([certificate]);
                }
                let client = builder.build().expect("a client");
                let mut request = client.request(method, url).body(body);
                if !media_type.is_empty() {
                    request = request.header("content-type", media_type);
                }
                if authority.is_some() {
                    request = request.basic_auth(Self::USER, Some(Self::PASSWORD));
                }
                let response = request.send().await.expect("the registry answers");
                let location = response.headers().get("location").and_then(|value| value.to_str().ok());
                Answer {
                    status: response.status().as_u16(),
                    location: location.map(str::to_owned),
                    body: response.text().await.unwrap_or_default(),
                }
            })
        });
        thread.join().expect("the request is sent")
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Media type of an OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an OCI index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

struct Answer {
    status: u16,
    location: Option<String>,
    body: String,
}

/// Whether the registry is installed; says so where it is not, and fails where tests must not be skipped.
fn installed() -> bool {
    if Path::new(PROGRAM).exists() {
        return true;
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{PROGRAM} is missing");
    eprintln!("skipped: {PROGRAM} is missing (Debian's package docker-registry)");
    false
}

/// A certificate for this machine that vouches for itself, and its key.
fn certificate() -> (String, String) {
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn write(directory: &Path, name: &str, content: &str) {
    std::fs::write(directory.join(name), content).expect("a file for the registry");
}

/// `sha256:` and the digest of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .fold(String::from("sha256:"), |text, byte| format!("{text}{byte:02x}"))
}
