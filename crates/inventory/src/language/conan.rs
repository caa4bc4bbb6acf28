//! C and C++ packages in a Conan cache: `conaninfo.txt` below `data/<name>/<version>/<user>/<channel>/package/<id>`
//! (Conan 1). It also names what the package was built with (`[full_requires]`, exact versions).

use seaworthy_model::{Ecosystem, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "conan",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.ends_with("/conaninfo.txt") || path == "conaninfo.txt"
}

/// Name and version of the directories in the cache.
fn in_cache(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.rsplit('/').skip(2);
    (parts.next()? == "package").then_some(())?;
    let (_channel, _user) = (parts.next()?, parts.next()?);
    let (version, name) = (parts.next()?, parts.next()?);
    Some((name, version))
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    if let Some((name, version)) = in_cache(file.path) {
        listing::add(report, Ecosystem::Conan, name, version, file.path);
    }
    let text = String::from_utf8_lossy(file.bytes);
    let required = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[full_requires]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    for line in required.take(limits::LIST_ENTRIES) {
        // `zlib/1.2.11@user/channel:id` or `zlib/1.2.11#revision:id`.
        let reference = line.split([':', '@', '#']).next().unwrap_or("");
        if let Some((name, version)) = reference.split_once('/') {
            listing::add(report, Ecosystem::Conan, name, version, file.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn the_package_and_what_it_was_built_with() {
        let path = "root/.conan/data/mfast/1.2.2/my/stable/package/9d1f/conaninfo.txt";
        let text = b"[requires]\n    boost/1.Y.Z\n\n[full_requires]\n    boost/1.75.0:dc8a\n    zlib/1.2.12#c67c:9d1f\n\n[options]\n    a/b\n";
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text), &mut report);
        let found: Vec<_> = report
            .packages
            .iter()
            .map(|one| format!("{} {}", one.name, one.version))
            .collect();
        assert_eq!(found, ["mfast 1.2.2", "boost 1.75.0", "zlib 1.2.12"]);
    }
}
