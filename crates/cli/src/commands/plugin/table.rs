//! Columns as `kubectl get` prints them, ages as it writes them, and the findings of an ImageScan.

use crate::text;
use jiff::Timestamp;
use seaworthy_model::Severity;
use seaworthy_operator::resources::{FindingSummary, ImageScanStatus};

/// Rows under their headings, three spaces between columns, nothing behind the last one.
pub(super) fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| text::escape(cell)).collect())
        .collect();
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&headings).chain(&rows);
        cells
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(&headings).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 3));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// How long ago, in the largest units that say enough: `45s`, `12m`, `3h`, `9d`.
pub(super) fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    let Some(since) = since else { return String::new() };
    let seconds = now.as_second().saturating_sub(since.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The findings that an ImageScan lists, of these severities; nothing where there are none.
pub(super) fn findings(status: &ImageScanStatus, severities: &[Severity], wide: bool) -> String {
    let shown: Vec<&FindingSummary> = status
        .top
        .iter()
        .filter(|finding| severities.contains(&severity(finding)))
        .collect();
    let mut text = String::new();
    if !shown.is_empty() {
        let mut headings = vec!["SEVERITY", "VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED"];
        if wide {
            headings.extend(["CVSS", "EPSS", "EXPLOITED", "PUBLISHED"]);
        }
        let rows: Vec<Vec<String>> = shown.iter().map(|finding| row(finding, wide)).collect();
        text = columns(&headings, &rows);
    }
    let (all, listed) = (count(status, severities), shown.len());
    if all > listed {
        let more = if listed == 0 {
            "none of them is"
        } else {
            "the worst are"
        };
        text.push_str(&format!("{listed} of {all} findings: {more} listed in the cluster\n"));
    }
    text
}

fn row(finding: &FindingSummary, wide: bool) -> Vec<String> {
    let mut row = vec![
        finding.severity.clone(),
        finding.id.clone(),
        finding.package.clone(),
        finding.installed.clone(),
        finding.fixed.clone().unwrap_or_else(|| "-".to_owned()),
    ];
    if wide {
        let number =
            |value: Option<f64>, digits| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
        row.push(number(finding.cvss, 1));
        row.push(number(finding.epss, 4));
        row.push(
            if finding.known_exploited == Some(true) {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
        );
        row.push(finding.published.clone().unwrap_or_else(|| "-".to_owned()));
    }
    row
}

fn severity(finding: &FindingSummary) -> Severity {
    finding.severity.parse().unwrap_or(Severity::Unknown)
}

/// How many findings of these severities there are, listed or not.
pub(super) fn count(status: &ImageScanStatus, severities: &[Severity]) -> usize {
    let counts = status.findings.unwrap_or_default();
    let mut severities = severities.to_vec();
    severities.sort();
    severities.dedup();
    let count = severities.into_iter().map(|severity| match severity {
        Severity::Critical => counts.critical,
        Severity::High => counts.high,
        Severity::Medium => counts.medium,
        Severity::Low => counts.low,
        Severity::Unknown => counts.unknown,
    });
    usize::try_from(count.map(u64::from).sum::<u64>()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{age, columns};
    use jiff::Timestamp;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["a".to_owned(), "x\u{1b}[2J".to_owned()],
            vec!["longer".to_owned(), String::new()],
        ];
        assert_eq!(
            columns(&["A", "B"], &rows),
            "A        B\na        x\\u{1b}[2J\nlonger\n"
        );
    }

    #[test]
    fn ages_are_short() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_200, "2h"),
            (200_000, "2d"),
            (-5, "0s"),
        ] {
            let since = Timestamp::from_second(1_000_000 - seconds).unwrap();
            assert_eq!(age(Some(since), now), expected);
        }
        assert_eq!(age(None, now), "");
    }
}
