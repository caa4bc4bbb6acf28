//! An inventory is held against the advisories: every package of its distribution and of its languages.
//!
//! What cannot be decided is said: a version that cannot be compared gives findings marked as uncertain and a problem,
//! packages that no advisories are about give a problem, a distribution without advisories is named.

mod ahead;
mod amazon;
mod candidates;
mod details;
mod distribution;
mod judge;
mod kernel;
mod language;
mod program;
mod red_hat;
mod suite;

use crate::database::Database;
use crate::ecosystem::{DistributionRules, distribution_rules};
use crate::end_of_life::end_of_life;
use crate::error::Error;
use crate::language::LANGUAGES;
use crate::third_party::is_third_party;
use ahead::Ahead;
use candidates::Found;
use details::Cache;
use seaworthy_model::{
    Distribution, Ecosystem, Effect, Family, Inventory, Match, Package, PackageClass, Problem, limits,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the advisories say about an inventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Every match, by package and id.
    pub matches: Vec<Match>,
    /// What could not be matched, or not for certain.
    pub problems: Vec<Problem>,
    /// Whether there are advisories about the distribution; true where there is no distribution.
    pub distribution_supported: bool,
    /// Whether its vendor no longer fixes it; `None` when that is not known.
    pub end_of_life: Option<bool>,
    /// The newest fact about it, `YYYY-MM-DD`.
    pub distribution_newest: Option<String>,
}

impl Database {
    /// Matches every package; `today` are days since 1970-01-01.
    ///
    /// # Errors
    /// When a section that is needed is damaged: there is no partial answer.
    pub fn find(&self, inventory: &Inventory, today: i64) -> Result<Findings, Error> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.find_with(inventory, today, threads)
    }

    /// The same with one thread, or with a second one that makes ready what the first will need.
    fn find_with(&self, inventory: &Inventory, today: i64, threads: usize) -> Result<Findings, Error> {
        if threads < 2 {
            return self.find_here(inventory, today, |_| {});
        }
        let ahead = Ahead::of(self, inventory);
        std::thread::scope(|scope| {
            let started = ahead.start(scope);
            let findings = self.find_here(inventory, today, |blocks| ahead.facts(scope, started, blocks));
            ahead.end();
            findings
        })
    }

    /// `prepare` is told which blocks of facts are going to be asked for.
    fn find_here(
        &self,
        inventory: &Inventory,
        today: i64,
        prepare: impl FnOnce(Vec<usize>),
    ) -> Result<Findings, Error> {
        let mut findings = Findings {
            distribution_supported: true,
            ..Findings::default()
        };
        let mut found = Vec::new();
        self.find_in_distribution(inventory, today, &mut findings, &mut found)?;
        self.find_in_languages(inventory, &mut findings, &mut found)?;
        if found.len() > limits::FINDINGS {
            let what = format!(
                "{} findings, more than {}; the rest is not listed",
                found.len(),
                limits::FINDINGS
            );
            findings.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            found.truncate(limits::FINDINGS);
        }
        let asked = found.iter().filter_map(|found| self.file.block_of(&found.found.id));
        prepare(asked.collect::<BTreeSet<usize>>().into_iter().collect());
        let mut cache = Cache::default();
        findings.matches = found
            .into_iter()
            .map(|found| {
                let ecosystem = inventory.packages.get(found.found.package).map(|it| it.ecosystem);
                cache.fill(self, found, ecosystem.unwrap_or(Ecosystem::Generic))
            })
            .collect::<Result<_, _>>()?;
        findings
            .matches
            .sort_by(|a, b| (a.package, &a.id).cmp(&(b.package, &b.id)));
        findings.problems.extend(kernel::note(inventory, &findings.matches));
        Ok(findings)
    }

    fn find_in_distribution(
        &self,
        inventory: &Inventory,
        today: i64,
        findings: &mut Findings,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        let installed = || {
            inventory
                .packages_of(PackageClass::Os)
                .filter(|(_, package)| !is_key(package))
        };
        let Some(release) = &inventory.distribution else {
            let count = installed().count();
            if count > 0 {
                findings.distribution_supported = false;
                let what = format!("no release file names the distribution, {} not matched", are(count));
                findings.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            }
            return Ok(());
        };
        findings.end_of_life = end_of_life(release, today);
        let rules = distribution_rules(release.family);
        let section = rules.and_then(|rules| (rules.section)(release));
        let base = section.as_deref().map(|name| self.section(name)).transpose()?.flatten();
        let (Some(rules), Some(section), Some(base)) = (rules, section, base) else {
            findings.distribution_supported = false;
            let what = format!(
                "the data have no advisories about {}, {} not matched",
                name_of(release),
                are(installed().count())
            );
            findings.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            return Ok(());
        };
        findings.distribution_newest = self.newest(rules.source);
        let pro = if release.family == Family::Ubuntu {
            self.section(&section.replacen("ubuntu", "ubuntu-pro", 1))?
        } else {
            None
        };
        let sections = distribution::Sections { base, pro };
        let mut left_out = LeftOut::default();
        for (index, package) in installed() {
            if found.len() > limits::FINDINGS {
                break;
            }
            if package.ecosystem != rules.packages {
                left_out
                    .foreign
                    .entry(package.ecosystem.purl_type())
                    .or_default()
                    .push(&package.name);
            } else if is_third_party(package, inventory.distribution.as_ref()) {
                left_out.third_party.push(&package.name);
            } else if let Some(reason) = self.find_package(sections, rules, release, index, package, found)? {
                findings.problems.push(uncertain(package, &reason));
            }
        }
        left_out.report(release, rules.packages.purl_type(), &mut findings.problems);
        Ok(())
    }

    /// The findings of one package of the distribution, and why they are not certain, if they are not.
    fn find_package(
        &self,
        sections: distribution::Sections<'_>,
        rules: &DistributionRules,
        release: &Distribution,
        index: usize,
        package: &Package,
        found: &mut Vec<Found>,
    ) -> Result<Option<String>, Error> {
        let Some(origin) = suite::origin(release, rules, package) else {
            return Ok(distribution::find(sections, rules, release, index, package, found));
        };
        let Some(base) = self.section(&origin.section)? else {
            let reason = distribution::find(sections, rules, release, index, package, found);
            let unknown = || {
                format!(
                    "it was built from {}, about which the data have no advisories",
                    origin.section
                )
            };
            return Ok(Some(reason.unwrap_or_else(unknown)));
        };
        let sections = distribution::Sections { base, pro: None };
        Ok(distribution::find(
            sections,
            rules,
            release,
            index,
            &origin.package,
            found,
        ))
    }

    fn find_in_languages(
        &self,
        inventory: &Inventory,
        findings: &mut Findings,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        for ecosystem in Ecosystem::ALL {
            // The distribution's advisories hold for what its own packages own, where there are any; the project itself is
            // no dependency.
            let covered = findings.distribution_supported;
            let packages: Vec<(usize, &Package)> = inventory
                .packages_of(PackageClass::Language)
                .filter(|(_, package)| package.ecosystem == ecosystem && !(covered && package.owned_by.is_some()))
                .filter(|(_, package)| !package.relationship.is_own())
                .collect();
            if packages.is_empty() {
                continue;
            }
            let mut sources = Vec::new();
            let mut missing = None;
            for rules in LANGUAGES.iter().filter(|rules| rules.packages == ecosystem) {
                if !rules.expected && !packages.iter().any(|(_, package)| rules.is_about(package)) {
                    continue;
                }
                match self.section(rules.section)? {
                    Some(section) => sources.push(language::Source::new(rules, section)),
                    None if rules.expected => missing = Some(rules.section),
                    None => {}
                }
            }
            if let Some(section) = missing {
                let what = format!(
                    "the data have no advisories about {section}, {} not matched",
                    are(packages.len())
                );
                findings.problems.push(Problem::of_artifact(Effect::Incomplete, what));
                continue;
            }
            let mut unknown = Vec::new();
            for (index, package) in packages {
                // One more than is listed, so that the cut is noticed.
                if found.len() > limits::FINDINGS {
                    break;
                }
                let outcome = language::find(&sources, index, package, found);
                if let Some(reason) = outcome.invalid {
                    findings.problems.push(uncertain(package, &reason));
                }
                // Whoever reads a registry's advisories knows all of its packages; of programs only some are known.
                let registry = sources.iter().any(language::Source::is_registry);
                if !outcome.known && !registry {
                    unknown.push((index, package));
                }
            }
            if ecosystem == Ecosystem::Generic {
                unknown = self.find_programs(unknown, findings, found)?;
            }
            let mut unknown: Vec<&str> = unknown.iter().map(|(_, package)| package.name.as_str()).collect();
            unknown.sort_unstable();
            unknown.dedup();
            if !unknown.is_empty() {
                let what = format!(
                    "the data have no advisories about {} of type {}: {}",
                    if unknown.len() == 1 { "1 name" } else { "some names" },
                    ecosystem.purl_type(),
                    first(&unknown)
                );
                findings.problems.push(Problem::of_artifact(Effect::Note, what));
            }
        }
        Ok(())
    }

    /// Matches programs by the fixes that distributions state for them; the others are left.
    fn find_programs<'p>(
        &self,
        programs: Vec<(usize, &'p Package)>,
        findings: &mut Findings,
        found: &mut Vec<Found>,
    ) -> Result<Vec<(usize, &'p Package)>, Error> {
        let mut histories: BTreeMap<&str, program::Histories> = BTreeMap::new();
        let mut left = Vec::new();
        let mut guessed: BTreeSet<&str> = BTreeSet::new();
        for (index, package) in programs {
            // One more than is listed, so that the cut is noticed.
            if found.len() > limits::FINDINGS {
                break;
            }
            let Some(row) = crate::program::program(&package.name) else {
                left.push((index, package));
                continue;
            };
            let known = match histories.entry(row.name) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => entry.insert(program::Histories::of(self, row)?),
            };
            if known.is_empty() {
                left.push((index, package));
            } else if let Some(reason) = known.find(index, package, found) {
                findings.problems.push(uncertain(package, &reason));
            } else {
                guessed.insert(row.name);
            }
        }
        if !guessed.is_empty() {
            let names: Vec<&str> = guessed.into_iter().collect();
            let what = format!(
                "{} matched by the fixes of Alpine and Debian: nobody states affected versions by that name ({})",
                if names.len() == 1 {
                    "1 program was"
                } else {
                    "some programs were"
                },
                first(&names)
            );
            findings.problems.push(Problem::of_artifact(Effect::Note, what));
        }
        Ok(left)
    }
}

/// Packages that the distribution's advisories are not about.
#[derive(Debug, Default)]
struct LeftOut<'a> {
    third_party: Vec<&'a str>,
    foreign: BTreeMap<&'static str, Vec<&'a str>>,
}

impl LeftOut<'_> {
    fn report(&self, release: &Distribution, packages: &str, problems: &mut Vec<Problem>) {
        if !self.third_party.is_empty() {
            let what = format!(
                "{} not matched: built by others than {}, whose advisories do not cover them ({})",
                are(self.third_party.len()),
                name_of(release),
                first(&self.third_party)
            );
            problems.push(Problem::of_artifact(Effect::Note, what));
        }
        for (kind, names) in &self.foreign {
            let what = format!(
                "{} not matched, of type {kind}: advisories about {} are about {packages} packages ({})",
                are(names.len()),
                name_of(release),
                first(names)
            );
            problems.push(Problem::of_artifact(Effect::Uncertain, what));
        }
    }
}

/// rpm keeps the keys that it trusts as packages.
fn is_key(package: &Package) -> bool {
    package.name == "gpg-pubkey"
}

fn are(count: usize) -> String {
    if count == 1 {
        "1 package was".to_owned()
    } else {
        format!("{count} packages were")
    }
}

fn first(names: &[&str]) -> String {
    let mut text = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        text.push_str(", …");
    }
    text
}

fn name_of(release: &Distribution) -> String {
    let name = if release.family == Family::Other {
        release.id.as_str()
    } else {
        release.family.name()
    };
    match &release.repository {
        Some(branch) => format!("{name} {} ({branch})", release.version),
        None => format!("{name} {}", release.version).trim_end().to_owned(),
    }
}

fn uncertain(package: &Package, reason: &str) -> Problem {
    let what = format!(
        "{} {} was not compared with advisories for certain: {reason}",
        package.name, package.version
    );
    Problem::at_path(package.path.clone(), Effect::Uncertain, what)
}
