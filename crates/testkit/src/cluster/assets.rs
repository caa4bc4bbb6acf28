//! Where the programs of the control plane lie: `hack/control-plane/build.sh` says it, and builds them the first time.

use super::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the programs.
#[derive(Clone, Debug)]
pub struct Assets(PathBuf);

impl Assets {
    /// Finds the programs, or builds them, which takes some minutes the first time.
    ///
    /// # Errors
    /// When they are missing and cannot be built here; the error says what to install.
    pub fn find() -> Result<Self, Error> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hack/control-plane/build.sh");
        let output = Command::new(&script).output().map_err(|source| Error::Start {
            program: script.display().to_string(),
            source,
        })?;
        match output.status.success() {
            true => Ok(Self(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))),
            false => Err(Error::Missing {
                hint: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            }),
        }
    }

    /// The folder itself.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
