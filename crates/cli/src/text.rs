//! How errors are said: one line, the causes behind it, and a hint where there is one.

use std::io::{ErrorKind, Write};

/// Writes `error: …` and, below it, `  hint: …` to stderr.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = String::from("error: ");
    let mut last = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let cause = cause.to_string();
        // Some errors already end in their cause.
        if !last.ends_with(&cause) {
            if depth > 0 {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
        last = cause;
    }
    text.push('\n');
    if let Some(hint) = advice(error) {
        text.push_str("  hint: ");
        text.push_str(&hint);
        text.push('\n');
    }
    // Nobody can be told that stderr is closed.
    let _ = std::io::stderr().write_all(visible(&text).as_bytes());
}

/// Writes a hint below an error that has none of its own.
pub(crate) fn hint(hint: &str) {
    let _ = std::io::stderr().write_all(visible(&format!("  hint: {hint}\n")).as_bytes());
}

/// A foreign text on one line, without anything that a terminal would act on.
pub(crate) fn escape(text: &str) -> String {
    visible(text).trim_end_matches('\n').replace('\n', "\\n")
}

/// Names and messages come from foreign files: what a terminal would act on is shown as an escape, long ones are cut.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars().take(8 * seaworthy_model::limits::SHOWN_NAME_BYTES) {
        let hidden = (character.is_control() && character != '\n')
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if hidden {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    if !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

fn advice(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<seaworthy_scanner::Error>() {
            return error.hint();
        }
        if let Some(error) = cause.downcast_ref::<seaworthy_operator::client::ClientError>() {
            return error.hint().map(str::to_owned);
        }
        cause
            .downcast_ref::<seaworthy_advisories::error::Error>()
            .and_then(|error| error.hint().map(str::to_owned))
    })
}

/// Whether the reader of standard output went away, which is no failure of ours.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    })
}
