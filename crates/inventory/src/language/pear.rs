//! PHP packages and extensions that PEAR and PECL installed: `.registry/**/*.reg`, one serialized PHP value a file.
//!
//! Of the value only strings and arrays matter: `name`, `channel` and `version[release]`, or `package` and `version` in
//! registries of PEAR 1.0.

use seaworthy_model::{Ecosystem, Effect, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "pear",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    path.ends_with(".reg") && path.split('/').rev().skip(1).any(|part| part == ".registry")
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let mut fields = Fields::default();
    let mut reader = Reader {
        rest: file.bytes,
        fields: &mut fields,
    };
    if reader.value(&mut Vec::new()).is_none() {
        let what = "the registry entry is damaged";
        listing::problem(report, file.path, Effect::Uncertain, what);
    }
    let name = if fields.name.is_empty() {
        &fields.package
    } else {
        &fields.name
    };
    let Some(package) = listing::add(report, Ecosystem::Pear, name, &fields.version, file.path) else {
        let what = "the registry entry has no name or version, the package is not listed";
        listing::problem(report, file.path, Effect::Incomplete, what);
        return;
    };
    package.licenses = listing::license(&fields.license).into_iter().collect();
    // The channel is what tells packages of the same name apart (`pecl.php.net`).
    let channel = if fields.channel.is_empty() {
        "pear.php.net"
    } else {
        &fields.channel
    };
    package.source_name = format!("{channel}/{}", package.name);
}

#[derive(Default)]
struct Fields {
    name: String,
    package: String,
    channel: String,
    version: String,
    license: String,
}

/// Reads PHP's serialization format (`serialize()`), as far as registries use it.
struct Reader<'a, 'f> {
    rest: &'a [u8],
    fields: &'f mut Fields,
}

/// Nesting of arrays in a registry entry; real ones have under ten.
const DEPTH: usize = 64;

impl<'a> Reader<'a, '_> {
    fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = self.rest.iter().position(|byte| *byte == end)?;
        let (head, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest.get(1..)?;
        Some(head)
    }

    fn number(&mut self, end: u8) -> Option<usize> {
        std::str::from_utf8(self.until(end)?).ok()?.parse().ok()
    }

    fn skip(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (*first == wanted).then_some(())
    }

    /// One value; `keys` is where it stands in the arrays around it.
    fn value(&mut self, keys: &mut Vec<&'a [u8]>) -> Option<&'a [u8]> {
        let (kind, rest) = self.rest.split_first()?;
        self.rest = rest;
        match kind {
            b'N' => self.skip(b';').map(|()| &[] as &[u8]),
            b'i' | b'd' | b'b' => {
                self.skip(b':')?;
                self.until(b';')
            }
            b's' => {
                self.skip(b':')?;
                let length = self.number(b':')?;
                self.skip(b'"')?;
                let (text, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                self.skip(b'"')?;
                self.skip(b';')?;
                self.keep(keys, text);
                Some(text)
            }
            b'a' => {
                self.skip(b':')?;
                let count = self.number(b':')?;
                self.skip(b'{')?;
                if keys.len() >= DEPTH {
                    return None;
                }
                // Every element takes bytes of the file, so that a large count ends with the file.
                for _ in 0..count {
                    let key = self.key()?;
                    keys.push(key);
                    let value = self.value(keys);
                    keys.pop();
                    value?;
                }
                self.skip(b'}').map(|()| &[] as &[u8])
            }
            _ => None,
        }
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        match self.rest.first()? {
            b'i' | b's' => self.value(&mut vec![b"a key".as_slice(); 1]),
            _ => None,
        }
    }

    fn keep(&mut self, keys: &[&[u8]], text: &[u8]) {
        let field = match keys {
            [b"name"] => &mut self.fields.name,
            [b"package"] => &mut self.fields.package,
            [b"channel"] => &mut self.fields.channel,
            [b"version", b"release"] | [b"version"] => &mut self.fields.version,
            [b"license", b"_content"] | [b"license"] | [b"release_license"] => &mut self.fields.license,
            _ => return,
        };
        *field = String::from_utf8_lossy(text).into_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    fn read(text: &str) -> FileReport {
        let path = "usr/share/php/.registry/.channel.pecl.php.net/x.reg";
        assert!((ANALYZER.wants)(path));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
        report
    }

    #[test]
    fn old_and_new_entries() {
        for (text, name, version) in [
            (
                r#"a:3:{s:4:"name";s:5:"redis";s:7:"channel";s:12:"pecl.php.net";s:7:"version";a:2:{s:7:"release";s:5:"6.0.2";s:3:"api";s:1:"9";}}"#,
                "pecl.php.net/redis",
                "6.0.2",
            ),
            (
                r#"a:3:{s:7:"package";s:4:"Mail";s:1:"x";a:1:{i:0;N;}s:7:"version";s:3:"1.4";}"#,
                "pear.php.net/Mail",
                "1.4",
            ),
        ] {
            let report = read(text);
            let [package] = report.packages.as_slice() else {
                panic!("{report:?}")
            };
            assert_eq!(
                (package.source_name.as_str(), package.version.as_str()),
                (name, version)
            );
        }
    }

    #[test]
    fn damage_and_depth_end_quietly() {
        for text in ["", "a:9999999999:{", "s:99:\"x\";", &"a:1:{i:0;".repeat(100_000)] {
            let report = read(text);
            assert!(report.packages.is_empty() && !report.problems.is_empty(), "{text:.20}");
        }
    }
}
