//! XML files as a tree of elements, bounded in depth and number; namespaces and their prefixes are left off.

use super::document::text;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use seaworthy_model::limits;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// The text directly inside, trimmed.
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// The first child with this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child with this name, empty where there is none.
    pub(super) fn child_text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| &child.text)
    }

    /// The children of the first child with this name.
    pub(super) fn children_of(&self, name: &str) -> &[Self] {
        self.child(name).map_or(&[], |child| &child.children)
    }

    /// An attribute, whatever its case, as MSBuild and NuGet take it; empty where there is none.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Every element with this name, at any depth, in order.
    pub(super) fn all(&self, name: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        let mut open: Vec<&Self> = vec![self];
        while let Some(element) = open.pop() {
            if element.name == name {
                found.push(element);
            }
            open.extend(element.children.iter().rev());
        }
        found
    }
}

/// Entities are not expanded: what they stand for may be anything, and any amount of it.
const UNREAD_ENTITY: &str = "it uses an entity of its own, which is not expanded";

/// Reads a document; the answer is a nameless element around the outermost one.
pub(super) fn parse(bytes: &[u8]) -> Result<Element, String> {
    let text = text(bytes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    let mut elements = 0usize;
    let mut declares = false;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() > limits::LOCK_FILE_DEPTH || elements > limits::LOCK_FILE_VALUES / 4 {
                    return Err("it has too many elements, or too deep ones".to_owned());
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                elements += 1;
                if elements > limits::LOCK_FILE_VALUES / 4 {
                    return Err("it has too many elements".to_owned());
                }
                if let Some(parent) = open.last_mut() {
                    parent.children.push(element(&start)?);
                }
            }
            Event::End(_) => close(&mut open),
            Event::Text(part) => append(&mut open, &part),
            Event::CData(part) => append(&mut open, &part),
            Event::GeneralRef(reference) => {
                let resolved = match &*reference {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                // Maven takes the entities of HTML as known, in names of people and the like; what a document declares
                // itself may stand for anything.
                if resolved.is_none() && declares {
                    return Err(UNREAD_ENTITY.to_owned());
                }
                append(&mut open, &resolved.map(String::from).unwrap_or_default());
            }
            Event::Eof => break,
            Event::DocType(_) => declares = true,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if open.len() > 1 {
        return Err("it ends inside an element".to_owned());
    }
    let document = open.pop().unwrap_or_default();
    if document.children.is_empty() {
        Err("it has no element".to_owned())
    } else {
        Ok(document)
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let Some(mut element) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        element.text = element.text.trim().to_owned();
        parent.children.push(element);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let attributes = start.attributes().flatten().map(|attribute| {
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|_| UNREAD_ENTITY.to_owned())?;
        Ok((attribute.key.local_name().as_ref().to_owned(), value.trim().to_owned()))
    });
    Ok(Element {
        name: start.local_name().as_ref().to_owned(),
        attributes: attributes.take(limits::LIST_ENTRIES).collect::<Result<_, String>>()?,
        ..Element::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{UNREAD_ENTITY, parse};

    #[test]
    fn elements_attributes_and_texts() {
        let document = parse(
            b"<?xml version='1.0'?><!-- x --><a:b xmlns:a='u'><c d='1 &amp; 2'/> t&lt;<![CDATA[<]]> <c>x</c></a:b>",
        )
        .unwrap();
        let root = document.child("b").unwrap();
        assert_eq!(root.text, "t<<");
        assert_eq!(root.child("c").unwrap().attribute("D"), "1 & 2");
        assert_eq!(document.all("c").len(), 2);
    }

    #[test]
    fn damage_and_bombs_are_errors() {
        let deep = "<a>".repeat(100_000);
        for text in ["", "text", "<a>", "<a></b>", "<a", deep.as_str()] {
            assert!(parse(text.as_bytes()).is_err(), "{text:.20}");
        }
        let bomb = b"<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'><!ENTITY y '&x;&x;&x;'>]><a>&y;</a>";
        assert_eq!(parse(bomb).unwrap_err(), UNREAD_ENTITY);
        let external = b"<!DOCTYPE a [<!ENTITY d SYSTEM 'd.xml'>]><a>&d;</a>";
        assert_eq!(parse(external).unwrap_err(), UNREAD_ENTITY);
        let attribute = b"<!DOCTYPE a [<!ENTITY v '1.0'>]><a version='&v;'/>";
        assert_eq!(parse(attribute).unwrap_err(), UNREAD_ENTITY);
        // Nobody declares those of HTML.
        assert_eq!(
            parse(b"<a>J&oslash;rgen &amp; co</a>").unwrap().child_text("a"),
            "Jrgen & co"
        );
    }
}
