//! A reader of dpkg's control format (deb-control(5), deb822(5)): stanzas of `Name: value` lines, parted by empty lines,
//! values going on in lines that start with a space or a tab.
//!
//! It works on bytes, keeps only the fields that are asked for, and takes what is damaged as data: a line that is
//! neither a field nor a continuation is counted, a field that starts a stanza anew inside another ends the first.

use std::borrow::Cow;

use seaworthy_model::limits;

/// One stanza: the values of the fields asked for, in the order in which they were asked for.
pub(super) struct Stanza<'a, const FIELDS: usize> {
    values: [Cow<'a, [u8]>; FIELDS],
    /// Line in the file at which it starts, from 1.
    pub(super) line: usize,
    /// The first line that is neither a field nor a continuation.
    pub(super) broken_line: Option<usize>,
    /// Whether it ended where the next one began without an empty line between.
    pub(super) unseparated: bool,
    /// Whether it has a field twice: the line that starts the next stanza may be damaged. The first value counts.
    pub(super) repeated: bool,
    /// Whether a value was longer than [`limits::LINE_BYTES`] and was cut.
    pub(super) cut: bool,
}

impl<const FIELDS: usize> Stanza<'_, FIELDS> {
    /// The value of the field with this index, trimmed; empty where the stanza does not have it.
    pub(super) fn text(&self, field: usize) -> Cow<'_, str> {
        self.values
            .get(field)
            .map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.trim_ascii()))
    }
}

/// The stanzas of a file.
pub(super) struct Stanzas<'a, const FIELDS: usize> {
    rest: &'a [u8],
    fields: [&'static str; FIELDS],
    line: usize,
}

impl<'a, const FIELDS: usize> Stanzas<'a, FIELDS> {
    /// Reads the file for these fields; the first of them starts every stanza of a sound file.
    pub(super) fn new(bytes: &'a [u8], fields: [&'static str; FIELDS]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self {
            rest: bytes,
            fields,
            line: 0,
        }
    }
}

/// Parts the first line from the rest; the line is without its end.
pub(super) fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (
            bytes.get(..end).unwrap_or_default(),
            bytes.get(end + 1..).unwrap_or_default(),
        ),
        None => (bytes, &[] as &[u8]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

impl<'a, const FIELDS: usize> Iterator for Stanzas<'a, FIELDS> {
    type Item = Stanza<'a, FIELDS>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut stanza = Stanza {
            values: [const { Cow::Borrowed(&[] as &[u8]) }; FIELDS],
            line: 0,
            broken_line: None,
            unseparated: false,
            repeated: false,
            cut: false,
        };
        let mut current: Option<usize> = None;
        let mut has = [false; FIELDS];
        while !self.rest.is_empty() {
            let (line, rest) = split_line(self.rest);
            if line.is_empty() {
                self.rest = rest;
                self.line += 1;
                if stanza.line > 0 {
                    break;
                }
                continue;
            }
            let field = match line.first() {
                Some(b' ' | b'\t') => None,
                _ => line
                    .iter()
                    .position(|byte| *byte == b':')
                    .and_then(|colon| line.split_at_checked(colon)),
            };
            let wanted = field.and_then(|(name, _)| {
                let name = name.trim_ascii_end();
                self.fields
                    .iter()
                    .position(|field| name.eq_ignore_ascii_case(field.as_bytes()))
            });
            if wanted == Some(0) && has.first() == Some(&true) {
                stanza.unseparated = true;
                break;
            }
            self.rest = rest;
            self.line += 1;
            if stanza.line == 0 {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                stanza.line = self.line;
            }
            match (field, line.first()) {
                (Some((_, value)), _) => {
                    current = wanted;
                    if let Some(has) = wanted.and_then(|field| has.get_mut(field))
                        && std::mem::replace(has, true)
                    {
                        stanza.repeated = true;
                        current = None;
                    } else if let Some(slot) = wanted.and_then(|field| stanza.values.get_mut(field)) {
                        let value = value.get(1..).unwrap_or_default();
                        stanza.cut |= value.len() > limits::LINE_BYTES;
                        *slot = Cow::Borrowed(value.get(..limits::LINE_BYTES).unwrap_or(value));
                    }
                }
                (None, Some(b' ' | b'\t')) => {
                    if let Some(slot) = current.and_then(|field| stanza.values.get_mut(field)) {
                        if slot.len() + line.len() > limits::LINE_BYTES {
                            stanza.cut = true;
                        } else {
                            slot.to_mut().extend_from_slice(line);
                        }
                    }
                }
                (None, _) => {
                    current = None;
                    stanza.broken_line.get_or_insert(self.line);
                }
            }
        }
        (stanza.line > 0).then_some(stanza)
    }
}

#[cfg(test)]
mod tests {
    use super::Stanzas;

    fn read(bytes: &[u8]) -> Vec<(String, String, bool, bool)> {
        Stanzas::new(bytes, ["Package", "Depends"])
            .map(|stanza| {
                let broken = stanza.broken_line.is_some();
                (
                    stanza.text(0).into_owned(),
                    stanza.text(1).into_owned(),
                    broken,
                    stanza.unseparated,
                )
            })
            .collect()
    }

    #[test]
    fn folded_lines_belong_to_the_field_before() {
        let read = read(b"\n\nPackage: a\r\nDepends: b,\r\n c,\n\td\nOther: x\n y\r\n\r\npackage:e");
        assert_eq!(
            read,
            [
                ("a".to_owned(), "b, c,\td".to_owned(), false, false),
                ("e".to_owned(), String::new(), false, false)
            ]
        );
    }

    #[test]
    fn damage_is_told_and_read_past() {
        let read = read(b"Package: a\nrubbish\n folded rubbish\nPackage: b\xff\n\x00\x01\n");
        assert_eq!(
            read,
            [
                ("a".to_owned(), String::new(), true, true),
                ("b\u{fffd}".to_owned(), String::new(), true, false)
            ]
        );
    }

    #[test]
    fn the_first_value_of_a_field_counts() {
        let stanza = Stanzas::new(
            b"Package: a\nDepends: b\n Package: c\nDepends: d\n e\n",
            ["Package", "Depends"],
        )
        .next();
        let stanza = stanza.unwrap();
        assert!(stanza.repeated);
        assert_eq!(stanza.text(1), "b Package: c");
    }
}
