//! What the command line asks for. Parsed by hand: a few options do not justify a parser among the test dependencies.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub(crate) const HELP: &str = "\
Times whole scans against `gzip -dc` of the same layers.

Usage: bench [OPTIONS]

  --images DIR      where the images are built and kept [default: $HOME/.cache/seaworthy/bench]
  --seaworthy PATH  the binary to time [default: the one beside this program]
  --rounds N        how often each command runs [default: 5]
  --image NAME      measure this image alone: Debian, Python, Node, Java or Go; may be given several times
  --first-only      the same as --image Debian, which needs no registry of packages but Debian's
  --build-only      build the images and stop
  --write           write the figures into docs/benchmarks.md

Exit codes: 0 every bar held, 1 a bar was missed, 3 nothing could be measured.
";

/// What to do.
pub(crate) enum Request {
    Run(Options),
    Help,
}

/// How to do it.
pub(crate) struct Options {
    pub(crate) images: PathBuf,
    pub(crate) seaworthy: Option<PathBuf>,
    pub(crate) rounds: usize,
    /// The images to measure; all where none is named.
    pub(crate) only: Vec<String>,
    pub(crate) build_only: bool,
    pub(crate) write: bool,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Request> {
        let mut images = None;
        let mut options = Self {
            images: PathBuf::new(),
            seaworthy: None,
            rounds: 5,
            only: Vec::new(),
            build_only: false,
            write: false,
        };
        while let Some(argument) = arguments.next() {
            let argument = argument.to_string_lossy().into_owned();
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--images" => images = Some(PathBuf::from(value()?)),
                "--seaworthy" => options.seaworthy = Some(PathBuf::from(value()?)),
                "--rounds" => {
                    let text = value()?.to_string_lossy().into_owned();
                    options.rounds = text.parse().with_context(|| format!("{text} is no number of rounds"))?;
                    ensure!((1..=1000).contains(&options.rounds), "--rounds takes 1 to 1000");
                }
                "--image" => options.only.push(value()?.to_string_lossy().into_owned()),
                "--first-only" => options.only.push("Debian".to_owned()),
                "--build-only" => options.build_only = true,
                "--write" => options.write = true,
                "--help" | "-h" => return Ok(Request::Help),
                // What `cargo bench` hands to every bench binary.
                "--bench" => {}
                other => bail!("unknown option {other}; --help lists them"),
            }
        }
        options.images = match images {
            Some(given) => given,
            None => default_images()?,
        };
        Ok(Request::Run(options))
    }
}

fn default_images() -> Result<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("seaworthy/bench"))
        .context("HOME is not set; say with --images DIR where the image is to be kept")
}

/// The checkout that this program was built from.
pub(crate) fn checkout() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}
