//! All statements about one package, sorted by vulnerability, and the findings that they amount to.

use super::judge::{Installed, Judgement, describe, without_epoch};
use crate::file::{Bound, Entry, Identifier};
use crate::record::SourceId;
use crate::versions::Scheme;
use seaworthy_model::{Confidence, FixStatus, Match, MatchKind, Severity};

/// A statement that applies to a package, with the verdict on its version.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) judgement: Judgement<'a>,
    /// The number of the section that it is from.
    pub(super) section: u8,
    /// Why the image cannot get the fix, where it cannot: `with Ubuntu Pro only`.
    pub(super) out_of_reach: Option<&'static str>,
}

impl<'a> Candidate<'a> {
    pub(super) fn is_clear(&self) -> bool {
        self.judgement == Judgement::Clear
    }

    /// The fixed versions that the statement names.
    pub(super) fn fixes(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.entry.stretches().filter_map(|stretch| match stretch.end {
            Bound::Fixed(end) => Some(end),
            _ => None,
        })
    }
}

/// The statements about one package.
#[derive(Debug, Default)]
pub(super) struct Candidates<'a> {
    list: Vec<Candidate<'a>>,
    /// By section, id, and place in the list.
    ids: Vec<(u8, Identifier, u32)>,
}

impl<'a> Candidates<'a> {
    /// Adds a statement; ids that are no CVEs are told apart by section.
    pub(super) fn push(&mut self, candidate: Candidate<'a>) {
        let Ok(place) = u32::try_from(self.list.len()) else {
            return;
        };
        let key = |id: Identifier| if id.label().is_some() { candidate.section } else { 0 };
        self.ids
            .extend(candidate.entry.ids().iter().map(|&id| (key(id), id, place)));
        self.list.push(candidate);
    }

    /// The statements about one vulnerability after the other.
    pub(super) fn by_id(&mut self) -> impl Iterator<Item = (Identifier, Vec<&Candidate<'a>>)> {
        self.ids.sort_unstable();
        let list = &self.list;
        self.ids
            .chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
            .filter_map(move |chunk| {
                let &(_, id, _) = chunk.first()?;
                Some((
                    id,
                    chunk
                        .iter()
                        .filter_map(|&(_, _, place)| list.get(place as usize))
                        .collect(),
                ))
            })
    }
}

/// A finding without the facts that depend on its id.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) found: Match,
    pub(super) source: SourceId,
    pub(super) severity: Option<Severity>,
}

/// The finding that statements about one vulnerability amount to, if any says that the version is affected.
pub(super) fn finding<'a>(
    index: usize,
    installed: &Installed<'_>,
    kind: MatchKind,
    id: Identifier,
    statements: &[&Candidate<'a>],
) -> Option<Found> {
    let rank = |candidate: &&&Candidate<'a>| match candidate.judgement {
        Judgement::Affected(_) => 0,
        Judgement::Uncertain(..) => 1,
        Judgement::Clear => 2,
    };
    // Most packages are fixed: nothing more is asked about them.
    if statements.iter().all(|candidate| candidate.is_clear()) {
        return None;
    }
    let fix = smallest_fix(installed, statements);
    // Among equals, the one that names the fix that is shown.
    let names_fix = |candidate: &Candidate<'a>| fix.is_some_and(|fix| candidate.fixes().any(|named| named == fix));
    let decisive = *statements
        .iter()
        .min_by_key(|candidate| (rank(candidate), !names_fix(candidate)))?;
    let (stretch, confidence) = match &decisive.judgement {
        Judgement::Affected(stretch) => (stretch.as_ref(), Confidence::Exact),
        Judgement::Uncertain(stretch, reason) => (stretch.as_ref(), Confidence::Uncertain(reason.clone())),
        Judgement::Clear => return None,
    };
    let affecting: Vec<&Candidate<'a>> = statements
        .iter()
        .copied()
        .filter(|candidate| !candidate.is_clear())
        .collect();
    let fix = fix.map(|fix| shown(installed.scheme, fix));
    let mut range = describe(stretch, &installed.version);
    if fix.is_none()
        && let Some((reason, fix)) = affecting.iter().find_map(|candidate| {
            candidate
                .out_of_reach
                .zip(candidate.fixes().find(|fix| installed.is_below(fix)))
        })
    {
        range = format!("{range} (fixed in {} {reason})", shown(installed.scheme, fix));
    }
    let stated = affecting
        .iter()
        .map(|candidate| candidate.entry.status())
        .find(|status| !matches!(status, FixStatus::Unknown | FixStatus::Fixed));
    let status = if fix.is_some() {
        FixStatus::Fixed
    } else {
        stated.unwrap_or(FixStatus::Affected)
    };
    let text = decisive.entry.id_text(id);
    let mut vendor_ids: Vec<String> = affecting
        .iter()
        .flat_map(|candidate| candidate.entry.vendor_ids())
        .filter(|other| *other != text)
        .map(str::to_owned)
        .collect();
    vendor_ids.sort_unstable();
    vendor_ids.dedup();
    let severity = affecting
        .iter()
        .filter(|candidate| candidate.entry.source() == decisive.entry.source())
        .find_map(|candidate| {
            candidate
                .entry
                .severity()
                .or_else(|| candidate.entry.unimportant().then_some(Severity::Low))
        });
    let found = Match {
        package: index,
        id: text,
        vendor_ids,
        status,
        fixed_version: fix.unwrap_or_default().to_owned(),
        range,
        kind,
        confidence,
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
    };
    Some(Found {
        found,
        source: decisive.entry.source(),
        severity,
    })
}

/// The smallest fixed version above the installed one that no statement calls affected, else the largest.
fn smallest_fix<'a>(installed: &Installed<'_>, statements: &[&Candidate<'a>]) -> Option<&'a str> {
    let reachable = statements.iter().filter(|candidate| candidate.out_of_reach.is_none());
    let mut fixes: Vec<&str> = reachable
        .clone()
        .flat_map(|candidate| candidate.fixes())
        .filter(|fix| installed.is_below(fix))
        .collect();
    fixes.sort_by(|a, b| installed.order(a, b));
    fixes.dedup();
    // An rpm erratum can list rebuilds of one fixed version: whoever has one of them needs no other.
    let same_erratum = |candidate: &Candidate<'a>, fix: &str| {
        installed.scheme == Scheme::Rpm
            && reachable.clone().any(|other| {
                other.fixes().any(|named| named == fix)
                    && other.entry.vendor_ids().next().is_some()
                    && other.entry.vendor_ids().eq(candidate.entry.vendor_ids())
            })
    };
    let clean = |fix: &str| {
        let fixed = Installed {
            version: fix.into(),
            invalid: None,
            ..installed.clone()
        };
        reachable
            .clone()
            .all(|candidate| fixed.judge(&candidate.entry) == Judgement::Clear || same_erratum(candidate, fix))
    };
    if let [only] = fixes.as_slice() {
        return Some(only);
    }
    fixes.iter().copied().find(|fix| clean(fix)).or(fixes.last().copied())
}

/// rpm writes the epoch 0 that nobody else does.
fn shown(scheme: Scheme, fix: &str) -> &str {
    if scheme == Scheme::Rpm {
        fix.strip_prefix("0:").unwrap_or(fix)
    } else {
        fix
    }
}

/// Whether two versions belong to the same numbered line (a module's stream `12`, the topic `kernel-5.10`): either both
/// carry its number or none does.
pub(super) fn same_line<'a>(line: &str, installed: &str, mut fixes: impl Iterator<Item = &'a str>) -> bool {
    let start = line
        .rfind(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .map_or(0, |at| at + 1);
    let number = line.get(start..).unwrap_or("").trim_matches('.');
    let carries = |version: &str| {
        without_epoch(version)
            .strip_prefix(number)
            .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_ascii_digit()))
    };
    number.is_empty() || fixes.all(|fix| carries(fix) == carries(installed))
}

#[cfg(test)]
mod tests {
    use super::same_line;

    #[test]
    fn lines_are_told_by_their_number() {
        let cases = [
            ("extras kernel-5.10", "5.10.100-1.amzn2", "5.10.109-104.500.amzn2", true),
            (
                "extras kernel-5.10",
                "4.14.300-1.amzn2",
                "5.10.109-104.500.amzn2",
                false,
            ),
            ("extras docker", "20.10.25-1.amzn2", "25.0.3-1.amzn2", true),
            ("extras postgresql14", "14.8-1.amzn2", "14.10-1.amzn2", true),
            ("extras postgresql14", "9.2.24-8.amzn2", "14.10-1.amzn2", false),
            (
                "extras corretto8",
                "1:1.8.0_382.b05-1.amzn2",
                "1:1.8.0_392.b08-1.amzn2",
                true,
            ),
            (
                "postgresql:12",
                "9.6.22-1.module_el8.5.0+826",
                "12.9-1.module_el8.5.0+2546",
                false,
            ),
            ("nodejs:18", "1:18.19.0-1.module_el9", "1:18.20.1-1.module_el9", true),
            ("nodejs:1", "1:18.19.0-1.module_el9", "1:1.20.1-1.module_el9", false),
        ];
        for (line, installed, fix, expected) in cases {
            assert_eq!(
                same_line(line, installed, [fix].into_iter()),
                expected,
                "{line} {installed} {fix}"
            );
        }
    }
}
