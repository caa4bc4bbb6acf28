//! Debian packages for the image: which ones (as apt resolves them on an empty system), their archives, their contents.
//!
//! Nothing is installed and no root is needed, except once for `apt-get update` where apt has no lists. apt checks the
//! archives' hashes against the signed lists. Formats: deb(5), deb-control(5).

use anyhow::{Context, Result, bail, ensure};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// apt, told that nothing is installed, with its archives in a folder of ours.
pub(crate) struct Apt {
    folder: PathBuf,
}

/// One file of a package's control archive.
pub(crate) struct ControlFile {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
}

/// The control archive of a package.
pub(crate) struct Control {
    /// The paragraph for `dpkg/status`, with `Status` in its place.
    pub(crate) status: String,
    /// `name`, or `name:architecture` for packages that can be installed for several.
    pub(crate) info_name: String,
    /// What belongs into `dpkg/info`.
    pub(crate) files: Vec<ControlFile>,
}

impl Apt {
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        for tool in ["apt-get", "dpkg-deb"] {
            let found = Command::new(tool)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            ensure!(
                found.is_ok_and(|status| status.success()),
                "{tool} was not found: the image is made of Debian's packages, so build it on Debian or Ubuntu \
                 (--build-only) and give its folder with --images DIR"
            );
        }
        for part in ["plan/partial", "archives/partial"] {
            let path = folder.join(part);
            std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        }
        let status = folder.join("status");
        std::fs::write(&status, b"").with_context(|| format!("write {}", status.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    fn command(&self, archives: &str) -> Command {
        let mut command = Command::new("apt-get");
        command.args(["-qq", "--yes", "--no-install-recommends"]);
        for option in [
            format!("Dir::State::status={}", self.folder.join("status").display()),
            format!("Dir::Cache::archives={}", self.folder.join(archives).display()),
            // In memory: the machine's own cache describes another system.
            "Dir::Cache::pkgcache=".to_owned(),
            "Dir::Cache::srcpkgcache=".to_owned(),
            "Debug::NoLocking=1".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command.stdin(Stdio::null());
        command
    }

    /// File names of the archives that installing `wanted` on an empty system takes, in apt's order.
    pub(crate) fn plan(&self, wanted: &[&str]) -> Result<Vec<String>> {
        let listed = || output(self.command("plan").args(["--print-uris", "install"]).args(wanted));
        let text = match listed() {
            Ok(text) => text,
            Err(first) => {
                update().with_context(|| format!("apt does not know the packages ({first:#})"))?;
                listed()?
            }
        };
        // 'address' file-name size hash
        let files: Vec<String> = String::from_utf8_lossy(&text)
            .lines()
            .filter(|line| line.starts_with('\''))
            .filter_map(|line| line.split_whitespace().nth(1))
            .filter(|name| name.ends_with(".deb") && !name.contains('/'))
            .map(str::to_owned)
            .collect();
        ensure!(!files.is_empty(), "apt-get names no package for {}", wanted.join(" "));
        Ok(files)
    }

    /// Downloads the archives of `wanted` that are not here yet.
    pub(crate) fn download(&self, wanted: &[&str]) -> Result<()> {
        let download = || {
            output(
                self.command("archives")
                    .args(["--download-only", "install"])
                    .args(wanted),
            )
        };
        if download().is_err() {
            // Old lists name archives that the mirrors have dropped.
            update()?;
            download()?;
        }
        Ok(())
    }

    /// Where a downloaded archive lies.
    pub(crate) fn archive(&self, name: &str) -> PathBuf {
        self.folder.join("archives").join(name)
    }
}

fn update() -> Result<()> {
    crate::say("Updating apt's package lists.");
    output(Command::new("apt-get").args(["-qq", "update"]).stdin(Stdio::null()))
        .context("run `apt-get update` as root, then again")?;
    Ok(())
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("run {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed ({}): {}", output.status, said.trim());
    }
    Ok(output.stdout)
}

/// The package's control archive.
pub(crate) fn control(archive: &Path) -> Result<Control> {
    let tar = output(Command::new("dpkg-deb").arg("--ctrl-tarfile").arg(archive))?;
    let mut files = Vec::new();
    let mut paragraph = String::new();
    for entry in tar::Archive::new(tar.as_slice()).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes())
            .trim_start_matches("./")
            .to_owned();
        let mode = entry.header().mode()?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        if name == "control" {
            paragraph = String::from_utf8_lossy(&content).trim_end().to_owned();
        } else {
            files.push(ControlFile { name, content, mode });
        }
    }
    let field = |wanted: &str| {
        paragraph
            .lines()
            .find_map(|line| line.strip_prefix(wanted).and_then(|rest| rest.strip_prefix(": ")))
            .map(|value| value.trim().to_owned())
    };
    let package = field("Package").with_context(|| format!("{} names no package", archive.display()))?;
    let info_name = match (field("Multi-Arch").as_deref(), field("Architecture")) {
        (Some("same"), Some(architecture)) => format!("{package}:{architecture}"),
        _ => package,
    };
    let mut status = String::new();
    for line in paragraph.lines() {
        status.push_str(line);
        status.push('\n');
        if line.starts_with("Package: ") {
            status.push_str("Status: install ok installed\n");
        }
    }
    Ok(Control {
        status,
        info_name,
        files,
    })
}

/// Hands every entry of the package's file system archive to `visit`.
pub(crate) fn files(
    archive: &Path,
    visit: &mut dyn FnMut(&mut tar::Entry<'_, &mut dyn Read>) -> Result<()>,
) -> Result<()> {
    let mut child = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(archive)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("run dpkg-deb")?;
    let mut stdout = child.stdout.take().context("dpkg-deb has no output")?;
    let visited = (|| -> Result<()> {
        let reader: &mut dyn Read = &mut stdout;
        for entry in tar::Archive::new(reader).entries()? {
            visit(&mut entry?)?;
        }
        // dpkg-deb must not die of a closed pipe.
        std::io::copy(&mut stdout, &mut std::io::sink())?;
        Ok(())
    })();
    drop(stdout);
    let status = child.wait().context("wait for dpkg-deb")?;
    visited.with_context(|| format!("read {}", archive.display()))?;
    ensure!(status.success(), "dpkg-deb failed on {} ({status})", archive.display());
    Ok(())
}
