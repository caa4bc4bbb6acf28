//! SUSE and openSUSE: OSV records of their update notices.
//!
//! `ecosystem_specific.binaries` lists all binary packages of a notice in a product: records carry those names. A kernel
//! is the exception: its fixes are recorded under the source package's name (`kernel-default`) once, and not under each
//! of its seventy sub-packages. Modules of SUSE Linux Enterprise are the release itself; where only a line that
//! subscribers pay for (LTSS, ESPOS, …) got the fix, that line is the record's product.

use super::osv::{Advisory, Affected};
use super::output::{Output, Tally, earliest};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record, SourceId};
use seaworthy_model::FixStatus;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Specific {
    binaries: Option<Vec<BTreeMap<String, String>>>,
}

/// Lines of a release that have fixes of their own, the widest first; the empty text is the release itself.
const LINES: [&str; 9] = [
    "",
    "NonFree",
    "LTSS",
    "ESPOS",
    "SAP",
    "BCL",
    "TERADATA",
    "Live Patching",
    "Real Time",
];

pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    // Notices for both distributions are in both archives.
    let mut seen = HashSet::new();
    for file in &input.files {
        let source = if file.name.contains("openSUSE") {
            SourceId::OpenSuse
        } else {
            SourceId::Suse
        };
        let mut tally = Tally::new(&file.name, source);
        file.zip_records(|bytes| {
            let outcome = bytes.and_then(|bytes| read_record(bytes, &mut seen, &mut tally, &mut output));
            tally.settle(outcome);
        })?;
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

/// Section and line (an index of [`LINES`]) of an OSV ecosystem, or why it has none.
fn product(ecosystem: &str) -> Result<(SourceId, String, usize), &'static str> {
    if let Some(name) = ecosystem.strip_prefix("openSUSE:") {
        if name == "Tumbleweed" {
            return Ok((SourceId::OpenSuse, "opensuse-tumbleweed".to_owned(), 0));
        }
        let version = name.strip_prefix("Leap ").ok_or("product without a section")?;
        let (version, line) = version
            .strip_suffix(" NonFree")
            .map_or((version, 0), |version| (version, 1));
        if !is_version(version) {
            return Err("product without a section");
        }
        return Ok((SourceId::OpenSuse, format!("opensuse-leap {version}"), line));
    }
    let name = ecosystem.strip_prefix("SUSE:").ok_or("ecosystem without a section")?;
    if let Some(version) = name.strip_prefix("Linux Enterprise Micro ") {
        return if is_version(version) {
            Ok((SourceId::Suse, format!("slem {version}"), 0))
        } else {
            Err("product without a section")
        };
    }
    let of_release = ["Linux Enterprise ", "Package Hub ", "Real Time Module "];
    if !of_release.iter().any(|prefix| name.starts_with(prefix)) || name.contains("Installer Updates") {
        return Err("product built on a release");
    }
    let (version, suffix) = release(name).ok_or("product without a section")?;
    if !version.starts_with("15") {
        return Err("release of which the feed has single notices only");
    }
    let label = match suffix {
        "" if name.contains("Live Patching") => "Live Patching",
        "" if name.contains("for SAP Applications") => "SAP",
        "" if name.contains("High Performance Computing") => "ESPOS",
        // A product with everything that a release has, kept alive longer than it; not the module of that name.
        "" if name.starts_with("Linux Enterprise Real Time") => "Real Time",
        suffix => suffix,
    };
    let line = LINES
        .iter()
        .position(|line| *line == label)
        .ok_or("product without a section")?;
    Ok((SourceId::Suse, format!("sles {version}"), line))
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `… 15 SP5-LTSS` is release 15.5 and suffix `LTSS`; `… 15` is release 15.
fn release(name: &str) -> Option<(String, &str)> {
    let (name, suffix) = match name.rsplit_once('-') {
        Some((name, suffix)) if suffix.bytes().all(|byte| byte.is_ascii_uppercase()) => (name, suffix),
        _ => (name, ""),
    };
    let (before, last) = name.rsplit_once(' ')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if number(last) {
        return Some((last.to_owned(), suffix));
    }
    let pack = last.strip_prefix("SP").filter(|pack| number(pack))?;
    let major = before.rsplit(' ').next().filter(|major| number(major))?;
    Some((format!("{major}.{pack}"), suffix))
}

/// Kernels and what is built from their source in dozens; not live patches, which are packages of their own.
fn is_kernel(source: &str) -> bool {
    source.starts_with("kernel-") && !source.starts_with("kernel-livepatch") && !source.starts_with("kernel-firmware")
        || is_device_tree(source)
}

/// Device trees are packages whose source has none of their names.
fn is_device_tree(name: &str) -> bool {
    name.starts_with("dtb-")
}

/// What products beside the release have of a kernel: they get it also when the release no longer gets the kernel.
fn is_added_to_kernel(binary: &str) -> bool {
    is_kernel_module(binary) || binary.contains("livepatch")
}

fn is_kernel_module(binary: &str) -> bool {
    binary.contains("-kmp-") || binary.ends_with("-extra")
}

/// (publisher, section, package, fixed version) → the widest line that got it.
type Fixes<'a> = BTreeMap<(SourceId, String, &'a str, String), usize>;

/// The widest line of each section that got a kernel.
fn kernel_lines(fixes: &Fixes<'_>) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for ((_, section, package, _), line) in fixes {
        if is_kernel(package) && !is_added_to_kernel(package) {
            let widest = lines.entry(section.clone()).or_insert(*line);
            *widest = (*widest).min(*line);
        }
    }
    lines
}

/// The names under which the fix of one source package in one product is recorded, with their versions.
fn names<'a>(
    source: &'a str,
    fixed: &'a str,
    binaries: &[(&'a str, &'a str)],
    kernels: &[&str],
) -> Vec<(&'a str, &'a str)> {
    let some = |wanted: &dyn Fn(&str, &str) -> bool| {
        let wanted = binaries.iter().filter(|(name, version)| wanted(name, version));
        wanted.copied().collect()
    };
    if binaries.is_empty() {
        vec![(source, fixed)]
    } else if kernels.is_empty() || binaries.iter().all(|(name, _)| is_added_to_kernel(name)) {
        some(&|_, _| true)
    } else if is_device_tree(source) {
        some(&|name, _| is_device_tree(name))
    } else if is_kernel(source) {
        vec![(source, fixed)]
    } else {
        // The list has the kernel's packages too.
        some(&|name, version| !is_kernel(name) && !kernels.contains(&version))
    }
}

fn fixed_versions(affected: &Affected<Specific>) -> impl Iterator<Item = &str> {
    let ranges = affected.ranges.iter().flatten().filter(|range| range.kind != "GIT");
    let events = ranges.flat_map(|range| range.events.iter().flatten());
    events.filter_map(|event| event.fixed.as_deref())
}

fn read_record(
    bytes: &[u8],
    seen: &mut HashSet<[u8; 32]>,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<(), &'static str> {
    if !seen.insert(Sha256::digest(bytes).into()) {
        return Err("the same as in another archive");
    }
    let advisory: Advisory<Specific> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
    if advisory.is_withdrawn() {
        return Err("withdrawn");
    }
    let cves = advisory.cves(true);
    if cves.is_empty() && !advisory.id.contains("-SU-") {
        return Err("names no vulnerability");
    }
    let ids = if cves.is_empty() {
        vec![advisory.id.clone()]
    } else {
        cves
    };
    let mut fixes = Fixes::new();
    // The versions of kernels that the notice is about.
    let kernels: Vec<&str> = advisory
        .affected
        .iter()
        .flatten()
        .filter(|it| it.package.as_ref().is_some_and(|it| is_kernel(&it.name)))
        .flat_map(fixed_versions)
        .collect();
    let mut reason = "no affected package";
    for affected in advisory.affected.iter().flatten() {
        let Some(package) = &affected.package else { continue };
        let (source, section, line) = match product(&package.ecosystem) {
            Ok(product) => product,
            Err(why) => {
                tally.leave_out(why, 1);
                reason = why;
                continue;
            }
        };
        let specific = affected.ecosystem_specific.as_ref();
        let binaries = specific
            .and_then(|specific| specific.binaries.as_deref())
            .unwrap_or_default();
        let binaries: Vec<(&str, &str)> = binaries
            .iter()
            .flatten()
            .map(|(name, version)| (name.as_str(), version.as_str()))
            .collect();
        for fixed in fixed_versions(affected) {
            for (name, version) in names(&package.name, fixed, &binaries, &kernels) {
                // What only real-time kernels need comes with them.
                let line = if LINES.get(line) == Some(&"Real Time") && package.name.contains("-rt") {
                    0
                } else {
                    line
                };
                let widest = fixes
                    .entry((source, section.clone(), name, words::evr(version)))
                    .or_insert(line);
                *widest = (*widest).min(line);
            }
        }
    }
    let of_kernel = kernel_lines(&fixes);
    let mut kept = false;
    for ((source, section, package, version), line) in fixes {
        // A module for a kernel that only subscribers get is of no use to others.
        let line = match of_kernel.get(&section) {
            Some(kernel) if is_kernel_module(package) => line.max(*kernel),
            _ => line,
        };
        for id in &ids {
            let vendor_ids = if *id == advisory.id {
                Vec::new()
            } else {
                vec![advisory.id.clone()]
            };
            kept |= output.push(Record {
                section: section.clone(),
                package: package.to_owned(),
                id: id.clone(),
                vendor_ids,
                source,
                ranges: vec![Range {
                    introduced: String::new(),
                    end: RangeEnd::Fixed(version.clone()),
                }],
                versions: Vec::new(),
                status: FixStatus::Fixed,
                severity: None,
                unimportant: false,
                module: String::new(),
                arches: Vec::new(),
                product: LINES.get(line).copied().unwrap_or("").to_owned(),
            });
        }
    }
    if !kept {
        return Err(reason);
    }
    tally.date(advisory.modified());
    for id in &ids {
        let standby = output.standby(id);
        earliest(&mut standby.published, advisory.published());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LINES, product};

    #[test]
    fn products_are_lines_of_a_release() {
        for (ecosystem, expected) in [
            (
                "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
                Some(("sles 15.5", "")),
            ),
            ("SUSE:Linux Enterprise Module for Basesystem 15", Some(("sles 15", ""))),
            ("SUSE:Linux Enterprise Server 15 SP3-LTSS", Some(("sles 15.3", "LTSS"))),
            ("SUSE:Linux Enterprise Server 15-LTSS", Some(("sles 15", "LTSS"))),
            (
                "SUSE:Linux Enterprise Server for SAP Applications 15 SP4",
                Some(("sles 15.4", "SAP")),
            ),
            (
                "SUSE:Linux Enterprise High Performance Computing 15 SP4-ESPOS",
                Some(("sles 15.4", "ESPOS")),
            ),
            (
                "SUSE:Linux Enterprise Live Patching 15 SP6",
                Some(("sles 15.6", "Live Patching")),
            ),
            ("SUSE:Linux Enterprise Micro 5.3", Some(("slem 5.3", ""))),
            (
                "SUSE:Linux Enterprise Real Time 15 SP3",
                Some(("sles 15.3", "Real Time")),
            ),
            ("SUSE:Real Time Module 15 SP5", Some(("sles 15.5", ""))),
            ("SUSE:Package Hub 15 SP5", Some(("sles 15.5", ""))),
            ("openSUSE:Leap 15.5", Some(("opensuse-leap 15.5", ""))),
            ("openSUSE:Leap 15.2 NonFree", Some(("opensuse-leap 15.2", "NonFree"))),
            ("openSUSE:Tumbleweed", Some(("opensuse-tumbleweed", ""))),
            ("openSUSE:Leap Micro 5.3", None),
            ("SUSE:Linux Enterprise Live Patching 12 SP5", None),
            ("SUSE:Manager Server 4.3", None),
            ("SUSE:Enterprise Storage 7.1", None),
        ] {
            let found = product(ecosystem).ok();
            let found = found
                .as_ref()
                .map(|(_, section, line)| (section.as_str(), LINES[*line]));
            assert_eq!(found, expected, "{ecosystem}");
        }
    }
}
