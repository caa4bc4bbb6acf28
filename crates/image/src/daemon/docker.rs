//! Docker's and Podman's images: asked by name over the socket, exported only when a layer must be read.

use super::Export;
use super::endpoint::Endpoint;
use super::inspect::{Inspected, Step};
use super::socket::{Reply, Socket};
use crate::blobs::{Blobs, Place};
use crate::manifest::read;
use crate::source::{Answer, Request};
use crate::{Error, Image};
use seaworthy_model::{Digest, ImageMetadata, limits};
use std::path::PathBuf;

/// The paths of Podman's own interface, which must name a version.
const LIBPOD: &str = "/v4.0.0/libpod";

/// Opens the image of a name that Docker has.
pub(crate) fn open_docker(request: &Request<'_>) -> Result<Answer, Error> {
    open("docker", &request.options.daemons.docker, request)
}

/// Opens the image of a name that Podman has.
pub(crate) fn open_podman(request: &Request<'_>) -> Result<Answer, Error> {
    open("podman", &request.options.daemons.podman, request)
}

/// Asks the addresses in turn; the first that answers is the daemon.
fn open(daemon: &'static str, endpoints: &[Endpoint], request: &Request<'_>) -> Result<Answer, Error> {
    let options = request.options;
    let mut why = "not running".to_owned();
    for endpoint in endpoints {
        match Socket::connect(daemon, endpoint, &options.network, options.deadline) {
            Ok(socket) => return ask(&socket, daemon, request),
            // A socket that may not be used says more than one that is not there.
            Err(reason) if reason != "not running" => why = reason,
            Err(_) => {}
        }
    }
    Ok(Answer::Absent(why))
}

fn ask(socket: &Socket, daemon: &'static str, request: &Request<'_>) -> Result<Answer, Error> {
    let name = match request.reference {
        Some(reference) => match (reference.digest(), reference.tag()) {
            (Some(digest), _) => format!("{}@{digest}", reference.familiar_name()),
            (None, tag) => format!("{}:{}", reference.familiar_name(), tag.unwrap_or("latest")),
        },
        None => request.text.to_owned(),
    };
    let Some((bytes, prefix)) = inspect(socket, daemon, &name)? else {
        return Ok(Answer::Absent("no such image".into()));
    };
    let shown = format!("{daemon} {name}");
    let told = format!("what {daemon} tells of {name}");
    let inspected: Inspected = read(&bytes, &told)?;
    let Some(id) = inspected.id() else {
        return Err(socket.error(format!("it gives {name} no id")));
    };
    if let (Some(wanted), Some(platform)) = (&request.options.platform, inspected.platform())
        && !wanted.accepts(&platform)
    {
        return Ok(Answer::Absent(format!("has it for {platform}")));
    }
    // The id, so that the layers are those of the image that was asked about, whatever happens to the name.
    let history = match &inspected.history {
        Some(_) => Vec::new(),
        None => match socket.small(&format!("{prefix}/images/{id}/history"))? {
            Reply::Found(bytes) => read::<Vec<Step>>(&bytes, &told)?,
            Reply::NotFound => Vec::new(),
        },
    };
    let diff_ids = inspected.diff_ids();
    if diff_ids.len() > limits::LAYERS {
        return Err(Error::TooManyLayers {
            layers: diff_ids.len(),
            limit: limits::LAYERS,
        });
    }
    let places = diff_ids
        .iter()
        .map(|diff_id| {
            // Where it lies in the export and how large it is shows when the export is read.
            let place = Place {
                name: diff_id.clone(),
                offset: 0,
                size: 0,
            };
            (place, None)
        })
        .collect();
    let all: Vec<Digest> = diff_ids.iter().filter_map(|diff_id| Digest::parse(diff_id)).collect();
    let config =
        serde_json::to_vec(&inspected.config(&history)).map_err(|source| Error::Json { what: told, source })?;
    let metadata = ImageMetadata {
        repo_tags: inspected.repo_tags.clone().unwrap_or_default(),
        repo_digests: inspected.repo_digests.clone().unwrap_or_default(),
        ..ImageMetadata::default()
    };
    let blobs = Blobs::Export {
        name: PathBuf::from(&shown),
        export: Export::new(socket.clone(), format!("/images/{id}/get"), all),
    };
    let image = Image::new(blobs, &shown, (config, id), places, metadata)?;
    Ok(Answer::Found(Box::new(image)))
}

/// What the daemon tells of a name, and the beginning of the paths by which it answers.
///
/// Podman has an interface of its own beside Docker's, and only that one finds `localhost/NAME` when asked for `NAME`.
fn inspect(socket: &Socket, daemon: &str, name: &str) -> Result<Option<(Vec<u8>, &'static str)>, Error> {
    if daemon == "podman" {
        let own = socket.small(&format!("{LIBPOD}/images/{name}/json"));
        if let Ok(Reply::Found(bytes)) = own {
            return Ok(Some((bytes, LIBPOD)));
        }
    }
    match socket.small(&format!("/images/{name}/json"))? {
        Reply::Found(bytes) => Ok(Some((bytes, ""))),
        Reply::NotFound => Ok(None),
    }
}
