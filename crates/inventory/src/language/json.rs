//! JSON files as foreign tools write them: with a byte order mark, with bytes that are no UTF-8, and always an object.

use serde::de::{DeserializeOwned, Error};

/// Reads one object.
///
/// Lists are refused here, because a derived reader takes the elements of a list for the fields in their order.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim_start().starts_with('[') {
        return Err(serde_json::Error::custom("a list where an object is expected"));
    }
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::object;
    use std::collections::BTreeMap;

    #[test]
    fn objects_only() {
        type Map = BTreeMap<String, String>;
        assert_eq!(object::<Map>(b"\xef\xbb\xbf{}").unwrap().len(), 0);
        assert_eq!(object::<Map>(b"{\"a\": \"\xff\"}").unwrap()["a"], "\u{fffd}");
        for bytes in [b"[]".as_slice(), b" [\"a\"]", b"", b"5", b"{}{}"] {
            assert!(object::<Map>(bytes).is_err(), "{bytes:?}");
        }
    }
}
