//! JSON text as Go's encoder writes it: two spaces a level, and escapes for what a browser would take for markup.

use crate::Error;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// Writes a value, ending with a line break.
pub(crate) fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    to_vec_of(value, 0)
}

/// Writes a value of about `size` bytes, ending with a line break.
pub(crate) fn to_vec_of(value: &impl Serialize, size: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(size);
    let mut serializer = Serializer::with_formatter(&mut bytes, Indented::default());
    value.serialize(&mut serializer).map_err(Error::Json)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Indents like serde_json's pretty formatter, a line at a time, with strings that are safe inside HTML.
#[derive(Default)]
struct Indented {
    level: usize,
    /// Whether what is open has something in it.
    filled: bool,
}

/// A comma, a line break and the blanks of 30 levels.
const BREAK: &[u8; 62] = b",\n                                                            ";

impl Indented {
    fn new_line<W: ?Sized + Write>(&self, writer: &mut W, comma: bool) -> io::Result<()> {
        let blanks = self.level.saturating_mul(2);
        let from = usize::from(!comma);
        let end = blanks.saturating_add(2);
        match BREAK.get(from..end) {
            Some(line) => writer.write_all(line),
            None => {
                writer.write_all(BREAK.get(from..2).unwrap_or_default())?;
                (0..blanks).try_for_each(|_| writer.write_all(b" "))
            }
        }
    }

    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, open: &[u8]) -> io::Result<()> {
        self.level = self.level.saturating_add(1);
        self.filled = false;
        writer.write_all(open)
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, close: &[u8]) -> io::Result<()> {
        self.level = self.level.saturating_sub(1);
        if self.filled {
            self.new_line(writer, false)?;
        }
        writer.write_all(close)
    }
}

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

const fn may_need_escape(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | 0xe2)
}

impl Formatter for Indented {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment.as_bytes();
        // Hardly a text has one of these bytes, and all of a report passes here: without an early end this is a few
        // instructions for 32 bytes.
        if !rest.iter().fold(false, |any, byte| any | may_need_escape(*byte)) {
            return writer.write_all(rest);
        }
        let mut at = 0;
        while let Some(next) = rest
            .get(at..)
            .and_then(|rest| rest.iter().position(|byte| may_need_escape(*byte)))
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

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.new_line(writer, !first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.new_line(writer, !first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
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
    #[test]
    fn lines_break_as_those_of_serde_json_do() {
        let mut deep = serde_json::json!([]);
        for level in 0..40 {
            deep = serde_json::json!({"level": level, "inside": [deep, {}, [], [1, "x"]]});
        }
        for value in [serde_json::json!(null), serde_json::json!({"a": [], "b": {}}), deep] {
            let bytes = to_vec(&value).unwrap();
            let expected = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected + "\n");
        }
    }
}
