//! Reports as bytes, and the bytes where they are wanted: on standard output or in files, several one after another.

use super::options::classes;
use crate::arguments::{Format, OutputTarget, ScanArguments};
use crate::progress::terminal_is_dumb;
use crate::text;
use anyhow::{Context, Result};
use seaworthy_model::ScanReport;
use seaworthy_report::{Options as ReportOptions, Workflow};
use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

/// One report in one format.
pub(super) type Rendered = Vec<u8>;

/// Writes one scan's report in every format asked for, in the order of the outputs.
pub(super) fn render_all(report: &ScanReport, arguments: &ScanArguments, several: bool) -> Result<Vec<Rendered>> {
    let render = |format: &Format, terminal| -> Result<Rendered> {
        let bytes = render(format, report, arguments, terminal)?;
        Ok(if several && is_json(&bytes) {
            one_line(&bytes)
        } else {
            bytes
        })
    };
    if arguments.output.is_empty() {
        return Ok(vec![render(&arguments.format, std::io::stdout().is_terminal())?]);
    }
    arguments
        .output
        .iter()
        .map(|output| render(output.format.as_ref().unwrap_or(&arguments.format), false))
        .collect()
}

fn render(format: &Format, report: &ScanReport, arguments: &ScanArguments, terminal: bool) -> Result<Vec<u8>> {
    let width = terminal
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| usize::from(width.0));
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || terminal_is_dumb();
    let mut severities = arguments.severity.clone();
    severities.sort();
    severities.dedup();
    let options = ReportOptions {
        severities,
        classes: classes(arguments),
        list_all_packages: arguments.list_all_pkgs,
        show_suppressed: arguments.show_suppressed,
        width,
        colour: terminal && !no_colour,
        workflow: workflow(),
    };
    Ok(seaworthy_report::write(format.parse()?, report, &options)?)
}

/// The workflow run on GitHub that this is a step of.
fn workflow() -> Option<Workflow> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let run = variable("GITHUB_RUN_ID");
    (!run.is_empty()).then(|| Workflow {
        reference: variable("GITHUB_REF"),
        commit: variable("GITHUB_SHA"),
        correlator: format!("{}_{}", variable("GITHUB_WORKFLOW"), variable("GITHUB_JOB")),
        run,
    })
}

fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'{' | b'['))
}

/// JSON without the white space between its parts, so that each report of several is a line.
fn one_line(json: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        if in_text {
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_text = *byte == b'"';
        }
        line.push(*byte);
    }
    line.push(b'\n');
    line
}

/// Where the reports of one run go.
pub(super) struct Reports {
    /// The files in the order of the flags, opened when the first report is there; none: standard output.
    files: Vec<(PathBuf, Option<File>)>,
    /// Nobody reads standard output any more.
    closed: bool,
}

impl Reports {
    pub(super) fn new(arguments: &ScanArguments) -> Self {
        let files = arguments.output.iter();
        Self {
            files: files.map(|OutputTarget { path, .. }| (path.clone(), None)).collect(),
            closed: false,
        }
    }

    /// Writes the reports of one scan. Who reads them may stop reading; whether the images pass is another question.
    pub(super) fn write(&mut self, reports: &[Rendered]) -> Result<()> {
        if self.files.is_empty() {
            let bytes = reports.first().map(Vec::as_slice).unwrap_or_default();
            return match self.print(bytes) {
                Err(error) if text::is_broken_pipe(&error) => {
                    self.closed = true;
                    Ok(())
                }
                written => written,
            };
        }
        for ((path, file), bytes) in self.files.iter_mut().zip(reports) {
            let written = match file {
                Some(file) => file.write_all(bytes),
                None => File::create(&path).and_then(|created| file.insert(created).write_all(bytes)),
            };
            match written {
                // `/dev/stdout` and pipes are files here.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                written => written.with_context(|| format!("cannot write the report to {}", path.display()))?,
            }
        }
        Ok(())
    }

    fn print(&self, bytes: &[u8]) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .context("cannot write the report to standard output")
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn white_space_inside_texts_stays() {
        let json = "{\n  \"a\": \"b \\\" c\\\\\",\n  \"d\": [ 1, 2 ],\r\n\t\"\\\\\": \" \"\n}\n";
        let line = String::from_utf8(one_line(json.as_bytes())).unwrap();
        assert_eq!(line, "{\"a\":\"b \\\" c\\\\\",\"d\":[1,2],\"\\\\\":\" \"}\n");
        let values: [serde_json::Value; 2] = [json, &line].map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(values[0], values[1]);
    }
}
