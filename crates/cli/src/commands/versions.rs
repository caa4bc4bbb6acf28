//! `seaworthy versions compare`: orders two versions, or one pair a line of standard input.

use anyhow::{Context, Result};
use seaworthy_advisories::versions::Scheme;
use std::cmp::Ordering;
use std::io::{BufRead, Read, Write};

/// Longest line read; a longer one is answered with `?`, as any pair that is no pair of versions.
const LINE_BYTES: u64 = 64 << 10;

/// Prints `<`, `=` or `>` for one pair; a version that its scheme does not know is an error.
pub(crate) fn pair(scheme: Scheme, a: &str, b: &str, out: &mut dyn Write) -> Result<()> {
    let order = scheme.compare(a, b)?;
    writeln!(out, "{}", sign(order)).context("cannot write the answer")
}

/// Answers each line `a<TAB>b` with one line: `<`, `=`, `>`, or `?` where one is no version of the scheme.
pub(crate) fn lines(scheme: Scheme, mut input: impl BufRead, out: &mut dyn Write) -> Result<()> {
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
            .and_then(|(a, b)| scheme.compare(a, b).ok())
            .map_or("?", sign);
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

#[cfg(test)]
mod tests {
    use super::lines;
    use seaworthy_advisories::versions::Scheme;

    #[test]
    fn every_line_has_one_answer() {
        let long = format!("1\t{}\n", "9".repeat(100_000));
        let input = format!("1.0\t2.0\n2.0\t1.0\n1.0\t1.0\r\nno tab\n\n{long}1.0\t1.0~rc1");
        let mut out = Vec::new();
        lines(Scheme::Deb, input.as_bytes(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "<\n>\n=\n?\n?\n?\n>\n");
    }
}
