//! Applications of Erlang and Elixir as they are installed: `ebin/<application>.app`, an Erlang term
//! `{application, Name, [{vsn, "1.2"}, …]}` (app(4)).

use std::sync::LazyLock;

use regex::Regex;
use seaworthy_model::{Ecosystem, Effect, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "erlang-application",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.strip_suffix(".app")
        .and_then(|stem| stem.rsplit_once('/'))
        .is_some_and(|(directory, name)| !name.is_empty() && (directory == "ebin" || directory.ends_with("/ebin")))
}

static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\s*application\s*,\s*(?:'([^'\n]+)'|([a-z][\w@]*))").ok());
static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\{\s*vsn\s*,\s*(?:"([^"\n]*)"|<<"([^"\n]*)">>)"#).ok());

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let code: String = text.lines().flat_map(|line| [without_comment(line), "\n"]).collect();
    let first = |pattern: &LazyLock<Option<Regex>>| {
        let found = pattern.as_ref()?.captures(&code)?;
        found.get(1).or_else(|| found.get(2)).map(|found| found.as_str())
    };
    let Some(name) = first(&NAME) else {
        let what = "is no description of an Erlang application, it is not listed";
        listing::problem(report, file.path, Effect::Note, what);
        return;
    };
    // Templates (`x.app.src`) have other names; what remains without a version was not built by a release tool.
    if listing::add(report, Ecosystem::Otp, name, first(&VERSION).unwrap_or(""), file.path).is_none() {
        let what = "the application has no version, it is not listed";
        listing::problem(report, file.path, Effect::Uncertain, what);
    }
}

/// The line before a `%` that is in no string.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in line.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '%' if !quoted => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn terms_with_comments() {
        for (text, expected) in [
            ("%% {vsn, \"0\"}\n{application,ssl,[{vsn,\"11.1\"}]}.", Some("ssl 11.1")),
            (
                "{application, 'Elixir.X', [{description, \"100 %\"}, {vsn, \"1\"}]}.",
                Some("Elixir.X 1"),
            ),
            ("<plist/>", None),
            ("{application, a, [{vsn, git}]}.", None),
        ] {
            let path = "usr/lib/erlang/lib/x/ebin/x.app";
            assert!((ANALYZER.wants)(path));
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            let found = report
                .packages
                .first()
                .map(|one| format!("{} {}", one.name, one.version));
            assert_eq!(found.as_deref(), expected, "{text}");
            assert_eq!(report.problems.len(), usize::from(expected.is_none()), "{text}");
        }
    }
}
