//! What is parsed and does not work yet: said with exit code 2, never ignored.

use super::{Arguments, Command, DatabaseCommand, ScanArguments};

/// The first thing asked for that does not work yet, as it is spelt.
pub(crate) fn find(arguments: &Arguments) -> Option<String> {
    let command = match &arguments.command {
        Command::Explain(_) => "the command explain",
        Command::Db {
            command: DatabaseCommand::Update,
        } => "the command db update",
        Command::Db {
            command: DatabaseCommand::Build { trivy_db: Some(_), .. },
        } => "--trivy-db",
        Command::Image(image) => return scan(&image.scan),
        Command::Rootfs(path) | Command::Sbom(path) | Command::Fs(path) | Command::Convert(path) => {
            return scan(&path.scan);
        }
        Command::Db { .. }
        | Command::Clean(_)
        | Command::Operator(_)
        | Command::Uninstall(_)
        | Command::Versions { .. }
        | Command::Version
        | Command::Completions { .. }
        | Command::Man => return None,
    };
    Some(command.to_owned())
}

/// Flags whose absence changes nothing (`--no-cache`, `--offline-scan`, registry flags beside `--input`) are accepted.
fn scan(scan: &ScanArguments) -> Option<String> {
    let formats = scan
        .output
        .iter()
        .filter_map(|output| output.format.as_ref())
        .chain([&scan.format]);
    if let Some(format) = formats
        .into_iter()
        .find(|format| !format.parse().is_ok_and(seaworthy_report::Format::works))
    {
        if format == "template" {
            return Some(
                "--format template with a template of your own (html, junit, gitlab and gitlab-codequality are formats; \
                 so are Trivy's templates of these names; for others run a template engine on --format json)"
                    .to_owned(),
            );
        }
        return Some(format!("--format {format}"));
    }
    let given = [(!scan.vex.is_empty(), "--vex")];
    given
        .into_iter()
        .find(|(given, _)| *given)
        .map(|(_, flag)| flag.to_owned())
}
