//! Facts about an id become the fields of a finding: severities, CVSS, dates, EPSS, known exploited.

use super::candidates::Found;
use crate::database::{Database, date, time};
use crate::ecosystem::publisher_of;
use crate::error::Error;
use crate::record::{Facts, SourceId};
use seaworthy_model::{Cvss, DataSource, Ecosystem, Epss, KnownExploited, Match, Severity};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The sources that are asked for a severity when neither the distribution nor NVD has one, the most careful first.
const FURTHER: [SourceId; 14] = [
    SourceId::Ghsa,
    SourceId::Cna,
    SourceId::CisaAdp,
    SourceId::RedHat,
    SourceId::Ubuntu,
    SourceId::Suse,
    SourceId::OpenSuse,
    SourceId::Amazon,
    SourceId::Alma,
    SourceId::Rocky,
    SourceId::Azure,
    SourceId::CblMariner,
    SourceId::PyPa,
    SourceId::Bitnami,
];

/// The fields of a finding that depend on its id alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Details {
    severities: BTreeMap<SourceId, Severity>,
    vendor_severity: Arc<BTreeMap<String, Severity>>,
    /// The same with what advisories themselves state for packages.
    with_own: HashMap<(SourceId, Severity), Arc<BTreeMap<String, Severity>>>,
    cvss: Arc<BTreeMap<String, Cvss>>,
    cwes: Arc<Vec<u32>>,
    epss: Option<Epss>,
    known_exploited: Option<KnownExploited>,
    published: Option<String>,
    modified: Option<String>,
}

/// Details that were looked up, and scores that were computed, during one search.
#[derive(Debug, Default)]
pub(super) struct Cache {
    details: HashMap<String, Details>,
    scores: HashMap<String, Option<f64>>,
    sources: HashMap<(SourceId, Ecosystem), Arc<DataSource>>,
}

impl Cache {
    /// Adds what is known of the id of a finding. An image has thousands of findings of one kernel's ids: what is the
    /// same for all of them is shared.
    pub(super) fn fill(&mut self, database: &Database, found: Found, ecosystem: Ecosystem) -> Result<Match, Error> {
        let Found {
            mut found,
            source,
            // What the advisory itself states for the package.
            severity: own,
        } = found;
        let data_source = self
            .sources
            .entry((source, ecosystem))
            .or_insert_with(|| Arc::new(publisher_of(source).data_source(ecosystem)));
        found.source = Arc::clone(data_source);
        if !self.details.contains_key(&found.id) {
            let mut facts = database.facts(&found.id)?;
            for other in &found.vendor_ids {
                // A GHSA record that names no CVE of its own may still be known by another id.
                if other.starts_with("GHSA-") && !facts.severities.contains_key(&SourceId::Ghsa) {
                    add(&mut facts, database.facts(other)?);
                }
            }
            let details = self.details(facts);
            self.details.insert(found.id.clone(), details);
        }
        let Some(details) = self.details.get_mut(&found.id) else {
            return Ok(found);
        };
        found.cvss = Arc::clone(&details.cvss);
        found.cwes = Arc::clone(&details.cwes);
        found.epss = details.epss;
        found.known_exploited.clone_from(&details.known_exploited);
        found.published.clone_from(&details.published);
        found.modified.clone_from(&details.modified);
        let (severity, from) = choose(details, &found.id, source, own);
        found.severity = severity;
        found.severity_source = from.map_or(String::new(), |from| publisher_of(from).id.to_owned());
        found.vendor_severity = match own {
            Some(own) => {
                let stated = &details.vendor_severity;
                let with_own = details.with_own.entry((source, own)).or_insert_with(|| {
                    let mut severities = BTreeMap::clone(stated);
                    severities.insert(publisher_of(source).id.to_owned(), own);
                    Arc::new(severities)
                });
                Arc::clone(with_own)
            }
            None => Arc::clone(&details.vendor_severity),
        };
        Ok(found)
    }

    fn details(&mut self, facts: Facts) -> Details {
        let mut severities = facts.severities;
        let mut cvss = BTreeMap::new();
        for (source, vectors) in facts.cvss {
            let scored = Cvss {
                v2_score: self.score(vectors.v2.as_deref()),
                v3_score: self.score(vectors.v3.as_deref()),
                v40_score: self.score(vectors.v40.as_deref()),
                v2_vector: vectors.v2,
                v3_vector: vectors.v3,
                v40_vector: vectors.v40,
            };
            if scored.severity() != Severity::Unknown {
                severities.entry(source).or_insert_with(|| scored.severity());
            }
            cvss.insert(publisher_of(source).id.to_owned(), scored);
        }
        let vendor_severity = severities
            .iter()
            .map(|(&source, &severity)| (publisher_of(source).id.to_owned(), severity))
            .collect();
        let share = |units: u32| f64::from(units) / 100_000.0;
        Details {
            severities,
            vendor_severity: Arc::new(vendor_severity),
            with_own: HashMap::new(),
            cvss: Arc::new(cvss),
            cwes: Arc::new(facts.cwes),
            epss: facts.epss.map(|(score, percentile)| Epss {
                score: share(score),
                percentile: share(percentile),
            }),
            known_exploited: facts.known_exploited.map(|(day, ransomware)| KnownExploited {
                date_added: date(i64::from(day) * 86_400),
                ransomware,
            }),
            published: facts.published.map(time),
            modified: facts.modified.map(time),
        }
    }

    fn score(&mut self, vector: Option<&str>) -> Option<f64> {
        let vector = vector?;
        if let Some(&score) = self.scores.get(vector) {
            return score;
        }
        let score = if vector.starts_with("CVSS:") {
            vector.parse::<cvss::Cvss>().ok().map(|vector| vector.score())
        } else {
            vector
                .parse::<cvss::v2::Vector>()
                .ok()
                .map(|vector| vector.score().value())
        };
        self.scores.insert(vector.to_owned(), score);
        score
    }
}

/// Adds what one id's facts do not say from those of another id of the same vulnerability.
fn add(facts: &mut Facts, more: Facts) {
    for (source, vectors) in more.cvss {
        facts.cvss.entry(source).or_insert(vectors);
    }
    for (source, severity) in more.severities {
        facts.severities.entry(source).or_insert(severity);
    }
    if facts.cwes.is_empty() {
        facts.cwes = more.cwes;
    }
    facts.published = facts.published.or(more.published);
    facts.modified = facts.modified.max(more.modified);
    facts.epss = facts.epss.or(more.epss);
    facts.known_exploited = facts.known_exploited.or(more.known_exploited);
}

/// The advisory's own severity, else the publisher's general one, else GitHub's for its own ids, else NVD's, else anyone's.
fn choose(details: &Details, id: &str, source: SourceId, own: Option<Severity>) -> (Severity, Option<SourceId>) {
    if let Some(own) = own.filter(|&own| own != Severity::Unknown) {
        return (own, Some(source));
    }
    let github = if id.starts_with("GHSA-") {
        Some(SourceId::Ghsa)
    } else {
        None
    };
    [Some(source), github, Some(SourceId::Nvd)]
        .into_iter()
        .flatten()
        .chain(FURTHER)
        .find_map(|source| {
            let severity = *details.severities.get(&source)?;
            (severity != Severity::Unknown).then_some((severity, Some(source)))
        })
        .unwrap_or((Severity::Unknown, None))
}
