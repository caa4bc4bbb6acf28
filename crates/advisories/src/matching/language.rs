//! Packages of languages: names as the ecosystem normalises them, ranges as OSV means them, one finding per vulnerability.

use super::candidates::{Candidate, Candidates, Found, finding};
use super::judge::Installed;
use crate::ecosystem::LanguageRules;
use crate::file::Section;
use seaworthy_model::{MatchKind, Package};

/// The findings of one package, and why its version could not be compared, if it could not.
pub(super) fn find(
    section: &Section,
    rules: &LanguageRules,
    index: usize,
    package: &Package,
    found: &mut Vec<Found>,
) -> Option<String> {
    let name = (rules.name)(&package.name);
    let installed = Installed::new(rules.scheme, package.version.as_str(), false);
    let mut candidates = Candidates::default();
    for entry in section.entries(&name) {
        let judgement = installed.judge(&entry);
        candidates.push(Candidate {
            entry,
            judgement,
            section: 0,
            out_of_reach: None,
        });
    }
    let mut of_package: Vec<Found> = Vec::new();
    for (id, statements) in candidates.by_id() {
        // Reviewed advisories are more careful about ranges than the collections that were filled from CVE descriptions.
        let by_authority = |candidate: &&Candidate<'_>| candidate.entry.source() == rules.authority;
        let statements = if statements.iter().any(by_authority) {
            statements.into_iter().filter(by_authority).collect()
        } else {
            statements
        };
        of_package.extend(finding(index, package, &installed, MatchKind::Direct, id, &statements));
    }
    merge_aliases(&mut of_package);
    found.append(&mut of_package);
    installed.invalid
}

/// Two findings are the same vulnerability when one names the other as an alias, unless both are CVEs.
fn merge_aliases(found: &mut Vec<Found>) {
    let is_cve = |id: &str| id.starts_with("CVE-");
    let mut position = 0;
    while let Some(one) = found.get(position) {
        let same = found.iter().enumerate().skip(position + 1).find(|(_, other)| {
            let (a, b) = (&one.found, &other.found);
            !(is_cve(&a.id) && is_cve(&b.id)) && (a.vendor_ids.contains(&b.id) || b.vendor_ids.contains(&a.id))
        });
        match same.map(|(at, _)| at) {
            Some(at) => {
                let other = found.remove(at);
                if let Some(one) = found.get_mut(position) {
                    absorb(one, other);
                }
            }
            None => position += 1,
        }
    }
}

/// A CVE before a GHSA before anything else.
fn rank(id: &str) -> (u8, &str) {
    let kind = if id.starts_with("CVE-") {
        0
    } else if id.starts_with("GHSA-") {
        1
    } else {
        2
    };
    (kind, id)
}

fn absorb(one: &mut Found, mut other: Found) {
    if rank(&other.found.id) < rank(&one.found.id) {
        std::mem::swap(one, &mut other);
    }
    let own = one.found.id.clone();
    let ids = &mut one.found.vendor_ids;
    ids.push(other.found.id);
    ids.append(&mut other.found.vendor_ids);
    ids.retain(|id| *id != own);
    ids.sort_unstable();
    ids.dedup();
    one.severity = one.severity.or(other.severity.filter(|_| one.source == other.source));
    if one.found.fixed_version.is_empty() {
        one.found.fixed_version = other.found.fixed_version;
        one.found.status = other.found.status;
    }
}
