//! `kubectl scan …`: what the cluster says, printed. The asking itself is in the operator's `client`.

mod approve;
mod complete;
mod image;
mod list;
mod preview;
mod table;
mod why;

pub(crate) use complete::complete;

use crate::arguments::plugin::{ClusterArguments, OutputFormat, PluginArguments, PluginCommand};
use crate::progress::Talk;
use crate::{environment, exit, text};
use anyhow::{Context, Result};
use clap::{CommandFactory, FromArgMatches};
use seaworthy_operator::client::{ClientError, access};

use serde_json::Value;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Runs the plugin with what was typed and says the exit code; ends the process for `--help` and wrong usage.
pub(crate) fn run(line: &[OsString]) -> ExitCode {
    let command = command().mut_subcommand("image", environment::with_environment);
    let arguments = match PluginArguments::from_arg_matches(&command.get_matches_from(line)) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    match answer(&arguments) {
        Ok(code) => exit::code(code),
        Err(error) if text::is_broken_pipe(&error) => exit::code(exit::PASSED),
        Err(error) => {
            text::error(&error);
            let is_usage = error.chain().any(|cause| {
                matches!(
                    cause.downcast_ref::<ClientError>(),
                    Some(ClientError::Unreadable { .. } | ClientError::Target { .. })
                )
            });
            exit::code(if is_usage { exit::USAGE } else { exit::COULD_NOT_SCAN })
        }
    }
}

/// The definition of the command line.
fn command() -> clap::Command {
    PluginArguments::command()
}

fn answer(arguments: &PluginArguments) -> Result<u8> {
    let cluster = &arguments.cluster;
    match &arguments.command {
        PluginCommand::Image(image) => image::run(image, cluster),
        PluginCommand::List => list::run(cluster),
        PluginCommand::Why { target } => why::run(target, cluster),
        PluginCommand::Approve { target, reason } => approve::run(target, reason, cluster),
        PluginCommand::Access { to, secret } => {
            print(&access(to, secret))?;
            Ok(exit::PASSED)
        }
        PluginCommand::Preview(preview) => preview::run(preview, cluster),
        PluginCommand::AlertTest { channel, timeout } => try_channel(channel, *timeout, cluster),
    }
}

fn try_channel(channel: &str, timeout: Duration, cluster: &ClusterArguments) -> Result<u8> {
    let client = cluster.connection().open()?;
    let trial = client.try_channel(channel, timeout)?;
    if trial.succeeded {
        print(&format!("the message to {channel} arrived\n"))?;
        return Ok(exit::PASSED);
    }
    let why = trial
        .message
        .unwrap_or_else(|| "the receiver did not say why".to_owned());
    anyhow::bail!("the message to {channel} did not arrive: {why}")
}

fn talk(cluster: &ClusterArguments) -> Talk {
    if cluster.quiet { Talk::Quiet } else { Talk::Lines }
}

/// Writes data to standard output.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

/// Prints a value in the format that was asked for; `false` where that is for people.
fn print_value(value: &Value, format: Option<OutputFormat>) -> Result<bool> {
    match format {
        Some(OutputFormat::Json) => print(&format!("{}\n", serde_json::to_string_pretty(value)?))?,
        Some(OutputFormat::Yaml) => print(&serde_saphyr::to_string(value)?)?,
        _ => return Ok(false),
    }
    Ok(true)
}
