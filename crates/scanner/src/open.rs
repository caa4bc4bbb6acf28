//! From what the user named to an opened image, and which platforms it has.

use crate::{Cache, Error, Options, Target};
use seaworthy_image::{DocumentCache, Image, SourceOptions};
use seaworthy_model::{Digest, Platform};
use std::ffi::OsStr;
use std::sync::Arc;
use std::time::Instant;

impl DocumentCache for Cache {
    fn get(&self, digest: Digest) -> Option<Vec<u8>> {
        self.document(&digest)
    }

    fn put(&self, digest: Digest, bytes: &[u8]) {
        self.keep_document(&digest, bytes);
    }
}

/// Opens what the target names; not for directories.
pub(crate) fn image(target: &Target, options: &Options, deadline: Option<Instant>) -> Result<Image, Error> {
    let opened = match target {
        Target::ImageReference(reference) => {
            seaworthy_image::open_reference(reference, &source_options(options, deadline))
        }
        Target::ImageInput(input) => input_image(input, options.platform.as_ref()),
        Target::RootDirectory(path) | Target::Bill(path) | Target::SourceTree(path) => {
            input_image(path.as_os_str(), options.platform.as_ref())
        }
    };
    opened.map_err(|error| late(deadline).unwrap_or(Error::Image(error)))
}

fn late(deadline: Option<Instant>) -> Option<Error> {
    let over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    over.then(|| Error::TimedOut {
        reached: "the image was being opened".into(),
    })
}

fn input_image(input: &OsStr, platform: Option<&Platform>) -> Result<Image, seaworthy_image::Error> {
    seaworthy_image::open_input(input, platform)
}

fn source_options(options: &Options, deadline: Option<Instant>) -> SourceOptions {
    let documents = options.cache.clone();
    SourceOptions {
        platform: options.platform.clone(),
        sources: options.sources.clone(),
        network: options.network.clone(),
        daemons: options.daemons.clone(),
        documents: documents.map(|cache| cache as Arc<dyn DocumentCache>),
        deadline,
    }
}

/// The platforms that a target has, in its own order.
///
/// # Errors
/// When the image cannot be opened.
pub fn platforms(target: &Target, options: &Options) -> Result<Vec<Platform>, Error> {
    let deadline = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let offered = match target {
        Target::RootDirectory(_) | Target::Bill(_) | Target::SourceTree(_) => Ok(vec![Platform::of_this_machine()]),
        Target::ImageReference(reference) => seaworthy_image::platforms(reference, &source_options(options, deadline)),
        Target::ImageInput(input) => platforms_of_input(input, &source_options(options, deadline)),
    };
    offered.map_err(|error| late(deadline).unwrap_or(Error::Image(error)))
}

/// An OCI layout lists its platforms; a docker archive has one.
fn platforms_of_input(input: &OsStr, options: &SourceOptions) -> Result<Vec<Platform>, seaworthy_image::Error> {
    let layout = input
        .to_str()
        .map(|input| seaworthy_image::platforms(&format!("oci-dir:{input}"), options));
    match layout.unwrap_or_else(|| Ok(Vec::new())) {
        Ok(platforms) if !platforms.is_empty() => Ok(platforms),
        Ok(_) | Err(seaworthy_image::Error::MissingBlob { .. }) => {
            let image = input_image(input, None)?;
            Ok(image.metadata().platform.clone().into_iter().collect())
        }
        Err(error) => Err(error),
    }
}
