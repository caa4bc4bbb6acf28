//! The flags that all scanning commands share.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use seaworthy_model::{Distribution, Family, FixStatus, Platform, Severity};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A report format by name; which of them work is known to `seaworthy_report::FORMATS`.
pub(crate) type Format = String;

/// The names that `--format` takes.
pub(crate) const FORMATS: [&str; 13] = [
    "table",
    "json",
    "sarif",
    "cyclonedx",
    "spdx-json",
    "spdx",
    "github",
    "gitlab",
    "gitlab-codequality",
    "junit",
    "html",
    "markdown",
    "template",
];

/// A value of `--output`: `FILE`, or `FORMAT=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputTarget {
    pub(crate) format: Option<Format>,
    pub(crate) path: PathBuf,
}

impl FromStr for OutputTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((format, path)) if FORMATS.contains(&format.to_lowercase().as_str()) => Ok(Self {
                format: Some(format.to_lowercase()),
                path: path.into(),
            }),
            _ if text.is_empty() => Err("the file name is empty".into()),
            // A misspelt format would become a file of that name; a name with a dot or a folder is meant as one.
            Some((format, path)) if !format.contains(['.', '/']) => Err(format!(
                "there is no format {format:?}; the formats are {}; for a file of that name write ./{format}={path}",
                FORMATS.join(", ")
            )),
            _ => Ok(Self {
                format: None,
                path: text.into(),
            }),
        }
    }
}

/// A value of `--platform`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlatformChoice {
    One(Platform),
    All,
}

impl FromStr for PlatformChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("all") {
            Ok(Self::All)
        } else {
            text.parse().map(Self::One)
        }
    }
}

/// Flags of `image`, `rootfs`, `fs`, `sbom` and `convert`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScanArguments {
    /// Format of the report
    #[arg(short, long, default_value = "table", ignore_case = true, value_parser = format_parser(), help_heading = "Report")]
    pub(crate) format: Format,
    /// File for the report [default: standard output]; repeat as FORMAT=FILE for several reports of one scan
    #[arg(short, long, value_name = "[FORMAT=]FILE", help_heading = "Report")]
    pub(crate) output: Vec<OutputTarget>,
    /// One of Trivy's templates by its file name, as @contrib/html.tpl; html, junit, gitlab are formats of their own
    #[arg(short, long, value_name = "TEMPLATE", help_heading = "Report")]
    pub(crate) template: Option<String>,
    /// List every package in JSON reports, also those without findings
    #[arg(long, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, action = clap::ArgAction::Set, value_parser = clap::builder::BoolishValueParser::new(), help_heading = "Report")]
    pub(crate) list_all_pkgs: bool,
    /// Show suppressed findings with their reasons
    #[arg(long, help_heading = "Report")]
    pub(crate) show_suppressed: bool,

    /// Severities to show, comma separated
    #[arg(short, long, value_delimiter = ',', value_name = "SEVERITIES", default_values_t = Severity::ALL, hide_default_value = true, help_heading = "Filters")]
    pub(crate) severity: Vec<Severity>,
    /// Leave out findings that have no fix
    #[arg(long, help_heading = "Filters")]
    pub(crate) ignore_unfixed: bool,
    /// Leave out findings with these statuses: unknown, affected, fixed, under_investigation, will_not_fix,
    /// fix_deferred, end_of_life
    #[arg(long, value_delimiter = ',', value_name = "STATUSES", value_parser = parse_status, help_heading = "Filters")]
    pub(crate) ignore_status: Vec<FixStatus>,
    /// File of accepted vulnerabilities, one id a line [default: .trivyignore where it exists]
    #[arg(long, value_name = "FILE", help_heading = "Filters")]
    pub(crate) ignorefile: Option<PathBuf>,
    /// VEX documents whose statements suppress findings
    #[arg(long, value_name = "FILE", help_heading = "Filters")]
    pub(crate) vex: Vec<String>,
    /// Kinds of packages: os, library
    #[arg(long, alias = "vuln-type", value_delimiter = ',', value_name = "KINDS", default_values_t = ["os", "library"].map(String::from), value_parser = ["os", "library"], help_heading = "Filters")]
    pub(crate) pkg_types: Vec<String>,
    /// What to look for; only `vuln` exists
    #[arg(
        long,
        alias = "security-checks",
        value_delimiter = ',',
        value_name = "SCANNERS",
        default_value = "vuln",
        help_heading = "Filters"
    )]
    pub(crate) scanners: Vec<String>,
    /// Count development dependencies of lock files too
    #[arg(long, help_heading = "Filters")]
    pub(crate) include_dev_deps: bool,

    /// Exit with this code when findings are left after the filters
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8), help_heading = "Gate")]
    pub(crate) exit_code: u8,
    /// Exit with 1 when any finding is at least this severe, whatever --severity shows
    #[arg(long, value_name = "SEVERITY", help_heading = "Gate")]
    pub(crate) fail_on: Option<Severity>,

    /// Exit with this code when the distribution gets no more fixes
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u8), help_heading = "Gate")]
    pub(crate) exit_on_eol: u8,

    /// Directories to leave out, relative to the scanned root; `*`, `**` and `?` work
    #[arg(long, value_delimiter = ',', value_name = "DIRS", help_heading = "Reading")]
    pub(crate) skip_dirs: Vec<String>,
    /// Files to leave out, in the same way
    #[arg(long, value_delimiter = ',', value_name = "FILES", help_heading = "Reading")]
    pub(crate) skip_files: Vec<String>,
    /// Platform of an image for several: os/arch or os/arch/variant, or all [default: this machine's]
    #[arg(long, value_name = "PLATFORM", help_heading = "Reading")]
    pub(crate) platform: Option<PlatformChoice>,
    /// Distribution to assume in place of the one found, for example debian/12
    #[arg(long, value_name = "FAMILY/VERSION", value_parser = parse_distribution, help_heading = "Reading")]
    pub(crate) distro: Option<Distribution>,
    /// precise trusts the distribution for files that its packages own and lists no ranges; comprehensive matches them twice and takes each range of a requirements.txt for its lowest version
    #[arg(long, default_value = "precise", value_parser = ["precise", "comprehensive"], help_heading = "Reading")]
    pub(crate) detection_priority: String,
    /// Give up after this time: 90s, 5m, 1h
    #[arg(long, default_value = "5m", value_parser = parse_duration, value_name = "TIME", help_heading = "Reading")]
    pub(crate) timeout: Duration,
    /// Neither use nor keep results of layers
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_cache: bool,

    /// Advisory file to use in place of the default one
    #[arg(long, value_name = "FILE", help_heading = "Advisories")]
    pub(crate) db: Option<PathBuf>,
    /// Use the data that are there
    #[arg(long, alias = "skip-update", help_heading = "Advisories")]
    pub(crate) skip_db_update: bool,
    /// Use no network
    #[arg(long, help_heading = "Advisories")]
    pub(crate) offline_scan: bool,

    /// User for the registry
    #[arg(long, value_name = "USER", help_heading = "Registry")]
    pub(crate) username: Option<String>,
    /// Password for the registry; the environment or --password-stdin keep it out of the process list
    #[arg(long, value_name = "PASSWORD", hide_env_values = true, help_heading = "Registry")]
    pub(crate) password: Option<String>,
    /// Read the password from standard input
    #[arg(long, help_heading = "Registry")]
    pub(crate) password_stdin: bool,
    /// Bearer token for the registry
    #[arg(long, value_name = "TOKEN", hide_env_values = true, help_heading = "Registry")]
    pub(crate) registry_token: Option<String>,
    /// Trust any TLS certificate
    #[arg(long, help_heading = "Registry")]
    pub(crate) insecure: bool,
    /// PEM file of further certificate authorities
    #[arg(long, value_name = "FILE", help_heading = "Registry")]
    pub(crate) cacert: Option<PathBuf>,
}

/// Takes the names of the formats in any case.
fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(FORMATS).map(|name| name.to_lowercase())
}

/// Reads `family/version`.
fn parse_distribution(text: &str) -> Result<Distribution, String> {
    let known = || {
        let mut names: Vec<&str> = Family::ALL
            .into_iter()
            .filter(|family| *family != Family::Other)
            .map(Family::name)
            .collect();
        names.sort_unstable();
        names.join(", ")
    };
    let (family, version) = text
        .split_once('/')
        .filter(|(family, version)| !family.is_empty() && !version.is_empty())
        .ok_or_else(|| {
            format!(
                "write FAMILY/VERSION, for example debian/12; the families are {}",
                known()
            )
        })?;
    let family = seaworthy_scanner::family_from_id(family)
        .ok_or_else(|| format!("there is no distribution {family:?}; the families are {}", known()))?;
    Ok(Distribution::new(family, version))
}

fn parse_status(text: &str) -> Result<FixStatus, String> {
    let known = || FixStatus::ALL.map(FixStatus::name).join(", ");
    FixStatus::ALL
        .into_iter()
        .find(|status| status.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("unknown status, use one of {}", known()))
}

/// Reads `90s`, `5m0s`, `1h30m`, `300` (seconds): what Go's flags take.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("not a time: {text:?}, write for example 90s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let unit = after
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return Err(wrong()),
        };
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = after;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::{OutputTarget, parse_distribution, parse_duration};
    use seaworthy_model::Family;
    use std::time::Duration;

    #[test]
    fn times_are_read_as_go_writes_them() {
        for (text, seconds) in [
            ("5m0s", 300),
            ("90s", 90),
            ("1h30m", 5400),
            ("300", 300),
            ("0", 0),
            ("1.5m", 90),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "5x", "-5m", "5m3", "9e99h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn distributions_are_families_and_versions() {
        for (text, family, version) in [
            ("debian/12", Family::Debian, "12"),
            ("rhel/9.4", Family::RedHat, "9.4"),
            ("Alpine/3.20", Family::Alpine, "3.20"),
        ] {
            let distribution = parse_distribution(text).unwrap();
            assert_eq!((distribution.family, distribution.version.as_str()), (family, version));
        }
        for text in ["foo/1", "debian", "debian/", "/12", ""] {
            let error = parse_distribution(text).unwrap_err();
            assert!(error.contains("alpine, amazon"), "{error}");
        }
    }

    #[test]
    fn the_formats_are_those_of_the_reports() {
        let known: Vec<&str> = seaworthy_report::FORMATS.iter().map(|format| format.name()).collect();
        assert_eq!(super::FORMATS.to_vec(), known);
    }

    #[test]
    fn only_known_formats_split_an_output() {
        let target = |text: &str| text.parse::<OutputTarget>().unwrap();
        assert_eq!(target("json=a=b.json").format.as_deref(), Some("json"));
        assert_eq!(target("json=a=b.json").path.to_str(), Some("a=b.json"));
        assert_eq!(target("./x=y").format, None);
        assert_eq!(target("x.json").format, None);
        for misspelt in ["jsno=report.json", "x=y"] {
            let error = misspelt.parse::<OutputTarget>().unwrap_err();
            assert!(error.contains("cyclonedx"), "{error}");
        }
    }
}
