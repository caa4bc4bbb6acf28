//! The tag-value form of a document: one `Tag: value` a line, longer texts in `<text>` (SPDX 2.3, clause 4 and following).

use super::{Document, Entry};
use std::borrow::Cow;
use std::fmt::Write;

/// Writes the document. Names from images stay on their line: a line break in one would be a tag of its own.
pub(super) fn write(document: &Document<'_>) -> String {
    let mut out = String::new();
    tag(&mut out, "SPDXVersion", document.spdx_version);
    tag(&mut out, "DataLicense", document.data_license);
    tag(&mut out, "SPDXID", document.id);
    tag(&mut out, "DocumentName", document.name);
    tag(&mut out, "DocumentNamespace", &document.document_namespace);
    for creator in &document.creation_info.creators {
        tag(&mut out, "Creator", creator);
    }
    tag(&mut out, "Created", &document.creation_info.created);
    for entry in &document.packages {
        package(&mut out, entry);
    }
    for license in &document.has_extracted_licensing_infos {
        out.push('\n');
        tag(&mut out, "LicenseID", &license.license_id);
        text(&mut out, "ExtractedText", &license.extracted_text);
        tag(&mut out, "LicenseName", &license.name);
    }
    if !document.relationships.is_empty() {
        out.push_str("\n##### Relationships\n\n");
    }
    for relationship in &document.relationships {
        let line = format!(
            "{} {} {}",
            relationship.spdx_element_id, relationship.relationship_type, relationship.related_spdx_element
        );
        tag(&mut out, "Relationship", &line);
    }
    out
}

fn package(out: &mut String, entry: &Entry<'_>) {
    let _ = write!(out, "\n##### Package: {}\n\n", one_line(entry.name));
    tag(out, "PackageName", entry.name);
    tag(out, "SPDXID", &entry.id);
    for (name, value) in [
        ("PackageVersion", entry.version_info),
        ("PackageSupplier", &entry.supplier),
        ("PackageDownloadLocation", entry.download_location),
        ("PrimaryPackagePurpose", entry.primary_package_purpose),
    ] {
        if !value.is_empty() {
            tag(out, name, value);
        }
    }
    tag(out, "FilesAnalyzed", "false");
    for checksum in &entry.checksums {
        tag(
            out,
            "PackageChecksum",
            &format!("{}: {}", checksum.algorithm, checksum.checksum_value),
        );
    }
    if !entry.source_info.is_empty() {
        text(out, "PackageSourceInfo", &entry.source_info);
    }
    tag(out, "PackageLicenseConcluded", entry.license_concluded);
    tag(out, "PackageLicenseDeclared", &entry.license_declared);
    tag(out, "PackageCopyrightText", entry.copyright_text);
    for reference in &entry.external_refs {
        let line = format!(
            "{} {} {}",
            reference.reference_category, reference.reference_type, reference.reference_locator
        );
        tag(out, "ExternalRef", &line);
    }
    for annotation in &entry.annotations {
        tag(out, "Annotator", &annotation.annotator);
        tag(out, "AnnotationDate", &annotation.annotation_date);
        tag(out, "AnnotationType", annotation.annotation_type);
        tag(out, "SPDXREF", &entry.id);
        text(out, "AnnotationComment", &annotation.comment);
    }
}

fn tag(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name}: {}", one_line(value));
}

/// A text that may have any form but the mark of its end.
fn text(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name}: <text>{}</text>", value.replace("</text>", "< /text>"));
}

fn one_line(value: &str) -> Cow<'_, str> {
    if value
        .contains(|character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{85}'))
    {
        Cow::Owned(
            value
                .chars()
                .map(|character| {
                    if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
                        ' '
                    } else {
                        character
                    }
                })
                .collect(),
        )
    } else {
        Cow::Borrowed(value)
    }
}
