//! Builds whole images: docker archives, OCI archives and OCI layouts, the same bytes for the same input.

use crate::LayerBuilder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// How a layer is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// As the tar archive it is.
    Plain,
    /// gzip, one member.
    Gzip,
    /// zstd, one frame.
    Zstd,
}

/// An image under construction.
#[derive(Debug)]
pub struct ImageBuilder {
    layers: Vec<(Vec<u8>, Stored)>,
    architecture: String,
    tag: Option<String>,
    /// What a container of it runs, where that is said.
    run: Value,
    created: String,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            architecture: "amd64".into(),
            tag: None,
            run: json!({}),
            created: "2026-01-01T00:00:00Z".into(),
        }
    }
}

impl ImageBuilder {
    /// An image for linux/amd64 without layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer on top.
    #[must_use]
    pub fn layer(self, layer: LayerBuilder, stored: Stored) -> Self {
        self.tar_layer(layer.into_tar(), stored)
    }

    /// Adds a layer from its tar bytes.
    #[must_use]
    pub fn tar_layer(mut self, tar: Vec<u8>, stored: Stored) -> Self {
        self.layers.push((tar, stored));
        self
    }

    /// Sets the architecture (Go's name).
    #[must_use]
    pub fn architecture(mut self, architecture: &str) -> Self {
        self.architecture = architecture.into();
        self
    }

    /// Names the image, as `name:tag`.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Says what a container of it runs, and as whom.
    #[must_use]
    pub fn runs(mut self, entrypoint: &[&str], user: &str) -> Self {
        self.run = json!({"Entrypoint": entrypoint, "User": user});
        self
    }

    /// The config document.
    pub fn config(&self) -> Vec<u8> {
        let diff_ids: Vec<String> = self.layers.iter().map(|(tar, _)| digest(tar)).collect();
        let history: Vec<Value> = (0..self.layers.len())
            .map(|index| json!({"created": self.created, "created_by": format!("layer {index}")}))
            .collect();
        to_json(&json!({
            "architecture": self.architecture,
            "config": self.run,
            "created": self.created,
            "history": history,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }))
    }

    /// The files of an OCI layout, `oci-layout` first.
    pub fn oci_files(&self) -> Vec<(String, Vec<u8>)> {
        let config = self.config();
        let mut files = vec![("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())];
        let mut layers = Vec::new();
        for (tar, stored) in &self.layers {
            let blob = store(tar, *stored);
            let suffix = match stored {
                Stored::Plain => "",
                Stored::Gzip => "+gzip",
                Stored::Zstd => "+zstd",
            };
            let media_type = format!("application/vnd.oci.image.layer.v1.tar{suffix}");
            layers.push(json!({"mediaType": media_type, "digest": digest(&blob), "size": blob.len()}));
            files.push((blob_name(&blob), blob));
        }
        let manifest = to_json(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
            "layers": layers,
        }));
        let mut descriptor = json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest(&manifest),
            "size": manifest.len(),
            "platform": {"os": "linux", "architecture": self.architecture},
        });
        if let (Some(tag), Some(descriptor)) = (&self.tag, descriptor.as_object_mut()) {
            let short = tag.rsplit_once(':').map_or(tag.as_str(), |(_, short)| short);
            descriptor.insert(
                "annotations".into(),
                json!({"io.containerd.image.name": tag, "org.opencontainers.image.ref.name": short}),
            );
        }
        let index = to_json(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        }));
        files.push((blob_name(&config), config));
        files.push((blob_name(&manifest), manifest));
        files.push(("index.json".to_owned(), index));
        files.sort_by(|a, b| {
            (a.0 != "oci-layout")
                .cmp(&(b.0 != "oci-layout"))
                .then_with(|| a.0.cmp(&b.0))
        });
        files.dedup();
        files
    }

    /// An OCI archive.
    pub fn oci_archive(&self) -> Vec<u8> {
        let mut layer = LayerBuilder::new();
        for (name, bytes) in self.oci_files() {
            layer = layer.file(&name, bytes);
        }
        layer.into_tar()
    }

    /// Writes an OCI layout directory.
    ///
    /// # Errors
    /// As the file system says.
    pub fn write_layout(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(directory.join("blobs/sha256"))?;
        for (name, bytes) in self.oci_files() {
            std::fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }

    /// A docker archive as `docker save` wrote it before version 25: layers uncompressed as `<n>/layer.tar` (stored
    /// compressed where the layer says so), `manifest.json` last.
    pub fn docker_archive(&self) -> Vec<u8> {
        let config = self.config();
        let config_name = format!("{}.json", digest(&config).trim_start_matches("sha256:"));
        let mut archive = LayerBuilder::new().file(&config_name, &config);
        let mut names = Vec::new();
        for (index, (tar, stored)) in self.layers.iter().enumerate() {
            let name = format!("{index}/layer.tar");
            archive = archive.file(&name, store(tar, *stored));
            names.push(name);
        }
        let tags: Vec<&String> = self.tag.iter().collect();
        let manifest = to_json(&json!([{"Config": config_name, "RepoTags": tags, "Layers": names}]));
        archive.file("manifest.json", manifest).into_tar()
    }
}

fn to_json(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn blob_name(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", digest(bytes).trim_start_matches("sha256:"))
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .fold(String::from("sha256:"), |text, byte| format!("{text}{byte:02x}"))
}

#[expect(clippy::expect_used, reason = "writing to memory does not fail")]
fn store(tar: &[u8], stored: Stored) -> Vec<u8> {
    match stored {
        Stored::Plain => tar.to_vec(),
        Stored::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder
                .write_all(tar)
                .and_then(|()| encoder.finish())
                .expect("gzip in memory")
        }
        Stored::Zstd => zstd::encode_all(tar, 3).expect("zstd in memory"),
    }
}
