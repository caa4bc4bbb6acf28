//! dpkg's lists of the files that each package owns: `var/lib/dpkg/info/<package>.list` and `.md5sums`, and
//! `var/lib/dpkg/status.d/<package>.md5sums` of distroless images, which have no `.list`.
//!
//! A list is named after its package, with the architecture after a colon where several can be installed together.

use seaworthy_model::{Ecosystem, limits};

use super::dpkg::status_directory_name;
use super::listing::own;
use super::stanza::split_line;
use crate::analyzer::{Analyzer, File, FileReport};

/// Reads dpkg's lists of owned files.
pub static ANALYZER: Analyzer = Analyzer {
    name: "dpkg-files",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::FILE_BYTES,
    analyze,
};

/// How the lines of a list are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An absolute path.
    List,
    /// The MD5 sum, two spaces, and the path without a leading slash.
    Sums,
}

/// The package that the file at this path is a list of, and the list's form.
fn list_of(path: &str) -> Option<(&str, Form)> {
    let (name, may_be_list) = match path.strip_prefix("var/lib/dpkg/info/") {
        Some(name) => (Some(name).filter(|name| !name.contains('/')), true),
        None => (status_directory_name(path), false),
    };
    let name = name?;
    let (package, form) = match name.strip_suffix(".md5sums") {
        Some(package) => (package, Form::Sums),
        None => (name.strip_suffix(".list").filter(|_| may_be_list)?, Form::List),
    };
    let package = package.split_once(':').map_or(package, |(package, _)| package);
    (!package.is_empty()).then_some((package, form))
}

fn wants(path: &str) -> bool {
    list_of(path).is_some()
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let Some((package, form)) = list_of(file.path) else {
        return;
    };
    let mut left = limits::OWNED_FILES;
    let mut rest = file.bytes;
    while !rest.is_empty() && left > 0 {
        let (line, after) = split_line(rest);
        rest = after;
        let path = match form {
            Form::List => line,
            // The sum has 32 digits; a second separator character, ` ` or `*`, tells text from binary.
            Form::Sums => line.get(34..).unwrap_or_default(),
        };
        if !path.is_empty() && path.len() <= limits::PATH_BYTES {
            own(
                report,
                Ecosystem::Deb,
                package,
                &String::from_utf8_lossy(path),
                file.path,
                &mut left,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ANALYZER;
    use crate::analyzer::{File, FileReport};

    #[test]
    fn lists_name_owner_and_path() {
        for (path, bytes) in [
            (
                "var/lib/dpkg/info/python3-six:amd64.list",
                &b"/.\n/usr\n/usr/lib/python3/dist-packages/six-1.16.0.egg-info\n/usr/share/doc/x\n"[..],
            ),
            (
                "var/lib/dpkg/info/python3-six.md5sums",
                b"0123456789abcdef0123456789abcdef  usr/lib/python3/dist-packages/six-1.16.0.egg-info\nshort\n",
            ),
            (
                "var/lib/dpkg/status.d/python3-six.md5sums",
                b"0123456789abcdef0123456789abcdef  usr/lib/python3/dist-packages/six-1.16.0.egg-info",
            ),
        ] {
            assert!((ANALYZER.wants)(path), "{path}");
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, bytes), &mut report);
            let owned: Vec<_> = report
                .owned
                .iter()
                .map(|owned| (owned.package.as_str(), owned.path.as_str()))
                .collect();
            assert_eq!(
                owned,
                [("python3-six", "usr/lib/python3/dist-packages/six-1.16.0.egg-info")],
                "{path}"
            );
            assert_eq!(report.database, None);
        }
        for path in [
            "var/lib/dpkg/info/x.conffiles",
            "var/lib/dpkg/status.d/x.list",
            "var/lib/dpkg/info/.list",
        ] {
            assert!(!(ANALYZER.wants)(path), "{path}");
        }
    }
}
