//! A scan report becomes bytes, in the format that its reader wants.
//!
//! Pure: no clock, no terminal. What depends on either is handed in as [`Options`]. A format is a file of its own and
//! a line in [`FORMATS`].

mod cyclonedx;
mod github;
mod gitlab;
mod grid;
mod html;
mod identity;
mod json;
mod junit;
mod markdown;
mod markup;
mod plain;
mod problems;
mod read;
mod result;
mod sarif;
mod sbom;
mod spdx;
mod table;

pub use github::Workflow;
pub use read::read_json;
use seaworthy_model::{PackageClass, ScanReport, Severity};
use std::fmt;
use std::str::FromStr;

/// What a format does with a report.
type Writer = fn(&ScanReport, &Options) -> Result<Vec<u8>, Error>;

/// A format that a report can be written in.
#[derive(Clone, Copy)]
pub struct Format {
    name: &'static str,
    what: &'static str,
    writer: Option<Writer>,
}

/// Every format by its name; those without a writer are known and do not work yet.
pub static FORMATS: &[Format] = &[
    Format {
        name: "table",
        what: "for people",
        writer: Some(table::write),
    },
    Format {
        name: "json",
        what: "for programs, readable by readers of Trivy's JSON",
        writer: Some(json::write),
    },
    Format {
        name: "sarif",
        what: "SARIF 2.1.0, for code scanning",
        writer: Some(sarif::write),
    },
    Format {
        name: "cyclonedx",
        what: "CycloneDX 1.6 JSON, with the vulnerabilities",
        writer: Some(cyclonedx::write),
    },
    Format {
        name: "spdx-json",
        what: "SPDX 2.3 JSON",
        writer: Some(spdx::write_json),
    },
    Format {
        name: "spdx",
        what: "SPDX 2.3 tag-value",
        writer: Some(spdx::write_tag_value),
    },
    Format {
        name: "github",
        what: "GitHub dependency snapshot",
        writer: Some(github::write),
    },
    Format {
        name: "gitlab",
        what: "GitLab container scanning report",
        writer: Some(gitlab::write),
    },
    Format {
        name: "gitlab-codequality",
        what: "GitLab code quality report",
        writer: Some(gitlab::write_code_quality),
    },
    Format {
        name: "junit",
        what: "JUnit XML",
        writer: Some(junit::write),
    },
    Format {
        name: "html",
        what: "one HTML page",
        writer: Some(html::write),
    },
    Format {
        name: "markdown",
        what: "for comments on merge requests",
        writer: Some(markdown::write),
    },
    Format {
        name: "template",
        what: "by a template of your own",
        writer: None,
    },
];

impl Format {
    /// The name that `--format` takes.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What it is, in a few words.
    pub const fn what(self) -> &'static str {
        self.what
    }

    /// Whether it can be written.
    pub const fn works(self) -> bool {
        self.writer.is_some()
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        FORMATS
            .iter()
            .find(|format| format.name.eq_ignore_ascii_case(text.trim()))
            .copied()
            .ok_or_else(|| Error::UnknownFormat(text.to_owned()))
    }
}

/// What a reader wants of a report beside its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The severities that were asked for: totals name these.
    pub severities: Vec<Severity>,
    /// The classes of packages that were asked for: a class that was not has no result.
    pub classes: Vec<PackageClass>,
    /// Whether every package is listed, in the formats that have a place for it.
    pub list_all_packages: bool,
    /// Whether suppressed findings are shown, with their reasons.
    pub show_suppressed: bool,
    /// Columns of the terminal that a table must fit; `None` where it goes elsewhere.
    pub width: Option<usize>,
    /// Whether to use colours.
    pub colour: bool,
    /// The run of a workflow that a snapshot for GitHub belongs to.
    pub workflow: Option<Workflow>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            severities: Severity::ALL.to_vec(),
            classes: vec![PackageClass::Os, PackageClass::Language],
            list_all_packages: false,
            show_suppressed: false,
            width: None,
            colour: false,
            workflow: None,
        }
    }
}

/// Why a report could not be written.
#[derive(Debug)]
pub enum Error {
    /// There is no format of this name.
    UnknownFormat(String),
    /// The format is known and does not work yet.
    NotYet(&'static str),
    /// A value could not be written as JSON.
    Json(serde_json::Error),
    /// What should be a JSON report is none.
    NotAReport(serde_json::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat(name) => {
                let known: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
                write!(formatter, "unknown format {name:?}, use one of {}", known.join(", "))
            }
            Self::NotYet(name) => {
                let working: Vec<&str> = FORMATS
                    .iter()
                    .filter(|format| format.works())
                    .map(|format| format.name)
                    .collect();
                write!(
                    formatter,
                    "format {name} does not work yet, use one of {}",
                    working.join(", ")
                )
            }
            Self::Json(_) => formatter.write_str("cannot write the report as JSON"),
            Self::NotAReport(_) => formatter.write_str("it is no JSON report of a scan"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) | Self::NotAReport(error) => Some(error),
            Self::UnknownFormat(_) | Self::NotYet(_) => None,
        }
    }
}

/// Writes the report in the format.
///
/// # Errors
/// When the format does not work yet, or a value cannot be written in it.
pub fn write(format: Format, report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    match format.writer {
        Some(writer) => writer(report, options),
        None => Err(Error::NotYet(format.name)),
    }
}
