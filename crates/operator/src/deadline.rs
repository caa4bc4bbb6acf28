//! Until when what runs has to be updated, after a vulnerability became known in it.
//!
//! It counts from the day on which the advisory data first had it here. The times are CISA's: two weeks for what is known
//! to be exploited (BOD 22-01), 15 days for critical and 30 for high severity (BOD 19-02); the rest has 90 days.

use jiff::Timestamp;
use seaworthy_model::{AssessedFinding, Assessment, Severity};

const DAY: i64 = 86_400;

/// When the time for a finding ends, in seconds since 1970; nothing for one that was known when the image was scanned.
pub(crate) fn update_by(assessment: &Assessment, finding: &AssessedFinding) -> Option<i64> {
    let since = *assessment.later.get(&finding.id)?;
    let days = match finding.severity {
        _ if finding.known_exploited => 14,
        Severity::Critical => 15,
        Severity::High => 30,
        _ => 90,
    };
    Some(since.saturating_add(days * DAY))
}

/// The day, as people read it.
pub(crate) fn date(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).map(|time| time.to_string());
    time.unwrap_or_default().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::{DAY, date, update_by};
    use seaworthy_model::{AssessedFinding, Assessment, Severity};

    #[test]
    fn the_time_counts_from_when_it_became_known_and_depends_on_how_bad_it_is() {
        let mut assessment = Assessment::default();
        assessment.later.insert("CVE-1".to_owned(), 20_000 * DAY);
        let finding = |id: &str, severity, known_exploited| AssessedFinding {
            id: id.to_owned(),
            package: "p".to_owned(),
            installed: "1".to_owned(),
            severity,
            known_exploited,
            ..AssessedFinding::default()
        };
        for (id, severity, exploited, expected) in [
            ("CVE-1", Severity::Critical, false, Some("2024-10-19")),
            ("CVE-1", Severity::Low, true, Some("2024-10-18")),
            ("CVE-1", Severity::High, false, Some("2024-11-03")),
            ("CVE-1", Severity::Medium, false, Some("2025-01-02")),
            ("CVE-2", Severity::Critical, false, None),
        ] {
            let until = update_by(&assessment, &finding(id, severity, exploited)).map(date);
            assert_eq!(until.as_deref(), expected, "{id} {severity}");
        }
    }
}
