//! `seaworthy versions`: orders two versions, or says whether one satisfies a constraint; for one pair, or for a pair a
//! line of standard input.

use crate::arguments::VersionsCommand;
use anyhow::{Context, Result};
use seaworthy_advisories::versions::Scheme;
use seaworthy_advisories::versions::constraint::Constraint;
use std::cmp::Ordering;
use std::io::{BufRead, Read, Write};

/// Longest line read; a longer one is answered with `?`, as any pair that is no pair of versions.
const LINE_BYTES: u64 = 64 << 10;

/// Answers the pair of the command line, where what is none is an error, or the pairs of standard input.
pub(crate) fn run(command: &VersionsCommand, input: impl BufRead, out: &mut dyn Write) -> Result<()> {
    let answer = match command {
        VersionsCommand::Compare {
            scheme,
            a: Some(a),
            b: Some(b),
        } => sign(scheme.compare(a, b)?),
        VersionsCommand::Compare { scheme, .. } => {
            return lines(input, out, |a, b| scheme.compare(a, b).ok().map(sign));
        }
        VersionsCommand::Satisfies {
            scheme,
            version: Some(version),
            constraint: Some(constraint),
        } => word(Constraint::parse(*scheme, constraint)?.allows(version)?),
        VersionsCommand::Satisfies { scheme, .. } => {
            return lines(input, out, |version, constraint| {
                satisfies(*scheme, version, constraint).map(word)
            });
        }
    };
    writeln!(out, "{answer}").context("cannot write the answer")
}

fn satisfies(scheme: Scheme, version: &str, constraint: &str) -> Option<bool> {
    Constraint::parse(scheme, constraint).ok()?.allows(version).ok()
}

/// Answers each line `a<TAB>b` with one line, `?` where there is no answer.
fn lines(
    mut input: impl BufRead,
    out: &mut dyn Write,
    answer: impl Fn(&str, &str) -> Option<&'static str>,
) -> Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input
            .by_ref()
            .take(LINE_BYTES)
            .read_until(b'\n', &mut line)
            .context("cannot read the pairs")?;
        if read == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n") || (read as u64) < LINE_BYTES;
        if !whole {
            input.skip_until(b'\n').context("cannot read the pairs")?;
        }
        let answer = whole
            .then(|| std::str::from_utf8(&line).ok())
            .flatten()
            .map(|line| line.strip_suffix('\n').unwrap_or(line))
            .map(|line| line.strip_suffix('\r').unwrap_or(line))
            .and_then(|line| line.split_once('\t'))
            .and_then(|(a, b)| answer(a, b))
            .unwrap_or("?");
        writeln!(out, "{answer}").context("cannot write the answer")?;
    }
}

const fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}

const fn word(answer: bool) -> &'static str {
    if answer { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::arguments::VersionsCommand;
    use seaworthy_advisories::versions::Scheme;

    fn answers(command: &VersionsCommand, input: &str) -> String {
        let mut out = Vec::new();
        run(command, input.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_has_one_answer() {
        let long = format!("1\t{}\n", "9".repeat(100_000));
        let input = format!("1.0\t2.0\n2.0\t1.0\n1.0\t1.0\r\nno tab\n\n{long}1.0\t1.0~rc1");
        let command = VersionsCommand::Compare {
            scheme: Scheme::Deb,
            a: None,
            b: None,
        };
        assert_eq!(answers(&command, &input), "<\n>\n=\n?\n?\n?\n>\n");
    }

    #[test]
    fn constraints_are_answered_in_words() {
        let command = VersionsCommand::Satisfies {
            scheme: Scheme::Gem,
            version: None,
            constraint: None,
        };
        let input = "1.2.3\t~> 1.2, != 1.2.4\n2.0\t~> 1.2\n1\t>=\nv1\t> 0\n";
        assert_eq!(answers(&command, input), "true\nfalse\n?\n?\n");
    }
}
