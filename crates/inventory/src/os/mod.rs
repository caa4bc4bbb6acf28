//! The package databases of distributions: apk, dpkg and rpm.
//!
//! Each reader takes the bytes of one file and lists what is installed. A package that cannot be listed, and any part
//! of a database that cannot be read, is a problem of the report; nothing is left out in silence.

pub mod apk;
pub mod dpkg;
pub mod dpkg_files;
mod listing;
pub mod rpm;
pub mod rpm_manifest;
mod stanza;

use seaworthy_model::limits;

/// Bytes of the file as text: foreign databases are not always UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A name as it is shown in a message: short, on one line, quoted.
fn shown(name: &str) -> String {
    let mut end = name.len().min(limits::SHOWN_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{:?}", name.get(..end).unwrap_or_default())
}
