//! How the commands are spelt: what the user typed, no derived values. One file a group of commands.
//!
//! Every flag of the documented surface is parsed from the start; those that do not work yet are listed in
//! [`not_yet`] and answered with exit code 2.

pub(crate) mod compatibility;
pub(crate) mod not_yet;
pub(crate) mod plugin;
mod scan;

pub(crate) use scan::{Format, OutputTarget, PlatformChoice, ScanArguments};

use crate::settings::{self, Settings};
use anyhow::anyhow;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use seaworthy_scanner::ImageSource;
use std::ffi::OsString;
use std::path::PathBuf;

/// Scans container images for known vulnerabilities and lets only images that pass run in Kubernetes.
#[derive(Debug, Parser)]
#[command(
    name = "seaworthy",
    version,
    propagate_version = true,
    max_term_width = 110,
    after_help = "Examples:\n  seaworthy image --input myapp.tar\n  seaworthy image --input myapp.tar --exit-code 1 --severity CRITICAL\n  \
        seaworthy image --input myapp.tar --format json -o report.json\n  seaworthy rootfs /\n\nEvery flag can be set by the \
        environment: SEAWORTHY_ and the flag in capitals, for example SEAWORTHY_SEVERITY=HIGH,CRITICAL.\n\
        Exit codes: 0 passed, 1 (or --exit-code) policy failed, 2 wrong usage, 3 could not scan."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct GlobalArguments {
    /// Write nothing but errors to stderr
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say on stderr what is done and where the time goes
    #[arg(short, long, global = true)]
    pub(crate) debug: bool,
    /// Show no progress: neither bars nor a line a step
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Settings file: any flag by its name, registry.mirrors, registry.token-servers [default: seaworthy.yaml where it exists]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where downloaded data and results are kept [default: the user's cache directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan a container image
    #[command(
        after_help = "Examples:\n  seaworthy image alpine:3.20                   from Docker, Podman, containerd or the registry\n  \
            seaworthy image registry:ghcr.io/a/b:v1 c:v2  only from the registry; several images in one run\n  \
            seaworthy image --input image.tar             an archive by `docker save`, or an OCI archive\n  \
            seaworthy image --input ./layout:v1           an OCI layout directory, one image of it\n  \
            seaworthy image --input image.tar --fail-on critical   show all, fail on criticals"
    )]
    Image(ImageArguments),
    /// Scan an unpacked root file system, or this machine with `/`: what is installed
    #[command(
        after_help = "Examples:\n  seaworthy rootfs /                        this machine\n  seaworthy rootfs ./unpacked --skip-dirs proc,sys"
    )]
    Rootfs(PathArguments),
    /// Scan a source tree: what lock files and manifests declare
    #[command(
        after_help = "Examples:\n  seaworthy fs .                            every lock file below this directory\n  seaworthy fs . --include-dev-deps --fail-on high\n  seaworthy fs . -f sarif -o results.sarif"
    )]
    Fs(PathArguments),
    /// Scan a software bill of materials
    #[command(
        after_help = "Examples:\n  seaworthy sbom image.cdx.json             CycloneDX, SPDX or an attestation of one\n  seaworthy sbom purls.txt                  package URLs, one a line"
    )]
    Sbom(PathArguments),
    /// Turn a JSON report into another format
    #[command(
        after_help = "Examples:\n  seaworthy image alpine:3.20 -f json -o report.json\n  seaworthy convert report.json -f html -o report.html\n  seaworthy convert report.json -s critical --exit-code 1"
    )]
    Convert(PathArguments),
    /// The advisory data: what they are, build them, check them
    #[command(
        after_help = "Examples:\n  seaworthy db info                         what the data are and how old\n  seaworthy db build --feeds ./feeds -o advisories.db\n  seaworthy image --db advisories.db --input image.tar"
    )]
    Db {
        #[command(subcommand)]
        command: DatabaseCommand,
    },
    /// Say why a finding is there
    Explain(ExplainArguments),
    /// Order versions as their package managers do
    #[command(
        after_help = "Examples:\n  seaworthy versions compare deb 1.0~rc1 1.0        prints <\n  printf '1.0\\t1.0-r1\\n' | seaworthy versions compare apk\n  seaworthy versions satisfies npm 1.2.3 '^1.2'     prints true"
    )]
    Versions {
        #[command(subcommand)]
        command: VersionsCommand,
    },
    /// Run the controllers and the admission webhook in or beside a cluster
    Operator(OperatorArguments),
    /// Release everything that is held and take Seaworthy out of a cluster
    Uninstall(UninstallArguments),
    /// Remove what earlier scans kept, and downloaded data
    #[command(after_help = "Without a flag the results of layers are removed.")]
    Clean(CleanArguments),
    /// Print the version
    Version,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `image`.
#[derive(Debug, Args)]
pub(crate) struct ImageArguments {
    /// References of images: name, name:tag or name@digest, with docker:, podman:, containerd:, registry:,
    /// docker-archive:, oci-archive: or oci-dir: in front to name one source
    #[arg(value_name = "REF", required_unless_present = "input", conflicts_with = "input")]
    pub(crate) references: Vec<String>,
    /// An archive (docker or OCI, also gzip or zstd) or an OCI layout directory; `:TAG` or `@DIGEST` picks one image
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) input: Option<OsString>,
    /// Where to look for REF, in this order
    #[arg(long, value_name = "SOURCES", value_delimiter = ',', default_values_t = ImageSource::ALL)]
    pub(crate) image_src: Vec<ImageSource>,
    /// Docker's socket or address, in place of DOCKER_HOST and the context
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) docker_host: Option<String>,
    /// Podman's socket or address, in place of CONTAINER_HOST
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) podman_host: Option<String>,
    #[command(flatten)]
    pub(crate) scan: ScanArguments,
}

/// `clean`; the names are Trivy's.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CleanArguments {
    /// Remove everything
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Remove the results of layers
    #[arg(long)]
    pub(crate) scan_cache: bool,
    /// Remove downloaded advisory data; what is inside the binary stays
    #[arg(long)]
    pub(crate) vuln_db: bool,
    #[arg(long, hide = true)]
    pub(crate) java_db: bool,
    #[arg(long, hide = true)]
    pub(crate) checks_bundle: bool,
    #[arg(long, hide = true)]
    pub(crate) vex_repo: bool,
}

/// Commands that take one path and scan it.
#[derive(Debug, Args)]
pub(crate) struct PathArguments {
    /// What to scan
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) scan: ScanArguments,
}

/// `db …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Show when the data were built, from what, and how old they are
    Info {
        /// The file to look at in place of the default one
        #[arg(long, value_name = "FILE")]
        db: Option<PathBuf>,
    },
    /// Compile feeds to one advisory file; the same feeds give the same bytes
    Build {
        /// Directory of feeds in their publishers' layouts
        #[arg(
            long,
            value_name = "DIR",
            required_unless_present = "trivy_db",
            conflicts_with = "trivy_db"
        )]
        feeds: Option<PathBuf>,
        /// A trivy.db file
        #[arg(long, value_name = "FILE")]
        trivy_db: Option<PathBuf>,
        /// Where to write the advisory file
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Fetch newer data
    Update,
    /// Check every section of an advisory file
    Verify {
        /// The file to check in place of the default one
        #[arg(long, value_name = "FILE")]
        db: Option<PathBuf>,
    },
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The vulnerability
    pub(crate) id: String,
    /// A JSON report
    pub(crate) report: Option<PathBuf>,
}

/// `versions …`.
#[derive(Debug, Subcommand)]
pub(crate) enum VersionsCommand {
    /// Print <, = or > for two versions, or for each line `a<TAB>b` of standard input (`?` where one is no version)
    Compare {
        /// The scheme
        #[arg(value_parser = |text: &str| text.parse::<seaworthy_advisories::versions::Scheme>())]
        scheme: seaworthy_advisories::versions::Scheme,
        /// The first version
        #[arg(requires = "b", allow_hyphen_values = true)]
        a: Option<String>,
        /// The second version
        #[arg(allow_hyphen_values = true)]
        b: Option<String>,
    },
    /// Print true or false for a version and a constraint, or for each line `version<TAB>constraint` of standard input
    /// (`?` where one is none)
    Satisfies {
        /// The scheme
        #[arg(value_parser = |text: &str| text.parse::<seaworthy_advisories::versions::Scheme>())]
        scheme: seaworthy_advisories::versions::Scheme,
        /// The version
        // Its own id: `version` is the flag that clap makes.
        #[arg(
            id = "tested",
            value_name = "VERSION",
            requires = "constraint",
            allow_hyphen_values = true
        )]
        version: Option<String>,
        /// The constraint, in the package manager's own syntax
        #[arg(allow_hyphen_values = true)]
        constraint: Option<String>,
    },
}

/// `operator`.
#[derive(Debug, Args)]
pub(crate) struct OperatorArguments {
    /// Kubeconfig of the cluster [default: in-cluster, then KUBECONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Apply custom resources, roles and webhooks first
    #[arg(long)]
    pub(crate) install: bool,
    /// Where the API server reaches the webhook
    #[arg(long, value_name = "URL")]
    pub(crate) external_url: Option<String>,
    /// Address of the webhook
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:9443")]
    pub(crate) listen: String,
    /// Address of /readyz, /healthz and /metrics
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8080")]
    pub(crate) http_listen: String,
    /// Where reports and verdicts are kept
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// An advisory file in place of the default one
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// Namespaces that are not governed
    #[arg(long, value_name = "NS")]
    pub(crate) exclude_namespace: Vec<String>,
    /// Mirrors, as HOST=URL
    #[arg(long, value_name = "HOST=URL")]
    pub(crate) registry_mirror: Vec<String>,
    /// Allow registries on loopback and link-local addresses
    #[arg(long)]
    pub(crate) allow_local_registries: bool,
}

/// `uninstall`.
#[derive(Debug, Args)]
pub(crate) struct UninstallArguments {
    /// Kubeconfig of the cluster
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// The whole command line with environment names and the flags that only Trivy knows.
pub(crate) fn command() -> clap::Command {
    let command = Arguments::command();
    crate::environment::with_environment(compatibility::with_trivy_flags(command))
}

/// What the user typed, with what the settings file adds to it.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) arguments: Arguments,
    pub(crate) matches: ArgMatches,
    pub(crate) settings: Settings,
}

/// Parses what the user typed; ends the process for `--help` and wrong usage, as clap does.
///
/// # Errors
/// When the settings file cannot be read or says what its flags do not take.
pub(crate) fn parse(line: Vec<OsString>) -> anyhow::Result<Typed> {
    let matches = valued(&line).get_matches_from(&line);
    let named = matches.get_one::<PathBuf>("config").map(PathBuf::as_path);
    let settings = match matches.subcommand_name() {
        Some(name) if settings::WITHOUT.contains(&name) => None,
        _ => Settings::read(named)?,
    };
    let settings = settings.unwrap_or_default();
    let words = settings.words(command, &matches);
    let matches = if words.is_empty() {
        matches
    } else {
        let mut line = line;
        let end = line.iter().position(|word| word == "--").unwrap_or(line.len());
        line.splice(end..end, words.into_iter().map(OsString::from));
        valued(&line).try_get_matches_from(&line).map_err(|error| {
            let message = error.to_string();
            let first = message.lines().next().unwrap_or_default();
            anyhow!(
                "the settings file {}: {}",
                settings.path().display(),
                first.trim_start_matches("error: ")
            )
        })?
    };
    match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => Ok(Typed {
            arguments,
            matches,
            settings,
        }),
        Err(error) => error.exit(),
    }
}

/// The command line whose switches take a value where this line gives them one.
fn valued(line: &[OsString]) -> clap::Command {
    let line: Vec<String> = line.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    compatibility::with_switch_values(command(), &line)
}

#[cfg(test)]
mod tests {
    use super::{Arguments, command};
    use clap::FromArgMatches;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        let line: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        super::compatibility::with_switch_values(command(), &line)
            .try_get_matches_from(line)
            .and_then(|matches| Arguments::from_arg_matches(&matches))
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_documented_flag_parses() {
        for line in [
            "seaworthy image alpine",
            "seaworthy image registry:a/b@sha256:00 --platform linux/arm64/v8 --username u --password p --registry-token t --insecure --cacert F",
            "seaworthy image --input x.tar -f json -o out.json -s high,Critical --ignore-unfixed --ignore-status will_not_fix",
            "seaworthy image --input x.tar --format table --output json=a.json --output table=b.txt --exit-code 7 --fail-on critical",
            "seaworthy image --input x.tar --list-all-pkgs --include-dev-deps --pkg-types os,library --scanners vuln --skip-dirs a,b --skip-files c",
            "seaworthy image --input x.tar --ignorefile i --show-suppressed --vex v --distro debian/12 --detection-priority precise --db f --no-cache",
            "seaworthy image --input x.tar --skip-db-update --offline-scan --timeout 5m -q --no-progress -d -c seaworthy.yaml --cache-dir /c",
            "seaworthy image --input x.tar --template t --exit-on-eol 4 --password-stdin --image-src docker,registry",
            "seaworthy image --input x.tar --java-db-repository r --parallel 3 --skip-java-db-update --secret-config s",
            "seaworthy image --input x.tar --vuln-type os --security-checks vuln,secret --trace --light --skip-update --skip-policy-update",
            "seaworthy rootfs / --exit-code 1",
            "seaworthy fs . -f sarif",
            "seaworthy sbom a.json",
            "seaworthy convert a.json -f html",
            "seaworthy db info",
            "seaworthy db build --feeds d -o f",
            "seaworthy db build --trivy-db d -o f",
            "seaworthy db update",
            "seaworthy db verify",
            "seaworthy explain CVE-2024-1 r.json",
            "seaworthy versions compare deb 1 -2",
            "seaworthy operator --kubeconfig F --install --external-url https://h:1 --listen a:1 --http-listen a:2 --store sqlite://f",
            "seaworthy operator --db F --cache-dir D --exclude-namespace a --exclude-namespace b --registry-mirror a=b --allow-local-registries",
            "seaworthy uninstall --kubeconfig F",
            "seaworthy image x --platform all",
            "seaworthy image a b c",
            "seaworthy clean",
            "seaworthy clean --all",
            "seaworthy clean --scan-cache --vuln-db --java-db --cache-dir d",
            "seaworthy version",
            "seaworthy completions bash",
            "seaworthy man",
        ] {
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn switches_take_a_value_as_trivys_do() {
        let unfixed = |flags: &str| {
            let arguments = parse(&format!("seaworthy image --input x {flags}")).unwrap();
            match arguments.command {
                super::Command::Image(image) => (image.scan.ignore_unfixed, arguments.global.quiet),
                other => panic!("{other:?}"),
            }
        };
        for (flags, expected) in [
            ("", (false, false)),
            ("--ignore-unfixed -q", (true, true)),
            ("--ignore-unfixed=true --quiet=1", (true, true)),
            ("--ignore-unfixed=false --quiet", (false, true)),
            ("--quiet=false --ignore-unfixed --format=JSON", (true, false)),
        ] {
            assert_eq!(unfixed(flags), expected, "{flags}");
        }
        assert!(parse("seaworthy image --input x --quiet=perhaps").is_err());
    }

    #[test]
    fn trivys_own_templates_are_formats_here() {
        for (flags, format, said) in [
            ("-f template -t @contrib/html.tpl", "html", true),
            (
                "-f template -t @/usr/local/share/trivy/templates/junit.tpl",
                "junit",
                true,
            ),
            ("-f template -t @my.tpl", "template", false),
            ("-f json -t @contrib/html.tpl", "json", true),
            ("-f json", "json", false),
        ] {
            let mut arguments = parse(&format!("seaworthy image --input x {flags}")).unwrap();
            assert_eq!(arguments.use_known_template().is_some(), said, "{flags}");
            match arguments.command {
                super::Command::Image(image) => assert_eq!(image.scan.format, format, "{flags}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "seaworthy",
            "seaworthy image",
            "seaworthy image alpine --input x",
            "seaworthy image --input x --severity BAD",
            "seaworthy image --input x --nonsense",
            "seaworthy versions compare nonsense 1 2",
            "seaworthy versions compare deb 1",
            "seaworthy db build -o f",
            "seaworthy image --input x --distro foo/1",
            "seaworthy image --input x -o jsno=report.json",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
