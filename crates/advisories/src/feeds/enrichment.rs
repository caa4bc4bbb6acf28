//! Feeds that state facts about ids whatever the package: CVSS vectors, NVD, EPSS and known exploitation.
//!
//! They are read after all others, and only facts about ids that some record has are kept.

use super::output::{Output, Tally};
use super::{Input, words};
use crate::error::Error;
use crate::record::SourceId;
use serde::Deserialize;

const UNUSED: &str = "id in no record";

/// NVD's year feeds in API 2.0 form: dates, and vectors by the source that each names.
pub(super) fn nvd(input: &Input<'_>) -> Result<Output, Error> {
    #[derive(Deserialize)]
    struct Feed {
        timestamp: Option<String>,
        vulnerabilities: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        cve: Cve,
    }
    #[derive(Deserialize)]
    struct Cve {
        id: String,
        published: Option<String>,
        #[serde(rename = "lastModified")]
        modified: Option<String>,
        #[serde(rename = "vulnStatus")]
        status: Option<String>,
        metrics: Option<Metrics>,
        weaknesses: Option<Vec<Weakness>>,
    }
    #[derive(Deserialize)]
    struct Weakness {
        description: Vec<Name>,
    }
    #[derive(Deserialize)]
    struct Name {
        value: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metrics {
        cvss_metric_v2: Option<Vec<Metric>>,
        cvss_metric_v30: Option<Vec<Metric>>,
        cvss_metric_v31: Option<Vec<Metric>>,
        cvss_metric_v40: Option<Vec<Metric>>,
    }
    #[derive(Deserialize)]
    struct Metric {
        source: String,
        #[serde(rename = "cvssData")]
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        #[serde(rename = "vectorString")]
        vector: String,
    }
    let mut output = Output::default();
    for file in &input.files {
        let mut tally = Tally::new(&file.name, SourceId::Nvd);
        let feed: Feed = serde_json::from_slice(&file.document()?)
            .map_err(|error| file.broken(format!("not a year feed of NVD: {error}")))?;
        tally.date(feed.timestamp.as_deref().and_then(words::seconds));
        for Item { cve } in feed.vulnerabilities {
            if !input.known.contains(cve.id.as_str()) {
                tally.refuse(UNUSED);
                continue;
            }
            if cve.status.as_deref() == Some("Rejected") {
                tally.refuse("withdrawn");
                continue;
            }
            let facts = output.facts(&cve.id);
            facts.published = cve.published.as_deref().and_then(words::seconds);
            facts.modified = cve.modified.as_deref().and_then(words::seconds);
            let mut kept = facts.published.is_some() || facts.modified.is_some();
            let named = cve
                .weaknesses
                .iter()
                .flatten()
                .flat_map(|weakness| &weakness.description);
            let numbers: Vec<u32> = named.flat_map(|name| words::weaknesses(&name.value)).collect();
            kept |= !numbers.is_empty();
            words::add_weaknesses(&mut facts.cwes, numbers);
            if let Some(metrics) = cve.metrics {
                // The newest of 3.0 and 3.1 comes first, because the first of a version stays.
                let all = [
                    metrics.cvss_metric_v40,
                    metrics.cvss_metric_v31,
                    metrics.cvss_metric_v30,
                    metrics.cvss_metric_v2,
                ];
                for metric in all.iter().flatten().flatten() {
                    kept |= words::add_vector(facts, scorer(&metric.source), &metric.data.vector);
                }
            }
            tally.settle(if kept { Ok(()) } else { Err("neither date nor vector") });
        }
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

/// Who gave a score, by NVD's source identifiers and the words of the CVSS list.
fn scorer(source: &str) -> SourceId {
    match source {
        "nvd@nist.gov" | "nvd" | "osv-debian" | "osv.dev" => SourceId::Nvd,
        "134c704f-9b21-4f2e-91b3-4a467353bcc0" | "cisa-adp" => SourceId::CisaAdp,
        "secalert@redhat.com" | "redhat" => SourceId::RedHat,
        "security-advisories@github.com" | "ghsa" => SourceId::Ghsa,
        "bitnami" => SourceId::Bitnami,
        "rustsec" => SourceId::RustSec,
        "pypa" => SourceId::PyPa,
        "kubernetes" | "k8s" => SourceId::Kubernetes,
        "ubuntu" => SourceId::Ubuntu,
        // Whoever else scores a CVE at NVD is the authority that assigned its number.
        _ => SourceId::Cna,
    }
}

/// `cve,cvss_version,vector,score,severity,source`: the best vector per CVE and CVSS version.
pub(super) fn cvss(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        let mut tally = Tally::new(&file.name, SourceId::Nvd);
        let mut columns: Option<[usize; 3]> = None;
        file.lines(|line| {
            let line = String::from_utf8_lossy(line);
            let fields: Vec<&str> = line.split(',').take(64).map(|field| field.trim_matches('"')).collect();
            let Some([cve, vector, source]) = columns else {
                let column = |name: &str| fields.iter().position(|field| *field == name);
                if let (Some(cve), Some(vector), Some(source)) = (column("cve"), column("vector"), column("source")) {
                    columns = Some([cve, vector, source]);
                }
                return;
            };
            let (Some(cve), Some(vector), Some(source)) = (fields.get(cve), fields.get(vector), fields.get(source))
            else {
                tally.refuse("line with too few fields");
                return;
            };
            if !input.known.contains(*cve) {
                tally.refuse(UNUSED);
                return;
            }
            let kept = words::add_vector(output.facts(cve), scorer(source), vector);
            tally.settle(if kept { Ok(()) } else { Err("not a CVSS vector") });
        })?;
        if columns.is_none() {
            return Err(file.broken("no line names the columns cve, vector and source"));
        }
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

/// FIRST's daily `cve,epss,percentile`, after a comment line with the date.
pub(super) fn epss(input: &Input<'_>) -> Result<Output, Error> {
    let mut output = Output::default();
    for file in &input.files {
        let mut tally = Tally::new(&file.name, SourceId::Epss);
        let mut headed = false;
        file.lines(|line| {
            let line = String::from_utf8_lossy(line);
            if let Some(comment) = line.strip_prefix('#') {
                // `2026-08-16T00:00:00+0000`: the day is enough.
                let day = comment.split("score_date:").nth(1).and_then(|rest| rest.get(..10));
                tally.date(day.and_then(words::seconds));
                return;
            }
            if !headed {
                headed = line.starts_with("cve,epss,percentile");
                return;
            }
            let mut fields = line.split(',');
            let (Some(cve), Some(score), Some(percentile)) = (fields.next(), fields.next(), fields.next()) else {
                tally.refuse("line with too few fields");
                return;
            };
            if !input.known.contains(cve) {
                tally.refuse(UNUSED);
                return;
            }
            let units = |text: &str| {
                let share: f64 = text.trim().parse().ok()?;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100,000")]
                (0.0..=1.0).contains(&share).then(|| (share * 100_000.0).round() as u32)
            };
            if let (Some(score), Some(percentile)) = (units(score), units(percentile)) {
                output.facts(cve).epss = Some((score, percentile));
                tally.keep();
            } else {
                tally.refuse("not a share");
            }
        })?;
        if !headed {
            return Err(file.broken("no line names the columns cve,epss,percentile"));
        }
        output.summaries.push(tally.finish());
    }
    Ok(output)
}

/// CISA's catalogue of known exploited vulnerabilities.
pub(super) fn kev(input: &Input<'_>) -> Result<Output, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Catalogue {
        date_released: Option<String>,
        vulnerabilities: Vec<Exploited>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Exploited {
        #[serde(rename = "cveID")]
        id: String,
        date_added: String,
        known_ransomware_campaign_use: Option<String>,
    }
    let mut output = Output::default();
    for file in &input.files {
        let mut tally = Tally::new(&file.name, SourceId::Kev);
        let catalogue: Catalogue = serde_json::from_slice(&file.document()?)
            .map_err(|error| file.broken(format!("not CISA's catalogue: {error}")))?;
        tally.date(catalogue.date_released.as_deref().and_then(words::seconds));
        for exploited in catalogue.vulnerabilities {
            if !input.known.contains(exploited.id.as_str()) {
                tally.refuse(UNUSED);
                continue;
            }
            let day = words::seconds(&exploited.date_added).and_then(|second| u32::try_from(second / 86_400).ok());
            let ransomware = exploited.known_ransomware_campaign_use.as_deref() == Some("Known");
            match day {
                Some(day) => {
                    output.facts(&exploited.id).known_exploited = Some((day, ransomware));
                    tally.keep();
                }
                None => tally.refuse("without a date"),
            }
        }
        output.summaries.push(tally.finish());
    }
    Ok(output)
}
