//! An OCI image layout (OCI image spec, image-layout.md), as a directory or as a tar archive of one.

use crate::blobs::Blobs;
use crate::manifest::{Choice, Descriptor, Manifest, choose, platforms, read};
use crate::remote::parse;
use crate::{Error, Image};
use seaworthy_model::{Digest, ImageMetadata, Platform, limits};

/// The entry point of a layout.
pub(crate) const INDEX: &str = "index.json";

/// Annotations that name an image of a layout: the specification's, and containerd's with the whole reference.
const NAME_ANNOTATIONS: [&str; 2] = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];

/// The config of the image that a reader of layouts takes; `None` where that is not one for this machine.
pub(crate) fn config_digest(blobs: &Blobs, selector: Option<&str>) -> Option<Digest> {
    let (manifest, _) = select(blobs, selector, None).ok()?;
    let (bytes, digest) = blob(blobs, &manifest).ok()?;
    let parsed = parse(&bytes, &manifest.media_type, &digest.to_string()).ok()?;
    digest_of(&parsed.config?).ok()
}

/// Opens the image that `selector` (a tag, name or `@digest`) and `platform` pick.
pub(crate) fn open(blobs: Blobs, selector: Option<&str>, platform: Option<&Platform>) -> Result<Image, Error> {
    let path = blobs.path().to_owned();
    let shown = path.display().to_string();
    let (manifest, offered) = select(&blobs, selector, platform)?;
    let (bytes, manifest_digest) = blob(&blobs, &manifest)?;
    let what = format!("manifest {manifest_digest}");
    let parsed = parse(&bytes, &manifest.media_type, &what)?;
    let artifact = parsed.artifact().map(str::to_owned);
    let Some(config) = parsed.config else {
        return Err(Error::NotAnImage {
            path,
            why: format!("{what} has no config"),
        });
    };
    if let Some(kind) = artifact {
        return Err(Error::NotAnImage {
            path,
            why: format!("{what} is an artifact of type {kind}"),
        });
    }
    let config = blob(&blobs, &config)?;
    let mut places = Vec::new();
    for layer in parsed.layers.unwrap_or_default() {
        let digest = digest_of(&layer)?;
        let name = blob_name(digest);
        let place = blobs.find(&name).ok_or(Error::MissingBlob {
            what: what.clone(),
            name,
        })?;
        if layer.size != 0 && layer.size != place.size {
            return Err(Error::WrongSize {
                what: place.name,
                expected: layer.size,
                actual: place.size,
            });
        }
        places.push((place, Some(digest)));
    }
    let metadata = ImageMetadata {
        manifest_digest: Some(manifest_digest),
        repo_tags: NAME_ANNOTATIONS
            .iter()
            .rev()
            .filter_map(|key| manifest.annotations.get(*key))
            .filter(|name| name.contains(':'))
            .take(1)
            .cloned()
            .collect(),
        ..Default::default()
    };
    let image = Image::new(blobs, &shown, config, places, metadata)?.with_platforms(offered);
    if let (Some(wanted), Some(offered)) = (platform, &image.metadata().platform)
        && !wanted.accepts(offered)
    {
        return Err(Error::NoPlatform {
            path,
            wanted: wanted.to_string(),
            offered: vec![offered.to_string()],
        });
    }
    Ok(image)
}

/// The manifest that `selector` and `platform` pick, and the platforms that were offered beside it.
fn select(
    blobs: &Blobs,
    selector: Option<&str>,
    platform: Option<&Platform>,
) -> Result<(Descriptor, Vec<Platform>), Error> {
    let path = blobs.path().to_owned();
    let shown = path.display().to_string();
    let (bytes, _) = blobs.required(&shown, INDEX, None)?;
    let index: Manifest = read(&bytes, &format!("{INDEX} of {shown}"))?;
    let mut candidates = index.manifests.unwrap_or_default();
    check_count(&candidates)?;
    if let Some(wanted) = selector {
        let names = candidates.iter().map(name_of).collect();
        candidates.retain(|descriptor| selects(wanted, descriptor));
        if candidates.is_empty() {
            return Err(Error::NoSuchImage {
                path,
                wanted: wanted.to_owned(),
                names,
            });
        }
    }
    let default_platform = Platform::of_this_machine();
    let wanted = platform.unwrap_or(&default_platform);
    let mut offered = Vec::new();
    let manifest = pick(blobs, candidates, wanted, platform.is_some(), 0, &mut offered)?;
    Ok((manifest, offered))
}

/// Picks the one manifest for the platform, through nested indexes.
fn pick(
    blobs: &Blobs,
    candidates: Vec<Descriptor>,
    wanted: &Platform,
    asked: bool,
    depth: usize,
    offered: &mut Vec<Platform>,
) -> Result<Descriptor, Error> {
    if depth >= limits::INDEX_DEPTH {
        return Err(Error::IndexDepth {
            limit: limits::INDEX_DEPTH,
        });
    }
    let path = blobs.path().to_owned();
    let here = platforms(&candidates);
    if !here.is_empty() {
        *offered = here;
    }
    let fitting = match choose(&candidates, wanted, asked) {
        Choice::Empty => {
            return Err(Error::NotAnImage {
                path,
                why: "its index lists no image".into(),
            });
        }
        Choice::Missing { offered } => {
            return Err(Error::NoPlatform {
                path,
                wanted: wanted.to_string(),
                offered: offered.iter().map(ToString::to_string).collect(),
            });
        }
        Choice::Fitting(indexes) => indexes,
    };
    let fitting: Vec<&Descriptor> = fitting.iter().filter_map(|index| candidates.get(*index)).collect();
    let chosen = match fitting.as_slice() {
        // Within one platform of a nested index the best is meant; at the top of a layout several fitting manifests are
        // different images.
        [first, ..] if fitting.len() == 1 || depth > 0 || fitting.iter().all(|image| image.digest == first.digest) => {
            (*first).clone()
        }
        several => {
            return Err(Error::Ambiguous {
                path,
                names: several.iter().map(|image| name_of(image)).collect(),
            });
        }
    };
    let (bytes, digest) = blob(blobs, &chosen)?;
    let parsed = parse(&bytes, &chosen.media_type, &format!("manifest {digest}"))?;
    match parsed.manifests {
        Some(nested) => {
            check_count(&nested)?;
            let mut found = pick(blobs, nested, wanted, asked, depth + 1, offered)?;
            for (key, value) in chosen.annotations {
                found.annotations.entry(key).or_insert(value);
            }
            Ok(found)
        }
        None => Ok(chosen),
    }
}

fn check_count(manifests: &[Descriptor]) -> Result<(), Error> {
    if manifests.len() > limits::INDEX_MANIFESTS {
        return Err(Error::TooLarge {
            what: "the list of manifests".into(),
            limit: limits::INDEX_MANIFESTS as u64,
        });
    }
    Ok(())
}

fn selects(wanted: &str, descriptor: &Descriptor) -> bool {
    descriptor.digest == wanted.trim_start_matches('@')
        || NAME_ANNOTATIONS
            .iter()
            .filter_map(|key| descriptor.annotations.get(*key))
            .any(|name| {
                name == wanted
                    || name
                        .rsplit('/')
                        .next()
                        .and_then(|last| last.rsplit_once(':'))
                        .is_some_and(|(_, tag)| tag == wanted)
            })
}

fn name_of(descriptor: &Descriptor) -> String {
    NAME_ANNOTATIONS
        .iter()
        .find_map(|key| descriptor.annotations.get(*key))
        .cloned()
        .unwrap_or_else(|| descriptor.digest.clone())
}

fn digest_of(descriptor: &Descriptor) -> Result<Digest, Error> {
    Digest::parse(&descriptor.digest).ok_or_else(|| Error::BadDigest {
        what: format!("a descriptor of type {:?}", descriptor.media_type),
        digest: descriptor.digest.chars().take(limits::SHOWN_NAME_BYTES).collect(),
    })
}

fn blob_name(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn blob(blobs: &Blobs, descriptor: &Descriptor) -> Result<(Vec<u8>, Digest), Error> {
    let digest = digest_of(descriptor)?;
    blobs.required("the index", &blob_name(digest), Some(digest))
}
