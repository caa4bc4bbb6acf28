//! Programs of which nobody states affected versions by their own name, held against what Alpine and Debian fixed in the
//! same program.
//!
//! A package's fix says something of the sources: the first package of 3.0.15 that is fixed means that 3.0.15 is, a later
//! one that 3.0.15 was affected and patched. Debian also says what its releases never had. Nobody says since when a
//! program is affected, so every finding is a guess and is marked as one.

use super::candidates::Found;
use crate::database::Database;
use crate::error::Error;
use crate::file::{Bound, Entry, Identifier, Section};
use crate::program::{Program, of_alpine, of_debian, plain};
use crate::record::SourceId;
use crate::versions::Scheme;
use seaworthy_model::{Confidence, FixStatus, Match, MatchKind, Package, Severity};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one version of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// It does not have the vulnerability, and neither had any before it.
    NotYet,
    /// It has the vulnerability.
    Affected,
    /// It has the fix.
    Fixed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Point {
    version: String,
    state: State,
    source: SourceId,
}

/// What is known of one vulnerability.
#[derive(Debug, Default)]
struct History {
    points: Vec<Point>,
    /// Whether anybody thinks that it matters: Debian calls some of no consequence.
    matters: bool,
}

/// A release of a distribution, or a line of the program: the newest sources of it, and the ids that it knows.
#[derive(Debug, Default)]
struct Release {
    newest: Option<String>,
    known: BTreeSet<Identifier>,
}

/// The vulnerabilities of a program.
#[derive(Debug)]
pub(super) struct Histories {
    program: &'static Program,
    by_id: BTreeMap<Identifier, History>,
}

/// What a history says of a version that is affected.
#[derive(Debug, PartialEq, Eq)]
struct Verdict<'a> {
    fix: Option<&'a str>,
    /// The last version that is known to be affected, where no fix is known.
    until: &'a str,
    source: SourceId,
}

impl Histories {
    /// Gathers what the distributions' sections say.
    pub(super) fn of(database: &Database, program: &'static Program) -> Result<Self, Error> {
        let names: Vec<String> = database
            .file
            .index()
            .sections()
            .map(|frame| frame.name.clone())
            .collect();
        let mut histories = Self {
            program,
            by_id: BTreeMap::new(),
        };
        let mut releases = Vec::new();
        for name in &names {
            if name.starts_with("alpine ") {
                if let Some(section) = database.section(name)? {
                    histories.add_alpine(section);
                }
            } else if name.starts_with("debian ")
                && let Some(section) = database.section(name)?
            {
                releases.push(histories.add_debian(section));
            }
        }
        histories.add_absent(&releases);
        histories.add_absent_lines();
        for history in histories.by_id.values_mut() {
            let points = &mut history.points;
            points.sort_by(|a, b| order(&a.version, &b.version).then(b.state.cmp(&a.state)));
            // Who has the fix at a version knows better than who patched it, and that than who says nothing.
            points.dedup_by(|later, first| order(&later.version, &first.version) == Ordering::Equal);
        }
        Ok(histories)
    }

    /// Whether anything is known.
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    fn add(&mut self, entry: &Entry<'_>, version: String, state: State) {
        let source = entry.source();
        for &id in entry.ids().iter().filter(|id| id.label().is_none()) {
            let history = self.by_id.entry(id).or_default();
            history.matters |= !entry.unimportant();
            history.points.push(Point {
                version: version.clone(),
                state,
                source,
            });
        }
    }

    fn add_alpine(&mut self, section: &Section) {
        for entry in self.program.alpine.iter().flat_map(|name| section.entries(name)) {
            for fix in fixes(&entry) {
                if let Some((version, first)) = of_alpine(fix) {
                    let state = if first { State::Fixed } else { State::Affected };
                    self.add(&entry, version, state);
                }
            }
        }
    }

    /// Adds what a release of Debian says; the newest sources that it surely has, and the ids that it knows.
    fn add_debian(&mut self, section: &Section) -> Release {
        let names = self.program.debian.iter();
        let entries: Vec<Entry<'_>> = names.flat_map(|name| section.entries(name)).collect();
        let fixes = entries.iter().flat_map(fixes).filter_map(of_debian);
        let versions: BTreeSet<String> = fixes.map(|(version, _)| version).collect();
        let newest = versions.iter().max_by(|a, b| order(a, b));
        let mut known = BTreeSet::new();
        for entry in &entries {
            known.extend(entry.ids().iter().filter(|id| id.label().is_none()));
            for stretch in entry.stretches() {
                match stretch.end {
                    Bound::Fixed(fix) => {
                        let Some((version, first)) = of_debian(fix) else {
                            continue;
                        };
                        if first {
                            self.add(entry, version, State::Fixed);
                            continue;
                        }
                        if let Some(later) = self.later_in_line(&version, &versions) {
                            self.add(entry, later, State::Fixed);
                        }
                        self.add(entry, version, State::Affected);
                    }
                    _ => {
                        if let Some(newest) = newest {
                            self.add(entry, newest.clone(), State::Affected);
                        }
                    }
                }
            }
        }
        Release {
            newest: newest.cloned(),
            known,
        }
    }

    /// The next sources of the same line that a release took after it patched a version: they brought the fix.
    fn later_in_line(&self, patched: &str, versions: &BTreeSet<String>) -> Option<String> {
        let line = self.program.line_of(patched)?;
        let later = versions.iter().filter(|version| {
            self.program.line_of(version) == Some(line) && order(version, patched) == Ordering::Greater
        });
        later.min_by(|a, b| order(a, b)).cloned()
    }

    /// Releases that Debian's tracker covers list every id but those that they never had. Of older ones advisories are
    /// left, which say nothing by their absence.
    fn add_absent(&mut self, releases: &[Release]) {
        let all: BTreeSet<Identifier> = releases.iter().flat_map(|release| &release.known).copied().collect();
        for release in releases.iter().filter(|release| release.known.len() * 2 > all.len()) {
            if let Some(newest) = &release.newest {
                self.never_had(newest, &release.known, &all);
            }
        }
    }

    /// A line that is looked after has a statement about most of what was found in its time; the others it never had.
    fn add_absent_lines(&mut self) {
        let mut lines: BTreeMap<String, Release> = BTreeMap::new();
        // What nobody fixes because it does not matter says nothing of when a line was looked after.
        for (id, history) in self.by_id.iter().filter(|(_, history)| history.matters) {
            for point in history.points.iter().filter(|point| point.state != State::NotYet) {
                let Some(line) = self.program.line_of(&point.version) else {
                    continue;
                };
                let line = lines.entry(line.to_owned()).or_default();
                line.known.insert(*id);
                let newest = line.newest.get_or_insert_with(|| point.version.clone());
                if order(&point.version, newest) == Ordering::Greater {
                    newest.clone_from(&point.version);
                }
            }
        }
        for line in lines.into_values() {
            let (Some(first), Some(last), Some(newest)) = (line.known.first(), line.known.last(), line.newest) else {
                continue;
            };
            let of_its_time = self.by_id.range(*first..=*last).filter(|(_, history)| history.matters);
            let of_its_time: BTreeSet<Identifier> = of_its_time.map(|(id, _)| *id).collect();
            if line.known.len() * 2 > of_its_time.len() {
                self.never_had(&newest, &line.known, &of_its_time);
            }
        }
    }

    fn never_had(&mut self, version: &str, known: &BTreeSet<Identifier>, all: &BTreeSet<Identifier>) {
        for id in all.difference(known) {
            if let Some(history) = self.by_id.get_mut(id) {
                history.points.push(Point {
                    version: version.to_owned(),
                    state: State::NotYet,
                    source: SourceId::Debian,
                });
            }
        }
    }

    /// Adds the findings of one package; why its version could not be compared, if it could not.
    pub(super) fn find(&self, index: usize, package: &Package, found: &mut Vec<Found>) -> Option<String> {
        let Some(version) = plain(&package.version) else {
            return Some(format!(
                "{} is no version of a release of {}",
                package.version, self.program.name
            ));
        };
        for (id, history) in self.by_id.iter().filter(|(_, history)| history.matters) {
            let Some(verdict) = judge(self.program, &version, &history.points) else {
                continue;
            };
            found.push(finding(self.program, index, *id, &verdict));
        }
        None
    }
}

fn finding(program: &Program, index: usize, id: Identifier, verdict: &Verdict<'_>) -> Found {
    let fix = verdict.fix.map(|fix| fix.replace('~', ""));
    let range = match &fix {
        Some(fix) => format!("< {fix}"),
        None => format!("<= {}", verdict.until),
    };
    let reason = format!(
        "Alpine and Debian state fixes of {}, but not since which version it is affected",
        program.name
    );
    Found {
        found: Match {
            package: index,
            id: id.cve_text(),
            vendor_ids: Vec::new(),
            status: if fix.is_some() {
                FixStatus::Fixed
            } else {
                FixStatus::Affected
            },
            fixed_version: fix.unwrap_or_default(),
            range,
            kind: MatchKind::Product,
            confidence: Confidence::Uncertain(reason),
            severity: Severity::Unknown,
            severity_source: String::new(),
            vendor_severity: Default::default(),
            cvss: Default::default(),
            cwes: Default::default(),
            epss: None,
            known_exploited: None,
            published: None,
            modified: None,
            source: Default::default(),
        },
        source: verdict.source,
        severity: None,
    }
}

/// What sorted points say of a version, if it is affected.
fn judge<'a>(program: &Program, version: &str, points: &'a [Point]) -> Option<Verdict<'a>> {
    let line = program.line_of(version);
    let in_line = |point: &&Point| line.is_none() || program.line_of(&point.version) == line;
    let below = |point: &&Point| order(&point.version, version) == Ordering::Less;
    let own = || points.iter().filter(in_line);
    let fixed = |point: &&Point| point.state == State::Fixed;
    if own().any(|point| point.state == State::Fixed && order(&point.version, version) != Ordering::Greater) {
        return None;
    }
    let above_in_line = own().find(|point| !below(point));
    if line.is_some() {
        // A line that never had it gets it with no later release.
        if own().any(|point| point.state == State::NotYet)
            && above_in_line.is_none_or(|point| point.state == State::NotYet)
        {
            return None;
        }
        // Alpine patches what it has until a release of the line brings the fix.
        let patched = |point: &Point| point.source == SourceId::Alpine && point.state == State::Affected;
        if above_in_line.is_none() && own().any(patched) {
            return None;
        }
    }
    let next = points.iter().find(|point| !below(point))?;
    if next.state == State::NotYet {
        return None;
    }
    let mut fixes = own().filter(|point| !below(point)).filter(fixed);
    let fix = fixes.next().or_else(|| {
        // Where a line ends without a fix, the next one has it.
        points.iter().filter(|point| !below(point)).find(fixed)
    });
    Some(Verdict {
        fix: fix.map(|point| point.version.as_str()),
        until: &next.version,
        source: next.source,
    })
}

fn fixes<'a>(entry: &Entry<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    entry.stretches().filter_map(|stretch| match stretch.end {
        Bound::Fixed(fix) => Some(fix),
        _ => None,
    })
}

fn order(a: &str, b: &str) -> Ordering {
    Scheme::Deb.order_or_fallback(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::program;

    fn points(text: &str) -> Vec<Point> {
        let point = |word: &str| {
            let (version, state) = word.split_at(word.len() - 1);
            let (state, source) = match state {
                "f" => (State::Fixed, SourceId::Debian),
                "a" => (State::Affected, SourceId::Debian),
                "p" => (State::Affected, SourceId::Alpine),
                _ => (State::NotYet, SourceId::Debian),
            };
            Point {
                version: version.trim_end_matches(':').to_owned(),
                state,
                source,
            }
        };
        text.split_whitespace().map(point).collect()
    }

    /// `Some(fix)` where the version is affected, with an empty text where no fix is known.
    fn check(name: &str, version: &str, history: &str, expected: Option<&str>) {
        let points = points(history);
        let verdict = judge(program(name).unwrap(), version, &points);
        let fix = verdict.map(|verdict| verdict.fix.unwrap_or_default());
        assert_eq!(fix, expected, "{name} {version} in {history}");
    }

    #[test]
    fn a_version_is_compared_with_the_fix_of_its_line() {
        let history = "1.1.1q:f 3.0.5:f";
        check("openssl", "3.0.4", history, Some("3.0.5"));
        check("openssl", "3.0.5", history, None);
        check("openssl", "3.2.1", history, None);
        check("openssl", "1.1.1k", history, Some("1.1.1q"));
        check("openssl", "1.1.1w", history, None);
        // What lies between two lines with fixes may have one of its own that nobody states.
        check("openssl", "1.1.1", "1.0.2t:f 1.1.1d:f", Some("1.1.1d"));
    }

    #[test]
    fn what_a_release_never_had_the_lines_before_it_never_had() {
        let history = "1.1.1w:n 3.0.3:f";
        check("openssl", "1.1.1k", history, None);
        check("openssl", "1.0.2u", history, None);
        check("openssl", "3.0.2", history, Some("3.0.3"));
        // No later release of the line gets it.
        check("openssl", "3.0.16", "3.0.15:n 3.4.1:f", None);
        check("curl", "7.80.0", "7.88.1:n 8.6.0:f", None);
        check("curl", "8.5.0", "7.88.1:n 8.6.0:f", Some("8.6.0"));
    }

    #[test]
    fn a_patched_package_says_that_its_sources_are_affected() {
        check("busybox", "1.36.1", "1.36.1:p", Some(""));
        check("busybox", "1.36.0", "1.36.1:p 1.37.0:f", Some("1.37.0"));
        check("busybox", "1.37.0", "1.36.1:p", None);
        // The next release of the line brought the fix, though nobody says so.
        check("openssl", "1.1.1v", "1.1.1t:p 3.0.8:p 3.0.9:f", None);
        check("openssl", "1.1.1t", "1.1.1t:p 3.0.8:p 3.0.9:f", Some("3.0.9"));
        check("openssl", "3.0.8", "1.1.1t:p 3.0.8:p 3.0.9:f", Some("3.0.9"));
    }
}
