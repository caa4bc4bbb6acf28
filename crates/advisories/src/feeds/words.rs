//! The small texts that all feeds share: ids, dates, severity words, CVSS vectors, EVRs.

use crate::record::{CvssVectors, Facts, SourceId};
use seaworthy_model::Severity;
use seaworthy_model::limits::ADVISORY_WEAKNESSES;

/// Whether this is a whole CVE id: `CVE-` year `-` four digits or more.
pub(super) fn is_cve(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("CVE-") else {
        return false;
    };
    let Some((year, number)) = rest.split_once('-') else {
        return false;
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)
}

/// The CVE id at the start of a text, whatever follows it: `CVE-2017-17434-1`, `CVE-2021-35940.patch`, `CVE_2019-2426`.
pub(super) fn leading_cve(text: &str) -> Option<String> {
    let rest = text.strip_prefix("CVE-").or_else(|| text.strip_prefix("CVE_"))?;
    let (year, rest) = rest.split_once('-')?;
    let end = rest
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(rest.len());
    let id = format!("CVE-{year}-{}", rest.get(..end)?);
    is_cve(&id).then_some(id)
}

/// Seconds since 1970 of RFC 3339, `YYYY-MM-DD hh:mm:ss` (taken as UTC) or `YYYY-MM-DD`; the year 1 means no date.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let second = if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        timestamp.as_second()
    } else if let Ok(time) = text.parse::<jiff::civil::DateTime>() {
        jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?.as_second()
    } else {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        jiff::tz::TimeZone::UTC
            .to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
            .ok()?
            .as_second()
    };
    (second >= 0).then_some(second)
}

/// The severity that a publisher's word stands for.
pub(super) fn severity(word: &str) -> Option<Severity> {
    match word.trim().to_ascii_lowercase().as_str() {
        "critical" => Some(Severity::Critical),
        "important" | "high" => Some(Severity::High),
        "moderate" | "medium" => Some(Severity::Medium),
        "low" | "negligible" => Some(Severity::Low),
        _ => None,
    }
}

/// Puts a CVSS vector where it belongs by its own prefix; metrics that say "not defined" are left out.
/// Tells whether it was a vector.
pub(super) fn add_vector(facts: &mut Facts, source: SourceId, vector: &str) -> bool {
    let vector = vector.trim();
    let Some((version, vector)) = normalised(vector) else {
        return false;
    };
    let vectors: &mut CvssVectors = facts.cvss.entry(source).or_default();
    let place = match version {
        '2' => &mut vectors.v2,
        '3' => &mut vectors.v3,
        _ => &mut vectors.v40,
    };
    if place.is_none() {
        *place = Some(vector);
    }
    true
}

/// The numbers of the weaknesses that a text names, in whatever syntax: `CWE-79`, `(CWE-377|CWE-367)`, `CWE-190->CWE-122`.
pub(super) fn weaknesses(text: &str) -> Vec<u32> {
    text.split("CWE-")
        .skip(1)
        .filter_map(|rest| {
            let end = rest
                .bytes()
                .position(|byte| !byte.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.get(..end)?.parse().ok()
        })
        .filter(|number| *number > 0)
        .collect()
}

/// Adds weaknesses, sorted and each once.
pub(super) fn add_weaknesses(known: &mut Vec<u32>, more: Vec<u32>) {
    if more.is_empty() {
        return;
    }
    known.extend(more);
    known.sort_unstable();
    known.dedup();
    known.truncate(ADVISORY_WEAKNESSES);
    known.shrink_to_fit();
}

fn normalised(vector: &str) -> Option<(char, String)> {
    if vector.len() > 256 || !vector.is_ascii() {
        return None;
    }
    let version = if vector.starts_with("CVSS:3.") {
        '3'
    } else if vector.starts_with("CVSS:4.") {
        '4'
    } else if vector.starts_with("AV:") {
        '2'
    } else {
        return None;
    };
    let mut kept = String::with_capacity(vector.len());
    for metric in vector
        .split('/')
        .filter(|metric| !metric.ends_with(":X") && !metric.is_empty())
    {
        if !kept.is_empty() {
            kept.push('/');
        }
        kept.push_str(metric);
    }
    kept.shrink_to_fit();
    Some((version, kept))
}

/// An rpm version without the epoch that changes nothing: `0:1.2-3` is `1.2-3`.
pub(super) fn evr(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix("0:")
        .or_else(|| text.strip_prefix("(none):"))
        .unwrap_or(text)
        .to_owned()
}

/// `name:stream` words of a title such as `virt:rhel and virt-devel:rhel security update`.
pub(super) fn module_streams(title: &str) -> Vec<String> {
    title
        .split(|character: char| character.is_whitespace() || matches!(character, ',' | '(' | ')'))
        .filter(|word| {
            word.split_once(':').is_some_and(|(name, stream)| {
                let plain = |text: &str| {
                    !text.is_empty()
                        && text
                            .chars()
                            .all(|character| character.is_ascii_alphanumeric() || "+._-".contains(character))
                };
                plain(name) && plain(stream)
            })
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{add_vector, evr, is_cve, leading_cve, module_streams, seconds};
    use crate::record::{Facts, SourceId};

    #[test]
    fn weaknesses_are_read_in_every_syntax() {
        for (text, expected) in [
            ("CWE-79", &[79][..]),
            ("(CWE-377|CWE-367)", &[377, 367]),
            ("CWE-190->CWE-122", &[190, 122]),
            ("NVD-CWE-noinfo", &[]),
            ("CWE-99999999999", &[]),
            ("", &[]),
        ] {
            assert_eq!(super::weaknesses(text), expected, "{text}");
        }
        let mut known = vec![416];
        super::add_weaknesses(&mut known, vec![79, 416]);
        assert_eq!(known, [79, 416]);
    }

    #[test]
    fn finds_cve_ids_in_what_people_write() {
        for (text, expected) in [
            ("CVE-2017-17434-1", Some("CVE-2017-17434")),
            ("CVE_2019-2426", Some("CVE-2019-2426")),
            ("CVE-2021-35940.patch", Some("CVE-2021-35940")),
            ("CVE-????-?????", None),
            ("CVE-46838", None),
            ("XSA-200", None),
        ] {
            assert_eq!(leading_cve(text).as_deref(), expected, "{text}");
        }
        assert!(is_cve("CVE-1999-0001") && is_cve("CVE-2024-1234567"));
        assert!(!is_cve("CVE-2024-123") && !is_cve("cve-2024-1234") && !is_cve("CVE-2024-1234x"));
    }

    #[test]
    fn reads_the_dates_of_all_feeds() {
        for text in [
            "2018-01-11T21:05:00Z",
            "2018-01-11 21:05:00",
            "2018-01-11T21:05:00.000",
            "2018-01-11T22:05:00+01:00",
        ] {
            assert_eq!(seconds(text), Some(1_515_704_700), "{text}");
        }
        assert_eq!(seconds("1970-01-02"), Some(86_400));
        assert_eq!(seconds("0001-01-01T00:00:00Z"), None);
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn sorts_vectors_by_version_and_drops_undefined_metrics() {
        let mut facts = Facts::default();
        assert!(add_vector(
            &mut facts,
            SourceId::Cna,
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:X/U:X"
        ));
        assert!(add_vector(&mut facts, SourceId::Cna, "AV:N/AC:L/Au:N/C:N/I:N/A:P"));
        assert!(!add_vector(&mut facts, SourceId::Cna, "HIGH"));
        let vectors = &facts.cvss[&SourceId::Cna];
        assert_eq!(
            vectors.v40.as_deref(),
            Some("CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")
        );
        assert_eq!(vectors.v2.as_deref(), Some("AV:N/AC:L/Au:N/C:N/I:N/A:P"));
        assert_eq!(vectors.v3, None);
    }

    #[test]
    fn finds_module_streams() {
        assert_eq!(
            module_streams("virt:rhel and virt-devel:rhel security update"),
            ["virt:rhel", "virt-devel:rhel"]
        );
        assert_eq!(module_streams("new module: maven:3.6"), ["maven:3.6"]);
        assert!(module_streams("varnish security update").is_empty());
        assert_eq!(evr("0:1.2-3"), "1.2-3");
        assert_eq!(evr("1:1.2-3"), "1:1.2-3");
    }
}
