//! JSON, TOML and YAML documents as one tree of texts, lists and maps, in the file's order.
//!
//! Numbers and switches become text: a lock file's values are names and versions, and what is a number to one tool is a
//! version to another. The number of values and their nesting are bounded, whatever the format.

use seaworthy_model::limits;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::fmt;

/// A value of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value {
    /// `null`, or a key that is not there.
    #[default]
    Nothing,
    /// A text, number or switch.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A map, in the file's order.
    Map(Vec<(String, Self)>),
}

static NOTHING: Value = Value::Nothing;

impl Value {
    /// The value with this key; [`Value::Nothing`] where there is none.
    pub(super) fn get(&self, key: &str) -> &Self {
        let found = self.entries().iter().find(|(name, _)| name == key);
        found.map_or(&NOTHING, |(_, value)| value)
    }

    /// The value at this place of a list.
    pub(super) fn at(&self, index: usize) -> &Self {
        self.list().get(index).unwrap_or(&NOTHING)
    }

    /// The text, empty where it is none.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The list, empty where it is none.
    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }

    /// The map, empty where it is none.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The keys of the map.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries().iter().map(|(key, _)| key.as_str())
    }

    /// The texts of the list.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.list().iter().map(Self::text).filter(|text| !text.is_empty())
    }

    /// Whether it is the switch `true`.
    pub(super) fn is_true(&self) -> bool {
        self.text() == "true"
    }

    /// Whether it is a map.
    pub(super) const fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }
}

/// Reads a JSON document.
pub(super) fn json(bytes: &[u8]) -> Result<Value, String> {
    parse_json(&text(bytes))
}

fn parse_json(text: &str) -> Result<Value, String> {
    let budget = Budget::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = budget.seed().deserialize(&mut deserializer).map_err(shown)?;
    deserializer.end().map_err(shown)?;
    Ok(value)
}

/// Reads JSON with comments and commas behind the last element (bun.lock, deno.jsonc).
pub(super) fn relaxed_json(bytes: &[u8]) -> Result<Value, String> {
    let text = text(bytes);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(next) = rest.chars().next() {
        let (taken, after) = match next {
            '"' => rest.split_at(string_end(rest)),
            '/' if rest.starts_with("//") => {
                rest = rest.split_at(rest.find('\n').unwrap_or(rest.len())).1;
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest.split_once("*/").map_or("", |(_, after)| after);
                continue;
            }
            '}' | ']' => {
                let kept = out.trim_end().len();
                if out.get(..kept).is_some_and(|kept| kept.ends_with(',')) {
                    out.truncate(kept - 1);
                }
                rest.split_at(1)
            }
            other => rest.split_at(other.len_utf8()),
        };
        out.push_str(taken);
        rest = after;
    }
    parse_json(&out)
}

/// Where the string at the head of the text ends.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Reads a TOML document.
pub(super) fn toml(bytes: &[u8]) -> Result<Value, String> {
    let text = text(bytes);
    let budget = Budget::default();
    let deserializer = toml::Deserializer::parse(&text).map_err(shown)?;
    budget.seed().deserialize(deserializer).map_err(shown)
}

/// Reads every document of a YAML file; an empty file has none.
pub(super) fn yaml(bytes: &[u8]) -> Result<Vec<Value>, String> {
    thread_local! {
        // The YAML reader makes its own seeds.
        static BUDGET: RefCell<Budget> = RefCell::new(Budget::default());
    }
    struct Document(Value);
    impl<'de> serde::Deserialize<'de> for Document {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            BUDGET.with_borrow(|budget| budget.seed().deserialize(deserializer).map(Self))
        }
    }
    let text = text(bytes);
    BUDGET.with_borrow_mut(|budget| *budget = Budget::default());
    // The reader's own budget is made for configuration files: 250,000 values, of which a lock file of 30,000 packages has
    // six times as many. Anchors may repeat little: lock files have none, manifests a handful.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: limits::LOCK_FILE_VALUES.saturating_mul(2),
            max_nodes: limits::LOCK_FILE_VALUES,
            max_depth: limits::LOCK_FILE_YAML_DEPTH,
            max_documents: 64,
            max_total_scalar_bytes: usize::try_from(limits::LOCK_FILE_BYTES).unwrap_or(usize::MAX),
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits::LOCK_FILE_ALIASES,
        },
        emit_comments: false,
    };
    let documents: Vec<Document> =
        serde_saphyr::from_multiple_with_options(&text, options).map_err(|error| first_line(&error.to_string()))?;
    Ok(documents.into_iter().map(|document| document.0).collect())
}

/// The bytes as text: UTF-8, or UTF-16 as some editors on Windows save it, without a byte order mark.
pub(super) fn text(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .filter_map(|pair| Some(unit(pair.try_into().ok()?)))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // Text of western languages in UTF-16 without a mark has a zero in every second byte.
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => utf16(bytes, u16::from_le_bytes),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => utf16(bytes, u16::from_be_bytes),
        _ => {
            let text = String::from_utf8_lossy(bytes);
            text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
        }
    }
}

fn shown(error: impl fmt::Display) -> String {
    first_line(&error.to_string())
}

/// One line of a message that may quote the file.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.chars()
        .take(limits::SHOWN_NAME_BYTES)
        .filter(|character| !character.is_control())
        .collect()
}

/// What is left of the values that one file may have.
struct Budget {
    values: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            values: Cell::new(limits::LOCK_FILE_VALUES),
        }
    }
}

impl Budget {
    const fn seed(&self) -> Seed<'_> {
        Seed { budget: self, depth: 0 }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    budget: &'a Budget,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= limits::LOCK_FILE_DEPTH {
            return Err(E::custom(format!(
                "values are nested more than {} times",
                limits::LOCK_FILE_DEPTH
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.budget.values.get().checked_sub(1) else {
            return Err(D::Error::custom(format!(
                "it has more than {} values",
                limits::LOCK_FILE_VALUES
            )));
        };
        self.budget.values.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // `{:?}` keeps the fraction of a whole number, as version `1.0` needs it.
        Ok(Value::Text(format!("{value:?}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(seed)? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(seed)? {
            let value = access.next_value_seed(seed)?;
            entries.push((key.text().to_owned(), value));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, json, relaxed_json, text, toml, yaml};
    use seaworthy_model::limits;

    #[test]
    fn the_three_formats_give_the_same_tree() {
        let expected = json(br#"{"a": ["1", "true", {"b": "c"}]}"#).unwrap();
        assert_eq!(json(br#"{"a": [1, true, {"b": "c"}]}"#).unwrap(), expected);
        assert_eq!(toml(b"a = [1, true, {b = 'c'}]").unwrap(), expected);
        assert_eq!(
            yaml(b"a: [1, true, {b: c}]\n").unwrap(),
            std::slice::from_ref(&expected)
        );
        assert_eq!(yaml(b"---\na:\n- 1\n- true\n- b: c\n---\nx: y\n").unwrap().len(), 2);
        assert_eq!(
            relaxed_json(b"// x\n{\"a\": [1, /* y */ true, {\"b\": \"c\",},\n],}").unwrap(),
            expected
        );
    }

    #[test]
    fn texts_keep_what_looks_like_comments_and_commas() {
        let value = relaxed_json(br#"{"a//b": "c,}\"", "d": "/* e */"}"#).unwrap();
        assert_eq!(value.get("a//b").text(), "c,}\"");
        assert_eq!(value.get("d").text(), "/* e */");
        assert_eq!(value.get("nothing").at(5), &Value::Nothing);
    }

    #[test]
    fn whole_numbers_with_a_fraction_stay_versions() {
        assert_eq!(
            json(b"[1.0, 5.4, 3]").unwrap().texts().collect::<Vec<_>>(),
            ["1.0", "5.4", "3"]
        );
    }

    #[test]
    fn every_unicode_is_text() {
        let utf16: Vec<u8> = "ab==1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&utf16), "ab==1\n");
        assert_eq!(text(&[b"\xff\xfe".as_slice(), &utf16].concat()), "ab==1\n");
        let big: Vec<u8> = "ab==1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text(&[b"\xfe\xff".as_slice(), &big].concat()), "ab==1\n");
        assert_eq!(text(b"\xef\xbb\xbfab"), "ab");
        assert_eq!(text(b"a\xff"), "a\u{fffd}");
    }

    #[test]
    fn depth_anchors_and_damage_are_errors() {
        let deep = "[".repeat(100_000);
        assert!(json(deep.as_bytes()).is_err());
        assert!(relaxed_json(deep.as_bytes()).is_err());
        assert!(yaml(deep.as_bytes()).is_err());
        assert!(toml(format!("a = {deep}").as_bytes()).is_err());
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..30 {
            let aliases = format!("*a{},", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(yaml(bomb.as_bytes()).is_err());
        for bytes in [b"{".as_slice(), b"{}{}", b"\"", b"{\"a\": \"\\"] {
            assert!(json(bytes).is_err() && relaxed_json(bytes).is_err(), "{bytes:?}");
        }
        assert!(relaxed_json(b"/*").is_err());
    }

    #[test]
    fn blocks_of_yaml_do_not_overflow_the_stack() {
        let nested = |depth: usize| -> String {
            (0..depth)
                .map(|level| format!("{}a:\n", " ".repeat(level)))
                .chain([format!("{}b\n", " ".repeat(depth))])
                .collect()
        };
        // The stack of a thread of tests, and of scans, has two megabytes.
        assert!(yaml(nested(limits::LOCK_FILE_YAML_DEPTH - 2).as_bytes()).is_ok());
        for depth in [limits::LOCK_FILE_YAML_DEPTH + 1, limits::LOCK_FILE_DEPTH, 2000] {
            assert!(yaml(nested(depth).as_bytes()).is_err(), "{depth}");
        }
    }

    #[test]
    fn a_lock_file_of_17_000_packages_is_within_the_budget() {
        let mut lock = String::from("packages:\n");
        for number in 0..17_000 {
            lock.push_str(&format!("  /a{number}/1.0.0:\n    resolution: {{integrity: sha512-x}}\n    engines: {{node: '>=8'}}\n    dependencies:\n      b: 1.0.0\n    dev: true\n"));
        }
        assert_eq!(
            yaml(lock.as_bytes()).unwrap()[0].get("packages").entries().len(),
            17_000
        );
    }
}
