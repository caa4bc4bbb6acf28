//! What is timed: the reference, `seaworthy` on each form of the image, and other scanners where they are installed.

use crate::layout::BuiltImage;
use crate::options::{Options, checkout};
use anyhow::{Context, Result, ensure};
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
    /// `seaworthy` on the OCI layout.
    Layout,
    /// `seaworthy` on the OCI archive.
    OciArchive,
    /// `seaworthy` on the docker archive.
    DockerArchive,
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
    pub(crate) name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Subject {
    fn new(role: Role, name: &str, program: &Path, arguments: Vec<OsString>) -> Self {
        Self {
            role,
            name: name.to_owned(),
            program: program.to_owned(),
            arguments,
        }
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

/// Everything that is measured.
pub(crate) struct Subjects {
    pub(crate) commands: Vec<Subject>,
    /// Why a command is not among them.
    pub(crate) missing: Vec<String>,
    pub(crate) seaworthy: PathBuf,
    /// Where criterion leaves its estimates.
    pub(crate) criterion: PathBuf,
}

impl Subjects {
    pub(crate) fn find(options: &Options, image: &BuiltImage) -> Result<Self> {
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
        let mut missing = Vec::new();
        let mut commands = vec![Subject::new(
            Role::Gzip,
            "`gzip -dc` of the layers",
            Path::new("gzip"),
            inflate(image),
        )];
        let mut add = |subject: Subject| match tried(&subject) {
            Ok(()) => commands.push(subject),
            Err(why) => missing.push(format!("{}: {why:#}", subject.name)),
        };
        add(Subject::new(
            Role::Igzip,
            "`igzip -dc` of the layers",
            Path::new("igzip"),
            inflate(image),
        ));
        for (role, name, input) in [
            (Role::Layout, "seaworthy, OCI layout", image.layout()),
            (Role::OciArchive, "seaworthy, OCI archive", image.oci_archive()),
            (Role::DockerArchive, "seaworthy, docker archive", image.docker_archive()),
            (
                Role::Example,
                "seaworthy, `examples/myapp-v1.tar`",
                checkout().join("examples/myapp-v1.tar"),
            ),
        ] {
            let mut arguments: Vec<OsString> = vec!["image".into(), "--input".into(), input.into()];
            arguments.extend(["--format", "json", "--output", "/dev/null", "--quiet"].map(OsString::from));
            add(Subject::new(role, name, &seaworthy, arguments));
        }
        for (role, form, input) in [
            (Role::OtherLayout, "OCI layout", image.layout()),
            (Role::OtherDockerArchive, "docker archive", image.docker_archive()),
        ] {
            let mut trivy: Vec<OsString> = vec!["image".into(), "--input".into(), input.clone().into()];
            trivy.extend(["--cache-backend", "memory", "--scanners", "vuln", "--skip-db-update"].map(OsString::from));
            trivy.extend(["--skip-java-db-update", "--offline-scan", "--skip-version-check"].map(OsString::from));
            trivy.extend(["--format", "json", "--output", "/dev/null", "--quiet"].map(OsString::from));
            add(Subject::new(role, &format!("trivy, {form}"), Path::new("trivy"), trivy));
            let scheme = if role == Role::OtherLayout {
                "oci-dir:"
            } else {
                "docker-archive:"
            };
            for program in ["grype", "syft"] {
                let mut source = OsString::from(scheme);
                source.push(&input);
                let arguments = vec![source, "-o".into(), "json".into(), "-q".into()];
                add(Subject::new(
                    role,
                    &format!("{program}, {form}"),
                    Path::new(program),
                    arguments,
                ));
            }
        }
        let criterion = beside.parent().unwrap_or(beside).join("criterion");
        Ok(Self {
            commands,
            missing,
            seaworthy,
            criterion,
        })
    }
}

fn inflate(image: &BuiltImage) -> Vec<OsString> {
    let layers = image.layers.iter().map(|(path, _)| path.clone().into_os_string());
    std::iter::once(OsString::from("-dc")).chain(layers).collect()
}

/// Runs a command once, also to have its files in the page cache.
fn tried(subject: &Subject) -> Result<()> {
    let output = subject
        .command()
        .output()
        .with_context(|| format!("{} cannot run", subject.program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().lines().last().unwrap_or("it said nothing");
    ensure!(output.status.success(), "{} ({said})", output.status);
    Ok(())
}
