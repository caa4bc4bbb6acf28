//! Every flag can be set by the environment: `SEAWORTHY_` and the flag in capitals, below it `TRIVY_` and the same.
//!
//! The names follow from the flags, so there is no list to keep; flag > `SEAWORTHY_…` > `TRIVY_…` > default. An empty
//! variable counts as none: pipelines set variables to nothing to switch them off.

use clap::Command;
use std::ffi::OsString;

/// Flags that no variable may set: the ones that end the program.
const NOT_BY_ENVIRONMENT: [&str; 2] = ["help", "version"];

/// Gives every flag of every command its variable.
pub(crate) fn with_environment(command: Command) -> Command {
    with(command, &|name| {
        std::env::var_os(name).filter(|value| !value.is_empty())
    })
}

fn with(command: Command, lookup: &dyn Fn(&str) -> Option<OsString>) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let command = command.mut_args(|arg| {
        let Some(long) = arg.get_long().filter(|long| !NOT_BY_ENVIRONMENT.contains(long)) else {
            return arg;
        };
        let suffix = long.to_uppercase().replace('-', "_");
        let (own, trivy) = (format!("SEAWORTHY_{suffix}"), format!("TRIVY_{suffix}"));
        let hidden = arg.is_hide_set();
        // Trivy's own flags that mean nothing here are not read from its environment either: no warning in every run.
        if hidden {
            return arg;
        }
        let Some(name) = [own, trivy].into_iter().find(|name| lookup(name).is_some()) else {
            return arg;
        };
        // Programs write yes and no in many ways: 1, true, T, yes, on.
        let arg = if matches!(arg.get_action(), clap::ArgAction::SetTrue) {
            arg.value_parser(clap::builder::BoolishValueParser::new())
        } else {
            arg
        };
        arg.env(name).hide_env(true)
    });
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| with(command, lookup))
    })
}

#[cfg(test)]
mod tests {
    use super::with;
    use clap::CommandFactory;

    /// The variable that `image --severity` reads when these are set.
    fn variable(set: &[&str]) -> Option<String> {
        let command = with(crate::arguments::Arguments::command(), &|name| {
            set.contains(&name).then(|| "x".into())
        });
        let image = command.find_subcommand("image").unwrap();
        let severity = image
            .get_arguments()
            .find(|arg| arg.get_long() == Some("severity"))
            .unwrap();
        severity.get_env().map(|name| name.to_str().unwrap().to_owned())
    }

    #[test]
    fn our_own_name_wins_over_trivys() {
        for (set, expected) in [
            (&[][..], None),
            (&["TRIVY_SEVERITY"], Some("TRIVY_SEVERITY")),
            (&["SEAWORTHY_SEVERITY"], Some("SEAWORTHY_SEVERITY")),
            (&["TRIVY_SEVERITY", "SEAWORTHY_SEVERITY"], Some("SEAWORTHY_SEVERITY")),
        ] {
            assert_eq!(variable(set).as_deref(), expected, "{set:?}");
        }
    }
}
