//! Which kind of thing `--input` names: a table of what is tried.

use crate::blobs::Blobs;
use crate::{Error, Image, docker_archive, oci_layout};
use seaworthy_model::Platform;
use std::path::Path;

/// Opens a docker archive, an OCI archive (both also compressed as a whole) or an OCI layout directory.
///
/// `input` may end in `:TAG` or `@sha256:…` to pick one image of several. `platform` is what the user asked for;
/// `None` takes this machine's where there is a choice.
///
/// # Errors
/// When there is nothing at the path, it is no image, or the image lacks a part.
pub fn open_input(input: &str, platform: Option<&Platform>) -> Result<Image, Error> {
    let (path, selector) = split_selector(input);
    let blobs = Blobs::open(Path::new(path))?;
    let docker = blobs.find(docker_archive::MANIFEST).is_some();
    let oci = blobs.find(oci_layout::INDEX).is_some();
    match (docker, oci) {
        // Docker 25 and later write both. The docker half has the tags and one platform, the OCI half every platform.
        (true, true) if platform.is_some() => oci_layout::open(blobs, selector, platform),
        (true, _) => docker_archive::open(blobs, selector, platform),
        (false, true) => oci_layout::open(blobs, selector, platform),
        (false, false) => Err(Error::NotAnImage {
            path: path.into(),
            why: format!("it has neither {} nor {}", docker_archive::MANIFEST, oci_layout::INDEX),
        }),
    }
}

/// Splits `PATH[:TAG|@DIGEST]`; a path that exists as it stands has no selector.
fn split_selector(input: &str) -> (&str, Option<&str>) {
    if Path::new(input).exists() {
        return (input, None);
    }
    if let Some((path, digest)) = input.split_once('@')
        && Path::new(path).exists()
    {
        return (path, Some(digest));
    }
    let mut from = 0;
    while let Some(at) = input.get(from..).and_then(|rest| rest.find(':')).map(|at| at + from) {
        if let (Some(path), Some(selector)) = (input.get(..at), input.get(at + 1..))
            && Path::new(path).exists()
        {
            return (path, Some(selector));
        }
        from = at + 1;
    }
    (input, None)
}
