//! Amazon Linux: `updateinfo.xml` of each repository, as dnf and yum read it.
//!
//! Notices name binary packages. Extras topics, kernel lines and live patches are in the notice's id
//! (`ALAS2KERNEL-5.10-2022-001`) and become the record's product, because each holds for its own packages only.

use super::files::FeedFile;
use super::output::{Output, Tally, earliest};
use super::redhat::raise;
use super::xml::{self, Node};
use super::{Input, words};
use crate::error::Error;
use crate::record::{Range, RangeEnd, Record, SourceId};
use seaworthy_model::FixStatus;
use std::collections::{BTreeMap, BTreeSet};

/// Architectures of every release: packages of both hold for all.
const MAIN: [&str; 2] = ["aarch64", "x86_64"];

#[derive(Default)]
struct Notice {
    id: String,
    severity: String,
    issued: Option<i64>,
    updated: Option<i64>,
    ids: BTreeSet<String>,
    /// (name, version) → architectures.
    packages: BTreeMap<(String, String), BTreeSet<String>>,
    debug: u64,
}

pub(super) fn read(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        let release = file.name.split('/').nth(1).unwrap_or("").to_owned();
        read_repository(file, &release, &mut output)?;
    }
    Ok(output)
}

fn read_repository(file: &FeedFile, release: &str, output: &mut Output) -> Result<(), Error> {
    let mut tally = Tally::new(&file.name, SourceId::Amazon);
    let mut current: Option<Notice> = None;
    xml::walk(file, |node| match node {
        Node::Start("update", _) => current = Some(Notice::default()),
        Node::Start(name, attributes) => {
            let Some(notice) = current.as_mut() else { return };
            match name {
                "issued" => notice.issued = words::seconds(attributes.get("date")),
                "updated" => notice.updated = words::seconds(attributes.get("date")),
                "reference" if attributes.get("type") == "cve" => {
                    notice.ids.insert(attributes.get("id").trim().to_owned());
                }
                "package" => {
                    let name = attributes.get("name");
                    // They hold no code that runs.
                    if name.contains("-debuginfo") || name.ends_with("-debugsource") {
                        notice.debug += 1;
                        return;
                    }
                    let epoch = attributes.get("epoch");
                    let epoch = if matches!(epoch, "" | "0") {
                        String::new()
                    } else {
                        format!("{epoch}:")
                    };
                    let version = format!("{epoch}{}-{}", attributes.get("version"), attributes.get("release"));
                    let arches = notice.packages.entry((name.to_owned(), version)).or_default();
                    arches.insert(attributes.get("arch").to_owned());
                }
                _ => {}
            }
        }
        Node::End("update", _) => {
            if let Some(notice) = current.take() {
                let outcome = settle(&notice, release, &mut tally, output);
                tally.settle(outcome);
            }
        }
        Node::End(name, text) => {
            let Some(notice) = current.as_mut() else { return };
            match name {
                "id" => text.clone_into(&mut notice.id),
                "severity" => text.clone_into(&mut notice.severity),
                _ => {}
            }
        }
    })?;
    output.summaries.push(tally.finish());
    Ok(())
}

/// The topic in a notice's id: `ALAS2KERNEL-5.10-2022-001` is of `kernel-5.10`, `ALAS2023-2023-001` of none.
fn topic(id: &str, release: &str) -> String {
    let Some(rest) = id.strip_prefix("ALAS") else {
        return String::new();
    };
    let rest = rest.strip_prefix(release).unwrap_or(rest);
    let mut parts = rest.rsplitn(3, '-');
    let (_, _, topic) = (parts.next(), parts.next(), parts.next().unwrap_or(""));
    topic.to_ascii_lowercase()
}

fn settle(notice: &Notice, release: &str, tally: &mut Tally, output: &mut Output) -> Result<(), &'static str> {
    if notice.id.is_empty() {
        return Err("notice without an id");
    }
    tally.leave_out("package with debugging information", notice.debug);
    let mut ids: Vec<&String> = notice.ids.iter().filter(|id| words::is_cve(id)).collect();
    if ids.is_empty() {
        ids.push(&notice.id);
    }
    let severity = words::severity(&notice.severity);
    let product = topic(&notice.id, release);
    let mut kept = false;
    for ((package, version), arches) in &notice.packages {
        let everywhere = arches.contains("noarch") || MAIN.iter().all(|arch| arches.contains(*arch));
        for id in &ids {
            kept |= output.push(Record {
                section: format!("amazon {release}"),
                package: package.clone(),
                id: (*id).clone(),
                vendor_ids: if **id == notice.id {
                    Vec::new()
                } else {
                    vec![notice.id.clone()]
                },
                source: SourceId::Amazon,
                ranges: vec![Range {
                    introduced: String::new(),
                    end: RangeEnd::Fixed(version.clone()),
                }],
                versions: Vec::new(),
                status: FixStatus::Fixed,
                severity,
                unimportant: false,
                module: String::new(),
                arches: if everywhere {
                    Vec::new()
                } else {
                    arches.iter().cloned().collect()
                },
                product: product.clone(),
            });
        }
    }
    if !kept {
        return Err("no affected package");
    }
    tally.date(notice.updated.or(notice.issued));
    for id in ids {
        raise(output, id, SourceId::Amazon, severity);
        let standby = output.standby(id);
        earliest(&mut standby.published, notice.issued);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::topic;

    #[test]
    fn topics_are_in_ids() {
        for (id, release, expected) in [
            ("ALAS2-2018-939", "2", ""),
            ("ALAS2023-2023-001", "2023", ""),
            ("ALAS2KERNEL-5.10-2022-001", "2", "kernel-5.10"),
            ("ALASKERNEL-5.10-2022-001", "2", "kernel-5.10"),
            ("ALAS2JAVA-OPENJDK11-2021-001", "2", "java-openjdk11"),
            ("ALAS2023LIVEPATCH-2023-001", "2023", "livepatch"),
            ("ALAS2UNBOUND-1.17-2024-001", "2", "unbound-1.17"),
        ] {
            assert_eq!(topic(id, release), expected, "{id}");
        }
    }
}
