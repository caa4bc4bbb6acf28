//! SPDX 2.2 and 2.3 in tag-value form: `Tag: value` lines in which `<text>` opens a value of several lines.

use super::Bill;
use super::spdx::{Annotation, Checksum, Entry, ExternalReference, Relationship, bill};
use seaworthy_model::{Effect, Problem};
use std::collections::HashMap;

pub(super) fn read(text: &str) -> Bill {
    let mut name = None;
    let mut packages: Vec<Entry> = Vec::new();
    let mut relationships = Vec::new();
    let mut annotations: HashMap<String, Vec<Annotation>> = HashMap::new();
    let mut subject_of_annotation = String::new();
    let mut problem = None;
    // Tags of files and snippets look like those of packages.
    let mut in_package = false;
    let mut rest = text;
    while let Some((tag, value, after)) = next(rest, &mut problem) {
        rest = after;
        let value = value.trim();
        match tag {
            "DocumentName" => name = Some(value.to_owned()),
            "PackageName" => {
                in_package = true;
                packages.push(Entry {
                    name: Some(value.to_owned()),
                    ..Entry::default()
                });
            }
            "FileName" | "SnippetSPDXID" | "LicenseID" => in_package = false,
            "Relationship" => {
                let mut words = value.split_whitespace();
                if let (Some(from), Some(kind), Some(to)) = (words.next(), words.next(), words.next()) {
                    relationships.push(Relationship {
                        spdx_element_id: from.to_owned(),
                        relationship_type: kind.to_owned(),
                        related_spdx_element: to.to_owned(),
                    });
                }
            }
            "SPDXREF" => value.clone_into(&mut subject_of_annotation),
            "AnnotationComment" => {
                let comment = Annotation {
                    comment: value.to_owned(),
                };
                annotations
                    .entry(subject_of_annotation.clone())
                    .or_default()
                    .push(comment);
            }
            _ => {
                if let Some(entry) = packages.last_mut().filter(|_| in_package) {
                    package(entry, tag, value);
                }
            }
        }
    }
    for entry in &mut packages {
        if let Some(found) = entry.id.as_ref().and_then(|id| annotations.remove(id)) {
            entry.annotations = Some(found);
        }
    }
    let mut bill = bill(name, packages, &relationships);
    bill.problems.extend(problem);
    bill
}

/// The next tag, its value, and what follows.
fn next<'a>(text: &'a str, problem: &mut Option<Problem>) -> Option<(&'a str, &'a str, &'a str)> {
    let mut rest = text;
    loop {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after;
            continue;
        }
        let Some((tag, value)) = trimmed.split_once(':') else {
            let what = "a line of the SPDX document is neither a tag nor inside a text; it was not read";
            problem.get_or_insert_with(|| Problem::of_artifact(Effect::Incomplete, what));
            rest = after;
            continue;
        };
        let Some(opened) = value.trim_start().strip_prefix("<text>") else {
            return Some((tag.trim(), value, after));
        };
        if let Some((inside, _)) = opened.split_once("</text>") {
            return Some((tag.trim(), inside, after));
        }
        // The text goes on: `opened` is a part of `rest`, from where its end is looked for.
        let start = rest.find("<text>").map_or(rest.len(), |at| at + "<text>".len());
        let long = rest.get(start..).unwrap_or_default();
        return match long.split_once("</text>") {
            Some((inside, after)) => Some((tag.trim(), inside, after)),
            None => {
                let what = "a text of the SPDX document has no end; what follows it was not read";
                problem.get_or_insert_with(|| Problem::of_artifact(Effect::Incomplete, what));
                Some((tag.trim(), long, ""))
            }
        };
    }
}

fn package(entry: &mut Entry, tag: &str, value: &str) {
    let owned = || Some(value.to_owned());
    match tag {
        "SPDXID" => entry.id = owned(),
        "PackageVersion" => entry.version_info = owned(),
        "PackageSupplier" => entry.supplier = owned(),
        "PackageLicenseDeclared" => entry.license_declared = owned(),
        "PackageSourceInfo" => entry.source_info = owned(),
        "PrimaryPackagePurpose" => entry.primary_package_purpose = owned(),
        "PackageAttributionText" => entry.attribution_texts.get_or_insert_default().push(value.to_owned()),
        "PackageChecksum" => {
            if let Some((algorithm, sum)) = value.split_once(':') {
                entry.checksums.get_or_insert_default().push(Checksum {
                    algorithm: algorithm.trim().to_owned(),
                    checksum_value: sum.trim().to_owned(),
                });
            }
        }
        "ExternalRef" => {
            let mut words = value.split_whitespace().skip(1);
            if let (Some(kind), Some(locator)) = (words.next(), words.next()) {
                entry.external_refs.get_or_insert_default().push(ExternalReference {
                    reference_type: kind.to_owned(),
                    reference_locator: locator.to_owned(),
                });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::sbom::read;
    use seaworthy_model::Effect;

    #[test]
    fn texts_of_several_lines_hide_no_tags() {
        let text = b"SPDXVersion: SPDX-2.3\nDocumentName: d\n\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\n\
            PackageComment: <text>one\nPackageName: not this\ntwo</text>\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n\
            FileName: f\nSPDXID: SPDXRef-f\nPackageVersion: 9\n";
        let sbom = read(text, "a").unwrap();
        assert_eq!(sbom.inventory.packages.len(), 1);
        assert_eq!(sbom.inventory.packages[0].version, "1");
        assert_eq!(sbom.inventory.problems, []);
    }

    #[test]
    fn a_document_that_was_cut_is_incomplete() {
        let text = b"SPDXVersion: SPDX-2.3\nPackageName: a\nPackageComment: <text>one\nPackageName: b\n";
        let problems = read(text, "a").unwrap().inventory.problems;
        assert!(
            problems.iter().any(|problem| problem.effect == Effect::Incomplete),
            "{problems:?}"
        );
    }
}
