//! Foreign text made safe for a terminal, and its width there.
//!
//! Names and versions come from images that may be hostile: control characters would move the cursor or hide a line,
//! and bidirectional marks would swap what is read. Both are shown as escapes.

use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// The text on one line, without anything that a terminal would act on.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || ('\u{e0000}'..='\u{e007f}').contains(&character)
}

/// Columns that the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::{plain, width};

    #[test]
    fn shows_what_a_terminal_would_obey() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(plain("a\nb"), "a\\u{a}b");
        assert_eq!(plain("gpj\u{202e}exe"), "gpj\\u{202e}exe");
        assert_eq!(plain("größe 漢字"), "größe 漢字");
    }

    #[test]
    fn knows_wide_characters() {
        assert_eq!(width("größe"), 5);
        assert_eq!(width("漢字"), 4);
    }
}
