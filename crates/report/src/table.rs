//! The report for people: a summary, one grid for each target with findings, and what the result rests on.
//!
//! Layout and words are those that users of Trivy know. A clean target says so with its total, and the last lines say
//! what was read, what was not, and how old the data are: nothing found can be told from nothing read.

use crate::grid::{Cell, Grid};
use crate::identity;
use crate::plain::{plain, width};
use crate::result::{ResultGroup, group};
use crate::{Error, Options};
use seaworthy_model::{Confidence, Effect, Package, PackageClass, Problem, ScanReport, Severity, Subject};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Columns of the title at the most, as Trivy wraps it.
const TITLE_WIDTH: usize = 60;
/// Columns of a title at the least: a link on more than two or three lines is of no use.
const LINK_WIDTH: usize = 24;
/// Columns of any other cell at the least.
const CELL_WIDTH: usize = 8;
/// Problems listed at the most; JSON has all of them.
const PROBLEMS_SHOWN: usize = 20;

/// Writes the table report.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let groups = group(report, options);
    let mut out = String::new();
    summary(&mut out, &groups, options);
    for group in &groups {
        target(&mut out, report, group, options);
    }
    footer(&mut out, report, &groups);
    Ok(out.into_bytes())
}

fn summary(out: &mut String, groups: &[ResultGroup<'_>], options: &Options) {
    out.push_str("\nReport Summary\n\n");
    let mut rows = Vec::new();
    for group in groups {
        for (target, findings) in summary_targets(group) {
            let count = if group.checked || findings > 0 {
                findings.to_string()
            } else {
                "-".to_owned()
            };
            rows.push(vec![
                Cell::new(plain(target)),
                Cell::new(plain(&group.kind)),
                Cell::new(count),
            ]);
        }
    }
    if rows.is_empty() {
        rows.push(vec![Cell::new("-"), Cell::new("-"), Cell::new("-")]);
    }
    let mut grid = Grid {
        header: cells(&["Target", "Type", "Vulnerabilities"]),
        rows,
        centred: &[1, 2],
        merge: false,
    };
    fit(&mut grid, 0, options.width, CELL_WIDTH);
    grid.draw(out);
    out.push_str("Legend:\n- '-': Not scanned\n- '0': Clean (no security findings detected)\n\n");
}

/// The rows of a group and the findings of each: installed packages of a language have one a file, the rest is one.
fn summary_targets<'a>(group: &'a ResultGroup<'_>) -> Vec<(&'a str, usize)> {
    if !group.aggregated {
        return vec![(&group.target, group.findings.len())];
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &group.packages {
        counts.entry(&package.path).or_default();
    }
    for (_, package) in &group.findings {
        *counts.entry(&package.path).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn target(out: &mut String, report: &ScanReport, group: &ResultGroup<'_>, options: &Options) {
    let os = group.class == PackageClass::Os;
    let suppressed = options.show_suppressed && !group.suppressed.is_empty();
    // A target that was not compared with advisories is never given a total of nothing.
    if group.findings.is_empty() && !suppressed && !(os && group.checked) {
        return;
    }
    let heading = if os {
        plain(&group.target).into_owned()
    } else {
        format!("{} ({})", plain(&group.target), plain(&group.kind))
    };
    if options.colour {
        let _ = write!(out, "\n\u{1b}[1;4m{heading}\u{1b}[0m\n\n");
    } else {
        let _ = write!(out, "\n{heading}\n{}\n", "=".repeat(heading.len()));
    }
    let incomplete = report
        .inventory
        .problems
        .iter()
        .any(|problem| problem.effect == Effect::Incomplete);
    // A total of what was not read whole is no result: it says so on the same line.
    let mark = if incomplete {
        " INCOMPLETE, see the problems below"
    } else {
        ""
    };
    let _ = write!(out, "{}{mark}\n\n", total(group, options));
    if !group.findings.is_empty() {
        findings(out, group, options);
        out.push('\n');
    }
    if suppressed {
        suppressed_findings(out, group, options);
    }
}

fn total(group: &ResultGroup<'_>, options: &Options) -> String {
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .filter(|severity| options.severities.contains(severity))
        .map(|severity| {
            let count = group
                .findings
                .iter()
                .filter(|(finding, _)| finding.matched.severity == severity)
                .count();
            format!("{severity}: {count}")
        })
        .collect();
    format!("Total: {} ({})", group.findings.len(), counts.join(", "))
}

fn findings(out: &mut String, group: &ResultGroup<'_>, options: &Options) {
    let rows = group
        .findings
        .iter()
        .map(|(finding, package)| {
            let found = &finding.matched;
            // The mark stands beside the status, which narrow tables keep; the reason stands with the title.
            let (uncertain, reason) = match &found.confidence {
                Confidence::Exact => ("", String::new()),
                Confidence::Uncertain(why) => {
                    (" (uncertain)", wrap(&format!("uncertain: {}", plain(why)), TITLE_WIDTH))
                }
            };
            let link = wrap(&identity::primary_url(&found.id), TITLE_WIDTH);
            let title = if reason.is_empty() {
                link
            } else {
                format!("{reason}\n{link}")
            };
            vec![
                Cell::new(library(group, package)),
                Cell::new(plain(&found.id)),
                Cell::new(found.severity.name()).coloured(colour(found.severity, options)),
                Cell::new(format!("{}{uncertain}", found.status.name())),
                Cell::new(plain(identity::installed_version(package))),
                Cell::new(plain(&found.fixed_version)),
                Cell::new(title),
            ]
        })
        .collect();
    let header = cells(&[
        "Library",
        "Vulnerability",
        "Severity",
        "Status",
        "Installed Version",
        "Fixed Version",
        "Title",
    ]);
    let mut grid = Grid {
        header,
        rows,
        centred: &[],
        merge: true,
    };
    let whole = (grid.header.clone(), grid.rows.clone());
    fit(&mut grid, 6, options.width, LINK_WIDTH);
    for column in [5, 4, 0, 3, 1] {
        fit(&mut grid, column, options.width, CELL_WIDTH);
    }
    if options.width.is_some_and(|limit| grid.total_width() > limit) {
        // The title holds a link that follows from the id: it goes before the others become hard to read.
        (grid.header, grid.rows) = whole;
        drop_last_column(&mut grid);
        for column in [5, 4, 0, 3, 1] {
            fit(&mut grid, column, options.width, CELL_WIDTH);
        }
    }
    grid.draw(out);
}

fn suppressed_findings(out: &mut String, group: &ResultGroup<'_>, options: &Options) {
    let _ = write!(
        out,
        "Suppressed Vulnerabilities (Total: {})\n\n",
        group.suppressed.len()
    );
    let rows = group
        .suppressed
        .iter()
        .filter_map(|(finding, package)| {
            let reason = finding.suppression.as_ref()?;
            Some(vec![
                Cell::new(library(group, package)),
                Cell::new(plain(&finding.matched.id)),
                Cell::new(finding.matched.severity.name()).coloured(colour(finding.matched.severity, options)),
                Cell::new(plain(&reason.status)),
                Cell::new(plain(if reason.statement.is_empty() {
                    "N/A"
                } else {
                    &reason.statement
                })),
                Cell::new(plain(&reason.source)),
            ])
        })
        .collect();
    let header = cells(&["Library", "Vulnerability", "Severity", "Status", "Statement", "Source"]);
    let mut grid = Grid {
        header,
        rows,
        centred: &[],
        merge: true,
    };
    for column in [4, 5, 0] {
        fit(&mut grid, column, options.width, CELL_WIDTH);
    }
    grid.draw(out);
    out.push('\n');
}

/// `name`, with the last part of the path that tells packages apart where their target is no file.
fn library(group: &ResultGroup<'_>, package: &Package) -> String {
    let name = plain(&package.name);
    if !group.aggregated {
        return name.into_owned();
    }
    let file = package.path.rsplit('/').next().unwrap_or_default();
    format!("{name} ({})", plain(file))
}

const fn colour(severity: Severity, options: &Options) -> Option<&'static str> {
    if !options.colour {
        return None;
    }
    Some(match severity {
        Severity::Critical => "\u{1b}[31m",
        Severity::High => "\u{1b}[91m",
        Severity::Medium => "\u{1b}[33m",
        Severity::Low => "\u{1b}[34m",
        Severity::Unknown => "\u{1b}[36m",
    })
}

fn cells(names: &[&str]) -> Vec<Cell> {
    names.iter().map(|name| Cell::new(*name)).collect()
}

/// Narrows one column until the grid fits, but never below its header's longest word or `least`.
fn fit(grid: &mut Grid<'_>, column: usize, limit: Option<usize>, least: usize) {
    let Some(limit) = limit else { return };
    let too_much = grid.total_width().saturating_sub(limit);
    let lines = || {
        grid.rows
            .iter()
            .chain([&grid.header])
            .filter_map(|row| row.get(column))
            .flat_map(|cell| &cell.lines)
    };
    let Some(widest) = lines().map(|line| width(line)).max().filter(|_| too_much > 0) else {
        return;
    };
    let header = grid
        .header
        .get(column)
        .into_iter()
        .flat_map(|cell| &cell.lines)
        .flat_map(|line| line.split(' '));
    let least = header.map(width).max().unwrap_or(0).max(least);
    let room = widest.saturating_sub(too_much).max(least);
    for cell in grid
        .rows
        .iter_mut()
        .chain([&mut grid.header])
        .filter_map(|row| row.get_mut(column))
    {
        let wrapped: Vec<String> = cell.lines.iter().map(|line| wrap(line, room)).collect();
        cell.lines = wrapped.join("\n").split('\n').map(str::to_owned).collect();
    }
}

/// Leaves the last column out.
fn drop_last_column(grid: &mut Grid<'_>) {
    grid.header.pop();
    for row in &mut grid.rows {
        row.pop();
    }
}

/// Breaks a text at spaces, and words that are too long for a line (URLs, versions) where the line ends.
fn wrap(text: &str, columns: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        let current = lines.last().map_or(0, |line| width(line));
        if current > 0 && current + 1 + width(word) > columns {
            lines.push(String::new());
        } else if current > 0
            && let Some(line) = lines.last_mut()
        {
            line.push(' ');
        }
        while width(word) > columns {
            let mut end = 0;
            for (at, character) in word.char_indices() {
                let next = at + character.len_utf8();
                if word.get(..next).is_none_or(|part| width(part) > columns) {
                    break;
                }
                end = next;
            }
            let (part, rest) = word.split_at(if end == 0 {
                word.chars().next().map_or(0, char::len_utf8)
            } else {
                end
            });
            if let Some(line) = lines.last_mut() {
                line.push_str(part);
            }
            lines.push(String::new());
            word = rest;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// What was read, what was not, and how old the data are.
fn footer(out: &mut String, report: &ScanReport, groups: &[ResultGroup<'_>]) {
    let inventory = &report.inventory;
    let mut read = vec![match &inventory.distribution {
        Some(distribution) => format!("{} {}", identity::family_name(distribution), distribution.version),
        None => "no distribution recognised".to_owned(),
    }];
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for group in groups {
        let label = match (group.class, group.aggregated) {
            (PackageClass::Os, _) => "distribution",
            (PackageClass::Language, true) => &group.target,
            (PackageClass::Language, false) => &group.kind,
        };
        match counts.iter_mut().find(|(other, _)| *other == label) {
            Some((_, count)) => *count += group.packages.len(),
            None => counts.push((label, group.packages.len())),
        }
    }
    read.extend(
        counts
            .iter()
            .map(|(label, count)| format!("{count} {label} package{}", if *count == 1 { "" } else { "s" })),
    );
    if groups.is_empty() {
        read.push("no packages".to_owned());
    }
    let problems = inventory
        .problems
        .iter()
        .filter(|problem| problem.effect != Effect::Note)
        .count();
    if problems > 0 {
        read.push(format!("{problems} problem{}", if problems == 1 { "" } else { "s" }));
    }
    let _ = write!(out, "\nRead: {}. {}\n", plain(&read.join(", ")), age(report));
    if report.end_of_life == Some(true) {
        out.push_str(
            "Warning: this release gets no more security fixes from its vendor; what is found is not all there is.\n",
        );
    }
    if !report.distribution_supported {
        out.push_str("Warning: there are no advisories for this distribution in the data; its packages were listed, not checked.\n");
    }
    problem_list(out, &inventory.problems);
}

fn age(report: &ScanReport) -> String {
    let database = &report.database;
    let day = database.built_at.get(..10).unwrap_or_default();
    let days = database.age_days;
    let mut text = format!(
        "Advisory data: {day}, {days} day{} old",
        if days == 1 { "" } else { "s" }
    );
    if let Some(newest) = &database.distribution_newest {
        let _ = write!(text, " (newest for this distribution: {newest})");
    }
    text.push('.');
    text
}

fn problem_list(out: &mut String, problems: &[Problem]) {
    let mut shown: Vec<&Problem> = problems
        .iter()
        .filter(|problem| problem.effect != Effect::Note)
        .collect();
    shown.sort_by(|a, b| b.effect.cmp(&a.effect).then_with(|| a.cmp(b)));
    for problem in shown.iter().take(PROBLEMS_SHOWN) {
        let effect = match problem.effect {
            Effect::Incomplete => "incomplete",
            Effect::Uncertain => "uncertain",
            Effect::Note => "note",
        };
        let place = match &problem.subject {
            Subject::Path(path) | Subject::PathInLayer { path, .. } => format!("{}: ", plain(path)),
            Subject::Digest(digest) => format!("{digest}: "),
            Subject::Artifact => String::new(),
        };
        let _ = writeln!(out, "Problem ({effect}): {place}{}", plain(&problem.what));
    }
    if shown.len() > PROBLEMS_SHOWN {
        let _ = writeln!(
            out,
            "… and {} more problems; --format json lists all of them",
            shown.len() - PROBLEMS_SHOWN
        );
    }
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn wraps_at_spaces_and_inside_long_words() {
        assert_eq!(wrap("a bb ccc", 4), "a bb\nccc");
        assert_eq!(wrap("abcdefgh", 3), "abc\ndef\ngh");
        assert_eq!(wrap("", 3), "");
        assert_eq!(wrap("漢字漢字", 4), "漢字\n漢字");
    }
}
