//! What the name of a Java archive says: whether it is one, and the artifact and version in `artifact-1.2.3.jar`.

/// Endings of archives that a Java program loads.
const ENDINGS: [&str; 10] = ["jar", "war", "ear", "par", "sar", "nar", "hpi", "jpi", "kar", "far"];

/// Words that stand inside versions: what follows them belongs to the version too.
const QUALIFIERS: [&str; 10] = [
    "alpha",
    "beta",
    "milestone",
    "m",
    "rc",
    "cr",
    "sp",
    "jre",
    "snapshot",
    "build",
];

/// The last component of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the file is a Java archive by its name.
pub(super) fn is_archive(path: &str) -> bool {
    name(path).rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// The artifact and the version in the name of an archive.
pub(super) fn artifact(path: &str) -> (&str, Option<&str>) {
    let name = name(path);
    split(name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

/// `commons-io-2.11.0` is `commons-io` and `2.11.0`: the version begins at the last part that starts with a digit and does
/// not continue a version (`1.0-beta-2`, `1.0-2`). Bundles of OSGi have an underscore there.
fn split(stem: &str) -> (&str, Option<&str>) {
    let mut begin = None;
    let mut previous = "";
    let mut at = 0usize;
    for part in stem.split('-') {
        let continues =
            begins_with_digit(previous) || QUALIFIERS.iter().any(|word| previous.eq_ignore_ascii_case(word));
        if at > 0 && begins_with_digit(part) && !(continues && begin.is_some()) {
            begin = Some(at);
        }
        at = at.saturating_add(part.len()).saturating_add(1);
        previous = part;
    }
    let parts = begin.and_then(|begin| Some((stem.get(..begin.checked_sub(1)?)?, stem.get(begin..)?)));
    // `kafka_2.13` is a name (the version of Scala that it is for), `org.eclipse.osgi_3.16.0` has a version.
    let of_bundle = || {
        stem.rsplit_once('_').filter(|(artifact, version)| {
            !artifact.is_empty() && begins_with_digit(version) && version.matches('.').count() > 1
        })
    };
    match parts.or_else(of_bundle) {
        Some((artifact, version)) => (artifact, Some(version)),
        None => (stem, None),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_archive, split};

    #[test]
    fn names_are_split_before_the_version() {
        for (stem, artifact, version) in [
            ("commons-io-2.11.0", "commons-io", Some("2.11.0")),
            ("log4j-1.2-api-2.17.1", "log4j-1.2-api", Some("2.17.1")),
            ("a-1.0-beta-2", "a", Some("1.0-beta-2")),
            ("a-1.0-20200101.1-1", "a", Some("1.0-20200101.1-1")),
            ("kafka_2.13-3.4.0", "kafka_2.13", Some("3.4.0")),
            ("kafka_2.13", "kafka_2.13", None),
            (
                "org.eclipse.osgi_3.16.0.v2020",
                "org.eclipse.osgi",
                Some("3.16.0.v2020"),
            ),
            ("tool", "tool", None),
            ("7-zip", "7-zip", None),
            ("", "", None),
            ("-", "-", None),
            ("-1", "", Some("1")),
        ] {
            assert_eq!(split(stem), (artifact, version), "{stem}");
        }
    }

    #[test]
    fn endings() {
        for (path, expected) in [
            ("a/b.JAR", true),
            ("b.hpi", true),
            ("a/.jar", false),
            ("a/jar", false),
            ("a.jar/b", false),
            ("a.jar.sha1", false),
        ] {
            assert_eq!(is_archive(path), expected, "{path}");
        }
    }
}
