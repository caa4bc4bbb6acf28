//! Licences as SPDX wants them: expressions of the ids on its list, and everything else as a reference with its text.
//!
//! Package databases hold free text. Whatever is not clearly an expression (SPDX 2.3, Annex D) is quoted.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The ids of SPDX's list that packages of distributions and languages commonly state; others are quoted.
const KNOWN: [&str; 73] = [
    "0BSD",
    "AFL-2.1",
    "AGPL-3.0",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-1.0",
    "Artistic-1.0-Perl",
    "Artistic-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Patent",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "CDDL-1.0",
    "CDDL-1.1",
    "CPL-1.0",
    "EPL-1.0",
    "EPL-2.0",
    "FSFAP",
    "FTL",
    "GFDL-1.3-or-later",
    "GPL-1.0-or-later",
    "GPL-2.0",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ICU",
    "IJG",
    "ISC",
    "LGPL-2.0-only",
    "LGPL-2.0-or-later",
    "LGPL-2.1",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "Libpng",
    "MIT",
    "MIT-0",
    "MPL-1.1",
    "MPL-2.0",
    "NCSA",
    "OFL-1.1",
    "OLDAP-2.8",
    "OpenSSL",
    "PHP-3.01",
    "PostgreSQL",
    "PSF-2.0",
    "Python-2.0",
    "Ruby",
    "SISSL",
    "TCL",
    "Unicode-3.0",
    "Unlicense",
    "UPL-1.0",
    "Vim",
    "WTFPL",
    "X11",
    "Zlib",
    "ZPL-2.1",
];

/// The exceptions that are common.
const EXCEPTIONS: [&str; 8] = [
    "Autoconf-exception-3.0",
    "Bison-exception-2.2",
    "Classpath-exception-2.0",
    "GCC-exception-3.1",
    "LLVM-exception",
    "Linux-syscall-note",
    "OpenSSL-exception",
    "Font-exception-2.0",
];

/// A licence that is not on the list.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extracted {
    pub(super) license_id: String,
    pub(super) extracted_text: String,
    pub(super) name: String,
}

/// The licences of a document: those that must be quoted are collected.
#[derive(Default)]
pub(super) struct Licenses {
    quoted: BTreeMap<String, String>,
}

impl Licenses {
    /// One expression that holds for all of these.
    pub(super) fn expression(&mut self, licenses: &[String]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for license in licenses.iter().map(|license| license.trim()) {
            if license.is_empty() {
                continue;
            }
            let part = match parse(license) {
                Some(simple) if simple || licenses.len() == 1 => license.to_owned(),
                Some(_) => format!("({license})"),
                None => self.quote(license),
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        if parts.is_empty() {
            super::NO_ASSERTION.to_owned()
        } else {
            parts.join(" AND ")
        }
    }

    fn quote(&mut self, license: &str) -> String {
        let digest = Sha256::digest(license.as_bytes());
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let id = format!("LicenseRef-{hex}");
        self.quoted.entry(id.clone()).or_insert_with(|| license.to_owned());
        id
    }

    pub(super) fn into_extracted(self) -> Vec<Extracted> {
        self.quoted
            .into_iter()
            .map(|(license_id, text)| Extracted {
                license_id,
                name: text.clone(),
                extracted_text: text,
            })
            .collect()
    }
}

/// Whether the text is an expression, and then whether it is a single id.
fn parse(text: &str) -> Option<bool> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut depth = 0u32;
    let mut ids = 0;
    // An id is expected first, then an operator, and so on.
    let mut wants_id = true;
    let mut wants_exception = false;
    for token in spaced.split_whitespace() {
        match token {
            "(" if wants_id => depth += 1,
            ")" if !wants_id && depth > 0 => depth -= 1,
            "AND" | "OR" if !wants_id => wants_id = true,
            "WITH" if !wants_id && !wants_exception => {
                (wants_id, wants_exception) = (true, true);
            }
            id if wants_exception && wants_id && EXCEPTIONS.contains(&id) => {
                (wants_id, wants_exception) = (false, false);
                ids += 1;
            }
            id if wants_id && !wants_exception && KNOWN.contains(&id) => {
                wants_id = false;
                ids += 1;
            }
            _ => return None,
        }
    }
    (!wants_id && depth == 0 && ids > 0).then_some(ids == 1)
}

#[cfg(test)]
mod tests {
    use super::{Licenses, parse};

    #[test]
    fn only_expressions_of_known_ids_are_taken_as_they_stand() {
        for (text, expected) in [
            ("MIT", Some(true)),
            ("MIT AND Apache-2.0", Some(false)),
            ("(MIT OR Apache-2.0) AND ISC", Some(false)),
            ("GPL-2.0-only WITH Classpath-exception-2.0", Some(false)),
            ("GPLv3+", None),
            ("MIT ISC", None),
            ("MIT AND", None),
            ("(MIT", None),
            ("MIT WITH MIT", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_rest_is_quoted_once() {
        let mut licenses = Licenses::default();
        let both = ["GPLv3+".to_owned(), "MIT OR ISC".to_owned(), "GPLv3+".to_owned()];
        let expression = licenses.expression(&both);
        assert!(
            expression.starts_with("LicenseRef-") && expression.ends_with(" AND (MIT OR ISC)"),
            "{expression}"
        );
        assert_eq!(licenses.expression(&[]), "NOASSERTION");
        let extracted = licenses.into_extracted();
        assert_eq!(extracted.len(), 1);
        assert_eq!(extracted[0].extracted_text, "GPLv3+");
    }
}
