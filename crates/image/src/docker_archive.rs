//! The output of `docker save`: a tar archive with `manifest.json`, configs and layers.
//!
//! Old writers store layers uncompressed as `<id>/layer.tar`; since Docker 25 they lie as `blobs/sha256/<digest>`, and the
//! name is then a promise that is verified.

use crate::blobs::Blobs;
use crate::manifest::{DockerManifest, read};
use crate::{Error, Image};
use seaworthy_model::{Digest, Effect, ImageMetadata, Platform, Problem};

/// The file that makes an archive a docker archive.
pub(crate) const MANIFEST: &str = "manifest.json";

/// Opens the image that `selector` names, or the first one.
pub(crate) fn open(blobs: Blobs, selector: Option<&str>, platform: Option<&Platform>) -> Result<Image, Error> {
    let path = blobs.path().to_owned();
    let what = format!("{MANIFEST} of {}", path.display());
    let (bytes, _) = blobs.required(&path.display().to_string(), MANIFEST, None)?;
    let manifests: Vec<DockerManifest> = read(&bytes, &what)?;
    let names = || -> Vec<String> {
        manifests
            .iter()
            .flat_map(|manifest| manifest.repo_tags.iter().flatten().cloned())
            .collect()
    };
    let mut problems = Vec::new();
    let manifest = match selector {
        Some(wanted) => manifests
            .iter()
            .find(|manifest| manifest.repo_tags.iter().flatten().any(|tag| tag == wanted))
            .ok_or_else(|| Error::NoSuchImage {
                path: path.clone(),
                wanted: wanted.to_owned(),
                names: names(),
            })?,
        None => {
            let Some(first) = manifests.first() else {
                return Err(Error::NotAnImage {
                    path,
                    why: format!("{MANIFEST} lists no image"),
                });
            };
            if manifests.len() > 1 {
                let first_name = first
                    .repo_tags
                    .iter()
                    .flatten()
                    .next()
                    .cloned()
                    .unwrap_or_else(|| first.config.clone());
                problems.push(Problem::of_artifact(
                    Effect::Note,
                    format!(
                        "the archive holds {} images; only the first one, {first_name}, was read",
                        manifests.len()
                    ),
                ));
            }
            first
        }
    };
    let (config, image_id) = blobs.required(&what, &manifest.config, digest_in_name(&manifest.config))?;
    let mut places = Vec::with_capacity(manifest.layers.len());
    for name in &manifest.layers {
        let place = blobs.find(name).ok_or_else(|| Error::MissingBlob {
            what: what.clone(),
            name: name.clone(),
        })?;
        places.push((place, digest_in_name(name)));
    }
    let metadata = ImageMetadata {
        repo_tags: manifest.repo_tags.clone().unwrap_or_default(),
        ..Default::default()
    };
    let image = Image::new(blobs, &path.display().to_string(), (config, image_id), places, metadata)?;
    if let (Some(wanted), Some(offered)) = (platform, &image.metadata().platform)
        && !wanted.accepts(offered)
    {
        return Err(Error::NoPlatform {
            path,
            wanted: wanted.to_string(),
            offered: vec![offered.to_string()],
        });
    }
    Ok(image.with_problems(problems))
}

/// The digest that a name promises: `blobs/sha256/<hex>`, or `<hex>.json` as older configs are called.
fn digest_in_name(name: &str) -> Option<Digest> {
    let last = name.rsplit('/').next().unwrap_or(name);
    match name.strip_prefix("blobs/sha256/") {
        Some(hex) => Digest::parse_hex(hex),
        None => Digest::parse_hex(last.strip_suffix(".json")?),
    }
}
