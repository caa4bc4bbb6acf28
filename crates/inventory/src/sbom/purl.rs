//! Package URLs (ECMA-427, the purl specification) as bills of materials state them, read leniently: what is not quite
//! right is still an address of a package.

use seaworthy_model::limits;

/// A package URL in parts, percent-decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PackageUrl {
    /// In lower case.
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) qualifiers: Vec<(String, String)>,
}

impl PackageUrl {
    /// Reads `pkg:type/namespace/name@version?qualifiers#subpath`; `None` where it has no type or no name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > limits::VALUE_BYTES {
            return None;
        }
        let rest = text.trim().strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.split_once('/')?;
        // The @ of a scope may stand unescaped: a version's is the last one, and no slash follows it.
        let (path, version) = match rest.rsplit_once('@') {
            Some((path, version)) if !path.is_empty() && !path.ends_with('/') && !version.contains('/') => {
                (path, version)
            }
            _ => (rest, ""),
        };
        let path = path.trim_matches('/');
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: namespace.split('/').map(decode).collect::<Vec<_>>().join("/"),
            name: decode(name),
            version: decode(version),
            qualifiers: qualifiers
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(key, value)| (key.to_ascii_lowercase(), decode(value)))
                .collect(),
        })
    }

    /// The value of a qualifier, empty where there is none.
    pub(super) fn qualifier(&self, key: &str) -> &str {
        let found = self.qualifiers.iter().find(|(name, _)| name == key);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// Resolves `%xx`; a percent sign that begins none stands for itself.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, tail @ ..]) => nibble(*high)
                .zip(nibble(*low))
                .map(|(high, low)| ((high << 4) | low, tail)),
            _ => None,
        };
        let (byte, tail) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::PackageUrl;

    #[test]
    fn parts_are_decoded() {
        for (text, kind, namespace, name, version) in [
            ("pkg:npm/%40babel/core@7.0.0", "npm", "@babel", "core", "7.0.0"),
            ("pkg:npm/@babel/core@7.0.0", "npm", "@babel", "core", "7.0.0"),
            ("pkg:npm/@babel/core", "npm", "@babel", "core", ""),
            (
                "pkg:deb/debian/libstdc%2B%2B6@8.3.0-6?arch=amd64&distro=debian-10.2",
                "deb",
                "debian",
                "libstdc++6",
                "8.3.0-6",
            ),
            (
                "pkg:golang/github.com/a/b@v1.2.3#sub/path",
                "golang",
                "github.com/a",
                "b",
                "v1.2.3",
            ),
            ("pkg://pypi/six@1%2e16", "pypi", "", "six", "1.16"),
            ("pkg:GEM/rails@100%", "gem", "", "rails", "100%"),
        ] {
            let purl = PackageUrl::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (
                    purl.kind.as_str(),
                    purl.namespace.as_str(),
                    purl.name.as_str(),
                    purl.version.as_str()
                ),
                (kind, namespace, name, version),
                "{text}"
            );
        }
        for text in ["", "pkg:", "pkg:npm", "pkg:npm/", "npm/left-pad@1", "pkg:/x@1"] {
            assert_eq!(PackageUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn qualifiers_are_found_by_name() {
        let purl = PackageUrl::parse("pkg:rpm/redhat/a@1-1?Epoch=1&upstream=a-1-1.src.rpm&x").unwrap();
        assert_eq!((purl.qualifier("epoch"), purl.qualifier("x")), ("1", ""));
    }
}
