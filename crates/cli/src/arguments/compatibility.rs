//! Flags of Trivy that make no sense here: accepted, so that scripts go on working, with a warning.

use super::Arguments;
use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// Flags with a value.
const WITH_VALUE: [&str; 43] = [
    "cache-backend",
    "cache-ttl",
    "check-namespaces",
    "checks-bundle-repository",
    "cloudformation-params",
    "compliance",
    "config-data",
    "config-file-schemas",
    "custom-headers",
    "data",
    "db-repository",
    "enable-modules",
    "file-patterns",
    "helm-set",
    "helm-values",
    "ignore-policy",
    "ignored-licenses",
    "image-config-scanners",
    "include-deprecated-checks",
    "java-db-repository",
    "license-confidence-level",
    "max-image-size",
    "module-dir",
    "output-plugin-arg",
    "parallel",
    "pkg-relationships",
    "policy",
    "policy-bundle-repository",
    "policy-namespaces",
    "redis-ca",
    "redis-cert",
    "redis-key",
    "rekor-url",
    "report",
    "sbom-sources",
    "secret-config",
    "server",
    "table-mode",
    "tf-vars",
    "token",
    "token-header",
    "trace-http",
    "vuln-severity-source",
];

/// Flags without a value.
const WITHOUT_VALUE: [&str; 24] = [
    "auto-refresh",
    "clear-cache",
    "dependency-tree",
    "disable-telemetry",
    "download-db-only",
    "download-java-db-only",
    "generate-default-config",
    "include-non-failures",
    "license-full",
    "light",
    "only-update",
    "redis-tls",
    "removed-pkgs",
    "reset",
    "reset-checks-bundle",
    "reset-policy-bundle",
    "skip-check-update",
    "skip-java-db-update",
    "skip-policy-update",
    "skip-version-check",
    "skip-vex-repo-update",
    "slow",
    "tf-exclude-downloaded-modules",
    "trace",
];

/// The commands that scan, which are the ones that take these flags.
const SCANNING: [&str; 5] = ["image", "rootfs", "fs", "sbom", "convert"];

/// Adds the flags to the commands that scan, hidden from help.
pub(super) fn with_trivy_flags(command: Command) -> Command {
    SCANNING.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |mut command| {
            for flag in WITH_VALUE {
                command = command.arg(
                    Arg::new(flag)
                        .long(flag)
                        .hide(true)
                        .action(ArgAction::Append)
                        .num_args(1),
                );
            }
            for flag in WITHOUT_VALUE {
                let arg = Arg::new(flag).long(flag).hide(true).action(ArgAction::Append);
                command = command.arg(arg.num_args(0..=1).require_equals(true).default_missing_value("true"));
            }
            command
        })
    })
}

/// Lets switches that are given a value, as in `--ignore-unfixed=true`, have one: Trivy's take it, and scripts use it.
///
/// Only those on this command line change, so that help shows switches as switches.
pub(super) fn with_switch_values(command: Command, line: &[String]) -> Command {
    let valued: Vec<&str> = line
        .iter()
        .take_while(|word| *word != "--")
        .filter_map(|word| Some(word.strip_prefix("--")?.split_once('=')?.0))
        .collect();
    if valued.is_empty() {
        command
    } else {
        switch_values(command, &valued)
    }
}

fn switch_values(command: Command, valued: &[&str]) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let command = command.mut_args(|arg| {
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
        if !is_switch || !arg.get_long().is_some_and(|long| valued.contains(&long)) {
            return arg;
        }
        arg.action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_value("false")
            .default_missing_value("true")
            .value_parser(BoolishValueParser::new())
    });
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| switch_values(command, valued))
    })
}

/// The formats that stand for the templates that come with Trivy, by the names of their files.
const TEMPLATES: [(&str, &str); 4] = [
    ("html.tpl", "html"),
    ("junit.tpl", "junit"),
    ("gitlab.tpl", "gitlab"),
    ("gitlab-codequality.tpl", "gitlab-codequality"),
];

/// Writes our own format where one of Trivy's own templates is asked for; gives what is to be said.
fn known_template(scan: &mut super::ScanArguments) -> Option<String> {
    let template = scan.template.as_deref()?;
    let templated = scan.format == "template"
        || scan
            .output
            .iter()
            .any(|output| output.format.as_deref() == Some("template"));
    if !templated {
        scan.template = None;
        return Some("--template is ignored: it needs --format template".to_owned());
    }
    let name = template.rsplit(['/', '\\', '@']).next().unwrap_or_default();
    let (_, format) = TEMPLATES.into_iter().find(|(file, _)| name == *file)?;
    let said = format!("--template {template}: written as --format {format}, which is for the same readers");
    scan.template = None;
    let formats = scan.output.iter_mut().filter_map(|output| output.format.as_mut());
    for asked in formats.chain([&mut scan.format]).filter(|asked| *asked == "template") {
        format.clone_into(asked);
    }
    Some(said)
}

impl Arguments {
    /// See [`known_template`].
    pub(crate) fn use_known_template(&mut self) -> Option<String> {
        match &mut self.command {
            super::Command::Image(image) => known_template(&mut image.scan),
            super::Command::Rootfs(path)
            | super::Command::Fs(path)
            | super::Command::Sbom(path)
            | super::Command::Convert(path) => known_template(&mut path.scan),
            _ => None,
        }
    }
}

/// What `--scanners` asks for beside vulnerabilities, which are what there is.
pub(crate) fn other_scanners(arguments: &Arguments) -> &[String] {
    match &arguments.command {
        super::Command::Image(image) => &image.scan.scanners,
        super::Command::Rootfs(path)
        | super::Command::Fs(path)
        | super::Command::Sbom(path)
        | super::Command::Convert(path) => &path.scan.scanners,
        _ => &[],
    }
}

/// The flags of this kind that were given on the command line.
pub(crate) fn given(matches: &ArgMatches) -> Vec<&'static str> {
    let Some((_, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    let set = |flag: &&str| matches!(matches.try_get_raw(flag), Ok(Some(_)));
    WITH_VALUE.into_iter().chain(WITHOUT_VALUE).filter(set).collect()
}
