//! `uninstall`: everything that is held is let go, and nothing of ours is left.

use crate::arguments::UninstallArguments;
use crate::progress::Talk;
use crate::text;
use anyhow::{Context, Result};
use seaworthy_operator::client::Connection;
use seaworthy_operator::uninstall::{Step, uninstall};
use std::io::Write;

pub(crate) fn run(arguments: &UninstallArguments, talk: Talk, out: &mut impl Write) -> Result<()> {
    let connection = Connection {
        kubeconfig: arguments.kubeconfig.clone(),
        ..Connection::default()
    };
    let done = uninstall(&connection, &mut |step| {
        let line = match step {
            Step::Deleted { what } => format!("Deleted {what}"),
            Step::Released {
                what,
                restored: Some(own),
            } => format!("Released {what} ({own})"),
            Step::Released { what, restored: None } => format!("Released {what}"),
            Step::Waiting { for_what } => format!("Waiting for {for_what}"),
        };
        talk.step(&text::escape(&line));
    })?;
    writeln!(
        out,
        "Seaworthy is gone: {} of its objects were deleted, {} workloads and pods were let go",
        done.deleted, done.released
    )
    .context("cannot write to standard output")
}
