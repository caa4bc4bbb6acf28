//! Azure Linux and CBL-Mariner: OVAL definitions, one per CVE and package; the OSV records are made from them and are
//! read only where the OVAL file of that release is not there.

use super::files::{FeedFile, fits};
use super::osv::{Advisory, Nothing};
use super::output::{Output, Tally, earliest};
use super::redhat::{normal, raise};
use super::xml::{self, Node};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record, SourceId};
use seaworthy_model::{FixStatus, Severity};
use std::collections::{BTreeSet, HashMap};

#[derive(Default)]
struct Definition {
    cves: BTreeSet<String>,
    severity: Option<Severity>,
    patchable: String,
    date: Option<i64>,
    tests: Vec<String>,
    /// Criteria that are no plain "all of these".
    odd: bool,
}

/// All that an OVAL file says, by the ids by which its parts name each other.
#[derive(Default)]
struct Document {
    definitions: Vec<Definition>,
    /// test → object, state.
    tests: HashMap<String, (String, String)>,
    /// object → package.
    objects: HashMap<String, String>,
    /// state → operation, version.
    states: HashMap<String, (String, String)>,
    generated: Option<i64>,
}

pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    let (archives, documents): (Vec<&FeedFile>, Vec<&FeedFile>) =
        input.files.iter().partition(|file| fits("osv/*/all.zip", &file.name));
    let mut known = BTreeSet::new();
    for file in documents {
        let (source, section) = release(&file.name).ok_or_else(|| file.broken("its name has no known release"))?;
        known.insert(section.clone());
        read_oval(file, source, &section, &mut output)?;
    }
    for file in archives {
        read_osv(file, &known, &mut output)?;
    }
    Ok(output)
}

/// `azurelinux/cbl-mariner-2.0-oval.xml.gz` is of `cbl-mariner 2.0`.
fn release(file: &str) -> Option<(SourceId, String)> {
    let name = file.rsplit('/').next()?.split("-oval").next()?;
    let (family, version) = name.rsplit_once('-')?;
    let source = match family {
        "azurelinux" => SourceId::Azure,
        "cbl-mariner" => SourceId::CblMariner,
        _ => return None,
    };
    Some((source, format!("{family} {version}")))
}

fn read_oval(file: &FeedFile, source: SourceId, section: &str, output: &mut Output) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, source);
    let document = parse(file)?;
    tally.date(document.generated);
    for definition in &document.definitions {
        let outcome = settle(definition, &document, source, section, output);
        tally.settle(outcome);
    }
    output.summaries.push(tally.finish());
    Ok(())
}

fn parse(file: &FeedFile) -> Result<Document, Error> {
    let mut document = Document::default();
    let mut definition: Option<Definition> = None;
    // The id of the test, object or state that is open, and what was read of it.
    let (mut id, mut object, mut state, mut operation) = (String::new(), String::new(), String::new(), String::new());
    xml::walk(file, |node| match node {
        Node::Start(name, attributes) => match (name, definition.as_mut()) {
            ("definition", _) => definition = Some(Definition::default()),
            ("reference", Some(definition)) if attributes.get("source") == "CVE" => {
                definition.cves.insert(attributes.get("ref_id").trim().to_owned());
            }
            ("criteria", Some(definition)) => {
                definition.odd |=
                    !matches!(attributes.get("operator"), "" | "AND") || attributes.get("negate") == "true";
            }
            ("criterion", Some(definition)) => {
                definition.odd |= attributes.get("negate") == "true";
                definition.tests.push(attributes.get("test_ref").to_owned());
            }
            ("rpminfo_test" | "rpminfo_object" | "rpminfo_state", _) => {
                attributes.get("id").clone_into(&mut id);
                object.clear();
                state.clear();
            }
            ("object", _) => attributes.get("object_ref").clone_into(&mut object),
            ("state", _) => attributes.get("state_ref").clone_into(&mut state),
            ("evr", _) => attributes.get("operation").clone_into(&mut operation),
            _ => {}
        },
        Node::End(name, text) => match (name, definition.as_mut()) {
            ("definition", Some(_)) => document.definitions.extend(definition.take()),
            ("severity", Some(definition)) => definition.severity = words::severity(text),
            ("patchable", Some(definition)) => text.clone_into(&mut definition.patchable),
            ("advisory_date", Some(definition)) => definition.date = words::seconds(text),
            ("timestamp", None) => document.generated = words::seconds(text),
            ("rpminfo_test", _) => {
                document.tests.insert(id.clone(), (object.clone(), state.clone()));
            }
            ("name", None) => {
                document.objects.insert(id.clone(), text.to_owned());
            }
            ("evr", _) => {
                document.states.insert(id.clone(), (operation.clone(), text.to_owned()));
            }
            _ => {}
        },
    })?;
    Ok(document)
}

fn settle(
    definition: &Definition,
    document: &Document,
    source: SourceId,
    section: &str,
    output: &mut Output,
) -> Result<(), &'static str> {
    let ids: Vec<&String> = definition.cves.iter().filter(|id| words::is_cve(id)).collect();
    if ids.is_empty() {
        return Err("names no vulnerability");
    }
    // Microsoft's word for "does not concern the package as it is built here".
    if definition.patchable.eq_ignore_ascii_case("not applicable") {
        return Err("never affected");
    }
    if definition.odd {
        return Err("criteria that are not understood");
    }
    let mut kept = false;
    for test in &definition.tests {
        let Some((package, (operation, version))) = document
            .tests
            .get(test)
            .and_then(|(object, state)| Some((document.objects.get(object)?, document.states.get(state)?)))
        else {
            return Err("refers to what is not in the file");
        };
        let end = match operation.as_str() {
            "less than" => RangeEnd::Fixed(words::evr(version)),
            "less than or equal" => RangeEnd::LastAffected(words::evr(version)),
            _ => return Err("criteria that are not understood"),
        };
        for id in &ids {
            let range = Range {
                introduced: String::new(),
                end: end.clone(),
            };
            kept |= output.push(record(source, section, package, id, range, definition.severity));
        }
    }
    if !kept {
        return Err("no affected package");
    }
    for id in ids {
        raise(output, id, source, definition.severity);
        let standby = output.standby(id);
        earliest(&mut standby.published, definition.date);
    }
    Ok(())
}

fn record(
    source: SourceId,
    section: &str,
    package: &str,
    id: &str,
    range: Range,
    severity: Option<Severity>,
) -> Record {
    Record {
        section: section.to_owned(),
        package: package.to_owned(),
        id: id.to_owned(),
        vendor_ids: Vec::new(),
        source,
        status: if matches!(range.end, RangeEnd::Fixed(_)) {
            FixStatus::Fixed
        } else {
            FixStatus::Affected
        },
        ranges: vec![range],
        versions: Vec::new(),
        severity,
        unimportant: false,
        module: String::new(),
        arches: Vec::new(),
        product: String::new(),
    }
}

fn read_osv(file: &FeedFile, known: &BTreeSet<String>, output: &mut Output) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::Azure);
    file.zip_records(|bytes| {
        let outcome = bytes.and_then(|bytes| {
            let advisory: Advisory<Nothing> = serde_json::from_slice(bytes).map_err(|_| "not an OSV record")?;
            if advisory.is_withdrawn() {
                return Err("withdrawn");
            }
            let (ids, severity) = (advisory.cves(true), advisory.severity_word().and_then(words::severity));
            let mut reason = Err("no affected package");
            for affected in advisory.affected.iter().flatten() {
                let Some(package) = &affected.package else { continue };
                let (source, section) = match package.ecosystem.strip_prefix("Azure Linux:") {
                    Some("2") => (SourceId::CblMariner, "cbl-mariner 2.0".to_owned()),
                    Some(major) if !major.contains(':') => (SourceId::Azure, format!("azurelinux {major}.0")),
                    _ => {
                        reason = Err("ecosystem without a section");
                        continue;
                    }
                };
                if known.contains(&section) {
                    reason = Err("already known from OVAL");
                    continue;
                }
                for range in affected.stretches(&|_, _| None).ranges {
                    let (range, _) = normal(range);
                    for id in &ids {
                        if output.push(record(source, &section, &package.name, id, range.clone(), severity)) {
                            reason = Ok(());
                            let standby = output.standby(id);
                            earliest(&mut standby.published, advisory.published());
                        }
                    }
                }
            }
            tally.date(advisory.modified());
            reason
        });
        tally.settle(outcome);
    })?;
    output.summaries.push(tally.finish());
    Ok(())
}
