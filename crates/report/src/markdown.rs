//! Markdown for comments on merge requests: a line that says it all, and a table that is folded where it is long.

use crate::plain::plain;
use crate::result::{ResultGroup, group};
use crate::{Error, Options, identity, problems};
use seaworthy_model::{ScanReport, Severity};
use std::fmt::Write;

/// Rows of findings at the most: hosts refuse comments of more than 64 KiB.
const ROWS: usize = 200;
/// Findings of one target above which its table is folded.
const FOLDED: usize = 20;
/// Problems listed at the most.
const PROBLEMS: usize = 20;

/// Writes the comment.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let groups = group(report, options);
    let mut out = format!("## {}\n\n", cell(&report.artifact_name));
    let total: usize = groups.iter().map(|group| group.findings.len()).sum();
    if total > 0 {
        let counts: Vec<String> = Severity::ALL
            .into_iter()
            .rev()
            .filter_map(|severity| {
                let count: usize = groups.iter().map(|group| count(group, severity)).sum();
                (count > 0).then(|| format!("{count} {}", severity.name().to_lowercase()))
            })
            .collect();
        let _ = write!(out, "**Vulnerabilities found: {}**\n\n", counts.join(", "));
    } else if problems::is_incomplete(report) || !groups.iter().any(|group| group.checked) {
        out.push_str("**Nothing was found in what could be read and checked**\n\n");
    } else {
        out.push_str("**No vulnerabilities found**\n\n");
    }
    for warning in problems::warnings(report) {
        let _ = write!(out, "> **Warning:** {warning}\n\n");
    }
    let mut left = ROWS;
    for group in groups.iter().filter(|group| !group.findings.is_empty()) {
        table(&mut out, group, &mut left);
    }
    let problems = problems::weighty(report);
    for problem in problems.iter().take(PROBLEMS) {
        let _ = writeln!(
            out,
            "- Problem ({}): {}",
            problems::effect(problem),
            cell(&problems::line(problem))
        );
    }
    if problems.len() > PROBLEMS {
        let _ = writeln!(out, "- … and {} more problems", problems.len() - PROBLEMS);
    }
    let day = report.database.built_at.get(..10).unwrap_or_default();
    let _ = write!(
        out,
        "\n<sub>Seaworthy {}, advisory data of {day}</sub>\n",
        env!("CARGO_PKG_VERSION")
    );
    Ok(out.into_bytes())
}

fn count(group: &ResultGroup<'_>, severity: Severity) -> usize {
    group
        .findings
        .iter()
        .filter(|(finding, _)| finding.matched.severity == severity)
        .count()
}

fn table(out: &mut String, group: &ResultGroup<'_>, left: &mut usize) {
    let folded = group.findings.len() > FOLDED;
    let heading = format!("{} ({})", cell(&group.target), group.findings.len());
    if folded {
        let _ = write!(out, "<details><summary>{heading}</summary>\n\n");
    } else {
        let _ = write!(out, "### {heading}\n\n");
    }
    out.push_str("| Severity | Vulnerability | Package | Installed | Fixed |\n| --- | --- | --- | --- | --- |\n");
    let mut findings: Vec<_> = group.findings.iter().collect();
    findings.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.matched.severity));
    let shown = findings.len().min(*left);
    for (finding, package) in findings.iter().take(shown) {
        let found = &finding.matched;
        let fixed = match found.fixed_version.as_str() {
            "" => found.status.name(),
            fixed => fixed,
        };
        let _ = writeln!(
            out,
            "| {} | [{}]({}) | {} | {} | {} |",
            found.severity,
            cell(&found.id),
            address(&found.id),
            cell(&package.name),
            cell(identity::installed_version(package)),
            cell(fixed)
        );
    }
    *left -= shown;
    if shown < findings.len() {
        let _ = write!(out, "\n… and {} more\n", findings.len() - shown);
    }
    out.push_str(if folded { "\n</details>\n\n" } else { "\n" });
}

/// The page of a vulnerability, without what would end the link.
fn address(id: &str) -> String {
    let safe = |character: &char| character.is_ascii_alphanumeric() || "-._~:/?=%+".contains(*character);
    identity::primary_url(id).chars().filter(safe).collect()
}

/// Foreign text on one line of a table, without markup.
fn cell(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' => {
                shown.push('\\');
                shown.push(character);
            }
            // A name that begins with it would call someone.
            '@' => shown.push_str("&#64;"),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(cell("<b>|@team\n"), "&lt;b&gt;\\|&#64;team\\\\u{a}");
    }
}
