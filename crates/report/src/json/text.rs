//! JSON text as Go's encoder writes it: two spaces a level, and escapes for what a browser would take for markup.

use crate::Error;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};

/// Writes a value, ending with a line break.
pub(crate) fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Escaping(PrettyFormatter::new()));
    value.serialize(&mut serializer).map_err(Error::Json)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The pretty formatter, with strings that are safe inside HTML.
struct Escaping<'a>(PrettyFormatter<'a>);

/// What text that begins like this is written as where it is not written as it is, and how long that beginning is.
const fn escape(text: &[u8]) -> Option<(&'static str, usize)> {
    match text {
        [b'&', ..] => Some(("\\u0026", 1)),
        [b'<', ..] => Some(("\\u003c", 1)),
        [b'>', ..] => Some(("\\u003e", 1)),
        // The separators U+2028 and U+2029, which end a line in scripts.
        [0xe2, 0x80, 0xa8, ..] => Some(("\\u2028", 3)),
        [0xe2, 0x80, 0xa9, ..] => Some(("\\u2029", 3)),
        _ => None,
    }
}

impl Formatter for Escaping<'_> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment.as_bytes();
        let mut at = 0;
        // Hardly a text has one of these bytes, and all of a report passes here.
        while let Some(next) = rest
            .get(at..)
            .and_then(|rest| rest.iter().position(|byte| matches!(byte, b'&' | b'<' | b'>' | 0xe2)))
        {
            at += next;
            let (before, after) = rest.split_at(at);
            match escape(after) {
                Some((escaped, length)) => {
                    writer.write_all(before)?;
                    writer.write_all(escaped.as_bytes())?;
                    rest = after.get(length..).unwrap_or_default();
                    at = 0;
                }
                None => at += 1,
            }
        }
        writer.write_all(rest)
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::to_vec;

    #[test]
    fn markup_is_escaped_and_other_letters_of_its_beginning_are_not() {
        for (text, written) in [
            ("", ""),
            ("a<b>&c", "a\\u003cb\\u003e\\u0026c"),
            ("<<", "\\u003c\\u003c"),
            ("\u{2028}x\u{2029}", "\\u2028x\\u2029"),
            ("…–\u{2028}…é", "…–\\u2028…é"),
            ("\u{e2}&", "\u{e2}\\u0026"),
            ("\"<\n", "\\\"\\u003c\\n"),
        ] {
            let bytes = to_vec(&text).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), format!("\"{written}\"\n"));
        }
    }
}
