//! Ignore files in the syntax of `.trivyignore`: an id a line, `#` comments, `exp:YYYY-MM-DD` ends an entry.
//!
//! An entry whose date cannot be read is not applied, and said: an acceptance must not outlive its end because of a
//! spelling mistake. An entry ends with the beginning of the day it names.

/// An id that somebody accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The vulnerability's id or one of its vendor ids, in any case.
    pub id: String,
    /// What the file says in the comment behind the id, empty when nothing.
    pub statement: String,
    /// The file that says so.
    pub source: String,
}

/// What an ignore file says today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreFile {
    /// The entries that hold today.
    pub entries: Vec<Ignored>,
    /// What could not be read or has ended, one line each.
    pub warnings: Vec<String>,
}

impl IgnoreFile {
    /// Reads the bytes of the file called `name`; `today` is `YYYY-MM-DD`.
    pub fn parse(bytes: &[u8], name: &str, today: &str) -> Self {
        let mut file = Self::default();
        let text = String::from_utf8_lossy(bytes);
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let (entry, comment) = match line.split_once('#') {
                Some((entry, comment)) => (entry, comment.trim()),
                None => (line, ""),
            };
            let mut words = entry.split_whitespace();
            let Some(id) = words.next() else { continue };
            let place = format!("{name}, line {}", index + 1);
            match words.find_map(|word| word.strip_prefix("exp:")) {
                Some(date) if !is_date(date) => {
                    file.warnings.push(format!(
                        "{place}: not a date: {date:?}, write exp:YYYY-MM-DD; {id} is not ignored"
                    ));
                    continue;
                }
                Some(date) if date <= today => {
                    file.warnings
                        .push(format!("{place}: ended on {date}; {id} is not ignored any more"));
                    continue;
                }
                _ => {}
            }
            file.entries.push(Ignored {
                id: id.to_owned(),
                statement: comment.to_owned(),
                source: name.to_owned(),
            });
        }
        file
    }
}

/// Whether the text is a day of the calendar, written `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |text: &str, digits: usize| -> Option<u32> {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())
            .flatten()
    };
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::{IgnoreFile, is_date};

    fn ids(text: &str) -> Vec<String> {
        let file = IgnoreFile::parse(text.as_bytes(), ".trivyignore", "2026-11-24");
        file.entries.into_iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn reads_ids_comments_and_ends() {
        let text = "# accepted\n\nCVE-2019-1543\r\n  CVE-2020-1 exp:2026-11-25 # until tomorrow\nCVE-2020-2 exp:2026-11-24\nGHSA-x#y\n";
        assert_eq!(ids(text), ["CVE-2019-1543", "CVE-2020-1", "GHSA-x"]);
        let file = IgnoreFile::parse(text.as_bytes(), "f", "2026-11-24");
        assert_eq!(file.entries[1].statement, "until tomorrow");
        assert_eq!(
            file.warnings,
            ["f, line 5: ended on 2026-11-24; CVE-2020-2 is not ignored any more"]
        );
    }

    #[test]
    fn does_not_apply_an_entry_whose_end_it_cannot_read() {
        let file = IgnoreFile::parse(b"CVE-1 exp:2027-13-01\nCVE-2 exp:soon", "f", "2026-11-24");
        assert!(file.entries.is_empty());
        assert_eq!(file.warnings.len(), 2);
    }

    #[test]
    fn survives_bytes_that_are_no_text() {
        assert_eq!(ids("\u{feff}CVE-1"), ["CVE-1"]);
        let file = IgnoreFile::parse(b"\xff\xfe\nCVE-1\n", "f", "2026-11-24");
        assert_eq!(file.entries.last().map(|entry| entry.id.as_str()), Some("CVE-1"));
    }

    #[test]
    fn knows_the_calendar() {
        for (text, expected) in [
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("1900-02-29", false),
            ("2026-04-31", false),
            ("2026-1-01", false),
            ("+026-01-01", false),
            ("2026-00-10", false),
        ] {
            assert_eq!(is_date(text), expected, "{text}");
        }
    }
}
