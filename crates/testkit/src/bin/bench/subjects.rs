//! What is timed: the reference, `seaworthy` on each form of the image, and other scanners where they are installed.

use crate::derived::Derived;
use crate::layout::BuiltImage;
use crate::options::{Options, checkout};
use anyhow::{Context, Result, ensure};
use seaworthy_testkit::{OCI_MANIFEST, RegistryServer, data};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a command stands for in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `gzip -dc` of the layers: what everything is compared with.
    Gzip,
    /// `igzip -dc` of the layers, for comparison.
    Igzip,
    /// The same, two layers at once.
    IgzipPair,
    /// `seaworthy` on the OCI layout, without kept results.
    Layout,
    /// The same on the OCI archive.
    OciArchive,
    /// The same on the docker archive.
    DockerArchive,
    /// The same from a registry on loopback.
    Registry,
    /// `seaworthy` on the OCI layout, keeping results for the first time.
    Keeping,
    /// `seaworthy` on the OCI layout that it knows.
    WarmLayout,
    /// `seaworthy` on the image in the registry that it knows.
    WarmRegistry,
    /// `seaworthy` on one new layer above known ones.
    NewLayer,
    /// The first of many images, nothing being known.
    One,
    /// Many images in one run, nothing being known.
    Many,
    /// `seaworthy` on the small example.
    Example,
    /// Another scanner on the OCI layout.
    OtherLayout,
    /// Another scanner on the docker archive.
    OtherDockerArchive,
}

/// A command that is timed.
pub(crate) struct Subject {
    pub(crate) role: Role,
    /// The image that it reads; empty where that is none of the built ones.
    pub(crate) image: &'static str,
    pub(crate) name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    /// A folder that is made anew before each run: a copy of the other one, or empty.
    state: Option<(PathBuf, Option<PathBuf>)>,
}

impl Subject {
    fn new(role: Role, image: &'static str, name: &str, program: &Path, arguments: Vec<OsString>) -> Self {
        let separator = if image.is_empty() { "" } else { ": " };
        Self {
            role,
            image,
            name: format!("{image}{separator}{name}"),
            program: program.to_owned(),
            arguments,
            state: None,
        }
    }

    /// Whether `seaworthy` runs.
    pub(crate) const fn is_ours(&self) -> bool {
        !matches!(
            self.role,
            Role::Gzip | Role::Igzip | Role::IgzipPair | Role::OtherLayout | Role::OtherDockerArchive
        )
    }

    /// Puts things as they must be before a run; not timed.
    pub(crate) fn prepare(&self) -> Result<()> {
        let Some((folder, from)) = &self.state else {
            return Ok(());
        };
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
        }
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let Some(from) = from else { return Ok(()) };
        for path in data::files(from) {
            let to = folder.join(path.strip_prefix(from).context("a file below the folder")?);
            if let Some(parent) = to.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::copy(&path, &to).with_context(|| format!("copy {}", path.display()))?;
        }
        Ok(())
    }

    /// The command, with nothing to read and nowhere to write.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        self.dress(command.args(&self.arguments));
        command
    }

    /// The same under another program, which takes the command as its last arguments.
    pub(crate) fn command_under(&self, program: &str, arguments: &[OsString]) -> Command {
        let mut command = Command::new(program);
        self.dress(command.args(arguments).arg(&self.program).args(&self.arguments));
        command
    }

    fn dress(&self, command: &mut Command) {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        // Other scanners must not call home while they are timed.
        command.envs([
            ("GRYPE_DB_AUTO_UPDATE", "false"),
            ("GRYPE_DB_VALIDATE_AGE", "false"),
            ("GRYPE_CHECK_FOR_APP_UPDATE", "false"),
            ("SYFT_CHECK_FOR_APP_UPDATE", "false"),
        ]);
    }
}

/// Other scanners that are timed where they are installed.
const OTHERS: [&str; 3] = ["trivy", "grype", "syft"];

/// Everything that is measured.
pub(crate) struct Subjects {
    pub(crate) commands: Vec<Subject>,
    /// Why a command is not among them.
    pub(crate) missing: Vec<String>,
    pub(crate) seaworthy: PathBuf,
    /// Where criterion leaves its estimates.
    pub(crate) criterion: PathBuf,
    /// Serves the images as long as they are measured.
    _registry: Option<RegistryServer>,
}

impl Subjects {
    pub(crate) fn find(options: &Options, images: &[BuiltImage], derived: &Derived) -> Result<Self> {
        let own = std::env::current_exe().context("find this program")?;
        let beside = own.parent().unwrap_or(&own);
        let seaworthy = options.seaworthy.clone().unwrap_or_else(|| beside.join("seaworthy"));
        ensure!(
            seaworthy.is_file(),
            "{} does not exist; build it with `cargo build --release -p seaworthy-cli` or give --seaworthy PATH",
            seaworthy.display()
        );
        let seaworthy = seaworthy
            .canonicalize()
            .with_context(|| format!("find {}", seaworthy.display()))?;
        let registry = RegistryServer::start();
        let mut found = Found {
            commands: Vec::new(),
            missing: Vec::new(),
            seaworthy,
            // Beside the images, so that it is on the same disk.
            kept: options.images.join("kept"),
        };
        if found.kept.exists() {
            std::fs::remove_dir_all(&found.kept).with_context(|| format!("remove {}", found.kept.display()))?;
        }
        for image in images {
            found.add_image(image);
            match &registry {
                Some(registry) => found.add_registry(image, &push(registry, image)?),
                None => found.missing.push(format!(
                    "{}, from a registry: docker-registry is not installed",
                    image.name
                )),
            }
        }
        if let Some(first) = images.first() {
            found.add_derived(first, derived)?;
        }
        for program in OTHERS {
            let version = Command::new(program).arg("--version").stdin(Stdio::null()).output();
            if version.is_ok() {
                images.iter().for_each(|image| found.add_other(image, program));
            } else {
                found.missing.push(format!("{program}: it is not on the PATH"));
            }
        }
        let example = checkout().join("examples/myapp-v1.tar");
        let arguments = found.scan(&input(&example), None);
        found.add(Role::Example, "", "seaworthy, `examples/myapp-v1.tar`", arguments);
        let criterion = beside.parent().unwrap_or(beside).join("criterion");
        Ok(Self {
            commands: found.commands,
            missing: found.missing,
            seaworthy: found.seaworthy,
            criterion,
            _registry: registry,
        })
    }
}

/// What is found so far.
struct Found {
    commands: Vec<Subject>,
    missing: Vec<String>,
    seaworthy: PathBuf,
    /// Where results are kept for the subjects that use them.
    kept: PathBuf,
}

impl Found {
    /// Arguments that scan an image, with results kept in a folder or nowhere.
    fn scan(&self, what: &[OsString], kept: Option<&Path>) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["image".into()];
        arguments.extend(what.iter().cloned());
        arguments.extend(["--format", "json", "--output", "/dev/null", "--quiet"].map(OsString::from));
        match kept {
            Some(folder) => arguments.extend(["--cache-dir".into(), folder.into()]),
            None => arguments.push("--no-cache".into()),
        }
        arguments
    }

    fn add(&mut self, role: Role, image: &'static str, name: &str, arguments: Vec<OsString>) {
        let program = self.seaworthy.clone();
        self.add_subject(Subject::new(role, image, name, &program, arguments));
    }

    fn add_subject(&mut self, subject: Subject) {
        match tried(&subject) {
            Ok(()) => self.commands.push(subject),
            Err(why) => self.missing.push(format!("{}: {why:#}", subject.name)),
        }
    }

    fn add_image(&mut self, image: &BuiltImage) {
        for (role, program) in [(Role::Gzip, "gzip"), (Role::Igzip, "igzip")] {
            let name = format!("`{program} -dc` of the layers");
            self.add_subject(Subject::new(
                role,
                image.name,
                &name,
                Path::new(program),
                inflate(image),
            ));
        }
        if self.commands.last().is_some_and(|last| last.role == Role::Igzip) {
            let name = "`igzip -dc` of the layers, two at once";
            let mut arguments: Vec<OsString> = ["-c", PAIR, "sh"].map(OsString::from).to_vec();
            arguments.extend(inflate(image).into_iter().skip(1));
            self.add_subject(Subject::new(
                Role::IgzipPair,
                image.name,
                name,
                Path::new("/bin/sh"),
                arguments,
            ));
        }
        for (role, name, path) in [
            (Role::Layout, "seaworthy, OCI layout", image.layout()),
            (Role::OciArchive, "seaworthy, OCI archive", image.oci_archive()),
            (Role::DockerArchive, "seaworthy, docker archive", image.docker_archive()),
        ] {
            let arguments = self.scan(&input(&path), None);
            self.add(role, image.name, name, arguments);
        }
        // Its first run, which is not timed, makes it known.
        let kept = self.kept.join(format!("{}-layout", image.name));
        let arguments = self.scan(&input(&image.layout()), Some(&kept));
        self.add(Role::WarmLayout, image.name, "seaworthy, known OCI layout", arguments);
    }

    fn add_registry(&mut self, image: &BuiltImage, reference: &str) {
        let arguments = self.scan(&[reference.into()], None);
        self.add(Role::Registry, image.name, "seaworthy, registry", arguments);
        let kept = self.kept.join(format!("{}-registry", image.name));
        let arguments = self.scan(&[reference.into()], Some(&kept));
        self.add(
            Role::WarmRegistry,
            image.name,
            "seaworthy, known image in the registry",
            arguments,
        );
    }

    /// What is measured with results of other images, or of none yet.
    fn add_derived(&mut self, image: &BuiltImage, derived: &Derived) -> Result<()> {
        let base = self.kept.join("base");
        let known = Command::new(&self.seaworthy)
            .args(self.scan(&input(&image.layout()), Some(&base)))
            .output()
            .with_context(|| format!("run {}", self.seaworthy.display()))?;
        ensure!(
            known.status.success(),
            "the base of the derived images cannot be scanned"
        );
        let many: Vec<OsString> = derived
            .many
            .iter()
            .map(|layout| {
                let mut reference = OsString::from("oci-dir:");
                reference.push(layout);
                reference
            })
            .collect();
        let one = many.get(..1).unwrap_or_default().to_vec();
        let new = input(&derived.new_layer);
        let whole = input(&image.layout());
        for (role, name, what, from) in [
            (Role::Keeping, "seaworthy, OCI layout, keeping results", &whole, None),
            (
                Role::NewLayer,
                "seaworthy, a new layer of 1 MB on a known base",
                &new,
                Some(base),
            ),
            (Role::One, "seaworthy, the first of many images", &one, None),
            (Role::Many, "seaworthy, 100 images in one run", &many, None),
        ] {
            let state = self.kept.join(format!("{role:?}"));
            let arguments = self.scan(what, Some(&state));
            let mut subject = Subject::new(role, image.name, name, &self.seaworthy, arguments);
            subject.state = Some((state, from));
            self.add_subject(subject);
        }
        Ok(())
    }

    fn add_other(&mut self, image: &BuiltImage, program: &str) {
        for (role, form, scheme, path) in [
            (Role::OtherLayout, "OCI layout", "oci-dir:", image.layout()),
            (
                Role::OtherDockerArchive,
                "docker archive",
                "docker-archive:",
                image.docker_archive(),
            ),
        ] {
            let arguments = if program == "trivy" {
                let mut trivy: Vec<OsString> = vec!["image".into(), "--input".into(), path.into()];
                trivy.extend(
                    ["--cache-backend", "memory", "--scanners", "vuln", "--skip-db-update"].map(OsString::from),
                );
                trivy.extend(["--skip-java-db-update", "--offline-scan", "--skip-version-check"].map(OsString::from));
                trivy.extend(["--format", "json", "--output", "/dev/null", "--quiet"].map(OsString::from));
                trivy
            } else {
                let mut source = OsString::from(scheme);
                source.push(&path);
                vec![source, "-o".into(), "json".into(), "-q".into()]
            };
            let name = format!("{program}, {form}");
            self.add_subject(Subject::new(role, image.name, &name, Path::new(program), arguments));
        }
    }
}

fn input(path: &Path) -> Vec<OsString> {
    vec!["--input".into(), path.into()]
}

/// Pushes an image and returns its reference.
fn push(registry: &RegistryServer, image: &BuiltImage) -> Result<String> {
    let repository = format!("bench/{}", image.name.to_lowercase());
    let (manifest, _) = image.documents()?;
    let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    let blob = |digest: &str| {
        let path = image.layout().join("blobs").join(digest.replace(':', "/"));
        std::fs::read(&path).with_context(|| format!("read {}", path.display()))
    };
    for descriptor in layers.iter().chain([&manifest["config"]]) {
        registry.put_blob(&repository, &blob(descriptor["digest"].as_str().unwrap_or_default())?);
    }
    // The same bytes as in the layout: what is known by the manifest's digest stays so.
    registry.put_manifest(&repository, "v1", OCI_MANIFEST, manifest.to_string().as_bytes());
    Ok(format!("registry:{}/{repository}:v1", registry.host()))
}

/// What the shell makes of the layers.
const PAIR: &str = r#"printf '%s\0' "$@" | xargs -0 -n 1 -P 2 igzip -dc"#;

fn inflate(image: &BuiltImage) -> Vec<OsString> {
    let layers = image.layers.iter().map(|(path, _)| path.clone().into_os_string());
    std::iter::once(OsString::from("-dc")).chain(layers).collect()
}

/// Runs a command once, also to have its files in the page cache.
fn tried(subject: &Subject) -> Result<()> {
    subject.prepare()?;
    let output = subject
        .command()
        .output()
        .with_context(|| format!("{} cannot run", subject.program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().lines().last().unwrap_or("it said nothing");
    ensure!(output.status.success(), "{} ({said})", output.status);
    Ok(())
}
