//! The package databases of distributions: apk, dpkg, rpm, pacman, Portage, Nix and those of special images.
//!
//! Each reader takes the bytes of one file and lists what is installed. A package that cannot be listed, and any part
//! of a database that cannot be read, is a problem of the report; nothing is left out in silence.

pub mod apk;
pub mod bottlerocket;
pub mod chisel;
pub mod dpkg;
pub mod dpkg_files;
mod listing;
pub(crate) mod nix;
pub mod pacman;
pub mod portage;
pub mod rpm;
pub mod rpm_manifest;
pub mod snap;
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

/// Where the database is of which the file at `path` is a part: the directory, when each package has files of its own.
pub(crate) fn database_of(path: &str) -> &str {
    let directory = |depth: usize| path.match_indices('/').nth(depth).and_then(|(end, _)| path.get(..end));
    if path.starts_with("var/lib/pacman/local/") || path.starts_with("var/db/pkg/") {
        return directory(if path.starts_with("var/db") { 2 } else { 3 }).unwrap_or(path);
    }
    path.rsplit_once('/')
        .map(|(directory, _)| directory)
        .filter(|directory| directory.ends_with("status.d"))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::database_of;

    #[test]
    fn databases_of_many_files_are_one() {
        for (path, database) in [
            ("var/lib/dpkg/status", "var/lib/dpkg/status"),
            ("var/lib/dpkg/status.d/libc6", "var/lib/dpkg/status.d"),
            ("var/lib/pacman/local/gawk-5.3.1-1/desc", "var/lib/pacman/local"),
            ("var/db/pkg/app-misc/x-1/CONTENTS", "var/db/pkg"),
        ] {
            assert_eq!(database_of(path), database);
        }
    }
}
