//! `META-INF/MANIFEST.MF` and `pom.properties`: the two texts in an archive that say what it is.
//!
//! JAR file specification (main section of `Name: value` lines, continued by lines that begin with a space) and
//! `java.util.Properties`, as far as Maven writes them.

use seaworthy_model::limits;

/// What one text says of a package; each part may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coordinates {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
}

/// A value that says something: no placeholder that a build failed to fill in, nothing endless.
fn known(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= limits::VALUE_BYTES
        && !value.contains("${")
        && !value.starts_with('@')
        && !value
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control())
}

/// The coordinates that Maven writes, where all three are known.
pub(super) fn pom_properties(content: &[u8]) -> Option<Coordinates> {
    let text = String::from_utf8_lossy(content);
    let mut found = Coordinates::default();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!'])) {
        let Some((name, value)) = line.split_once(['=', ':']) else {
            continue;
        };
        let place = match name.trim_end() {
            "groupId" => &mut found.group,
            "artifactId" => &mut found.artifact,
            "version" => &mut found.version,
            _ => continue,
        };
        value.trim().clone_into(place);
    }
    let whole = known(&found.group) && known(&found.artifact) && known(&found.version);
    whole.then_some(found)
}

/// The fields from which names and versions are told.
const NAMING: [&str; 10] = [
    "Implementation-Title",
    "Implementation-Version",
    "Implementation-Vendor-Id",
    "Specification-Version",
    "Bundle-SymbolicName",
    "Bundle-Version",
    "Plugin-Version",
    "Group-Id",
    "Short-Name",
    "Extension-Name",
];

/// The main section of a manifest.
#[derive(Debug, Default)]
pub(super) struct Manifest(Vec<(String, String)>);

impl Manifest {
    pub(super) fn parse(content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let mut fields: Vec<(String, String)> = Vec::new();
        let main = text.lines().skip_while(|line| line.trim().is_empty());
        for line in main
            .take_while(|line| !line.trim().is_empty())
            .take(limits::LIST_ENTRIES)
        {
            match (line.strip_prefix(' '), fields.last_mut()) {
                (Some(more), Some((_, value))) => value.push_str(more),
                _ => {
                    if let Some((name, value)) = line.split_once(':') {
                        fields.push((name.trim().to_owned(), value.trim().to_owned()));
                    }
                }
            }
        }
        Self(fields)
    }

    /// The first of these fields that says something.
    pub(super) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|wanted| {
            let mut fields = self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            fields
                .next()
                .map(|(_, value)| value.trim())
                .filter(|value| known(value))
        })
    }

    /// Whether both say the same of what the archive is; who built it when is another matter.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        NAMING.iter().all(|name| self.first(&[name]) == other.first(&[name]))
    }

    /// The version of what the archive implements.
    pub(super) fn version(&self) -> Option<&str> {
        self.first(&["Implementation-Version", "Bundle-Version", "Specification-Version"])
    }

    /// The coordinates of a Jenkins plugin. Its version may be followed by who built it.
    pub(super) fn jenkins_plugin(&self) -> Option<Coordinates> {
        let plugin = self
            .0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("Plugin-Version"));
        let version = plugin?.1.split_whitespace().next().filter(|version| known(version))?;
        Some(Coordinates {
            group: self.first(&["Group-Id"])?.to_owned(),
            artifact: self.first(&["Short-Name", "Extension-Name"])?.to_owned(),
            version: version.to_owned(),
        })
    }

    /// The group that the archive names itself: the vendor's id, or the bundle's name where it ends with the artifact's.
    ///
    /// Bundle names are chosen freely: of `org.apache.derby.osgi` or `com.google.guava` no group can be told.
    pub(super) fn group(&self, artifact: &str) -> Option<&str> {
        let symbolic = self
            .0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("Bundle-SymbolicName"))
            .and_then(|(_, value)| value.split(';').next())
            .and_then(|name| name.trim().strip_suffix(artifact)?.strip_suffix('.'))
            .filter(|group| artifact.contains('-') && known(group));
        let is_group = |text: &&str| {
            text.chars()
                .all(|one| one.is_alphanumeric() || matches!(one, '.' | '-' | '_'))
        };
        symbolic.or_else(|| self.first(&["Implementation-Vendor-Id"]).filter(is_group))
    }
}

#[cfg(test)]
mod tests {
    use super::{Manifest, pom_properties};

    #[test]
    fn coordinates_are_whole_or_none() {
        let read = |text: &str| {
            pom_properties(text.as_bytes()).map(|found| format!("{}:{} {}", found.group, found.artifact, found.version))
        };
        for (text, expected) in [
            ("#x\r\nversion=1\r\ngroupId=g\r\nartifactId=a\r\n", Some("g:a 1")),
            (
                "version = 1\n groupId:g\nartifactId=a\nm2e.projectName=x",
                Some("g:a 1"),
            ),
            ("version=${v}\ngroupId=g\nartifactId=a", None),
            ("version=@v@\ngroupId=g\nartifactId=a", None),
            ("version=1\nartifactId=a", None),
            ("", None),
            ("\u{0}\u{1}=\u{2}", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn groups_are_only_told_where_they_are_plain() {
        for (manifest, artifact, expected) in [
            (
                "Bundle-SymbolicName: org.apache.commons.commons-compress",
                "commons-compress",
                Some("org.apache.commons"),
            ),
            ("Bundle-SymbolicName: com.google.guava", "guava", None),
            (
                "Bundle-SymbolicName: org.apache.derby.osgi.EmbeddedActivator",
                "derby",
                None,
            ),
            ("Bundle-SymbolicName: a-b", "a-b", None),
            ("Implementation-Vendor-Id: org.exam\r\n ple", "x", Some("org.example")),
            ("Implementation-Vendor-Id: The Apache Foundation", "x", None),
            ("Implementation-Vendor-Id: ${groupId}", "x", None),
            ("\r\nImplementation-Vendor-Id: g\r\n\r\nName: x", "x", Some("g")),
            ("Name: x\r\n\r\nImplementation-Vendor-Id: g", "x", None),
        ] {
            assert_eq!(
                Manifest::parse(manifest.as_bytes()).group(artifact),
                expected,
                "{manifest}"
            );
        }
    }

    #[test]
    fn jenkins_plugins_name_themselves() {
        let manifest = b"Group-Id: org.jenkins-ci.plugins\nShort-Name: git\nPlugin-Version: 4.1 (private-x)\n";
        let found = Manifest::parse(manifest).jenkins_plugin().unwrap();
        assert_eq!(
            (found.group.as_str(), found.artifact.as_str(), found.version.as_str()),
            ("org.jenkins-ci.plugins", "git", "4.1")
        );
        assert!(
            Manifest::parse(b"Group-Id: g\nShort-Name: git")
                .jenkins_plugin()
                .is_none()
        );
    }
}
