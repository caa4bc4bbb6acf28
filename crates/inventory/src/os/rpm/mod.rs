//! rpm's database in its three formats (SQLite, ndb, Berkeley hash), told apart by their content, not by their name.
//!
//! Each format is only a container of package headers; its reader hands every header on as bytes, and [`header`] reads
//! them all alike. What a reader cannot follow becomes a problem, and it goes on with the next header. The work of each
//! is bounded by the size of the file: no page is read twice, and the bytes of all headers together are never more than
//! the bytes of the file.

mod berkeley;
mod header;
mod integer;
mod ndb;
mod sqlite;
mod sqlite_tree;
mod sqlite_wal;
#[cfg(test)]
mod tests;

use seaworthy_model::{Ecosystem, Effect, Package, limits};

use super::listing::{Listing, Unresolved};
use super::shown;
use crate::analyzer::{Analyzer, File, FileReport};
use header::{Header, Tag};

/// Reads rpm's database.
pub static ANALYZER: Analyzer = Analyzer {
    name: "rpm",
    version: 1,
    wants,
    companion: Some("-wal"),
    max_bytes: limits::FILE_BYTES,
    analyze,
};

/// The second is SUSE's and Fedora's newer place, the third that of rpm-ostree.
const DIRECTORIES: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];
const NAMES: [&str; 3] = ["Packages", "Packages.db", "rpmdb.sqlite"];

fn wants(path: &str) -> bool {
    path.rsplit_once('/')
        .is_some_and(|(directory, name)| DIRECTORIES.contains(&directory) && NAMES.contains(&name))
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let mut packages = Packages {
        listing: Listing::new(file.path, Ecosystem::Rpm, report),
        path_bytes_left: limits::RPM_PATH_BYTES,
        full: false,
    };
    let bytes = file.bytes;
    if sqlite::is_database(bytes) {
        sqlite::read(bytes, file.companion, &mut packages);
    } else if ndb::is_database(bytes) {
        ndb::read(bytes, &mut packages);
    } else if berkeley::is_database(bytes) {
        berkeley::read(bytes, &mut packages);
    } else {
        let what = if bytes.is_empty() {
            "the rpm database is an empty file, its packages are not known"
        } else {
            "neither an SQLite, an ndb nor a Berkeley database, its packages were not read"
        };
        packages.incomplete(what);
    }
    packages.listing.finish(Unresolved::Drop);
}

/// Where the formats' readers bring headers and problems.
struct Packages<'r> {
    listing: Listing<'r>,
    /// Bytes of file paths that may still be joined.
    path_bytes_left: usize,
    /// Whether the cap on packages is reached.
    full: bool,
}

impl Packages<'_> {
    /// Something was not read.
    fn incomplete(&mut self, what: impl Into<String>) {
        self.listing.problem(Effect::Incomplete, what);
    }

    /// Something may be missing or too much.
    fn uncertain(&mut self, what: impl Into<String>) {
        self.listing.problem(Effect::Uncertain, what);
    }

    /// Reads one header; `place` names it in messages.
    fn add(&mut self, bytes: &[u8], place: impl Fn() -> String) {
        if self.full {
            return;
        }
        let header = match Header::read(bytes) {
            Ok(header) => header,
            Err(what) => return self.incomplete(format!("{}: {what}, the package was not listed", place())),
        };
        let (name, version, release) = (
            header.text(Tag::Name),
            header.text(Tag::Version),
            header.text(Tag::Release),
        );
        if name == "gpg-pubkey" {
            return;
        }
        if name.is_empty() || version.is_empty() || release.is_empty() {
            let what = match name.is_empty() {
                true => format!(
                    "{}: a header without a package name, the package was not listed",
                    place()
                ),
                false => format!(
                    "{}: package {} has no version or release and was not listed",
                    place(),
                    shown(&name)
                ),
            };
            return self.incomplete(what);
        }
        let epoch = header.integer(Tag::Epoch).unwrap_or(0);
        let version = version_text(epoch, &version, &release);
        let mut package = Package::new(Ecosystem::Rpm, name.clone(), version, self.listing.path());
        package.arch = header.text(Tag::Arch).into_owned();
        package.maintainer = header.text(Tag::Vendor).into_owned();
        package.modularity_label = header.text(Tag::ModularityLabel).into_owned();
        let license = header.text(Tag::License);
        if !license.is_empty() {
            package.licenses = vec![license.into_owned()];
        }
        set_source(&mut package, &header.text(Tag::SourceRpm), epoch);
        if header.damaged() {
            self.uncertain(format!(
                "{}: parts of the header of package {} are damaged",
                place(),
                shown(&name)
            ));
        }
        if !self.listing.add(package) {
            self.full = true;
            return;
        }
        for capability in header.texts(Tag::ProvideName) {
            self.listing.provides(&String::from_utf8_lossy(capability));
        }
        for capability in header
            .texts(Tag::RequireName)
            .filter(|capability| !capability.starts_with(b"rpmlib("))
        {
            self.listing.needs(&String::from_utf8_lossy(capability));
        }
        self.add_files(&header, &name);
    }

    /// Joins the paths of a package's files; directories and names are listed apart.
    fn add_files(&mut self, header: &Header<'_>, package: &str) {
        if self.path_bytes_left == 0 {
            return;
        }
        let directories: Vec<&[u8]> = header.texts(Tag::DirNames).take(limits::RPM_DIRECTORIES).collect();
        let mut path = String::new();
        for (name, index) in header.texts(Tag::BaseNames).zip(header.integers(Tag::DirIndexes)) {
            let directory = usize::try_from(index).ok().and_then(|index| directories.get(index));
            let Some(directory) = directory.filter(|directory| directory.len() + name.len() <= limits::PATH_BYTES)
            else {
                continue;
            };
            let length = directory.len() + name.len();
            if length > self.path_bytes_left {
                self.path_bytes_left = 0;
                let what = format!(
                    "more than {} bytes of file names, the owners of the rest are not known",
                    limits::RPM_PATH_BYTES
                );
                self.uncertain(what);
                return;
            }
            self.path_bytes_left -= length;
            path.clear();
            path.push_str(&String::from_utf8_lossy(directory));
            path.push_str(&String::from_utf8_lossy(name));
            self.listing.owns(package, &path);
        }
    }
}

/// `[epoch:]version-release`; rpm takes epoch 0 and no epoch as the same.
pub(super) fn version_text(epoch: u32, version: &str, release: &str) -> String {
    match epoch {
        0 => format!("{version}-{release}"),
        _ => format!("{epoch}:{version}-{release}"),
    }
}

/// Sets source name and version from the name of the source rpm, `name-version-release.src.rpm`.
///
/// The name has no epoch in it. The package's own is taken, as advisories and other scanners do; it is nearly always the
/// source's too.
pub(super) fn set_source(package: &mut Package, source_rpm: &str, epoch: u32) {
    let stem = [".src.rpm", ".nosrc.rpm", ".rpm"]
        .iter()
        .find_map(|suffix| source_rpm.strip_suffix(suffix));
    let parts = stem.and_then(|stem| {
        let (rest, release) = stem.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        (!name.is_empty() && !version.is_empty() && !release.is_empty()).then_some((name, version, release))
    });
    if let Some((name, version, release)) = parts {
        package.source_name = name.to_owned();
        package.source_version = version_text(epoch, version, release);
    }
}
