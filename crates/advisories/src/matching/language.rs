//! Packages of languages: names as the ecosystem normalises them, ranges as OSV means them, one finding per vulnerability.

use super::candidates::{Candidate, Candidates, Found, finding};
use super::judge::{Installed, Judgement};
use crate::file::{Bound, Entry, Section};
use crate::language::LanguageRules;
use crate::versions::Scheme;
use seaworthy_model::{MatchKind, Package};

/// A section and the rules by which packages are looked up in it.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    rules: &'static LanguageRules,
    section: &'a Section,
    /// Names of Go modules that have capitals, under the same without them, sorted.
    capitals: Vec<(String, &'a str)>,
}

impl<'a> Source<'a> {
    pub(super) fn new(rules: &'static LanguageRules, section: &'a Section) -> Self {
        let is_lower = |name: &str| !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let modules = (rules.scheme == Scheme::Go).then(|| section.packages());
        let mut capitals: Vec<_> = modules
            .into_iter()
            .flatten()
            .filter(|name| !is_lower(name))
            .map(|name| (name.to_ascii_lowercase(), name))
            .collect();
        capitals.sort_unstable();
        Self {
            rules,
            section,
            capitals,
        }
    }

    /// Whether whoever fills the section knows all packages of a registry.
    pub(super) const fn is_registry(&self) -> bool {
        self.rules.expected
    }

    /// The statements about a package. Package URLs have Go's modules in small letters, which are no other modules then.
    fn entries<'n>(&'n self, name: &'n str) -> impl Iterator<Item = Entry<'a>> + use<'a, 'n> {
        let start = self.capitals.partition_point(|(lower, _)| lower.as_str() < name);
        let spelled = self.capitals.get(start..).unwrap_or_default().iter();
        let spelled = spelled
            .take_while(move |(lower, _)| lower == name)
            .map(|(_, name)| *name);
        std::iter::once(name)
            .chain(spelled)
            .flat_map(|name| self.section.entries(name))
    }
}

/// What was learned about a package besides findings.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Why its version could not be compared.
    pub(super) invalid: Option<String>,
    /// Whether any section has advisories about its name.
    pub(super) known: bool,
}

/// Adds the findings of one package.
pub(super) fn find(sources: &[Source<'_>], index: usize, package: &Package, found: &mut Vec<Found>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut of_package: Vec<Found> = Vec::new();
    for source in sources {
        let rules = source.rules;
        let lookup = (rules.lookup)(rules, package);
        if lookup.names.is_empty() {
            continue;
        }
        let installed = Installed::new(rules.scheme, lookup.version.as_str(), false);
        let mut candidates = Candidates::default();
        let mut known = false;
        for entry in lookup.names.iter().flat_map(|name| source.entries(name)) {
            known = true;
            let mut judgement = installed.judge(&entry);
            if rules.scheme == Scheme::Go {
                judgement = without_tags(judgement, &lookup.version);
            }
            candidates.push(Candidate {
                entry,
                judgement,
                section: 0,
                out_of_reach: None,
            });
        }
        let kind = if rules.guess {
            MatchKind::Product
        } else {
            MatchKind::Direct
        };
        for (id, statements) in candidates.by_id() {
            // Reviewed advisories are more careful about ranges than collections that were filled from CVE descriptions.
            let by_authority = |candidate: &&Candidate<'_>| candidate.entry.source() == rules.authority;
            let statements = if statements.iter().any(by_authority) {
                statements.into_iter().filter(by_authority).collect()
            } else {
                statements
            };
            of_package.extend(finding(index, &installed, kind, id, &statements));
        }
        outcome.known |= known;
        if known {
            outcome.invalid = outcome.invalid.or(installed.invalid);
        }
    }
    merge_aliases(&mut of_package);
    found.append(&mut of_package);
    outcome
}

/// `v0.0.0-20220308185742-91533d04e894` is a commit of which nobody knows before which tag it is: whether it is affected
/// up to a tagged version cannot be said.
fn without_tags<'a>(judgement: Judgement<'a>, version: &str) -> Judgement<'a> {
    let is_untagged = |version: &str| version.strip_prefix('v').unwrap_or(version).starts_with("0.0.0-");
    match judgement {
        Judgement::Affected(Some(stretch)) if is_untagged(version) => match stretch.end {
            Bound::Fixed(end) | Bound::Limit(end) | Bound::LastAffected(end) if !is_untagged(end) => {
                let reason = format!("{version} is a commit, which has no place among tagged versions");
                Judgement::Uncertain(Some(stretch), reason)
            }
            _ => Judgement::Affected(Some(stretch)),
        },
        judgement => judgement,
    }
}

/// Two findings are the same vulnerability when they have one id, or when one names the other as an alias, unless both
/// are CVEs.
fn merge_aliases(found: &mut Vec<Found>) {
    let is_cve = |id: &str| id.starts_with("CVE-");
    let mut position = 0;
    while let Some(one) = found.get(position) {
        let same = found.iter().enumerate().skip(position + 1).find(|(_, other)| {
            let (a, b) = (&one.found, &other.found);
            a.id == b.id
                || !(is_cve(&a.id) && is_cve(&b.id)) && (a.vendor_ids.contains(&b.id) || b.vendor_ids.contains(&a.id))
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
