//! The operating system distribution of an image.

use serde::{Deserialize, Serialize};

/// A family of distributions that share advisories, package format and naming.
///
/// `name()` gives the word that Trivy's reports use, because readers of those reports key on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the distributions' own")]
pub enum Family {
    ActiveState,
    Alma,
    Alpine,
    Amazon,
    Arch,
    Azure,
    Bottlerocket,
    CblMariner,
    CentOs,
    CentOsStream,
    Chainguard,
    CoreOs,
    Debian,
    Echo,
    Fedora,
    Gentoo,
    MinimOs,
    OpenSuseLeap,
    OpenSuseTumbleweed,
    OpenWrt,
    Oracle,
    Photon,
    RedHat,
    Rocky,
    Sles,
    SleMicro,
    Ubuntu,
    Wolfi,
    /// A distribution that Seaworthy has no name for; `Distribution::id` has its own.
    Other,
}

impl Family {
    /// The family's name in Trivy's reports (`Metadata.OS.Family`, `Results[].Type`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActiveState => "activestate",
            Self::Alma => "alma",
            Self::Alpine => "alpine",
            Self::Amazon => "amazon",
            Self::Arch => "arch",
            Self::Azure => "azurelinux",
            Self::Bottlerocket => "bottlerocket",
            Self::CblMariner => "cbl-mariner",
            Self::CentOs => "centos",
            Self::CentOsStream => "centos-stream",
            Self::Chainguard => "chainguard",
            Self::CoreOs => "coreos",
            Self::Debian => "debian",
            Self::Echo => "echo",
            Self::Fedora => "fedora",
            Self::Gentoo => "gentoo",
            Self::MinimOs => "minimos",
            Self::OpenSuseLeap => "opensuse-leap",
            Self::OpenSuseTumbleweed => "opensuse-tumbleweed",
            Self::OpenWrt => "openwrt",
            Self::Oracle => "oracle",
            Self::Photon => "photon",
            Self::RedHat => "redhat",
            Self::Rocky => "rocky",
            Self::Sles => "sles",
            Self::SleMicro => "slem",
            Self::Ubuntu => "ubuntu",
            Self::Wolfi => "wolfi",
            Self::Other => "unknown",
        }
    }

    /// Every family.
    pub const ALL: [Self; 29] = [
        Self::ActiveState,
        Self::Alma,
        Self::Alpine,
        Self::Amazon,
        Self::Arch,
        Self::Azure,
        Self::Bottlerocket,
        Self::CblMariner,
        Self::CentOs,
        Self::CentOsStream,
        Self::Chainguard,
        Self::CoreOs,
        Self::Debian,
        Self::Echo,
        Self::Fedora,
        Self::Gentoo,
        Self::MinimOs,
        Self::OpenSuseLeap,
        Self::OpenSuseTumbleweed,
        Self::OpenWrt,
        Self::Oracle,
        Self::Photon,
        Self::RedHat,
        Self::Rocky,
        Self::Sles,
        Self::SleMicro,
        Self::Ubuntu,
        Self::Wolfi,
        Self::Other,
    ];
}

/// What the release files of an image say about its distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// The family, which decides advisories and naming.
    pub family: Family,
    /// `ID` of os-release as written, or the family's name where another file told.
    pub id: String,
    /// The version as Trivy reports it (`Metadata.OS.Name`): `3.20.1`, `12.5`, `22.04`, `9.4`, `2023`.
    pub version: String,
    /// The branch that the package manager installs from, where a file names it (`v3.20` → `3.20`, or `edge`, from
    /// apk's repositories); it decides advisories before the version does.
    pub repository: Option<String>,
    /// Long-term channels that the image is subscribed to: `esm-infra`, `esm-apps`.
    pub channels: Vec<String>,
    /// `ID_LIKE` of os-release, in order.
    pub id_like: Vec<String>,
    /// `PRETTY_NAME` of os-release, for people.
    pub pretty_name: Option<String>,
    /// `CPE_NAME` of os-release.
    pub cpe_name: Option<String>,
    /// The content sets of Red Hat's build information, where the image carries them.
    pub content_sets: Vec<String>,
}

impl Distribution {
    /// A distribution of which only family and version are known.
    pub fn new(family: Family, version: impl Into<String>) -> Self {
        Self {
            family,
            id: family.name().to_owned(),
            version: version.into(),
            repository: None,
            channels: Vec::new(),
            id_like: Vec::new(),
            pretty_name: None,
            cpe_name: None,
            content_sets: Vec::new(),
        }
    }

    /// The number in the version: `2` of `2 (Karoo)`, `2018.03` of `AMI release 2018.03`, the whole where there is none.
    pub fn number(&self) -> &str {
        self.version
            .split_whitespace()
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
            .unwrap_or(&self.version)
    }

    /// The major part of the number: the text before the first dot.
    pub fn major(&self) -> &str {
        self.number().split('.').next().unwrap_or("")
    }

    /// Major and minor part of the number: `3.20` of `3.20.1`; the whole where there is no second dot.
    pub fn major_minor(&self) -> &str {
        let number = self.number();
        number
            .match_indices('.')
            .nth(1)
            .map_or(number, |(at, _)| number.get(..at).unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::{Distribution, Family};

    #[test]
    fn parts_of_versions() {
        for (version, major, major_minor) in [
            ("3.20.1", "3", "3.20"),
            ("12", "12", "12"),
            ("2 (Karoo)", "2", "2"),
            ("AMI release 2018.03", "2018", "2018.03"),
            ("2023.6.20241010 (Amazon Linux)", "2023", "2023.6"),
            ("trixie/sid", "trixie/sid", "trixie/sid"),
            ("", "", ""),
        ] {
            let distribution = Distribution::new(Family::Other, version);
            assert_eq!(
                (distribution.major(), distribution.major_minor()),
                (major, major_minor),
                "{version}"
            );
        }
    }
}
