//! The benchmark of whole scans: builds images, times `seaworthy` against `gzip -dc` of the same layers in the same run, and says which bars are held. `docs/benchmarks.md` explains the method and keeps the last figures.
//!
//! The images are kept between runs in a folder outside the checkout. Linux only, as it reads `/proc`.

mod criterion;
mod debian;
mod derived;
mod layer;
mod layout;
mod libraries;
mod machine;
mod measure;
mod options;
mod report;
mod subjects;

use anyhow::{Context, Result};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // Nobody can be told that stderr is closed.
            let _ = writeln!(std::io::stderr(), "bench: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn run() -> Result<ExitCode> {
    let options = match options::Options::parse(std::env::args_os().skip(1))? {
        options::Request::Run(options) => options,
        options::Request::Help => {
            std::io::stdout().write_all(options::HELP.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let found = layout::open_or_build(&options.images, &options.only)?;
    let images = found.built;
    let first = images.first().context("there is no image")?;
    let derived = derived::open_or_build(first)?;
    if options.build_only {
        say(&format!("The images are in {}.", options.images.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let mut subjects = subjects::Subjects::find(&options, &images, &derived)?;
    subjects.missing.extend(found.missing);
    let timings = measure::interleaved(&subjects.commands, options.rounds)?;
    let usages = measure::usage(&subjects.commands, &timings)?;
    let libraries = criterion::estimates(&subjects.criterion);
    let report = report::Report::new(&subjects, &images, &timings, &usages, &libraries, options.rounds);
    let text = report.markdown();
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("write to stdout")?;
    if options.write {
        let page = options::checkout().join("docs/benchmarks.md");
        report::write_between_markers(&page, &text)?;
        say(&format!("Written to {}.", page.display()));
    }
    Ok(if report.all_held() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// A line for people, on stderr.
fn say(line: &str) {
    // Nobody can be told that stderr is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
