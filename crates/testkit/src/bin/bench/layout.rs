//! The images that are measured: Debian with tools, with Python's wheels, with Node's modules, with Java's archives and with
//! programs in Go, each as OCI layout, OCI archive and docker archive.
//!
//! Built once into a folder that is renamed into place when it is whole. The compressed layers are made by `gzip -6`,
//! the level that container builders use.

use crate::debian::Apt;
use crate::layer::{Layer, System, hex};
use crate::libraries;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One image: what its layers hold.
struct Recipe {
    /// The folder; changes with what is built, so that an older image is not mistaken for it.
    folder: &'static str,
    /// How the report calls it.
    name: &'static str,
    /// Debian's packages of each layer; all that they depend on comes with them.
    debian: &'static [&'static [&'static str]],
    /// The layers above them.
    application: fn(&Path) -> Result<Vec<Layer>>,
}

const BASE: &[&str] = &["?essential", "?priority(required)", "apt", "debian-archive-keyring"];

/// The images, the first of which is also measured in every other way.
const RECIPES: [Recipe; 5] = [
    Recipe {
        folder: "debian-2",
        name: "Debian",
        debian: &[
            BASE,
            &["ca-certificates", "curl", "git", "gnupg", "openssh-client"],
            &["python3", "python3-pip", "python3-venv"],
            &["gcc", "g++", "make"],
        ],
        application: own_application,
    },
    Recipe {
        folder: "python-1",
        name: "Python",
        debian: &[BASE, &["ca-certificates", "python3"]],
        application: libraries::python,
    },
    Recipe {
        folder: "node-1",
        name: "Node",
        debian: &[BASE, &["ca-certificates", "curl"]],
        application: libraries::node,
    },
    Recipe {
        folder: "java-1",
        name: "Java",
        debian: &[BASE, &["ca-certificates", "openjdk-17-jre-headless"]],
        application: libraries::java,
    },
    Recipe {
        folder: "go-1",
        name: "Go",
        debian: &[BASE, libraries::GO],
        application: own_application,
    },
];

/// The program of the last layer.
const APPLICATION: &[u8] = b"import http.server\n\nhttp.server.test(http.server.SimpleHTTPRequestHandler, port=8080)\n";

fn own_application(_: &Path) -> Result<Vec<Layer>> {
    let mut layer = Layer::default();
    layer.file("srv/app/main.py", APPLICATION);
    // Removes a file of the lower layers.
    layer.file("usr/share/doc/.wh.git", b"");
    Ok(vec![layer])
}

/// A built image.
pub(crate) struct BuiltImage {
    /// How the report calls it.
    pub(crate) name: &'static str,
    pub(crate) directory: PathBuf,
    /// The stored layers, lowest first, with their sizes.
    pub(crate) layers: Vec<(PathBuf, u64)>,
    /// Installed packages.
    pub(crate) packages: Option<u64>,
    /// Bytes of the layers' tar archives.
    pub(crate) uncompressed: u64,
}

impl BuiltImage {
    pub(crate) fn layout(&self) -> PathBuf {
        self.directory.join("layout")
    }

    pub(crate) fn oci_archive(&self) -> PathBuf {
        self.directory.join("oci.tar")
    }

    pub(crate) fn docker_archive(&self) -> PathBuf {
        self.directory.join("docker.tar")
    }

    pub(crate) fn compressed(&self) -> u64 {
        self.layers.iter().map(|(_, size)| size).sum()
    }

    fn open(directory: PathBuf, name: &'static str) -> Result<Self> {
        let layout = directory.join("layout");
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"]
                .as_str()
                .and_then(|digest| digest.strip_prefix("sha256:"));
            digest
                .map(|digest| layout.join("blobs/sha256").join(digest))
                .context("a descriptor has no digest")
        };
        let index = read_json(&layout.join("index.json"))?;
        let manifest = read_json(&blob(&index["manifests"][0])?)?;
        let config = read_json(&blob(&manifest["config"])?)?;
        let labels = &config["config"]["Labels"];
        let number = |name: &str| labels[name].as_str().and_then(|text| text.parse().ok());
        let (packages, uncompressed) = (number("packages"), number("uncompressed").unwrap_or(0));
        let descriptors = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let layers: Result<Vec<_>> = descriptors
            .iter()
            .map(|descriptor| {
                let path = blob(descriptor)?;
                let size = fs::metadata(&path)
                    .with_context(|| format!("read {}", path.display()))?
                    .len();
                Ok((path, size))
            })
            .collect();
        Ok(Self {
            name,
            layers: layers?,
            directory,
            packages,
            uncompressed,
        })
    }
}

/// The images that are there to be measured.
pub(crate) struct Images {
    pub(crate) built: Vec<BuiltImage>,
    /// Why an image is not among them.
    pub(crate) missing: Vec<String>,
}

/// The images in `folder` that are named, or all, built where they are not there yet. One that cannot be built (a registry
/// of packages may not be reached) does not keep the others from being measured.
pub(crate) fn open_or_build(folder: &Path, only: &[String]) -> Result<Images> {
    for name in only {
        ensure!(
            RECIPES.iter().any(|recipe| recipe.name.eq_ignore_ascii_case(name)),
            "there is no image {name}; --help names them"
        );
    }
    let mut images = Images {
        built: Vec::new(),
        missing: Vec::new(),
    };
    for recipe in &RECIPES {
        if !only.is_empty() && !only.iter().any(|name| recipe.name.eq_ignore_ascii_case(name)) {
            continue;
        }
        match open_or_build_one(folder, recipe) {
            Ok(image) => images.built.push(image),
            Err(error) => {
                crate::say(&format!("The image {} cannot be built: {error:#}", recipe.name));
                images
                    .missing
                    .push(format!("{}: it cannot be built ({error:#})", recipe.name));
            }
        }
    }
    Ok(images)
}

fn open_or_build_one(folder: &Path, recipe: &Recipe) -> Result<BuiltImage> {
    let directory = folder.join(recipe.folder);
    if !directory.is_dir() {
        let partial = folder.join(format!("{}.partial", recipe.folder));
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("remove {}", partial.display()))?;
        }
        build(folder, &partial, recipe)?;
        fs::rename(&partial, &directory).with_context(|| format!("rename {}", partial.display()))?;
    }
    let image = BuiltImage::open(directory, recipe.name)?;
    ensure!(
        image.layers.len() > recipe.debian.len(),
        "the image has {} layers, fewer than its recipe",
        image.layers.len()
    );
    ensure!(
        image.compressed() >= 40_000_000,
        "the layers have {} bytes; the bars are for 40 MB or more",
        image.compressed()
    );
    Ok(image)
}

fn build(folder: &Path, target: &Path, recipe: &Recipe) -> Result<()> {
    let apt = Apt::new(&folder.join("apt"))?;
    let blobs = target.join("layout/blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("create {}", blobs.display()))?;
    let all: Vec<&str> = recipe.debian.concat();
    crate::say(&format!("Downloading Debian's packages for the image {}.", recipe.name));
    apt.download(&all)?;

    let mut system = System::default();
    let mut tars = Vec::new();
    let mut installed: Vec<String> = Vec::new();
    for (index, _) in recipe.debian.iter().enumerate() {
        let wanted = recipe.debian.get(..=index).unwrap_or_default().concat();
        let mut layer = Layer::default();
        if index == 0 {
            // Without it dpkg takes no architecture in the names of `info` files.
            layer.file("var/lib/dpkg/info/format", b"1\n");
        }
        for name in apt.plan(&wanted)? {
            if !installed.contains(&name) {
                layer.install(&apt.archive(&name), &mut system)?;
                installed.push(name);
            }
        }
        layer.finish(&system);
        tars.push(write_layer(target, index, layer)?);
        crate::say(&format!("Layer {}: {} packages so far.", index + 1, system.packages()));
    }
    for layer in (recipe.application)(folder)? {
        tars.push(write_layer(target, tars.len(), layer)?);
    }

    crate::say("Compressing the layers.");
    let mut layers = Vec::new();
    for (tar, _) in &tars {
        layers.push(compress(tar, &blobs)?);
    }
    let mut uncompressed = 0;
    for (tar, _) in &tars {
        uncompressed += fs::metadata(tar)?.len();
    }
    let architecture = output_line(Command::new("dpkg").arg("--print-architecture"))?;
    let diff_ids: Vec<String> = tars.iter().map(|(_, diff_id)| format!("sha256:{diff_id}")).collect();
    let config = json!({
        "architecture": architecture,
        "config": {
            "Cmd": ["python3", "/srv/app/main.py"],
            "Labels": {"packages": system.packages().to_string(), "uncompressed": uncompressed.to_string()},
        },
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = config.to_string().into_bytes();
    let config_digest = hex(&Sha256::digest(&config));
    write_layout(&target.join("layout"), &layers, &config, &architecture)?;
    write_archives(target, &tars, &config, &config_digest)?;
    for (tar, _) in &tars {
        fs::remove_file(tar)?;
    }
    Ok(())
}

fn write_layer(target: &Path, index: usize, layer: Layer) -> Result<(PathBuf, String)> {
    let path = target.join(format!("{index}.tar"));
    let diff_id = layer.write(&path)?;
    Ok((path, diff_id))
}

/// Compresses a layer into the blobs; returns its descriptor.
pub(crate) fn compress(tar: &Path, blobs: &Path) -> Result<Value> {
    let stored = blobs.join("compressing");
    let status = Command::new("gzip")
        .args(["-6", "-n", "-c"])
        .stdin(File::open(tar)?)
        .stdout(File::create(&stored)?)
        .status()
        .context("run gzip")?;
    ensure!(status.success(), "gzip failed ({status})");
    let mut hash = Sha256::new();
    let size = io::copy(&mut File::open(&stored)?, &mut hash)?;
    let digest = hex(&hash.finalize());
    fs::rename(&stored, blobs.join(&digest))?;
    let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    Ok(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size}))
}

pub(crate) fn write_layout(layout: &Path, layers: &[Value], config: &[u8], architecture: &str) -> Result<()> {
    let put = |bytes: &[u8]| -> Result<String> {
        let digest = hex(&Sha256::digest(bytes));
        fs::write(layout.join("blobs/sha256").join(&digest), bytes)?;
        Ok(format!("sha256:{digest}"))
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": put(config)?,
            "size": config.len(),
        },
        "layers": layers,
    });
    let manifest = manifest.to_string().into_bytes();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": put(&manifest)?,
            "size": manifest.len(),
            "platform": {"os": "linux", "architecture": architecture},
        }],
    });
    fs::write(layout.join("index.json"), index.to_string())?;
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    Ok(())
}

fn write_archives(target: &Path, tars: &[(PathBuf, String)], config: &[u8], config_digest: &str) -> Result<()> {
    let create = |name: &str| -> Result<tar::Builder<io::BufWriter<File>>> {
        Ok(tar::Builder::new(io::BufWriter::new(File::create(target.join(name))?)))
    };
    let append = |archive: &mut tar::Builder<io::BufWriter<File>>, name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes)
    };
    let mut docker = create("docker.tar")?;
    let mut names = Vec::new();
    for (tar, diff_id) in tars {
        let name = format!("{diff_id}/layer.tar");
        docker.append_path_with_name(tar, &name)?;
        names.push(name);
    }
    let config_name = format!("{config_digest}.json");
    append(&mut docker, &config_name, config)?;
    let manifest = json!([{"Config": config_name, "RepoTags": ["seaworthy/bench:debian"], "Layers": names}]);
    append(&mut docker, "manifest.json", manifest.to_string().as_bytes())?;
    docker.finish()?;
    let mut oci = create("oci.tar")?;
    oci.append_dir_all(".", target.join("layout"))?;
    oci.finish()?;
    Ok(())
}

fn output_line(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("run {command:?}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub(crate) fn read_json(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("read {}", path.display()))
}
