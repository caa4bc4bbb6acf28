//! Alpine: secdb JSON per branch and repository, and the OSV records made from it.
//!
//! secdb (<https://secdb.alpinelinux.org/>) lists per origin the version in which each id was fixed; `0` means that
//! the package never was affected. The OSV records add dates, and packages that secdb lacks; what both say is kept once.

use super::files::{FeedFile, fits};
use super::osv::{Advisory, Nothing};
use super::output::{Output, Tally, earliest};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record, SourceId};
use seaworthy_model::FixStatus;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

#[derive(Deserialize)]
struct Repository {
    distroversion: String,
    packages: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    secfixes: Option<BTreeMap<String, Option<Vec<String>>>>,
}

/// Reads secdb first, then what the OSV records have beyond it.
pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    let (archives, documents): (Vec<&FeedFile>, Vec<&FeedFile>) =
        input.files.iter().partition(|file| fits("osv/*/all.zip", &file.name));
    // (section, package, id) of which secdb says something.
    let mut known = HashSet::new();
    for file in documents {
        read_secdb(file, &mut output, &mut known)?;
    }
    known.extend(
        output
            .records
            .iter()
            .map(|record| (record.section.clone(), record.package.clone(), record.id.clone())),
    );
    for file in archives {
        read_osv(file, &known, &mut output)?;
    }
    Ok(output)
}

fn section(branch: &str) -> String {
    format!("alpine {}", branch.strip_prefix('v').unwrap_or(branch))
}

fn record(section: String, package: &str, id: String, vendor_ids: Vec<String>, end: RangeEnd) -> Record {
    Record {
        section,
        package: package.to_owned(),
        id,
        vendor_ids,
        source: SourceId::Alpine,
        status: if matches!(end, RangeEnd::Fixed(_)) {
            FixStatus::Fixed
        } else {
            FixStatus::Affected
        },
        ranges: vec![Range {
            introduced: String::new(),
            end,
        }],
        versions: Vec::new(),
        severity: None,
        unimportant: false,
        module: String::new(),
        arches: Vec::new(),
        product: String::new(),
    }
}

fn read_secdb(
    file: &FeedFile,
    output: &mut Output,
    known: &mut HashSet<(String, String, String)>,
) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::Alpine);
    let repository: Repository = serde_json::from_slice(&file.document()?)
        .map_err(|error| file.broken(format!("not a secdb document: {error}")))?;
    let section = section(&repository.distroversion);
    for Entry { pkg } in repository.packages.unwrap_or_default() {
        let mut kept = false;
        for (version, ids) in pkg.secfixes.unwrap_or_default() {
            let ids = ids.unwrap_or_default();
            for text in &ids {
                let (ids, vendor_ids) = identify(text);
                if version == "0" || denied(text) {
                    tally.leave_out("never affected", 1);
                    known.extend(ids.into_iter().map(|id| (section.clone(), pkg.name.clone(), id)));
                    continue;
                }
                if ids.is_empty() {
                    tally.leave_out("fix without an id", 1);
                }
                for id in ids {
                    let end = RangeEnd::Fixed(version.clone());
                    kept |= output.push(record(section.clone(), &pkg.name, id, vendor_ids.clone(), end));
                }
            }
        }
        tally.settle(if kept {
            Ok(())
        } else {
            Err("package that never was affected")
        });
    }
    output.summaries.push(tally.finish());
    Ok(())
}

/// Whether a remark says that the package is not concerned: `CVE-2020-14342 (Not affected, requires --with-systemd)`.
fn denied(text: &str) -> bool {
    text.split_once('(')
        .is_some_and(|(_, remark)| remark.trim_start().to_ascii_lowercase().starts_with("not "))
}

/// The ids in one text of secdb: `CVE-2020-11740 CVE-2020-11741 XSA-313`, `CVE-2017-2616 (+ regression fix)`, `XSA-207`.
fn identify(text: &str) -> (Vec<String>, Vec<String>) {
    let text = text.split_once('(').map_or(text, |(text, _)| text);
    let (mut cves, mut others) = (Vec::new(), Vec::new());
    for word in text.split(|character: char| character.is_whitespace() || character == ',') {
        if let Some(cve) = words::leading_cve(word) {
            cves.push(cve);
        } else if !word.starts_with("CVE") && word.contains(|letter: char| letter.is_ascii_digit()) && word.len() > 4 {
            others.push(word.to_owned());
        }
    }
    for ids in [&mut cves, &mut others] {
        ids.sort_unstable();
        ids.dedup();
    }
    if cves.is_empty() {
        (others, Vec::new())
    } else {
        (cves, others)
    }
}

fn read_osv(file: &FeedFile, known: &HashSet<(String, String, String)>, output: &mut Output) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::Alpine);
    file.zip_records(|bytes| {
        let outcome = bytes.and_then(|bytes| {
            let advisory: Advisory<Nothing> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
            if advisory.is_withdrawn() {
                return Err("withdrawn");
            }
            let ids = advisory.cves(false);
            if ids.is_empty() {
                return Err("names no vulnerability");
            }
            tally.date(advisory.modified());
            for id in &ids {
                let standby = output.standby(id);
                earliest(&mut standby.published, advisory.published());
                for score in advisory.severity.iter().flatten() {
                    standby.vectors.push((SourceId::Osv, score.score.clone()));
                }
            }
            for affected in advisory.affected.iter().flatten() {
                let Some(package) = &affected.package else { continue };
                let Some(branch) = package.ecosystem.strip_prefix("Alpine:") else {
                    tally.leave_out("ecosystem without a section", 1);
                    continue;
                };
                let section = section(branch);
                for id in &ids {
                    if known.contains(&(section.clone(), package.name.clone(), id.clone())) {
                        tally.leave_out("already known from secdb", 1);
                        continue;
                    }
                    for range in affected.stretches(&|_, _| None).ranges {
                        output.push(record(
                            section.clone(),
                            &package.name,
                            id.clone(),
                            Vec::new(),
                            range.end,
                        ));
                    }
                }
            }
            Ok(())
        });
        tally.settle(outcome);
    })?;
    output.summaries.push(tally.finish());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::identify;

    #[test]
    fn ids_are_found_in_what_maintainers_write() {
        for (text, ids, others) in [
            ("CVE-2017-2616 (+ regression fix)", &["CVE-2017-2616"][..], &[][..]),
            (
                "CVE-2020-11740 CVE-2020-11741 XSA-313",
                &["CVE-2020-11740", "CVE-2020-11741"],
                &["XSA-313"],
            ),
            (
                "CVE-2020-11501 GNUTLS-SA-2020-03-31 CVE-2020-11501",
                &["CVE-2020-11501"],
                &["GNUTLS-SA-2020-03-31"],
            ),
            ("CVE_2019-2426", &["CVE-2019-2426"], &[]),
            ("XSA-207", &["XSA-207"], &[]),
            ("CVE-????-????? XSA-312", &["XSA-312"], &[]),
            ("CVE-2020-14342 (not actually applicable)", &["CVE-2020-14342"], &[]),
            ("", &[], &[]),
        ] {
            let (found, found_others) = identify(text);
            assert_eq!(found, ids, "{text}");
            assert_eq!(found_others, others, "{text}");
        }
        assert!(super::denied("CVE-2020-14342 (Not affected, requires --with-systemd)"));
        assert!(!super::denied("CVE-2017-2616 (+ regression fix)"));
    }
}
