//! A program in the background that ends with us, however we end.
//!
//! It runs in a process group of its own below a shell that waits for the end of its standard input, a pipe whose other
//! end only we hold. When that closes, by drop or because we were killed, the shell kills the whole group.

use super::Error;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `$0` gets the program's process id; the program must not share the pipe, so its input is empty.
const WATCH: &str = r#"pid_file=$0; "$@" </dev/null & echo $! >"$pid_file"; read -r _; kill -9 0"#;

/// A program in the background.
#[derive(Debug)]
pub struct Process {
    shell: Child,
    pid_file: PathBuf,
}

impl Process {
    /// Starts a program with its output in `log`, which is appended to.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub fn start(
        program: &Path,
        arguments: &[String],
        environment: &[(&str, String)],
        log: &Path,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Start {
            program: program.display().to_string(),
            source,
        };
        let output = File::options().create(true).append(true).open(log).map_err(failed)?;
        let errors = output.try_clone().map_err(failed)?;
        let pid_file = log.with_extension("pid");
        let _ = std::fs::remove_file(&pid_file);
        let shell = Command::new("/bin/sh")
            .arg("-c")
            .arg(WATCH)
            .arg(&pid_file)
            .arg(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(failed)?;
        Ok(Self { shell, pid_file })
    }

    /// The program's own process id, once it runs.
    pub fn id(&self) -> Option<u32> {
        std::fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok()
    }

    /// Sends a signal by its name, `TERM` for example, to the program alone.
    pub fn signal(&self, name: &str) {
        if let Some(id) = self.id() {
            let _ = Command::new("kill")
                .arg(format!("-{name}"))
                .arg(id.to_string())
                .status();
        }
    }

    /// Whether the program still runs.
    pub fn is_running(&self) -> bool {
        let state = self
            .id()
            .and_then(|id| std::fs::read_to_string(format!("/proc/{id}/stat")).ok());
        state.is_some_and(|state| !state.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
    }

    /// The memory that it holds, in bytes.
    pub fn resident_memory(&self) -> Option<u64> {
        self.memory("VmRSS:")
    }

    /// The most memory that it ever held, in bytes.
    pub fn peak_memory(&self) -> Option<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim()
            .split(' ')
            .next()?
            .parse::<u64>()
            .ok()
            .map(|kibibytes| kibibytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
