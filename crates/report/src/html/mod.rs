//! One HTML page that needs nothing else: no network, no fonts, no images; its script only filters rows.
//!
//! It reads well without the script, in the dark, on paper and on a phone. All foreign text is escaped, and a policy in
//! the page allows no other script than its own.

use crate::markup::escape;
use crate::result::{ResultGroup, group};
use crate::{Error, Options, identity, problems};
use base64::Engine;
use seaworthy_model::{Confidence, Finding, Package, PackageClass, ScanReport, Severity};
use sha2::{Digest as _, Sha256};
use std::fmt::Write;

static STYLE: &str = include_str!("page.css");
static SCRIPT: &str = include_str!("page.js");

/// Problems listed at the most; JSON has all of them.
const PROBLEMS: usize = 200;

/// Writes the page.
pub(crate) fn write(report: &ScanReport, options: &Options) -> Result<Vec<u8>, Error> {
    let groups = group(report, options);
    let mut out = String::new();
    let name = escape(&report.artifact_name);
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'\">\n\
         <title>{name} – vulnerabilities</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{name}</h1>\n"
    );
    meta(&mut out, report);
    tiles(&mut out, &groups);
    out.push_str("</header>\n");
    verdict(&mut out, report, &groups);
    for warning in problems::warnings(report) {
        let _ = writeln!(out, "<p class=\"note high\"><b>Warning:</b> {warning}</p>");
    }
    let any = groups.iter().any(|group| !group.findings.is_empty());
    if any {
        filter(&mut out);
    }
    out.push_str("<main>\n");
    for group in &groups {
        target(&mut out, group);
    }
    problem_list(&mut out, report);
    out.push_str("</main>\n");
    footer(&mut out, report);
    if any {
        let _ = writeln!(out, "<script>{SCRIPT}</script>");
    }
    out.push_str("</body>\n</html>\n");
    Ok(out.into_bytes())
}

fn meta(out: &mut String, report: &ScanReport) {
    let mut facts = Vec::new();
    if let Some(distribution) = &report.inventory.distribution {
        facts.push(format!(
            "{} {}",
            identity::family_name(distribution),
            distribution.version
        ));
    }
    if let Some(image) = &report.image {
        facts.extend(image.platform.iter().map(ToString::to_string));
        facts.extend(image.repo_tags.iter().take(3).cloned());
        facts.extend(image.image_id.iter().map(ToString::to_string));
    }
    facts.push(format!(
        "scanned {}",
        report
            .created_at
            .get(..16)
            .unwrap_or(&report.created_at)
            .replace('T', " ")
    ));
    out.push_str("<div class=\"meta\">");
    for fact in facts {
        let _ = write!(out, "<span>{}</span>", escape(&fact));
    }
    out.push_str("</div>\n");
}

const fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "unknown",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn tiles(out: &mut String, groups: &[ResultGroup<'_>]) {
    let findings = || {
        groups
            .iter()
            .flat_map(|group| &group.findings)
            .map(|(finding, _)| &finding.matched)
    };
    out.push_str("<div class=\"tiles\">\n");
    for severity in Severity::ALL.into_iter().rev() {
        let count = findings().filter(|found| found.severity == severity).count();
        let _ = writeln!(
            out,
            "<div class=\"tile {0}\"><b>{count}</b><span>{0}</span></div>",
            class(severity)
        );
    }
    let fixable = findings().filter(|found| !found.fixed_version.is_empty()).count();
    let _ = writeln!(
        out,
        "<div class=\"tile good\"><b>{fixable}</b><span>with a fix</span></div>\n</div>"
    );
}

fn verdict(out: &mut String, report: &ScanReport, groups: &[ResultGroup<'_>]) {
    let found = groups.iter().any(|group| !group.findings.is_empty());
    let checked = groups.iter().any(|group| group.checked);
    if !found && checked && !problems::is_incomplete(report) {
        out.push_str("<p class=\"note good\"><b>No vulnerabilities found.</b></p>\n");
    } else if !found {
        out.push_str("<p class=\"note high\"><b>Nothing was found in what could be read and checked.</b></p>\n");
    }
    for reason in &report.decision.reasons {
        let _ = writeln!(out, "<p class=\"note critical\"><b>Failed:</b> {}</p>", escape(reason));
    }
}

fn filter(out: &mut String) {
    out.push_str("<div class=\"filter\"><input type=\"search\" id=\"text\" placeholder=\"Filter by id, package or path\" aria-label=\"Filter\">");
    for severity in Severity::ALL.into_iter().rev() {
        let _ = write!(
            out,
            "<label class=\"sev {0}\"><input type=\"checkbox\" value=\"{0}\" checked> {0}</label>",
            class(severity)
        );
    }
    out.push_str("</div>\n");
}

fn target(out: &mut String, group: &ResultGroup<'_>) {
    let count = group.packages.len();
    let _ = writeln!(
        out,
        "<h2>{} <span class=\"dim\">{} · {count} package{}</span></h2>",
        escape(&group.target),
        escape(&group.kind),
        if count == 1 { "" } else { "s" }
    );
    if group.findings.is_empty() {
        let words = if group.checked {
            "No vulnerabilities found."
        } else {
            "Listed, not checked."
        };
        let _ = writeln!(out, "<p class=\"dim\">{words}</p>");
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table>\n<thead><tr><th>Severity</th><th>Vulnerability</th><th>Package</th><th>Installed</th>\
         <th>Fixed</th><th>CVSS</th><th>EPSS</th></tr></thead>\n<tbody>\n",
    );
    let mut findings: Vec<_> = group.findings.iter().collect();
    findings.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.matched.severity));
    for (finding, package) in findings {
        row(out, group, finding, package);
    }
    out.push_str("</tbody></table></div>\n");
}

fn row(out: &mut String, group: &ResultGroup<'_>, finding: &Finding, package: &Package) {
    let found = &finding.matched;
    let severity = class(found.severity);
    let _ = write!(
        out,
        "<tr data-severity=\"{severity}\"><td class=\"sev {severity}\">{}</td><td><a href=\"{}\" rel=\"noreferrer\">{}</a>",
        found.severity,
        escape(&identity::primary_url(&found.id)),
        escape(&found.id)
    );
    if found.known_exploited.is_some() {
        out.push_str(" <span class=\"badge\">exploited</span>");
    }
    if let Confidence::Uncertain(why) = &found.confidence {
        let _ = write!(out, "<span class=\"path\">uncertain: {}</span>", escape(why));
    }
    let _ = write!(out, "</td><td data-label=\"Package\">{}", escape(&package.name));
    if group.class == PackageClass::Language && group.aggregated {
        let _ = write!(out, "<span class=\"path\">{}</span>", escape(&package.path));
    }
    let fixed = match found.fixed_version.as_str() {
        "" => format!("<span class=\"dim\">{}</span>", found.status.name()),
        fixed => escape(fixed).into_owned(),
    };
    let score = found
        .cvss
        .get(&found.severity_source)
        .or_else(|| found.cvss.values().next());
    let score = score.and_then(seaworthy_model::Cvss::best_score);
    let _ = writeln!(
        out,
        "</td><td data-label=\"Installed\">{}</td><td data-label=\"Fixed\">{fixed}</td>\
         <td class=\"num\" data-label=\"CVSS\">{}</td><td class=\"num\" data-label=\"EPSS\">{}</td></tr>",
        escape(identity::installed_version(package)),
        score.map(|score| format!("{score:.1}")).unwrap_or_default(),
        found
            .epss
            .map(|epss| format!("{:.1} %", epss.score * 100.0))
            .unwrap_or_default()
    );
}

fn problem_list(out: &mut String, report: &ScanReport) {
    let problems = problems::weighty(report);
    if problems.is_empty() {
        return;
    }
    out.push_str("<h2>What could not be read or is uncertain</h2>\n<ul>\n");
    for problem in problems.iter().take(PROBLEMS) {
        let _ = writeln!(
            out,
            "<li><b>{}</b> {}</li>",
            problems::effect(problem),
            escape(&problems::line(problem))
        );
    }
    if problems.len() > PROBLEMS {
        let _ = writeln!(
            out,
            "<li>… and {} more; the JSON report has all of them</li>",
            problems.len() - PROBLEMS
        );
    }
    out.push_str("</ul>\n");
}

fn footer(out: &mut String, report: &ScanReport) {
    let database = &report.database;
    let mut sources: Vec<&str> = database.sources.iter().map(|source| source.name.as_str()).collect();
    sources.dedup();
    let _ = writeln!(
        out,
        "<footer>Seaworthy {}. Advisory data of {}{}.</footer>",
        env!("CARGO_PKG_VERSION"),
        escape(database.built_at.get(..10).unwrap_or(&database.built_at)),
        if sources.is_empty() {
            String::new()
        } else {
            format!(", from {}", escape(&sources.join(", ")))
        }
    );
}
