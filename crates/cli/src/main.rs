//! The binary `seaworthy`: arguments become a command, its result an exit code.

mod arguments;
mod commands;
mod data;
mod environment;
mod exit;
mod progress;
mod settings;
mod small_file;
mod text;

use anyhow::{Context, Result};
use arguments::plugin::Entry;
use arguments::{Arguments, Command, DatabaseCommand};
use jiff::Timestamp;
use progress::Talk;
use seaworthy_scanner::{Daemons, Options, Target};
use settings::Settings;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    let line = match arguments::plugin::entry(&line) {
        Entry::Scanner => line,
        Entry::Completion => return commands::plugin::complete(&line),
        Entry::Plugin => match arguments::plugin::local(&line) {
            Some(line) => line,
            None => return commands::plugin::run(&line),
        },
    };
    let mut typed = match arguments::parse(line) {
        Ok(typed) => typed,
        Err(error) => {
            text::error(&error);
            return exit::code(exit::USAGE);
        }
    };
    start_log(&typed.arguments);
    if let Some(said) = typed.arguments.use_known_template() {
        tracing::warn!("{said}");
    }
    let arguments = &typed.arguments;
    for flag in arguments::compatibility::given(&typed.matches) {
        tracing::warn!("--{flag} means nothing here and is ignored");
    }
    for scanner in arguments::compatibility::other_scanners(arguments) {
        if !matches!(scanner.as_str(), "vuln" | "vulnerability" | "none") {
            tracing::warn!("--scanners {scanner} means nothing here: vulnerabilities are what is looked for");
        }
    }
    for key in typed.settings.unknown(arguments::command) {
        let path = typed.settings.path().display();
        tracing::warn!("{path}: {key} means nothing here and is ignored");
    }
    if let Some(what) = arguments::not_yet::find(arguments) {
        text::error(&anyhow::anyhow!("{what} does not work yet"));
        return exit::code(exit::USAGE);
    }
    match run(arguments, &typed.settings) {
        Ok(code) => exit::code(code),
        Err(error) if text::is_broken_pipe(&error) && !is_scan(&arguments.command) => exit::code(exit::PASSED),
        Err(error) => {
            text::error(&error);
            exit::code(exit::COULD_NOT_SCAN)
        }
    }
}

/// Whether the exit code is a verdict: then a pipe that nobody reads any more is no reason to pass.
const fn is_scan(command: &Command) -> bool {
    matches!(
        command,
        Command::Image(_) | Command::Rootfs(_) | Command::Fs(_) | Command::Sbom(_) | Command::Convert(_)
    )
}

fn run(arguments: &Arguments, settings: &Settings) -> Result<u8> {
    let now = Timestamp::now();
    let mut out = std::io::stdout();
    match &arguments.command {
        Command::Image(image) => {
            let targets: Vec<Target> = match &image.input {
                Some(input) => vec![Target::ImageInput(input.clone())],
                None => image.references.iter().cloned().map(Target::ImageReference).collect(),
            };
            let options = Options {
                sources: image.image_src.clone(),
                daemons: Daemons::of_environment(image.docker_host.as_deref(), image.podman_host.as_deref()),
                network: commands::network::of(&image.scan, settings)?,
                ..commands::scan::prepare(&image.scan, &arguments.global, now)?
            };
            return commands::scan::run(&targets, &image.scan, options, &arguments.global);
        }
        Command::Rootfs(root) => {
            let targets = [Target::RootDirectory(root.path.clone())];
            let options = commands::scan::prepare(&root.scan, &arguments.global, now)?;
            return commands::scan::run(&targets, &root.scan, options, &arguments.global);
        }
        Command::Fs(tree) => {
            return commands::fs::run(tree, &arguments.global, now);
        }
        Command::Convert(report) => return commands::convert::run(report, now),
        Command::Sbom(bill) => {
            let targets = [Target::Bill(bill.path.clone())];
            let options = commands::scan::prepare(&bill.scan, &arguments.global, now)?;
            return commands::scan::run(&targets, &bill.scan, options, &arguments.global);
        }
        Command::Clean(clean) => {
            let talk = Talk::choose(arguments.global.quiet, arguments.global.no_progress);
            commands::clean::run(clean, arguments.global.cache_dir.as_deref(), talk)?;
        }
        Command::Db {
            command: DatabaseCommand::Info { db },
        } => {
            let database = data::open(db.as_deref(), arguments.global.cache_dir.as_deref())?;
            let today = now.as_second().div_euclid(86_400);
            commands::database::info(&database, today, &mut out.lock())?;
        }
        Command::Db {
            command:
                DatabaseCommand::Build {
                    feeds: Some(feeds),
                    output,
                    ..
                },
        } => {
            let talk = Talk::choose(arguments.global.quiet, arguments.global.no_progress);
            commands::database::build(feeds, output, talk, &mut out.lock())?;
        }
        Command::Db {
            command: DatabaseCommand::Verify { db },
        } => {
            let database = data::open(db.as_deref(), arguments.global.cache_dir.as_deref())?;
            database.verify()?;
            writeln!(out, "{}: every section is sound", database.info().origin)?;
        }
        Command::Versions { command } => {
            let mut out = std::io::BufWriter::new(out.lock());
            commands::versions::run(command, std::io::stdin().lock(), &mut out)?;
            out.flush().context("cannot write the answers")?;
        }
        Command::Operator(operator) => {
            commands::operator::run(operator, arguments.global.cache_dir.as_deref())?;
        }
        Command::Uninstall(uninstall) => {
            let talk = Talk::choose(arguments.global.quiet, arguments.global.no_progress);
            commands::uninstall::run(uninstall, talk, &mut out.lock())?;
        }
        Command::Version => writeln!(out, "seaworthy {}", env!("CARGO_PKG_VERSION"))?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut arguments::command(), "seaworthy", &mut script);
            out.write_all(&script).context("cannot write the completions")?;
        }
        Command::Man => clap_mangen::Man::new(arguments::command()).render(&mut out)?,
        _ => anyhow::bail!("this command does not work yet"),
    }
    Ok(exit::PASSED)
}

/// Log lines go to stderr: warnings, everything with `--debug`, errors alone with `--quiet`.
fn start_log(arguments: &Arguments) {
    let level = match (arguments.global.debug, arguments.global.quiet) {
        (true, _) => "debug",
        (false, true) => "error",
        // What runs for weeks tells what it does.
        (false, false) if matches!(arguments.command, Command::Operator(_)) => "info",
        (false, false) => "warn",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}
