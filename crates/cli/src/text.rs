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
    if let Some(hint) = hint(error) {
        text.push_str("  hint: ");
        text.push_str(&hint);
        text.push('\n');
    }
    // Nobody can be told that stderr is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<seaworthy_scanner::Error>() {
            return error.hint();
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
