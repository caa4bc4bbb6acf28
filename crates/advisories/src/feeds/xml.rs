//! A walk over an XML document: start tags with their attributes, the text of each element, end tags.

use super::files::FeedFile;
use crate::error::Error;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use seaworthy_model::limits::ADVISORY_TEXT_BYTES;

/// How deep elements may lie inside each other; feeds have 10 levels.
const DEPTH: usize = 64;

/// What is met on the way.
pub(super) enum Node<'a> {
    /// An element begins (one without content ends at once).
    Start(&'a str, &'a Attributes),
    /// An element ends; its own text, cut at `ADVISORY_TEXT_BYTES`.
    End(&'a str, &'a str),
}

/// Attributes by local name.
#[derive(Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// The value, empty where there is no such attribute.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

fn attributes(start: &BytesStart<'_>) -> Result<Attributes, String> {
    let mut attributes = Attributes::default();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let raw: &str = attribute.value.as_ref();
        let value = quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_owned(), |value| value.into_owned());
        attributes.0.push((local(attribute.key.as_ref()), value));
    }
    Ok(attributes)
}

/// Calls `each` for every node of the file, in order. An error when the document is not well-formed.
pub(super) fn walk(file: &FeedFile, mut each: impl FnMut(Node<'_>)) -> Result<(), Error> {
    let document = file.document()?;
    let text = std::str::from_utf8(&document).map_err(|error| file.broken(format!("not UTF-8: {error}")))?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<(String, String)> = Vec::new();
    let mut elements = 0_u64;
    loop {
        let event = reader.read_event().map_err(|error| {
            file.broken(format!(
                "not well-formed XML at byte {}: {error}",
                reader.error_position()
            ))
        })?;
        match event {
            Event::Start(start) => {
                elements += 1;
                let name = local(start.name().as_ref());
                each(Node::Start(
                    &name,
                    &attributes(&start).map_err(|error| file.broken(error))?,
                ));
                if open.len() >= DEPTH {
                    return Err(file.broken(format!("elements deeper than {DEPTH}")));
                }
                open.push((name, String::new()));
            }
            Event::Empty(start) => {
                elements += 1;
                let name = local(start.name().as_ref());
                each(Node::Start(
                    &name,
                    &attributes(&start).map_err(|error| file.broken(error))?,
                ));
                each(Node::End(&name, ""));
            }
            Event::End(_) => {
                if let Some((name, text)) = open.pop() {
                    each(Node::End(&name, text.trim()));
                }
            }
            Event::Text(piece) => append(&mut open, &piece),
            Event::CData(piece) => append(&mut open, &piece),
            Event::GeneralRef(reference) => {
                let reference = format!("&{};", &*reference);
                if let Ok(character) = quick_xml::escape::unescape(&reference) {
                    append(&mut open, &character);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if let Some((name, _)) = open.last() {
        return Err(file.broken(format!("ends inside <{name}>")));
    }
    if elements == 0 {
        return Err(file.broken("holds no element"));
    }
    Ok(())
}

fn append(open: &mut [(String, String)], piece: &str) {
    if let Some((_, text)) = open.last_mut()
        && text.len() + piece.len() <= ADVISORY_TEXT_BYTES
    {
        text.push_str(piece);
    }
}
