//! Images with one more layer on top of a built one: what a rebuild of an application leaves, once or a hundred times.
//!
//! The blobs of the base are hard links, so that a hundred of them take no space.

use crate::layer::Layer;
use crate::layout::{BuiltImage, compress, read_json, write_layout};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Changes with what is built.
const NAME: &str = "derived-1";
/// Bytes of the new layer, which does not compress.
const NEW_LAYER: usize = 1_000_000;
/// The same where there are a hundred.
const SMALL_LAYER: usize = 10_000;
/// How many small ones there are.
pub(crate) const MANY: usize = 100;

/// The layouts that stand on one image.
pub(crate) struct Derived {
    /// With one new layer of 1 MB.
    pub(crate) new_layer: PathBuf,
    /// With a small new layer each.
    pub(crate) many: Vec<PathBuf>,
}

/// The derived layouts beside the image, built where they are not there yet.
pub(crate) fn open_or_build(image: &BuiltImage) -> Result<Derived> {
    let directory = image.directory.join(NAME);
    if !directory.is_dir() {
        let partial = image.directory.join(format!("{NAME}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("remove {}", partial.display()))?;
        }
        build(image, &partial)?;
        fs::rename(&partial, &directory).with_context(|| format!("rename {}", partial.display()))?;
    }
    Ok(Derived {
        new_layer: directory.join("new-layer"),
        many: (0..MANY)
            .map(|number| directory.join(format!("small-{number}")))
            .collect(),
    })
}

fn build(image: &BuiltImage, directory: &Path) -> Result<()> {
    derive(image, &directory.join("new-layer"), "new", NEW_LAYER)?;
    for number in 0..MANY {
        let name = format!("small-{number}");
        derive(image, &directory.join(&name), &name, SMALL_LAYER)?;
    }
    Ok(())
}

fn derive(image: &BuiltImage, layout: &Path, name: &str, bytes: usize) -> Result<()> {
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("create {}", blobs.display()))?;
    let (manifest, mut config) = image.documents()?;
    let mut layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    for (path, _) in &image.layers {
        let file = path.file_name().context("a blob has a name")?;
        fs::hard_link(path, blobs.join(file)).with_context(|| format!("link {}", path.display()))?;
    }
    let mut layer = Layer::default();
    let module = format!("srv/app/node_modules/{name}");
    let description = json!({"name": name, "version": "1.0.0", "license": "MIT"});
    layer.file(&format!("{module}/package.json"), description.to_string().as_bytes());
    layer.file(&format!("{module}/data.bin"), &noise(name, bytes));
    let tar = layout.join("layer.tar");
    let diff_id = layer.write(&tar)?;
    layers.push(compress(&tar, &blobs)?);
    fs::remove_file(&tar)?;
    if let Some(diff_ids) = config["rootfs"]["diff_ids"].as_array_mut() {
        diff_ids.push(Value::from(format!("sha256:{diff_id}")));
    }
    let architecture = config["architecture"].as_str().unwrap_or("amd64").to_owned();
    write_layout(layout, &layers, config.to_string().as_bytes(), &architecture)
}

/// Bytes that do not compress, the same for the same name.
fn noise(name: &str, bytes: usize) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let blocks = (0u64..).flat_map(|block| Sha256::digest(format!("{name}{block}")).to_vec());
    blocks.take(bytes).collect()
}

impl BuiltImage {
    /// Manifest and config of the layout.
    pub(crate) fn documents(&self) -> Result<(Value, Value)> {
        let layout = self.layout();
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap_or_default();
            read_json(&layout.join("blobs").join(digest.replace(':', "/")))
        };
        let index = read_json(&layout.join("index.json"))?;
        let manifest = blob(&index["manifests"][0])?;
        let config = blob(&manifest["config"])?;
        Ok((manifest, config))
    }
}
