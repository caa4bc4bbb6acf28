//! Which kind of thing a name means: tables of what is tried, for `--input` and for references.

use crate::blobs::Blobs;
use crate::daemon::{self, Daemons};
use crate::network::{DocumentCache, Network};
use crate::{Error, Image, Tried, docker_archive, oci_layout, registry};
use seaworthy_model::{Effect, Platform, Problem};
use seaworthy_registry::Reference;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

/// A place that has images by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageSource {
    /// Docker's daemon.
    Docker,
    /// Podman's service.
    Podman,
    /// containerd.
    Containerd,
    /// The registry that the name states.
    Registry,
}

impl ImageSource {
    /// The default order.
    pub const ALL: [Self; 4] = [Self::Docker, Self::Podman, Self::Containerd, Self::Registry];

    /// The name as `--image-src` and prefixes take it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Containerd => "containerd",
            Self::Registry => "registry",
        }
    }
}

impl fmt::Display for ImageSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for ImageSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        // Trivy calls the registry "remote".
        let found = Self::ALL
            .into_iter()
            .find(|source| source.name() == text || (text == "remote" && *source == Self::Registry));
        found.ok_or_else(|| format!("not an image source: {text:?}, write docker, podman, containerd or registry"))
    }
}

/// How an image is looked for by its name.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// The platform asked for; `None` takes this machine's where there is a choice.
    pub platform: Option<Platform>,
    /// The sources in the order in which they are asked.
    pub sources: Vec<ImageSource>,
    /// Connections and credentials.
    pub network: Network,
    /// Where the daemons of this machine answer.
    pub daemons: Daemons,
    /// Where manifests and configs are kept between scans.
    pub documents: Option<Arc<dyn DocumentCache>>,
    /// When the network must have answered.
    pub deadline: Option<Instant>,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            platform: None,
            sources: ImageSource::ALL.to_vec(),
            network: Network::default(),
            daemons: Daemons::default(),
            documents: None,
            deadline: None,
        }
    }
}

/// What is asked of a source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// The name as it was written, without a prefix.
    pub(crate) text: &'a str,
    /// The reference, unless the name is an image id.
    pub(crate) reference: Option<&'a Reference>,
    pub(crate) options: &'a SourceOptions,
}

/// What a source answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It has the image.
    Found(Box<Image>),
    /// It does not, or is not there; in few words why.
    Absent(String),
}

type Open = fn(&Request<'_>) -> Result<Answer, Error>;

/// The sources by name: one line each.
const SOURCES: &[(ImageSource, Open)] = &[
    (ImageSource::Docker, daemon::open_docker),
    (ImageSource::Podman, daemon::open_podman),
    (ImageSource::Containerd, daemon::open_containerd),
    (ImageSource::Registry, registry::open),
];

type OpenInput = fn(&str, Option<&Platform>) -> Result<Image, Error>;

/// The prefixes that name a kind of file or directory.
const INPUTS: &[(&str, OpenInput)] = &[
    ("docker-archive:", open_docker_archive),
    ("oci-archive:", open_oci),
    ("oci-dir:", open_oci),
    ("oci:", open_oci),
];

/// Opens an image by name, from the first source that has it.
///
/// `reference` may begin with `docker:`, `podman:`, `containerd:` or `registry:` to name one source, or with
/// `docker-archive:`, `oci-archive:` or `oci-dir:` to name a file or directory.
///
/// # Errors
/// When no source has it, with what each answered; when one has it and it cannot be read.
pub fn open_reference(reference: &str, options: &SourceOptions) -> Result<Image, Error> {
    for (prefix, open) in INPUTS {
        if let Some(path) = reference.strip_prefix(prefix) {
            return open(path, options.platform.as_ref());
        }
    }
    let mut tried = Vec::new();
    let named = ImageSource::ALL.into_iter().find_map(|source| {
        let rest = reference.strip_prefix(source.name())?.strip_prefix(':')?;
        Some((source, rest)).filter(|(_, rest)| !rest.is_empty())
    });
    if let Some((source, rest)) = named {
        // `docker:cli` and `registry:2` are images of Docker Hub too: a single word is tried as both.
        let both = !rest.contains(['/', ':', '@']);
        match look(rest, &[source], options, &mut tried) {
            Err(Error::NotOpened { tried: before, .. }) if both => tried = before,
            Err(Error::Registry(seaworthy_registry::Error::Reference(_))) if both => {}
            other => return other,
        }
    }
    look(reference, &options.sources, options, &mut tried)
}

/// Asks sources in order.
fn look(text: &str, sources: &[ImageSource], options: &SourceOptions, tried: &mut Vec<Tried>) -> Result<Image, Error> {
    let parsed = text.parse::<Reference>();
    let reference = match &parsed {
        Ok(reference) => Some(reference),
        Err(_) if is_image_id(text) => None,
        Err(error) => return Err(seaworthy_registry::Error::from(error.clone()).into()),
    };
    let request = Request {
        text,
        reference,
        options,
    };
    let mut causes: Vec<(ImageSource, Error)> = Vec::new();
    for source in sources {
        let name = match (source, reference) {
            (ImageSource::Registry, Some(reference)) => format!("registry {}", reference.registry()),
            _ => source.to_string(),
        };
        let open = SOURCES.iter().find(|(other, _)| other == source);
        let answer = match open {
            Some((_, open)) => open(&request),
            None => Ok(Answer::Absent("not part of this build".into())),
        };
        let answer = match answer {
            Ok(Answer::Found(image)) => return Ok(*image),
            Ok(Answer::Absent(why)) => why,
            Err(error) => {
                let word = word(&error);
                causes.push((*source, error));
                word
            }
        };
        tracing::debug!(source = name, answer, "asked for {text}");
        tried.push(Tried { source: name, answer });
    }
    // The registry's reason tells the most, where there is one.
    let registry = causes.iter().position(|(source, _)| *source == ImageSource::Registry);
    let index = registry.unwrap_or(0);
    let cause = (index < causes.len()).then(|| Box::new(causes.swap_remove(index).1));
    Err(Error::NotOpened {
        reference: text.to_owned(),
        tried: std::mem::take(tried),
        cause,
    })
}

/// An error in few words, for the list of what was tried.
fn word(error: &Error) -> String {
    match error {
        Error::Registry(error) => error.word(),
        Error::Artifact { .. } => "not an image".into(),
        Error::NoPlatform { wanted, .. } => format!("not for {wanted}"),
        Error::SchemaOne { .. } => "manifest of schema 1".into(),
        other => other.to_string(),
    }
}

/// Whether a text may be the id of an image: what daemons know and registries do not.
fn is_image_id(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    (hex.len() == 64 || (text.len() == hex.len() && (12..64).contains(&hex.len())))
        && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The platforms that a name offers, in the order of its index; for `--platform all`.
///
/// # Errors
/// As [`open_reference`].
pub fn platforms(reference: &str, options: &SourceOptions) -> Result<Vec<Platform>, Error> {
    let options = SourceOptions {
        platform: None,
        ..options.clone()
    };
    offered(open_reference(reference, &options))
}

/// The platforms of an image, or those that it was said to have in place of this machine's.
fn offered(opened: Result<Image, Error>) -> Result<Vec<Platform>, Error> {
    let error = match opened {
        Ok(image) => return Ok(image.platforms()),
        Err(error) => error,
    };
    let names = match &error {
        Error::NoPlatform { offered, .. } => offered,
        Error::NotOpened { cause: Some(cause), .. } => match cause.as_ref() {
            Error::NoPlatform { offered, .. } => offered,
            _ => return Err(error),
        },
        _ => return Err(error),
    };
    let platforms: Vec<Platform> = names.iter().filter_map(|name| name.parse().ok()).collect();
    if platforms.is_empty() {
        Err(error)
    } else {
        Ok(platforms)
    }
}

/// Opens a docker archive, an OCI archive (both also compressed as a whole) or an OCI layout directory.
///
/// `input` may end in `:TAG` or `@sha256:…` to pick one image of several. `platform` is what the user asked for;
/// `None` takes this machine's where there is a choice.
///
/// # Errors
/// When there is nothing at the path, it is no image, or the image lacks a part.
pub fn open_input(input: &(impl AsRef<OsStr> + ?Sized), platform: Option<&Platform>) -> Result<Image, Error> {
    let input = input.as_ref();
    let (path, selector) = match input.to_str() {
        Some(input) => split_selector(input),
        // A path that is no text has no selector.
        None => ("", None),
    };
    let path = if path.is_empty() {
        Path::new(input)
    } else {
        Path::new(path)
    };
    let blobs = Blobs::open(path)?;
    let docker = blobs.find(docker_archive::MANIFEST).is_some();
    let oci = blobs.find(oci_layout::INDEX).is_some();
    match (docker, oci) {
        // Docker 25 and later write both. The docker half has the tags and one platform, the OCI half every platform.
        (true, true) if platform.is_some() => oci_layout::open(blobs, selector, platform),
        (true, both) => {
            let other = both.then(|| oci_layout::config_digest(&blobs, selector)).flatten();
            let image = docker_archive::open(blobs, selector, platform)?;
            let differs = other.is_some() && other != image.metadata().image_id;
            // What one tool scans, another would run.
            let problem = differs.then(|| {
                let what = format!(
                    "{} and {} name different images; only the first one's was read",
                    docker_archive::MANIFEST,
                    oci_layout::INDEX
                );
                Problem::of_artifact(Effect::Incomplete, what)
            });
            Ok(image.with_problems(problem.into_iter().collect()))
        }
        (false, true) => oci_layout::open(blobs, selector, platform),
        (false, false) => Err(Error::NotAnImage {
            path: path.into(),
            why: format!("it has neither {} nor {}", docker_archive::MANIFEST, oci_layout::INDEX),
        }),
    }
}

fn open_docker_archive(input: &str, platform: Option<&Platform>) -> Result<Image, Error> {
    let (path, selector) = split_selector(input);
    docker_archive::open(Blobs::open(Path::new(path))?, selector, platform)
}

fn open_oci(input: &str, platform: Option<&Platform>) -> Result<Image, Error> {
    let (path, selector) = split_selector(input);
    oci_layout::open(Blobs::open(Path::new(path))?, selector, platform)
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
