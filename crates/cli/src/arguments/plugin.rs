//! How `kubectl scan …` is spelt. The program is the same; it goes by the name under which it is started.
//!
//! `-o`, `-n`, `-A`, `--context` and `--kubeconfig` mean what they mean to `kubectl`. `image --local` is `seaworthy image`
//! with all its flags, but for `-o`, which names a format.

use clap::{Args, Parser, Subcommand, ValueEnum};
use seaworthy_model::Severity;
use seaworthy_operator::client::{Connection, Target};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// As itself.
    Scanner,
    /// By `kubectl`, as its plugin.
    Plugin,
    /// By the completions of `kubectl`, which ask what could follow.
    Completion,
}

/// How the program was started, by its own name.
pub(crate) fn entry(line: &[OsString]) -> Entry {
    let name = line.first().map(Path::new).and_then(Path::file_stem);
    match name.and_then(|name| name.to_str()) {
        Some("kubectl-scan" | "kubectl-seaworthy") => Entry::Plugin,
        Some("kubectl_complete-scan" | "kubectl_complete-seaworthy") => Entry::Completion,
        _ => Entry::Scanner,
    }
}

/// Ask Seaworthy in a cluster: what was found in an image, and why a workload waits
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-scan",
    bin_name = "kubectl scan",
    version,
    propagate_version = true,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  kubectl scan image myapp:v1              scan an image in the cluster and show what was found\n  \
        kubectl scan image --local myapp:v1      scan it here, without the cluster\n  \
        kubectl scan why deployment/myapp        why it waits, and what to do\n  \
        kubectl scan list -A                     every image that was asked for\n  \
        kubectl scan preview -f policy.yaml      what a policy would hold of what runs now\n\n\
        Exit codes: 0 passed, 1 (or --exit-code) policy failed, 2 wrong usage, 3 could not scan."
)]
pub(crate) struct PluginArguments {
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct ClusterArguments {
    /// Namespace [default: the context's]
    #[arg(short, long, global = true, value_name = "NS")]
    pub(crate) namespace: Option<String>,
    /// Every namespace
    #[arg(short = 'A', long, global = true)]
    pub(crate) all_namespaces: bool,
    /// Context of the kubeconfig [default: the current one]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Kubeconfig [default: KUBECONFIG, then ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Format of what is printed [default: a table]
    #[arg(short, long, global = true, value_name = "FORMAT")]
    pub(crate) output: Option<OutputFormat>,
    /// Write nothing but errors to stderr
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

impl ClusterArguments {
    /// Which cluster and namespace they mean.
    pub(crate) fn connection(&self) -> Connection {
        Connection {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
        }
    }
}

/// Formats, as `kubectl get` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Columns
    Table,
    /// More columns
    Wide,
    /// Names alone
    Name,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Scan an image in the cluster, or here with --local
    #[command(
        after_help = "Examples:\n  kubectl scan image myapp:v1                      in the namespace of the context, with its pull secrets\n  \
            kubectl scan image myapp:v1 -n shop -o json      the ImageScan as JSON\n  \
            kubectl scan image myapp:v1 --fail-on critical   exit with 1 when something critical is found\n  \
            kubectl scan image --local myapp:v1 --ignore-unfixed   here; every flag of `seaworthy image` works"
    )]
    Image(PluginImageArguments),
    /// List the images that were scanned, and where they stand
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  kubectl scan list\n  kubectl scan list -A -o wide      every namespace, with the line that says why\n  \
            kubectl scan list -o name"
    )]
    List,
    /// Say why a workload, a pod or an image waits, and what to do about it
    #[command(
        after_help = "Examples:\n  kubectl scan why deployment/myapp\n  kubectl scan why pod/myapp-6d5c7-x2x1z -n shop\n  \
            kubectl scan why myapp:v1          an image, by its ImageScan\n\nThe first line is the one that Events, conditions and \
            the annotation seaworthy.dev/reason have."
    )]
    Why {
        /// KIND/NAME of a workload, pod or ImageScan, or an image
        #[arg(value_name = "KIND/NAME")]
        target: Target,
    },
    /// Approve what waits for a person, where a policy requires that
    #[command(
        after_help = "Examples:\n  kubectl scan approve deployment/myapp --reason 'reviewed, ticket 4711'\n  \
            kubectl scan approve myapp:v1 -n shop --reason 'base image of the platform team'\n\nNeeds the verb approve on \
            imagescans.seaworthy.dev, which admin has and edit has not. Nobody approves what they asked for themselves. \
            An approval is for one digest and lifts no finding: for those there is ScanException."
    )]
    Approve {
        /// KIND/NAME of a workload, pod or ImageScan, or an image
        #[arg(value_name = "KIND/NAME")]
        target: Target,
        /// Why it may run; kept with the name of whoever approves
        #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
        reason: String,
    },
    /// Print the Role by which a namespace lets Seaworthy read its pull secrets
    #[command(
        after_help = "Examples:\n  kubectl scan access shop | kubectl apply -f -\n  kubectl scan access shop --secret registry-login"
    )]
    Access {
        /// The namespace
        #[arg(value_name = "NAMESPACE", value_parser = parse_name)]
        to: String,
        /// Only this Secret; repeat for several [default: every Secret that a workload or its service account names]
        #[arg(long, value_name = "NAME")]
        secret: Vec<String>,
    },
    /// Tell what a policy would hold of what runs now, without applying it
    #[command(
        after_help = "Examples:\n  kubectl scan preview -f policy.yaml               every namespace\n  \
            kubectl scan preview -f policy.yaml -n shop -o wide\n  kubectl scan preview -f policy.yaml --exit-code 1   \
            fail where something would be held\n\nThe policy takes the place of the one with its name, beside all others."
    )]
    Preview(PreviewArguments),
    /// Send a message to an AlertChannel, to see whether it arrives
    #[command(after_help = "Example:\n  kubectl scan alert-test team")]
    AlertTest {
        /// The AlertChannel
        channel: String,
        /// How long to wait for an answer: 30s, 2m
        #[arg(long, default_value = "30s", value_parser = super::scan::parse_duration, value_name = "TIME")]
        timeout: Duration,
    },
}

/// `image` in the cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct PluginImageArguments {
    /// Images, as a pod would name them
    #[arg(value_name = "REF", required = true)]
    pub(crate) references: Vec<String>,
    /// Scan here and not in the cluster; every flag of `seaworthy image` works then
    #[arg(long)]
    pub(crate) local: bool,
    /// Severities to show and to count, comma separated
    #[arg(short, long, value_delimiter = ',', value_name = "SEVERITIES", default_values_t = Severity::ALL, hide_default_value = true)]
    pub(crate) severity: Vec<Severity>,
    /// Exit with this code when findings of the severities are there
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) exit_code: u8,
    /// Exit with 1 when any finding is at least this severe, whatever --severity shows
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,
    /// Give up after this time: 90s, 5m, 1h
    #[arg(long, default_value = "5m", value_parser = super::scan::parse_duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
}

/// `preview`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PreviewArguments {
    /// Manifest of one or several ScanPolicies; - reads standard input
    #[arg(short, long, value_name = "FILE", required = true)]
    pub(crate) filename: Vec<PathBuf>,
    /// Exit with this code when something would be held
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) exit_code: u8,
}

fn parse_reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why it may run".to_owned()),
        text if text.len() > 1024 => Err("1024 bytes at most".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// A name of a namespace (RFC 1123).
fn parse_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (1..=63).contains(&text.len()) && text.bytes().all(plain);
    match is_name && !text.starts_with('-') && !text.ends_with('-') {
        true => Ok(text.to_owned()),
        false => Err("no name of a namespace: lower case letters, digits and dashes".to_owned()),
    }
}

/// Flags of `kubectl` that take a value and mean nothing to a scan here.
const OF_A_CLUSTER: [&str; 4] = ["-n", "--namespace", "--context", "--kubeconfig"];

/// The command line of `seaworthy image` that `kubectl scan image --local …` means, where it is one.
pub(crate) fn local(line: &[OsString]) -> Option<Vec<OsString>> {
    let mut is_local = false;
    let mut format = None;
    let mut kept = vec![OsString::from("seaworthy")];
    let mut words = line.iter().skip(1);
    let mut data = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            // A short flag and its value in one word: -ojson.
            None if text.starts_with("-o") || text.starts_with("-n") => {
                let (name, value) = text.split_at(2);
                (
                    name.to_owned(),
                    Some(value.to_owned()).filter(|value| !value.is_empty()),
                )
            }
            None => (text.clone().into_owned(), None),
        };
        let mut value_or_next = || {
            value
                .clone()
                .or_else(|| Some(words.next()?.to_string_lossy().into_owned()))
        };
        match name.as_str() {
            "--" => {
                data = std::iter::once(word).chain(words.by_ref()).cloned().collect();
            }
            "--local" => is_local = true,
            "-A" | "--all-namespaces" => {}
            "-o" | "--output" => format = value_or_next(),
            name if OF_A_CLUSTER.contains(&name) => {
                value_or_next();
            }
            _ => kept.push(word.clone()),
        }
    }
    if !is_local || kept.get(1).is_none_or(|word| word != "image") {
        return None;
    }
    if let Some(format) = format {
        let format = if format == "wide" { "table".to_owned() } else { format };
        kept.push("--format".into());
        kept.push(format.into());
    }
    kept.extend(data);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::{Entry, PluginArguments, entry, local};
    use clap::{CommandFactory, Parser};
    use std::ffi::OsString;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        PluginArguments::command().debug_assert();
    }

    #[test]
    fn the_name_says_who_asks() {
        for (name, expected) in [
            ("/usr/local/bin/kubectl-scan", Entry::Plugin),
            ("kubectl-scan.exe", Entry::Plugin),
            ("kubectl_complete-scan", Entry::Completion),
            ("/opt/seaworthy", Entry::Scanner),
            ("", Entry::Scanner),
        ] {
            assert_eq!(entry(&words(name)), expected, "{name}");
        }
        assert_eq!(entry(&[]), Entry::Scanner);
    }

    #[test]
    fn a_local_scan_is_the_scanners_own() {
        for (line, expected) in [
            ("image --local a:v1", Some("seaworthy image a:v1")),
            ("image a:v1 --local -o json", Some("seaworthy image a:v1 --format json")),
            (
                "image a:v1 --local -ojson -n shop",
                Some("seaworthy image a:v1 --format json"),
            ),
            (
                "-n shop image --output=wide a:v1 --local",
                Some("seaworthy image a:v1 --format table"),
            ),
            ("--context=c image a:v1 --local -A", Some("seaworthy image a:v1")),
            (
                "image --kubeconfig k --local -f sarif --exit-code 3 a:v1",
                Some("seaworthy image -f sarif --exit-code 3 a:v1"),
            ),
            (
                "image --local -o json -- --local",
                Some("seaworthy image --format json -- --local"),
            ),
            ("image a:v1 -- --local", None),
            ("why --local deployment/a", None),
            ("image a:v1", None),
        ] {
            let found = local(&words(&format!("kubectl-scan {line}")));
            assert_eq!(found, expected.map(words), "{line}");
        }
    }

    #[test]
    fn every_documented_command_parses() {
        for line in [
            "image a:v1 b:v2 -n shop --context c --kubeconfig k -o json --exit-code 3 -s high,critical --fail-on high --timeout 1m",
            "image a:v1 -o yaml",
            "-n shop list -A -o wide",
            "list -o name",
            "why deployment/myapp",
            "why a/b:v1 -o json",
            "approve deployment/myapp --reason because",
            "access shop --secret a --secret b",
            "preview -f policy.yaml --exit-code 1",
            "preview -f -",
            "alert-test team --timeout 5s",
        ] {
            let parsed = PluginArguments::try_parse_from(words(&format!("kubectl-scan {line}")));
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().unwrap());
        }
        for line in [
            "approve a:v1",
            "approve a:v1 --reason=",
            "access Shop",
            "why",
            "image",
            "frob",
        ] {
            let parsed = PluginArguments::try_parse_from(words(&format!("kubectl-scan {line}")));
            assert!(parsed.is_err(), "{line}");
        }
    }
}
