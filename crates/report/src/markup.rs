//! Foreign text inside XML and HTML.

use std::borrow::Cow;

/// The text with markup escaped and without what XML 1.0 cannot hold.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let odd = |character: char| {
        matches!(character, '&' | '<' | '>' | '"' | '\'') || !is_xml(character) || is_bidirectional(character)
    };
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            other if !is_xml(other) || is_bidirectional(other) => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// The characters of XML 1.0.
const fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Marks that would swap what is read.
const fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_and_controls_do_not_get_through() {
        assert_eq!(escape("<a b=\"c\">&'"), "&lt;a b=&#34;c&#34;&gt;&amp;&#39;");
        assert_eq!(escape("a\u{0}\u{1b}\u{202e}b"), "a\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(escape("größe\n"), "größe\n");
    }
}
