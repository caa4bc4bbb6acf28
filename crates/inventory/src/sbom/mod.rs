//! Bills of materials: CycloneDX, SPDX and lists of package URLs become packages and a distribution.
//!
//! The format is told by the content, never by the file's name. What is recognised and not read (XML, YAML, RDF, other
//! programs' own formats) is refused by name: a bill that was not understood is not an empty one.

mod attestation;
mod component;
mod cyclonedx;
mod distribution;
pub mod embedded;
mod list;
mod purl;
mod snapshot;
mod spdx;
mod spdx3;
mod tag_value;

use component::{Component, NoPackage, Role};
use seaworthy_model::{
    Coverage, Ecosystem, Effect, Inventory, Package, PackageClass, PackageDatabase, Problem, limits,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CycloneDX 1.2 to 1.7, JSON.
    CycloneDx,
    /// SPDX 2.2 and 2.3, JSON or tag-value, and SPDX 3.0 in JSON-LD.
    Spdx,
    /// GitHub's dependency snapshot.
    GitHub,
    /// One package URL a line.
    List,
}

/// Why a file is no bill of materials that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is known and not read.
    #[error("{what} is not read")]
    Refused {
        /// The format.
        what: &'static str,
        /// What can be done about it.
        hint: &'static str,
    },
    /// It looks like a format and is broken.
    #[error("it is no valid {what}")]
    Broken {
        /// The format.
        what: &'static str,
        /// Where and why.
        source: serde_json::Error,
    },
    /// It is nothing that is known.
    #[error("it is no bill of materials: {0}")]
    Unknown(&'static str),
}

impl Unreadable {
    /// What the user can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { hint, .. } => Some(hint),
            Self::Broken { .. } => None,
            Self::Unknown(_) => Some(
                "expected is CycloneDX JSON, SPDX in JSON or tag-value, an in-toto attestation of one, or a package URL a line",
            ),
        }
    }
}

/// What a bill says, before it becomes an inventory.
#[derive(Debug)]
struct Bill {
    format: Format,
    /// What it describes.
    subject: Option<String>,
    components: Vec<Component>,
    problems: Vec<Problem>,
}

impl Bill {
    const fn new(format: Format) -> Self {
        Self {
            format,
            subject: None,
            components: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// A bill of materials that was read.
#[derive(Debug)]
pub struct Sbom {
    /// Its format.
    pub format: Format,
    /// The name of what it describes, where it says one.
    pub subject: Option<String>,
    /// Distribution, packages and problems, as if what it describes had been scanned.
    pub inventory: Inventory,
}

/// Reads a bill of materials; packages without a path of their own get `path`.
///
/// # Errors
/// When it is none, or one that is not read.
pub fn read(bytes: &[u8], path: &str) -> Result<Sbom, Unreadable> {
    let bill = parse(bytes)?;
    let (distribution, unclear) = distribution::find(&bill.components);
    let mut problems = bill.problems;
    problems.extend(unclear);
    let packages = packages(&bill.components, path, &mut problems);
    let databases = databases(&packages, path);
    problems.sort();
    problems.dedup();
    Ok(Sbom {
        format: bill.format,
        subject: bill.subject,
        inventory: Inventory {
            distribution,
            databases,
            packages,
            problems,
            coverage: Coverage {
                files_read: 1,
                bytes: bytes.len() as u64,
                ..Coverage::default()
            },
            ..Inventory::default()
        },
    })
}

/// The fields by which JSON documents are told apart.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "bomFormat")]
    bom_format: Option<serde::de::IgnoredAny>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<serde::de::IgnoredAny>,
    #[serde(rename = "@context")]
    context: Option<serde::de::IgnoredAny>,
    #[serde(rename = "@graph")]
    graph: Option<serde::de::IgnoredAny>,
    payload: Option<serde::de::IgnoredAny>,
    #[serde(rename = "dsseEnvelope")]
    envelope: Option<serde::de::IgnoredAny>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<serde::de::IgnoredAny>,
    sbom: Option<serde::de::IgnoredAny>,
    manifests: Option<serde::de::IgnoredAny>,
    artifacts: Option<serde::de::IgnoredAny>,
    #[serde(rename = "SchemaVersion")]
    schema_version: Option<serde::de::IgnoredAny>,
}

fn parse(bytes: &[u8]) -> Result<Bill, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    match bytes.first() {
        None => Err(Unreadable::Unknown("the file is empty")),
        Some(b'{') => parse_json(bytes),
        Some(b'<') => Err(xml(bytes)),
        Some(b'[') => Err(Unreadable::Unknown("a JSON list")),
        Some(_) => parse_text(&String::from_utf8_lossy(bytes)),
    }
}

fn parse_json(bytes: &[u8]) -> Result<Bill, Unreadable> {
    // A file of several documents, one a line, is read as far as the first: attestations are kept so.
    let probe: Probe = first_of(bytes, "JSON")?;
    if probe.bom_format.is_some() {
        return cyclonedx::read(bytes);
    }
    if probe.spdx_version.is_some() {
        return spdx::read(bytes);
    }
    if probe.context.is_some() || probe.graph.is_some() {
        return spdx3::read(bytes);
    }
    if probe.payload.is_some() || probe.envelope.is_some() || probe.predicate_type.is_some() {
        return attestation::read(bytes);
    }
    if probe.sbom.is_some() {
        return spdx::read_wrapped(bytes);
    }
    if probe.manifests.is_some() {
        return snapshot::read(bytes);
    }
    if probe.artifacts.is_some() {
        return Err(Unreadable::Refused {
            what: "Syft's own JSON",
            hint: "write CycloneDX in its place: syft convert FILE -o cyclonedx-json",
        });
    }
    if probe.schema_version.is_some() {
        return Err(Unreadable::Refused {
            what: "a report of a scan",
            hint: "give the bill of materials itself, or turn the report into another format with `seaworthy convert`",
        });
    }
    Err(Unreadable::Unknown("JSON of no known kind"))
}

/// The first JSON value of a file.
fn first_of<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T, Unreadable> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(source)) => Err(Unreadable::Broken { what, source }),
        None => Err(Unreadable::Unknown("the file is empty")),
    }
}

/// Bytes at the head of a text in which its format is looked for.
const HEAD: usize = 4096;

fn xml(bytes: &[u8]) -> Unreadable {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(HEAD)).unwrap_or(bytes)).into_owned();
    if head.contains("cyclonedx.org/schema") {
        Unreadable::Refused {
            what: "CycloneDX in XML",
            hint: "convert it to JSON: cyclonedx convert --input-file FILE --output-format json",
        }
    } else if head.contains("spdx.org/rdf") || head.contains("rdf:RDF") {
        Unreadable::Refused {
            what: "SPDX in RDF",
            hint: "convert it to JSON or tag-value with the SPDX tools: pyspdxtools -i FILE -o FILE.json",
        }
    } else {
        Unreadable::Unknown("XML")
    }
}

fn parse_text(text: &str) -> Result<Bill, Unreadable> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    if first.starts_with("pkg:") {
        return Ok(list::read(text));
    }
    if first.starts_with("SPDXVersion:") || text.lines().take(50).any(|line| line.starts_with("SPDXVersion:")) {
        return Ok(tag_value::read(text));
    }
    let yaml = |key: &str| {
        text.lines()
            .take(200)
            .any(|line| line.trim_start_matches('"').starts_with(key))
    };
    if yaml("spdxVersion") || yaml("SPDXID:") {
        return Err(Unreadable::Refused {
            what: "SPDX in YAML",
            hint: "convert it to JSON or tag-value with the SPDX tools: pyspdxtools -i FILE -o FILE.json",
        });
    }
    if yaml("bomFormat") {
        return Err(Unreadable::Refused {
            what: "CycloneDX in YAML",
            hint: "convert it to JSON",
        });
    }
    Err(Unreadable::Unknown("neither JSON nor tag-value nor package URLs"))
}

/// The packages in report order, each once, and what was left out.
fn packages(components: &[Component], path: &str, problems: &mut Vec<Problem>) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    let mut known = HashSet::new();
    let mut unknown_types: BTreeMap<String, usize> = BTreeMap::new();
    let mut versionless = 0usize;
    let (mut text, mut unlisted) = (limits::PACKAGE_TEXT_BYTES, 0usize);
    let names: HashMap<&str, Option<String>> = components
        .iter()
        .map(|component| {
            (
                component.reference.as_str(),
                component.package(path).ok().map(|package| package.name),
            )
        })
        .collect();
    for component in components {
        let mut package = match component.package(path) {
            Ok(package) => package,
            Err(NoPackage::UnknownType(kind)) => {
                *unknown_types.entry(kind).or_default() += 1;
                continue;
            }
            Err(NoPackage::Holder | NoPackage::Nameless) => continue,
        };
        if packages.len() >= limits::PACKAGES {
            let what = format!("more than {} packages; the rest was not looked at", limits::PACKAGES);
            problems.push(Problem::of_artifact(Effect::Incomplete, what));
            break;
        }
        let place = if package.ecosystem.class() == PackageClass::Os {
            String::new()
        } else {
            package.path.clone()
        };
        let identity = (
            package.ecosystem,
            package.name.clone(),
            package.version.clone(),
            package.arch.clone(),
            place,
        );
        if !known.insert(identity) {
            continue;
        }
        if package.version.is_empty() {
            versionless += 1;
        }
        let on: BTreeSet<&str> = component
            .depends_on
            .iter()
            .filter_map(|reference| names.get(reference.as_str())?.as_deref())
            .collect();
        for name in on {
            // A reference of three letters may stand for a name of megabytes.
            match text.checked_sub(name.len()) {
                Some(left) => {
                    text = left;
                    package.depends_on.push(name.to_owned());
                }
                None => unlisted += 1,
            }
        }
        packages.push(package);
    }
    if versionless > 0 {
        let what = format!("{versionless} components have no version, so they were not compared with advisories");
        problems.push(Problem::of_artifact(Effect::Uncertain, what));
    }
    if unlisted > 0 {
        let what = format!("{unlisted} dependencies between packages were not kept, their names are too long together");
        problems.push(Problem::of_artifact(Effect::Note, what));
    }
    for (kind, count) in unknown_types.into_iter().take(limits::PROBLEMS) {
        let what =
            format!("{count} components of the type {kind:?} were not looked at: there are no advisories for it");
        problems.push(Problem::of_artifact(Effect::Note, what));
    }
    packages.sort_by(|a, b| crate::merge::order(a).cmp(&crate::merge::order(b)));
    packages
}

/// The bill stands for the package databases of which it lists packages.
fn databases(packages: &[Package], path: &str) -> Vec<PackageDatabase> {
    let mut counts: BTreeMap<Ecosystem, usize> = BTreeMap::new();
    for package in packages {
        if package.ecosystem.class() == PackageClass::Os {
            *counts.entry(package.ecosystem).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .map(|(ecosystem, packages)| PackageDatabase {
            ecosystem,
            path: path.to_owned(),
            packages,
            layer: None,
        })
        .collect()
}

/// What a bill calls the distribution, for tests and messages.
#[cfg(test)]
fn distribution_of(bytes: &[u8]) -> Option<seaworthy_model::Distribution> {
    read(bytes, "bom").unwrap().inventory.distribution
}
