//! The manifest that distroless images of CBL-Mariner and Azure Linux have instead of an rpm database: the output of
//! `rpm -qa` with the tab-separated columns name, version-release, install time, build time, vendor, epoch, size,
//! architecture, epoch number and source rpm. (`container-manifest-1` is a shorter list of the same packages.)

use seaworthy_model::{Ecosystem, Effect, Package, limits};

use super::listing::{Listing, Unresolved};
use super::rpm::{set_source, version_text};
use super::shown;
use super::stanza::split_line;
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads the rpm manifest.
pub static ANALYZER: Analyzer = Analyzer {
    name: "rpm-manifest",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path == "var/lib/rpmmanifest/container-manifest-2"
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let mut listing = Listing::new(file.path, Ecosystem::Rpm, report);
    let mut rest = file.bytes;
    let mut number = 0usize;
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line = String::from_utf8_lossy(line.get(..limits::LINE_BYTES).unwrap_or(line));
        match read_line(&line, file.path) {
            Some(package) if package.name == "gpg-pubkey" => {}
            Some(package) => {
                if !listing.add(package) {
                    break;
                }
            }
            None => {
                let what = format!(
                    "line {number} {} is no line of an rpm manifest and was not read",
                    shown(&line)
                );
                listing.problem(Effect::Incomplete, what);
            }
        }
    }
    listing.finish(Unresolved::Drop);
}

fn read_line(line: &str, path: &str) -> Option<Package> {
    let mut columns = line
        .split('\t')
        .map(|column| if column == "(none)" { "" } else { column.trim() });
    let name = columns.next()?;
    let (version, release) = columns.next()?.rsplit_once('-')?;
    if name.is_empty() || version.is_empty() || release.is_empty() {
        return None;
    }
    let mut columns = columns.skip(2);
    let vendor = columns.next().unwrap_or_default();
    let epoch = columns.next().unwrap_or_default();
    let _size = columns.next();
    let arch = columns.next().unwrap_or_default();
    // EPOCHNUM is EPOCH with 0 for none; some manifests leave the first of them at `(none)` always.
    let epoch = columns.next().filter(|number| !number.is_empty()).unwrap_or(epoch);
    let source = columns.next().unwrap_or_default();
    let epoch = if epoch.is_empty() {
        0
    } else {
        epoch.parse::<u32>().ok()?
    };
    let mut package = Package::new(Ecosystem::Rpm, name, version_text(epoch, version, release), path);
    package.arch = arch.to_owned();
    package.maintainer = vendor.to_owned();
    set_source(&mut package, source, epoch);
    Some(package)
}

#[cfg(test)]
mod tests {
    use super::ANALYZER;
    use crate::analyzer::{File, FileReport};

    #[test]
    fn lines_become_packages() {
        let bytes = b"glibc\t2.35-7.cm2\t1\t2\tMicrosoft Corporation\t(none)\t11\tx86_64\t0\tglibc-2.35-7.cm2.src.rpm\n\
            bind-libs\t9.16.33-1.azl3\t1\t2\tMicrosoft Corporation\t(none)\t11\taarch64\t32\tbind-9.16.33-1.azl3.src.rpm\r\n\
            \nbroken line\nlonely\t1.0-1\n";
        let mut report = FileReport::default();
        (ANALYZER.analyze)(
            File::new("var/lib/rpmmanifest/container-manifest-2", bytes),
            &mut report,
        );
        let rows: Vec<_> = report
            .packages
            .iter()
            .map(|package| {
                [
                    &package.name,
                    &package.version,
                    &package.source_name,
                    &package.source_version,
                    &package.arch,
                ]
                .map(String::as_str)
            })
            .collect();
        assert_eq!(
            rows,
            [
                ["glibc", "2.35-7.cm2", "glibc", "2.35-7.cm2", "x86_64"],
                ["bind-libs", "32:9.16.33-1.azl3", "bind", "32:9.16.33-1.azl3", "aarch64"],
                ["lonely", "1.0-1", "lonely", "1.0-1", ""],
            ]
        );
        assert_eq!(report.problems.len(), 1);
        assert!(report.database.is_some());
    }
}
